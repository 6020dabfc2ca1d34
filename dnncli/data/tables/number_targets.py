"""Targets that are numbers: whether a column is one rather than a class, and its values."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from dnncli.data import quantities
from dnncli.data.tables import encoder, notation_search, sql, targets
from dnncli.data.tables.encoder import TEXT
from dnncli.data.tables.encoding import Column
from dnncli.data.tables.relation import Relation, Scan
from dnncli.data.tables.targets import Labels
from dnncli.errors import DataError, SpecError
from dnncli.records import Notice
from dnncli.spec import DataSpec

REGRESSION = "regression"
CLASSES = "whole classes"

Values = Float64[np.ndarray, "rows targets"]


def chosen(relation: Relation, names: Sequence[str], spec: DataSpec) -> tuple[Labels, list[Notice]]:
    """The target, as classes or as numbers, whichever --task says or its values suggest.

    Raises DataError for a target that is neither, SpecError for several that --task has as classes.
    """
    if len(names) > 1 and spec.task == "classification":
        raise SpecError(
            f"--target {spec.target}: a network tells the classes of one column; several are"
            " predicted together as numbers only.",
            option="--target",
        )
    if len(names) > 1 or spec.task == "regression":
        return as_numbers(relation, names), []
    labels = targets.count(relation, names[0], spec.label_strip)
    if spec.task == "classification":
        targets.check(relation, labels)
        return labels, []
    values = _numbers(relation, labels)
    if quantities.is_quantity(*values):
        return as_numbers(relation, names), [quantities.notice(REGRESSION, names[0], values[0])]
    targets.check(relation, labels)
    if len(values[0]) > 2:
        return labels, [quantities.notice(CLASSES, names[0], values[0])]
    return labels, []


def _numbers(relation: Relation, labels: Labels) -> tuple[list[float], list[int]]:
    """A target's different numbers and how often each occurs; none where one is not a number.

    Numbers that are written for people count, as 1.234,5; those with zeros in front are codes.
    """
    coded = any(name.lstrip("-").startswith("0") and name.isdigit() for name in _long(labels))
    if coded:
        return [], []
    numbers = targets.as_floats(labels.names)
    if numbers:
        return _merged(numbers, labels.counts)
    column = _column(relation, labels.column)
    if not column.format:
        return [], []
    value = sql.number(column.name, relation.types[column.name], "number", column.format)
    found = relation.fetch(
        f"SELECT value, count(*) FROM (SELECT {value} AS value FROM {relation.filtered})"
        f" WHERE value IS NOT NULL GROUP BY value LIMIT {targets.MOST_CLASSES + 1}"
    )
    return _merged([number for number, _ in found], [count for _, count in found])


def _long(labels: Labels) -> list[str]:
    """Labels of more than one character."""
    return [name for name in labels.names if len(name) > 1]


def _merged(numbers: Sequence[float], counts: Sequence[int]) -> tuple[list[float], list[int]]:
    """Different numbers with their counts, of labels that may write one in several ways."""
    merged: dict[float, int] = {}
    for number, count in zip(numbers, counts, strict=True):
        merged[number] = merged.get(number, 0) + count
    return list(merged), list(merged.values())


def as_numbers(relation: Relation, names: Sequence[str]) -> Labels:
    """Columns as targets that are numbers. Raises DataError for those that hold none."""
    for name in names:
        if name in relation.unusable:
            raise DataError(
                f"{relation.location}: column {name!r} holds {relation.unusable[name]}, which"
                " is not a number."
            )
    ((rows,),) = relation.fetch(f"SELECT count(*) FROM {relation.filtered}")
    if not rows:
        raise targets.no_rows(relation)
    columns = tuple(_column(relation, name) for name in names)
    return Labels(names[0], (), (rows,), None, columns)


def as_known(relation: Relation, columns: Sequence[Column]) -> Labels:
    """The targets of a trained network's table, in the notation that they had there."""
    labels = as_numbers(relation, [column.name for column in columns])
    return replace(labels, numbers=tuple(columns))


def _column(relation: Relation, name: str) -> Column:
    """A target's encoding: how its numbers are written."""
    if sql.simple(relation.types[name]) != "VARCHAR":
        return Column(name, "number")
    found = notation_search.find(relation, [name], {name: "number"})
    if name not in found:
        return Column(name, "number")
    return Column(name, "number", format=found[name].format)


def values(relation: Relation, labels: Labels) -> Values:
    """The targets' numbers, row by row. Raises DataError where one is missing or not a number."""
    columns = labels.numbers
    select = encoder.select_values(columns, relation.types)
    y = np.empty((labels.rows, len(columns)), np.float64)
    scan = Scan(relation, select, len(columns), labels.rows)
    for rows, batch in scan:
        y[rows] = batch["x"]
    (y,) = scan.sort(y)
    for column, numbers in zip(columns, y.T, strict=True):
        _check(relation, column.name, numbers)
    return y


def _check(relation: Relation, name: str, numbers: Float64[np.ndarray, " rows"]) -> None:
    """Raise DataError for a target that is not a finite number in every row."""
    if np.isnan(numbers).any():
        raise targets.missing(relation, name, None, int(np.isnan(numbers).sum()))
    texts = numbers == TEXT
    wrong = texts | (np.abs(numbers) > np.finfo(np.float32).max)
    if not wrong.any():
        return
    first = int(np.argmax(wrong))
    order = f"ORDER BY {sql.name(relation.row)} LIMIT 1 OFFSET {first}"
    ((text,),) = relation.fetch(
        f"SELECT {sql.name(name)}::VARCHAR FROM {relation.numbered} {order}"
    )
    what = "not a number" if texts[first] else "too large"
    raise DataError(
        f"{relation.location}: column {name!r} holds {int(wrong.sum()):,} of what is {what}, the"
        f" first {text[:40]!r} in row {first + 1:,}: a regression needs a number in every row;"
        " repair it, choose another column with --target, or take its values as classes with --task"
        " classification."
    )
