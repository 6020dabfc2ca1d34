"""From a table's files to examples: by an encoding found on them, or by one that a network knows."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int32, Int64

from dnncli.data.source import Source, Table, default_size, fingerprint
from dnncli.data.tables import fitting, sql, targets, telling
from dnncli.data.tables.encoding import Encoding
from dnncli.data.tables.errors import ConversionError
from dnncli.data.tables.relation import PACKED, Reading, Relation, open_table
from dnncli.errors import DataError, SpecError
from dnncli.spec import DataSpec

FLAGS = 5  # kinds of flags that a value can have, FINE among them


@dataclass(frozen=True)
class Rows:
    """Encoded rows, their classes, and how often each column had each flag."""

    x: Float32[np.ndarray, "rows features"]
    y: Int32[np.ndarray, " rows"]
    flags: Int64[np.ndarray, "columns kinds"]


def read(spec: DataSpec, known: Encoding | None = None) -> Source:
    """The table of --data and, where --test names one, its test table.

    Both are encoded as `known` says, or else as the training table suggests. Raises DataError for what
    cannot be read or learned from, SpecError for options that do not fit it.
    """
    try:
        return _read(spec, known, whole=False)
    except ConversionError:
        return _read(spec, known, whole=True)  # a value far down is of another type than the first ones


def _read(spec: DataSpec, known: Encoding | None, whole: bool) -> Source:
    reading = Reading(spec.delimiter, spec.header, spec.where, whole=whole)
    if known is None:
        encoding, train, notices = _fitted(spec, reading)
    else:
        encoding, notices = known, ()
        train, notices = _encoded(spec.data, reading, known, spec.label_strip)
    test = None
    if isinstance(spec.test, str):
        test, more = _encoded(spec.test, reading, encoding, spec.label_strip)
        notices += more
    return _source(spec, encoding, train, test, notices)


def _fitted(spec: DataSpec, reading: Reading) -> tuple[Encoding, Rows, tuple[str, ...]]:
    reading = replace(reading, text=lambda names: [targets.resolve(names, spec.target)])
    relation = open_table(spec.data, reading)
    column = targets.resolve([*relation.types, *relation.unusable], spec.target)
    labels = targets.count(relation, column, spec.label_strip)
    fit = fitting.fit(relation, labels, spec.drop, spec.types)
    encoding = fit.encoding
    classes = targets.places(relation, labels, encoding.classes)
    if fit.features is None:
        return encoding, _rows(relation, encoding, labels, classes), fit.notices
    return encoding, _labelled(relation, labels, classes, fit.features), fit.notices


def _encoded(text: str, reading: Reading, known: Encoding, strip: str | None) -> tuple[Rows, tuple[str, ...]]:
    """A table encoded as another was, and what is to be told of it."""
    header = not known.layout if reading.header is None else reading.header
    reading = replace(
        reading, header=header, layout=known.layout, optional=known.target, text=lambda names: [known.target]
    )
    relation = open_table(text, reading)
    check_columns(relation, [*(column.name for column in known.columns), known.target])
    labels = targets.count(relation, known.target, strip)
    classes = targets.places(relation, labels, known.classes)
    rows = _rows(relation, known, labels, classes)
    return rows, telling.of_new_rows(known.columns, rows.flags, os.path.basename(text))


def check_columns(relation: Relation, names: list[str]) -> None:
    """Raise DataError unless the table has these columns."""
    absent = [name for name in names if name not in relation.types]
    if absent:
        lacking = fitting.listed(tuple(map(repr, absent)))
        there = fitting.listed(tuple([*relation.types, *relation.unusable]))
        raise DataError(
            f"{relation.place} lacks the column{'s' * (len(absent) > 1)} {lacking}: columns are matched by name,"
            f" and it has {there}."
        )


def _rows(
    relation: Relation, encoding: Encoding, labels: targets.Labels, classes: Int32[np.ndarray, " labels"]
) -> Rows:
    """Every row of a table, in its order."""
    x = np.empty((labels.rows, len(encoding.features)), np.float32)
    y = np.empty(labels.rows, np.int32)
    flags = np.zeros((len(encoding.columns), FLAGS), np.int64)
    done = 0
    query = sql.encode(encoding, relation.types, relation.base, targets.position(relation, labels))
    for batch in relation.batches(query):
        end = min(done + len(batch["x"]), labels.rows)
        x[done:end], y[done:end] = batch["x"][: end - done], classes[batch["label"][: end - done]]
        flags += count_flags(batch["flags"])
        done += len(batch["x"])
    relation.check_rows(done, labels.rows)
    return Rows(x, y, flags)


def count_flags(flags: np.ndarray) -> Int64[np.ndarray, "columns kinds"]:
    """How often each column has each flag."""
    return np.stack([(flags == flag).sum(axis=0) for flag in range(FLAGS)], axis=1)
