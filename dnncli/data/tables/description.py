"""A table described for its owner: each column, what it holds and what becomes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import accumulate

import numpy as np

from dnncli.data import scaling
from dnncli.data.blocks.store import default_memory
from dnncli.data.quantities import summaries
from dnncli.data.source import default_size
from dnncli.data.tables import (
    fitting,
    level_effects,
    number_targets,
    profiling,
    reading,
    row_roles,
    sql,
    stored_rows,
    table_source,
    targets,
)
from dnncli.data.tables.encoding import Column
from dnncli.data.tables.options import Reading
from dnncli.data.tables.relation import Relation
from dnncli.records import ClassCount, ColumnRecord, DescriptionRecord, TargetRecord
from dnncli.spec import DataSpec

ROOM = 32  # characters of levels or classes that a column's line names


def describe(spec: DataSpec) -> DescriptionRecord:
    """A table's rows, columns and classes. Raises DataError and SpecError as reading does."""
    return reading.with_type_fallback(spec, lambda how: _describe(spec, how))


def _describe(spec: DataSpec, how: Reading) -> DescriptionRecord:
    """A table read one way."""
    memory = spec.memory or default_memory()
    relation, labels, fit = reading.fitted(spec, how, memory)
    most = _most_pieces(fit, labels.rows, memory)
    roles = row_roles.roles(spec, list(relation.declared))
    found: tuple[TargetRecord, ...] = ()
    if labels.numbers:
        found = summaries(labels.columns, number_targets.values(relation, labels))
    classes = fit.encoding.classes
    indices = targets.class_indices(relation, labels, classes)
    counts = np.bincount(indices, weights=labels.counts, minlength=len(classes))
    return DescriptionRecord(
        config=asdict(spec),
        name=table_source.title(spec.data),
        place=spec.data,
        examples=labels.rows,
        test=None,
        features=sum(_features(column, fit, most) for column in fit.encoding.columns),
        image_shape=None,
        values=None,
        classes=tuple(ClassCount(name, int(n)) for name, n in zip(classes, counts, strict=True)),
        fingerprint=None,
        columns=tuple(
            _column(relation, labels, fit, name, roles, most) for name in relation.declared
        ),
        targets=found,
        notices=(*relation.notices, *fit.notices),
    )


def _column(
    relation: Relation,
    labels: targets.Labels,
    fit: fitting.Fit,
    name: str,
    roles: Mapping[str, str],
    most: int,
) -> ColumnRecord:
    """One column's record.

    roles: options that give columns another use than as features. most: as `_pieces` takes it.
    """
    type_ = relation.declared[name]
    if labels.numbers and name in labels.columns:
        return _target(name, type_)
    if name == labels.column:
        classes = fit.encoding.classes
        values = _some(classes)
        return ColumnRecord(name, "target", type_, None, 0, values, f"{len(classes)} classes", 0)
    if name in fit.left_out:
        why = "left out: it numbers the rows"
        return ColumnRecord(name, "id", type_, None, 0, "", why, 0)
    if name not in fit.profile.names:
        why = f"left out by {roles.get(name, '--drop')}"
        return ColumnRecord(name, "dropped", type_, None, 0, "", why, 0)
    missing = int(fit.profile.missing[fit.profile.places[name]])
    column = next((column for column in fit.encoding.columns if column.name == name), None)
    if column is None:
        return ColumnRecord(name, "empty", type_, None, missing, "", "left out: it has no value", 0)
    values = _some(column.levels) if column.categorical else _range(fit, column)
    encoding = _encoding(column, fit, most)
    features = _features(column, fit, most)
    return ColumnRecord(name, "feature", type_, column.kind, missing, values, encoding, features)


def _features(column: Column, fit: fitting.Fit, most: int) -> int:
    """How many features a column will have: effects are estimated once rows are split."""
    pieces = _pieces(column, fit, most)
    if not column.by_target:
        return len(column.features) + column.measured * (pieces - 1)
    quantities = [column.name for column in fit.encoding.quantities]
    outputs = level_effects.outputs(fit.encoding.classes, quantities)
    return len(outputs) * pieces + column.missing


def _pieces(column: Column, fit: fitting.Fit, most: int) -> int:
    """How many pieces each number of a column becomes: one where `most` is 0.

    By the values of all rows, of which those that train may lack a few. What only a split tells,
    the effects of levels, and times that are not read yet, has as many as there may be.
    """
    if not most or not column.measured:
        return 1
    values = profiling.numbers(fit.profile.column(column.name))
    if column.by_target or not len(values):
        return most
    return scaling.piece_count(values, most)


def _target(name: str, type_: str) -> ColumnRecord:
    """The record of a target that is a number."""
    return ColumnRecord(name, "target", type_, "number", 0, "", "a number, standardised", 0)


def _some(names: Sequence[str]) -> str:
    """As many names as fit."""
    if not names:
        return ""
    shown = list(accumulate(names, lambda text, name: f"{text}, {name}"))
    named = [text for text in shown if len(text) <= ROOM] or shown[:1]
    more = ", …" if len(named) < len(names) else ""
    return named[-1] + more


def _range(fit: fitting.Fit, column: Column) -> str:
    """The least and the greatest of a column's numbers."""
    values = profiling.numbers(fit.profile.column(column.name))
    if column.kind == "time" or not len(values):
        return ""
    return f"{values.min():g} to {values.max():g}, median {column.median:g}"


def _date(days: float) -> str:
    """A date and time, given in days since 1970."""
    seconds = np.timedelta64(round(days * sql.SECONDS_A_DAY), "s")
    return str(np.datetime64(0, "s") + seconds).replace("T", " ")


def _most_pieces(fit: fitting.Fit, rows: int, memory: int) -> int:
    """Into how many pieces `train`, with its defaults, cuts a number at most; 0: into none."""
    trained = rows - default_size(rows, 0.1) - default_size(rows, 0.2)
    numbers = int(fit.encoding.numeric.sum())
    on_disk = stored_rows.exceeded(fit.encoding, rows, memory)
    if on_disk or not scaling.pieces_pay(trained, numbers):
        return 0
    return scaling.most_pieces(trained, numbers)


def _encoding(column: Column, fit: fitting.Fit, most: int) -> str:
    """What becomes of a column, in words."""
    if column.categorical:
        others = fit.levels[column.name].others
        plural = "s" * (others > 1)
        rare = f" ({others:,} rare level{plural})" if others else ""
        missing = ", missing" if column.missing else ""
        if column.by_target:
            levels = f"effect of {len(column.levels):,} levels on the target"
            return f"{levels}, 0 for any other{rare}{missing}"
        return f"one-hot: {len(column.levels)} levels, other{rare}{missing}"
    pieces = _pieces(column, fit, most)
    what = f"scaled in {pieces} pieces" if pieces > 1 else "scaled"
    if column.kind == "time":
        what = ", ".join([f"days from {_date(column.center)}, {what}", *column.parts])
    return f"{what}; median where missing, and an indicator" if column.missing else what
