"""From a table's rows to features: the numbers that DuckDB is asked for, and what becomes of them.

Both halves of the encoding stand here, since they share how text among numbers is marked. DuckDB
turns each column into one DOUBLE a row, NumPy turns batches of these into features.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from dnncli.data.tables import recurring, sql
from dnncli.data.tables.encoding import Column, Encoding

TEXT = np.finfo(np.float32).min  # stands for text where a number should be
TEXT_SQL = f"({float(TEXT)!r})::DOUBLE"
ISSUES = ("missing", "text", "large", "other")  # why a value had to be replaced


def select_values(columns: Sequence[Column], types: Mapping[str, str]) -> str:
    """SELECT list of the values of columns as one matrix `x`, of which TEXT is not a number."""
    return _matrix([_value(column, types[column.name]) for column in columns])


def select_encoded(encoding: Encoding, types: Mapping[str, str]) -> str:
    """SELECT list of what `encode` takes, as one matrix `x`."""
    return _matrix([_expression(column, types[column.name]) for column in encoding.columns])


def _matrix(values: Sequence[str]) -> str:
    """Expressions as one list of a fixed size."""
    return f"array_value({', '.join(values)})::DOUBLE[{len(values)}] AS x"


def _expression(column: Column, type_: str) -> str:
    """A column as `encode` takes it."""
    if column.categorical:
        return _level_index(column, type_)
    return _value(column, type_)


def _value(column: Column, type_: str) -> str:
    """A column as DOUBLE: null or NaN where missing, TEXT where it is not a number."""
    exact = sql.number(column.name, type_, column.kind, column.format)
    if sql.simple(type_) == "DOUBLE" and column.kind != "time":
        return exact
    present = f"cleaned({sql.name(column.name)}::VARCHAR) IS NOT NULL"
    return f"coalesce({exact}, CASE WHEN {present} THEN {TEXT_SQL} END)"


def _level_index(column: Column, type_: str) -> str:
    """A category's index among the levels: -1 where missing, their number for any other value."""
    quoted = sql.name(column.name)
    other = len(column.levels)
    if column.kind == "text":
        text = sql.level(column.name, type_)
        index = sql.index(text, column.levels, other)
        return f"(CASE WHEN {quoted} IS NULL THEN -1 ELSE {index} END)::DOUBLE"
    exact = sql.number(column.name, type_)
    if column.by_target:  # of too many levels to compare with each
        text = sql.level(column.name, type_, "code")
        index = sql.index(text, [repr(float(level)) for level in column.levels], other)
        return f"(CASE WHEN {quoted} IS NULL OR isnan({exact}) THEN -1 ELSE {index} END)::DOUBLE"
    pairs = enumerate(map(float, column.levels))
    cases = " ".join(f"WHEN {exact} = '{code!r}'::DOUBLE THEN {i}" for i, code in pairs)
    missing = f"{quoted} IS NULL OR isnan({exact})"
    return f"(CASE WHEN {missing} THEN -1 {cases} ELSE {other} END)::DOUBLE"


class Time(NamedTuple):
    """A time with parts: its index among the numbers, and the first feature of its parts."""

    number: int
    first: int
    parts: tuple[str, ...]


class Target(NamedTuple):
    """A column whose levels have effects: its place and number of levels, and two features.

    first: takes the level's index, of which `level_effects` makes effects. missing: None: no
    indicator.
    """

    column: int
    levels: int
    first: int
    missing: int | None


class Layout(NamedTuple):
    """Indices of columns and of their features: numbers (and times) first, then categories.

    Categories are those with a feature a level. `absent` is the feature of a category's missing
    values: its own, or that of other levels.
    """

    numbers: Int64[np.ndarray, " numbers"]
    values: Int64[np.ndarray, " numbers"]  # features that hold them
    medians: Float32[np.ndarray, " numbers"]  # less the centers
    centers: Float64[np.ndarray, " numbers"]
    marked: Bool[np.ndarray, " numbers"]  # which have an indicator of missing values …
    indicators: Int64[np.ndarray, " marked"]  # … and the features that are one
    categories: Int64[np.ndarray, " categories"]
    firsts: Int64[np.ndarray, " categories"]  # features of their first levels
    levels: Int64[np.ndarray, " categories"]  # how many they have
    absent: Int64[np.ndarray, " categories"]
    by_target: tuple[Target, ...]
    times: tuple[Time, ...]
    expected: Bool[np.ndarray, " columns"]  # which had missing values in training
    width: int


