"""Effects of levels on the target, for training rows from other rows than themselves.

A training row's effects come from the folds that it is not in, so that its own target never enters
what the network is given to predict it; all other rows' come from all training rows.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from dnncli.data import grouping, splitting
from dnncli.data.row_numbers import row_numbers
from dnncli.data.source import DataSource, Table
from dnncli.data.splitting import Parts
from dnncli.data.tables import level_effects
from dnncli.data.tables.encoding import Column, Encoding

FOLDS = 10  # a level of few rows then keeps nearly all of them in the others


class _Target(NamedTuple):
    """What effects are on: names and values of outputs, and the rows' weights, 1 on average.

    together: outputs are shares of classes.
    """

    names: tuple[str, ...]
    values: Float64[np.ndarray, "rows outputs"] | Bool[np.ndarray, "rows outputs"]
    weights: Float64[np.ndarray, " rows"]
    together: bool


def with_effects(
    source: DataSource, parts: Parts, class_names: Sequence[str], seed: int | None, *, own: bool
) -> tuple[DataSource, Parts]:
    """The source and its parts with effects in the place of levels.

    They are estimated on the training rows unless the encoding has them. own: the training rows are
    those that they are, or were, estimated on.
    """
    encoding = source.encoding
    if encoding is None or not encoding.by_target:
        return source, parts
    found = encoding.without_effects
    target = _target(parts.train, class_names, source.targets)
    known = encoding
    if known == found:
        known = _fitted(found, parts.train, target)
    filled = Parts(*(_filled(found, known, part) for part in parts))
    if own:
        filled = filled._replace(train=_left_out(found, known, parts.train, target, seed))
    unseen = source.unseen
    if unseen is not None:
        unseen = _effects(found, known, unseen)
    return replace(source, encoding=known, unseen=unseen), filled


def _target(train: Table, class_names: Sequence[str], targets: Sequence[str]) -> _Target:
    """The training rows' targets."""
    weights = np.ones(len(train))
    if train.weights is not None:
        weights = train.weights / train.weights.mean(dtype=np.float64)
    names = level_effects.outputs(class_names, targets)
    if targets:
        return _Target(names, train.y.astype(np.float64), weights, together=False)
    shown = np.arange(len(class_names) - len(names), len(class_names))
    return _Target(names, train.y[:, None] == shown, weights, together=True)


def _fitted(found: Encoding, train: Table, target: _Target) -> Encoding:
    """The encoding with effects estimated on all training rows."""
    columns = list(found.columns)
    for first, column in level_effects.places(found):
        estimated = _estimated(column, train.in_memory[:, first].astype(np.int64), target)
        place = found.columns.index(column)
        columns[place] = level_effects.with_effects(column, target.names, estimated)
    return replace(found, columns=tuple(columns))


def _estimated(
    column: Column,
    index: Int64[np.ndarray, " rows"],
    target: _Target,
    rows: Int64[np.ndarray, " some"] | slice = slice(None),
) -> Float64[np.ndarray, "levels outputs"]:
    """Each level's effects, from some of the rows."""
    return level_effects.estimate(
        index[rows],
        target.values[rows],
        len(column.levels),
        target.weights[rows],
        together=target.together,
    )


def _effects(
    found: Encoding, known: Encoding, x: Float32[np.ndarray, "rows features"]
) -> Float32[np.ndarray, "rows _"]:
    """Features with effects in the place of levels."""
    wide = level_effects.widened(found, known, x)
    level_effects.fill(known, wide)
    return wide


def _filled(found: Encoding, known: Encoding, table: Table) -> Table:
    """A table with effects in the place of levels."""
    return replace(table, x=_effects(found, known, table.in_memory))


def _left_out(
    found: Encoding, known: Encoding, train: Table, target: _Target, seed: int | None
) -> Table:
    """The training rows with effects estimated on other folds than their own."""
    x = level_effects.widened(found, known, train.in_memory)
    folds = _folds(train, seed)
    pairs = zip(level_effects.places(found), level_effects.places(known), strict=True)
    for (first, column), (place, _) in pairs:
        index = train.in_memory[:, first].astype(np.int64)
        for rows in folds:
            others = np.delete(np.arange(len(train)), rows)
            estimated = _estimated(column, index, target, others)
            padded = np.concatenate([estimated, np.zeros((1, len(target.names)))])
            x[rows, place : place + len(target.names)] = padded[index[rows]]
    return replace(train, x=x)


def _folds(train: Table, seed: int | None) -> list[Int64[np.ndarray, "_"]]:
    """Rows of each fold, in whole groups where there are some.

    Not in the classes' proportions: then a row's own target would choose its fold.
    """
    alike = np.zeros(len(train), np.int32)
    if train.groups is not None:
        count = min(FOLDS, train.groups.count())
        if count > 2 and not train.groups.ordered:
            return grouping.folds(train.groups, count, seed, alike)
        _, index = np.unique(train.groups.index, return_inverse=True)
        return [np.flatnonzero(index % count == fold) for fold in range(count)]
    count = min(FOLDS, len(train))
    numbers = None if seed is None else row_numbers(train.in_memory, seed)
    return splitting.stratified(alike, [len(train) // count] * (count - 1), numbers)
