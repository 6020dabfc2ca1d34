"""From a table's files to examples, by an encoding found on them or one that a network knows."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from jaxtyping import Float32, Int32, Int64

from dnncli.data.blocks.store import Store
from dnncli.data.labels import listed
from dnncli.data.source import DataSource
from dnncli.data.tables import (
    encoder,
    fitting,
    level_effects,
    notices,
    number_targets,
    places,
    row_groups,
    row_roles,
    row_weights,
    stored_rows,
    targets,
    text_encoding,
)
from dnncli.data.tables.carried import Carried
from dnncli.data.tables.encoding import Encoding
from dnncli.data.tables.errors import ConversionError, FormError
from dnncli.data.tables.opening import open_table
from dnncli.data.tables.options import Reading
from dnncli.data.tables.relation import Relation, Scan
from dnncli.data.tables.table_source import Rows, source
from dnncli.errors import DataError, SpecError
from dnncli.records import Notice
from dnncli.spec import DataSpec

T = TypeVar("T")


def read(
    spec: DataSpec,
    known: Encoding | None = None,
    relabel: bool = False,
    measured: bool = False,
    store: Store | None = None,
) -> DataSource:
    """The table of --data and, where --test names one, its test table.

    known: a trained network's encoding, used instead of fitting one. relabel: keep its feature
    columns, take target and classes from this table. measured: the network is only measured on it,
    so that rows may have labels that it does not know. store: where rows to train on go that are
    too large for memory. Raises DataError for what cannot be read or learned from, SpecError for
    options that do not fit it.
    """
    return with_type_fallback(spec, lambda how: _read(spec, known, relabel, measured, how, store))


def with_type_fallback(spec: DataSpec, read_: Callable[[Reading], T]) -> T:
    """Read by the types of the first rows, or where a value does not fit, by types that fit all."""
    encoding = text_encoding.check(spec.encoding) if spec.encoding else None
    reading = Reading(spec.delimiter, spec.header, spec.where, encoding, memory=spec.memory or 0)
    try:
        return read_(reading)
    except (ConversionError, FormError):
        return read_(replace(reading, whole=True))


def _read(
    spec: DataSpec,
    known: Encoding | None,
    relabel: bool,
    measured: bool,
    reading: Reading,
    store: Store | None,
) -> DataSource:
    """The tables of --data, --validation and --test."""
    if known is None:
        encoding, train, found = _fitted(spec, reading, store)
    else:
        encoding = _relabelled(spec, known, reading) if relabel else known
        strip = spec.label_strip
        train, found = _encoded(spec.data, reading, encoding, strip, new_too=measured, store=store)
    validation = None
    test = None
    if isinstance(spec.validation, str):
        validation, more = _encoded(spec.validation, reading, encoding, spec.label_strip)
        found += more
        row_groups.check_apart(spec, spec.validation, reading)
    if isinstance(spec.test, str):
        test, more = _encoded(spec.test, reading, encoding, spec.label_strip, new_too=True)
        found += more
        row_groups.check_apart(spec, spec.test, reading)
    how = reading if known is None else _matching(reading, encoding)
    other = known is not None
    weights = row_weights.read(spec, how, len(train.y), optional=other)
    groups = row_groups.read(spec, how, len(train.y), optional=other)
    train = replace(train, weights=weights, groups=groups)
    return source(spec, encoding, (train, validation, test), found)


def fitted(
    spec: DataSpec, reading: Reading, memory: int | None = None
) -> tuple[Relation, targets.Labels, fitting.Fit]:
    """A training table, its labels, and the encoding found for it.

    memory: bytes that its examples may take; of more a sample is looked at, and `auto` is one-hot.
    """
    relation, columns = _open(spec, reading)
    labels, found = number_targets.chosen(relation, columns, spec)
    spec = row_roles.dropping(spec, list(relation.declared), columns)
    fit = fitting.fit(relation, labels, spec, memory)
    if stored_rows.exceeded(fit.encoding, labels.rows, memory):
        if fit.encoding.by_target and spec.categories == "auto":
            fit = fitting.fit(relation, labels, replace(spec, categories="one-hot"), memory)
    elif fit.profile.stride > 1:  # what fits is what it would be in more memory
        fit = fitting.fit(relation, labels, spec)
    return relation, labels, replace(fit, notices=(*found, *fit.notices))


def _open(spec: DataSpec, reading: Reading) -> tuple[Relation, tuple[str, ...]]:
    """A table and its targets, which are read as text, so that labels stay as written."""

    def target(names: Sequence[str]) -> list[str]:
        return [*targets.resolve_all(names, spec.target)]

    relation = open_table(spec.data, replace(reading, text=target))
    return relation, targets.resolve_all(list(relation.declared), spec.target)


def _fitted(
    spec: DataSpec, reading: Reading, store: Store | None
) -> tuple[Encoding, Rows, tuple[Notice, ...]]:
    """A training table, encoded as its values suggest."""
    memory = store.memory if store else None
    relation, labels, fit = fitted(spec, reading, memory)
    relation = fit.relation
    encoding = fit.encoding
    found = (*relation.notices, *fit.notices)
    if stored_rows.exceeded(encoding, labels.rows, memory):
        stored_rows.check_options(spec, encoding)
    classes = targets.class_indices(relation, labels, encoding.classes)
    if fit.identity:
        none = np.zeros((len(encoder.ISSUES), 0), np.int64)
        if labels.numbers:
            y = number_targets.values(relation, labels)
            return encoding, Rows(fit.profile.values, y, none), found
        return encoding, Rows(fit.profile.values, classes[fit.profile.labels], none), found
    del fit  # its values are as large as the features
    return encoding, _rows(relation, encoding, labels, classes, store=store), found


def _relabelled(spec: DataSpec, known: Encoding, reading: Reading) -> Encoding:
    """A known encoding of columns with the target and the classes of another task."""
    header = not known.layout if reading.header is None else reading.header
    relation, columns = _open(spec, replace(reading, header=header))
    features = [column.name for column in known.columns]
    for target in columns:
        if target in features:
            raise SpecError(
                f"--target {target}: the network takes it as a feature; choose another column.",
                option="--target",
            )
    check_columns(relation, features)
    labels, _ = number_targets.chosen(relation, columns, spec)
    layout = tuple(relation.declared) if known.layout else ()
    return replace(
        known,
        target=labels.column,
        classes=targets.classes(labels.names),
        layout=layout,
        quantities=labels.numbers,
    )


def _encoded(
    text: str,
    reading: Reading,
    known: Encoding,
    strip: str | None,
    *,
    new_too: bool = False,
    store: Store | None = None,
) -> tuple[Rows, tuple[Notice, ...]]:
    """A table encoded as another was, and what its owner should know.

    new_too: rows may have labels that the encoding does not know.
    """
    header_given = reading.header is not None
    texts = known.spelled
    reading = replace(_matching(reading, known), text=lambda names: [*known.targets, *texts])
    relation = open_table(text, reading)
    check_columns(relation, [*(column.name for column in known.columns), *known.targets])
    relation = relation.without(marks(known))
    if known.quantities:
        labels = number_targets.as_known(relation, known.quantities)
    else:
        labels = targets.count(relation, known.target, strip)
    classes = targets.class_indices(relation, labels, known.classes, new_too=new_too)
    rows = _rows(relation, known.without_effects, labels, classes, header_given, store)
    if known.layout:
        places.check_numbers(relation.location, known, rows.issues, len(rows.y))
    unseen = notices.of_labels(labels, classes, os.path.basename(text))
    told = notices.of_new_rows(known.columns, rows.issues, os.path.basename(text))
    return rows, (*unseen, *told)


def _matching(reading: Reading, known: Encoding) -> Reading:
    """How to read a table with the columns of a known encoding."""
    header = not known.layout if reading.header is None else reading.header
    return replace(reading, header=header, layout=known.layout, optional=known.targets)


def marks(known: Encoding) -> dict[str, tuple[str, ...]]:
    """The marks of missing values that columns have."""
    return {column.name: column.marks for column in known.columns if column.marks}


def check_columns(relation: Relation, names: list[str]) -> None:
    """Raise DataError unless the table has these columns."""
    absent = [name for name in names if name not in relation.types]
    if absent:
        plural = "s" * (len(absent) > 1)
        lacking = listed(tuple(map(repr, absent)))
        there = listed(tuple(relation.declared))
        raise DataError(
            f"{relation.location} lacks the column{plural} {lacking}: columns are matched by name,"
            f" and it has {there}."
        )


def _rows(
    relation: Relation,
    encoding: Encoding,
    labels: targets.Labels,
    classes: Int32[np.ndarray, " labels"],
    header_given: bool = True,
    store: Store | None = None,
) -> Rows:
    """Every row of a table, in its order.

    header_given: it is known whether the first line names the columns. Raises DataError where a
    network of columns without names is given a line of names as a row, and for features that no
    memory holds.
    """
    at = encoder.layout(encoding)
    if store and stored_rows.exceeded(encoding, labels.rows, store.memory):
        return stored_rows.read(relation, encoding, labels, classes, store)
    stored_rows.check_room(relation, labels.rows, at.width)
    x = np.empty((labels.rows, at.width), np.float32)
    y = np.empty(labels.rows, np.int32)
    issues = np.zeros((len(encoder.ISSUES), len(encoding.columns)), np.int64)
    columns = encoder.select_encoded(encoding, relation.types)
    select = f"{columns}, {targets.index(relation, labels)} AS label"
    scan = Scan(relation, select, at.width, labels.rows)
    for rows, batch in scan:
        if encoding.layout and rows.start == 0:
            places.check(relation.location, encoding, batch["x"], header_given=header_given)
        x[rows], found = encoder.encode(at, batch["x"])
        if not labels.numbers:
            y[rows] = classes[batch["label"]]
        issues += found
    x, y = scan.sort(x, y)
    if labels.numbers:
        return Rows(x, number_targets.values(relation, labels), issues)
    return Rows(x, y, issues)


def stream(
    path: str,
    known: Encoding,
    issues: Int64[np.ndarray, "issues columns"],
    how: Reading,
    carried: Carried | None = None,
) -> Iterator[Float32[np.ndarray, "rows features"]]:
    """Encoded rows without labels, batch by batch, adding to `issues` why values were replaced.

    how: delimiter, header, kind and name of the file. carried: columns that are carried along.
    CSV is read as text, so that no value far down can be of another type than the first ones.
    Raises DataError for a table whose columns cannot be those of the training table.
    """
    plain = [c for c in known.columns if not (c.categorical or c.format or c.marks)]
    raw = frozenset(column.name for column in plain)
    carried = carried or Carried()
    reading = replace(how, text=lambda names: names, raw=raw, more=carried.select)
    relation = open_table(path, _matching(reading, known))
    check_columns(relation, [column.name for column in known.columns])
    relation = relation.without(marks(known))
    at = encoder.layout(known)
    select = encoder.select_encoded(known, relation.types)
    scan = Scan(relation, select, at.width, objects=carried.aliases)
    for rows, batch in scan:
        if known.layout and rows.start == 0:
            places.check(relation.location, known, batch["x"], header_given=how.header is not None)
        features, found = encoder.encode(at, batch["x"])
        level_effects.fill(known, features)
        issues += found
        carried.add(batch)
        yield features
