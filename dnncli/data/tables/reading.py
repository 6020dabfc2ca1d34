"""From a table's files to examples: by an encoding found on them, or by one that a network knows."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float32, Int32, Int64

from dnncli.data.labels import listed
from dnncli.data.source import Source, Table, default_size, fingerprint
from dnncli.data.tables import encoder, fitting, sql, targets
from dnncli.data.tables import notices as telling
from dnncli.data.tables.encoding import Encoding
from dnncli.data.tables.errors import ConversionError
from dnncli.data.tables.opening import Reading, Relation, open_table
from dnncli.data.tables.suffixes import PACKED
from dnncli.errors import DataError, SpecError
from dnncli.spec import DataSpec

T = TypeVar("T")


@dataclass(frozen=True)
class Rows:
    """Encoded rows, their classes, and how often each column had something amiss."""

    x: Float32[np.ndarray, "rows features"]
    y: Int32[np.ndarray, " rows"]
    flags: Int64[np.ndarray, "flags columns"]


def read(spec: DataSpec, known: Encoding | None = None, relabel: bool = False) -> Source:
    """The table of --data and, where --test names one, its test table.

    Both are encoded as `known` says, or else as the training table suggests; `relabel`: but for its target
    and classes. Raises DataError for what cannot be read or learned from, SpecError for options that do not
    fit it.
    """
    return settled(spec, lambda reading: _read(spec, known, relabel, reading))


def settled(spec: DataSpec, read_: Callable[[Reading], T]) -> T:
    """Read by the types of the first rows; where a value far down is of another, by types that fit all."""
    reading = Reading(spec.delimiter, spec.header, spec.where)
    try:
        return read_(reading)
    except ConversionError:
        return read_(replace(reading, whole=True))


def _read(spec: DataSpec, known: Encoding | None, relabel: bool, reading: Reading) -> Source:
    if known is None:
        encoding, train, notices = _fitted(spec, reading)
    else:
        encoding = _relabelled(spec, known, reading) if relabel else known
        train, notices = _encoded(spec.data, reading, encoding, spec.label_strip)
    test = None
    if isinstance(spec.test, str):
        test, more = _encoded(spec.test, reading, encoding, spec.label_strip)
        notices += more
    return _source(spec, encoding, train, test, notices)


def fitted(spec: DataSpec, reading: Reading) -> tuple[Relation, targets.Labels, fitting.Fit]:
    """A training table, its labels, and the encoding found for it."""
    relation = open_table(spec.data, replace(reading, text=_target_text(spec)))
    column = targets.resolve(list(relation.declared), spec.target)
    labels = targets.count(relation, column, spec.label_strip)
    targets.check(relation, labels)
    return relation, labels, fitting.fit(relation, labels, spec.drop, spec.types)


def _fitted(spec: DataSpec, reading: Reading) -> tuple[Encoding, Rows, tuple[str, ...]]:
    relation, labels, fit = fitted(spec, reading)
    encoding, notices = fit.encoding, (*relation.notices, *fit.notices)
    classes = targets.places(relation, labels, encoding.classes)
    if fit.plain:
        amiss = np.zeros((len(encoder.FLAGS), 0), np.int64)
        return encoding, Rows(fit.profile.values, classes[fit.profile.labels], amiss), notices
    del fit  # its values are as large as the features
    return encoding, _rows(relation, encoding, labels, classes), notices


def _relabelled(spec: DataSpec, known: Encoding, reading: Reading) -> Encoding:
    """A known encoding of columns with the target and the classes of another task."""
    header = not known.layout if reading.header is None else reading.header
    relation = open_table(spec.data, replace(reading, header=header, text=_target_text(spec)))
    column = targets.resolve(list(relation.declared), spec.target)
    if column in [feature.name for feature in known.columns]:
        raise SpecError(
            f"--target {column}: the network takes it as a feature; choose another column.",
            option="--target",
        )
    check_columns(relation, [feature.name for feature in known.columns])
    labels = targets.count(relation, column, spec.label_strip)
    targets.check(relation, labels)
    layout = tuple(relation.declared) if known.layout else ()
    return replace(known, target=column, classes=targets.classes(labels.names), layout=layout)


def _target_text(spec: DataSpec) -> Callable[[Sequence[str]], Sequence[str]]:
    """What is read as text: the target, so that its labels stay as they are written."""
    return lambda names: [targets.resolve(names, spec.target)]


def _encoded(
    text: str, reading: Reading, known: Encoding, strip: str | None
) -> tuple[Rows, tuple[str, ...]]:
    """A table encoded as another was, and what is to be told of it."""
    header = not known.layout if reading.header is None else reading.header
    reading = replace(
        reading,
        header=header,
        layout=known.layout,
        optional=known.target,
        text=lambda names: [known.target],
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
        lacking = f"column{'s' * (len(absent) > 1)} {listed(tuple(map(repr, absent)))}"
        there = listed(tuple(relation.declared))
        raise DataError(
            f"{relation.place} lacks the {lacking}: columns are matched by name, and it has {there}."
        )


def _rows(
    relation: Relation,
    encoding: Encoding,
    labels: targets.Labels,
    classes: Int32[np.ndarray, " labels"],
) -> Rows:
    """Every row of a table, in its order."""
    at = encoder.layout(encoding)
    x, y = np.empty((labels.rows, at.width), np.float32), np.empty(labels.rows, np.int32)
    flags = np.zeros((len(encoder.FLAGS), len(encoding.columns)), np.int64)
    done = 0
    columns = (
        f"{sql.encoded(encoding, relation.types)}, {targets.position(relation, labels)} AS label"
    )
    for batch in relation.batches(f"SELECT {columns} FROM {relation.base}", at.width):
        features, amiss = encoder.encode(at, batch["x"])
        end = done + len(features)
        x[done:end], y[done:end] = (
            features[: labels.rows - done],
            classes[batch["label"]][: labels.rows - done],
        )
        flags += amiss
        done = end
    relation.check_rows(done, labels.rows)
    return Rows(x, y, flags)


def stream(
    path: str,
    known: Encoding,
    flags: Int64[np.ndarray, "flags columns"],
    delimiter: str | None,
    header: bool | None,
    kind: str | None,
    shown: str,
) -> Iterator[Float32[np.ndarray, "rows features"]]:
    """Encoded rows without labels, batch by batch, adding to `flags` what was amiss with them.

    CSV is read as text, so that no value far down can be of another type than the first ones.
    """
    reading = Reading(
        delimiter,
        not known.layout if header is None else header,
        text=lambda names: names,
        raw=frozenset(column.name for column in known.columns if not column.categorical),
        layout=known.layout,
        optional=known.target,
        kind=kind,
        shown=shown,
    )
    relation = open_table(path, reading)
    check_columns(relation, [column.name for column in known.columns])
    at = encoder.layout(known)
    query = f"SELECT {sql.encoded(known, relation.types)} FROM {relation.base}"
    for batch in relation.batches(query, at.width):
        features, amiss = encoder.encode(at, batch["x"])
        flags += amiss
        yield features


def _source(
    spec: DataSpec, encoding: Encoding, train: Rows, test: Rows | None, notices: tuple[str, ...]
) -> Source:
    tables = [train] if test is None else [train, test]
    meaning = np.frombuffer(json.dumps(encoding.json()).encode(), np.uint8)
    examples = len(train.y)
    return Source(
        name=title(spec.data),
        place=spec.data,
        train=Table(train.x, train.y),
        test=None if test is None else Table(test.x, test.y),
        class_names=encoding.classes,
        image_shape=None,
        peak=None,
        ordered=False,
        held_out={
            "validation": default_size(examples, 0.1),
            "test": default_size(examples, 0.2) if test is None else len(test.y),
        },
        fingerprint=fingerprint(
            meaning, *(array for table in tables for array in (table.x, table.y))
        ),
        encoding=encoding,
        notices=notices,
    )


def title(text: str) -> str:
    """A table's short name: its file's without suffixes, or that of the folder where it is several files."""
    path = Path(text)
    if path.suffix.lower() in PACKED:
        path = path.with_suffix("")
    return path.stem.replace("*", "") or path.parent.name or "table"
