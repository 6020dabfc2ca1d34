"""A table's columns as inputs of a graph, and the features that become of them.

The same as `data.tables.encoder` does after DuckDB has read a file: numbers are centred in float64
and rounded to float32, what is missing takes the median or an indicator, every level has a feature.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest

import numpy as np
from jaxtyping import Float64, Int64

from dnncli.data.tables import encoder, recurring
from dnncli.data.tables.encoding import Column, Encoding
from dnncli.interop import spellings
from dnncli.interop.onnx.graph import ML, Graph

KINDS = {
    "number": "a number",
    "time": "days since 1970-01-01, with fractions",
    "code": "a number that names a category",
    "text": "a text that names a category",
}


def features(graph: Graph, encoding: Encoding) -> str:
    """The features of every row, unscaled, in the encoding's order."""
    at = encoder.layout(encoding)
    inputs = [_input(graph, column) for column in encoding.columns]
    parts: list[str] = []
    places: list[Int64[np.ndarray, " features"]] = []
    if len(at.numbers):
        numbers = [encoding.columns[i] for i in at.numbers]
        x = graph.concatenated([inputs[i] for i in at.numbers])
        for part, place in _numbers(graph, at, numbers, x):
            parts.append(part)
            places.append(place)
    for i, first in zip(at.categories, at.firsts, strict=True):
        column = encoding.columns[i]
        category = _texts if column.kind == "text" else _codes
        parts.append(category(graph, column, inputs[i]))
        places.append(first + np.arange(len(column.features)))
    for target in at.by_target:
        column = encoding.columns[target.column]
        parts.append(_effects(graph, column, inputs[target.column]))
        places.append(target.first + np.arange(len(column.features)))
    return _ordered(graph, parts, np.concatenate(places))


def _input(graph: Graph, column: Column) -> str:
    """A column as a person has it: a text or a number for each row."""
    type_ = "string" if column.kind == "text" else "double"
    missing = "empty where missing" if column.kind == "text" else "NaN where missing"
    return graph.input(column.name, type_, [1], f"{KINDS[column.kind]}; {missing}")


def _numbers(
    graph: Graph, at: encoder.Layout, columns: Sequence[Column], x: str
) -> Iterator[tuple[str, Int64[np.ndarray, " features"]]]:
    """Values (medians where missing), indicators of missing ones, and what comes again in times.

    Each comes with the places of its features.
    """
    exact = x
    if at.centers.any():
        exact = graph.node("Sub", x, graph.constant(at.centers[None]))
    single = graph.cast(exact, "float")
    usable = _usable(graph, columns, x, single)
    yield graph.node("Where", usable, single, graph.constant(at.medians[None])), at.values
    if at.marked.any():
        chosen = graph.constant(np.flatnonzero(at.marked))
        present = graph.node("Gather", usable, chosen, axis=1)
        yield graph.cast(graph.node("Not", present), "float"), at.indicators
    for time in at.times:
        yield (
            _recurring(graph, time, x, usable),
            time.first + np.arange(recurring.count(time.parts)),
        )


def _usable(graph: Graph, columns: Sequence[Column], x: str, single: str) -> str:
    """Which numbers are neither missing nor too large, given in float64 and in float32."""
    infinity = graph.constant(np.array(np.inf, np.float32))
    # NaN is not less than anything, so that one comparison finds what is not finite.
    usable = graph.node("Less", graph.node("Abs", single), infinity)
    for marks in _marks(columns):
        marked = graph.node("Equal", x, graph.constant(marks[None]))
        usable = graph.node("And", usable, graph.node("Not", marked))
    return usable


def _recurring(graph: Graph, time: encoder.Time, x: str, usable: str) -> str:
    """What comes again in a time, 0 where it is missing; phases are taken in float64."""
    place = graph.constant(np.array([time.number]))
    present = graph.node("Gather", usable, place, axis=1)
    days = graph.node("Gather", x, place, axis=1)
    known = graph.node("Where", present, days, graph.constant(np.array([[0.0]])))
    parts = [_part(graph, part, known) for part in time.parts]
    found = graph.concatenated(parts)
    return graph.node("Mul", found, graph.cast(present, "float"))