def layout(encoding: Encoding) -> Layout:
    """The layout of an encoding's features."""
    columns = encoding.columns
    categorical = np.array([column.categorical for column in columns], bool)
    by_target = np.array([column.by_target for column in columns], bool)
    missing = np.array([column.missing for column in columns], bool)
    levels = np.array([len(column.levels) for column in columns], np.int64)
    ends = np.cumsum([len(column.features) for column in columns])
    starts = np.concatenate([[0], ends[:-1]])
    mark_of_missing = {i: ends[i] - 1 for i in np.flatnonzero(missing).tolist()}
    numbers = np.flatnonzero(~categorical)
    categories = np.flatnonzero(categorical & ~by_target)
    return Layout(
        numbers=numbers,
        values=starts[numbers],
        medians=np.array([columns[i].median - columns[i].center for i in numbers], np.float32),
        centers=np.array([columns[i].center for i in numbers], np.float64),
        marked=missing[numbers],
        indicators=ends[numbers][missing[numbers]] - 1,
        categories=categories,
        firsts=starts[categories],
        levels=levels[categories],
        absent=ends[categories] - 1,
        by_target=tuple(
            Target(i, len(columns[i].levels), starts[i], mark_of_missing.get(i))
            for i in np.flatnonzero(by_target).tolist()
        ),
        times=tuple(
            Time(place, int(starts[i]) + 1, columns[i].parts)
            for place, i in enumerate(numbers)
            if columns[i].parts
        ),
        expected=missing,
        width=int(ends[-1]),
    )


def singles(exact: Float64[np.ndarray, "rows columns"]) -> Float32[np.ndarray, "rows columns"]:
    """Values in float32, infinite where they are too large for it."""
    with np.errstate(over="ignore"):
        return exact.astype(np.float32)


def _centered(
    at: Layout, exact: Float64[np.ndarray, "rows columns"]
) -> Float32[np.ndarray, "rows columns"]:
    """Values less their columns' centers, in float32; TEXT stays what it is."""
    moved = np.flatnonzero(at.centers)
    if len(moved):
        columns = at.numbers[moved]
        numbers = exact[:, columns]
        exact = exact.copy()
        exact[:, columns] = np.where(numbers == TEXT, TEXT, numbers - at.centers[moved])
    return singles(exact)


def encode(
    at: Layout, exact: Float64[np.ndarray, "rows columns"]
) -> tuple[Float32[np.ndarray, "rows features"], Int64[np.ndarray, "issues columns"]]:
    """Features, and how often each column had each of ISSUES that training had not.

    Values are numbers, NaN where missing, TEXT or infinite; of categories the level's index, the
    number of levels for any other value and -1 where missing. Of columns by target the first
    feature is that index.
    """
    values = _centered(at, exact)
    x = np.zeros((len(values), at.width), np.float32)
    numbers = values[:, at.numbers]
    usable = np.isfinite(numbers) & (numbers != TEXT)
    x[:, at.values] = np.where(usable, numbers, at.medians)
    x[:, at.indicators] = ~usable[:, at.marked]
    for time in at.times:
        days = exact[:, at.numbers[time.number]]
        found = recurring.features(days, usable[:, time.number], time.parts)
        x[:, time.first : time.first + found.shape[1]] = found
    indices = values[:, at.categories].astype(np.int64)
    active = np.where(indices < 0, at.absent, at.firsts + indices)
    rows = np.arange(len(x))[:, None]
    x[rows, active] = 1
    for target in at.by_target:
        found = values[:, target.column]
        x[:, target.first] = found
        if target.missing is not None:
            x[:, target.missing] = found < 0
    return x, _issues(at, values, numbers, indices)


def _issues(
    at: Layout,
    values: Float32[np.ndarray, "rows columns"],
    numbers: Float32[np.ndarray, "rows numbers"],
    indices: Int64[np.ndarray, "rows categories"],
) -> Int64[np.ndarray, "issues columns"]:
    """How often each column had each of ISSUES, missing values that training had too aside."""
    issues = np.zeros((len(ISSUES), len(at.expected)), np.int64)
    issues[0, at.numbers] = np.isnan(numbers).sum(axis=0)
    issues[1, at.numbers] = (numbers == TEXT).sum(axis=0)
    issues[2, at.numbers] = np.isinf(numbers).sum(axis=0)
    issues[0, at.categories] = (indices < 0).sum(axis=0)
    issues[3, at.categories] = (indices == at.levels).sum(axis=0)
    for target in at.by_target:
        found = values[:, target.column]
        issues[0, target.column] = (found < 0).sum()
        issues[3, target.column] = (found == target.levels).sum()
    issues[0, at.expected] = 0
    return issues