def _part(graph: Graph, part: str, days: str) -> str:
    """One part: a feature a day of the week, else sine and cosine."""
    if part == recurring.WEEKDAY:
        first = graph.constant(np.array([[float(recurring.FIRST_WEEKDAY)]]))
        turns = _quotient(graph, graph.node("Add", graph.node("Floor", days), first), 7.0)
        week = graph.constant(np.array([[7.0]]))
        day = graph.node("Mul", graph.node("Sub", turns, graph.node("Floor", turns)), week)
        rounded = graph.cast(graph.node("Round", day), "int64")
        return graph.cast(graph.node("Equal", rounded, graph.constant(np.arange(7)[None])), "float")
    turns = _quotient(graph, days, recurring.PERIODS[part])
    phase = graph.cast(graph.node("Sub", turns, graph.node("Floor", turns)), "float")
    angle = graph.node("Mul", phase, graph.constant(np.array([[2 * np.pi]], np.float32)))
    return graph.concatenated([graph.node("Sin", angle), graph.node("Cos", angle)])


def _quotient(graph: Graph, value: str, period: float) -> str:
    """A value in periods."""
    return graph.node("Div", value, graph.constant(np.array([[period]])))


def _marks(columns: Sequence[Column]) -> Iterator[Float64[np.ndarray, " columns"]]:
    """One mark of a missing value for each column at a time; NaN, which equals nothing, for none.

    Marks that are not numbers cannot stand among numbers.
    """
    found = [spellings.of_numbers(column.marks) for column in columns]
    yield from map(np.array, zip_longest(*found, fillvalue=np.nan))


def _effects(graph: Graph, column: Column, x: str) -> str:
    """The effects of a row's level, 0 for what is not one, and an indicator of missing values."""
    several = replace(column, by_target=False, outputs=(), effects=())
    effects = np.array(column.effects, np.float32).T
    table = np.zeros((len(several.features), effects.shape[1]), np.float32)
    table[: len(effects)] = effects
    last = len(table) - 1
    if column.kind == "code":
        hits = _codes(graph, several, x)
        values = graph.node("MatMul", hits, graph.constant(table))
        absent = graph.node("Gather", hits, graph.constant(np.array([last])), axis=1)
    else:
        # The index has one column, whose place the effects take.
        index = _index(graph, several, x)
        shape = graph.constant(np.array([-1, effects.shape[1]]))
        values = graph.node("Reshape", graph.node("Gather", graph.constant(table), index), shape)
        is_last = graph.node("Equal", index, graph.constant(np.array([[last]])))
        absent = graph.cast(is_last, "float")
    return graph.concatenated([values, absent]) if column.missing else values


def _codes(graph: Graph, column: Column, x: str) -> str:
    """One feature for each code, one for any other and, where training had some, for missing."""
    levels = np.array([float(level) for level in column.levels], np.float64)
    hits = graph.cast(graph.node("Equal", x, graph.constant(levels[None])), "float")
    axes = graph.constant(np.array([1], np.int64))
    one = graph.constant(np.array(1, np.float32))
    other = graph.node("Sub", one, graph.node("ReduceSum", hits, axes, keepdims=1))
    if not column.missing:
        return graph.concatenated([hits, other])
    absent = graph.node("IsNaN", x)
    for mark in spellings.of_numbers(column.marks):
        marked = graph.node("Equal", x, graph.constant(np.array([[mark]])))
        absent = graph.node("Or", absent, marked)
    missing = graph.cast(absent, "float")
    return graph.concatenated([hits, graph.node("Sub", other, missing), missing])


def _texts(graph: Graph, column: Column, x: str) -> str:
    """One feature for each level, one for any other and, where training had some, for missing."""
    index = _index(graph, column, x)
    places = graph.constant(np.arange(len(column.features))[None])
    return graph.cast(graph.node("Equal", index, places), "float")


def _index(graph: Graph, column: Column, x: str) -> str:
    """Which of the features of `_texts` a text has."""
    other = len(column.levels)
    width = len(column.features)
    keys: dict[str, int] = {}
    for i, level in enumerate(column.levels):
        keys |= dict.fromkeys(spellings.of_level(level), i)
    keys |= dict.fromkeys(spellings.of_missing(column.marks), width - 1)
    return graph.node(
        "LabelEncoder",
        x,
        domain=ML,
        keys_strings=list(keys),
        values_int64s=list(keys.values()),
        default_int64=other,
    )


def _ordered(graph: Graph, parts: Sequence[str], places: Int64[np.ndarray, " features"]) -> str:
    """Matrices side by side, their columns at the places that they have among the features."""
    joined = graph.concatenated(parts)
    if (np.diff(places) > 0).all():
        return joined
    return graph.node("Gather", joined, graph.constant(np.argsort(places)), axis=1)
