"""What a category's levels say of the target: how far its mean at a level lies from its mean.

A level of few rows is drawn towards 0, the effect of a level that training had not, by the best
linear prediction of a random effect: n τ² / (σ² + n τ²) of the difference counts, where n is the
level's number of rows, σ² the target's variance within levels, and τ² that between them. It is the
empirical Bayes estimate of Micci-Barreca (2001), with the two variances estimated from all levels
at once (the analysis of variance of unequal groups, Searle, Casella & McCulloch 1992, section 3.6),
since a level of one or two rows does not show its own.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from dnncli.data.tables.encoding import Column, Encoding

DIGITS = 7  # that float32 keeps


def outputs(classes: Sequence[str], targets: Sequence[str]) -> tuple[str, ...]:
    """What levels have effects on: every number to predict; of two classes the second, or each."""
    if targets:
        return tuple(targets)
    return tuple(classes[1:]) if len(classes) == 2 else tuple(classes)


def estimate(
    index: Int64[np.ndarray, " rows"],
    values: Float64[np.ndarray, "rows outputs"] | Bool[np.ndarray, "rows outputs"],
    levels: int,
    weights: Float64[np.ndarray, " rows"],
    *,
    together: bool,
) -> Float64[np.ndarray, "levels outputs"]:
    """Each level's effect on each output.

    index: the level of each row; rows of none, below 0 or from `levels` on, do not count.
    together: outputs share one ratio of the variances, as the shares of classes, whose effects then
    add up to 0. weights: as if a row of weight 2 stood there twice.
    """
    known = (index >= 0) & (index < levels)
    index = index[known]
    weights = weights[known]
    rows = np.bincount(index, weights, minlength=levels)
    total = rows.sum()
    if total == 0:
        return np.zeros((levels, values.shape[1]))
    means = np.empty((levels, values.shape[1]))
    within = np.empty(values.shape[1])
    for output, y in enumerate(values[known].T):  # one by one, to save memory
        centred = y - weights @ y / total
        sums = np.bincount(index, weights * centred, minlength=levels)
        means[:, output] = sums / np.where(rows > 0, rows, 1)
        within[output] = weights @ np.square(centred - means[index, output])
    between = rows @ np.square(means)
    shrinkage = _shrinkage(rows, within, between, together=together)
    return shrinkage * means


def _shrinkage(
    rows: Float64[np.ndarray, " levels"],
    within: Float64[np.ndarray, " outputs"],
    between: Float64[np.ndarray, " outputs"],
    *,
    together: bool,
) -> Float64[np.ndarray, "levels outputs"]:
    """The share of each level's difference that counts; within, between: sums of squares."""
    total = rows.sum()
    present = int((rows > 0).sum())
    spare = total - present
    usual = total - np.square(rows).sum() / total
    if present < 2 or spare <= 0 or usual <= 0:
        return np.zeros((len(rows), len(within)))
    inner = within / spare
    outer = np.maximum(0, (between - (present - 1) * inner) / usual)
    if together:
        inner = np.full_like(inner, inner.sum())
        outer = np.full_like(outer, max(0.0, (between.sum() - (present - 1) * inner[0]) / usual))
    signal = rows[:, None] * outer
    noise = inner + signal
    return np.where(noise > 0, signal / np.where(noise > 0, noise, 1), 0)


def with_effects(
    column: Column, outputs: tuple[str, ...], effects: Float64[np.ndarray, "levels outputs"]
) -> Column:
    """A column with its levels' effects, to the digits that float32 has."""
    rounded = tuple(map(_rounded, effects.T))
    return replace(column, outputs=outputs, effects=rounded)


def _rounded(values: Float64[np.ndarray, " levels"]) -> tuple[float, ...]:
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)


def widened(
    found: Encoding, known: Encoding, x: Float32[np.ndarray, "rows features"]
) -> Float32[np.ndarray, "rows _"]:
    """Features of an encoding without effects, with room for those of the same one with them."""
    wide = np.empty((len(x), len(known.features)), np.float32)
    start = 0
    place = 0
    for before, after in zip(found.columns, known.columns, strict=True):
        size = len(before.features)
        room = len(after.features)
        kept = size - before.measured
        wide[:, place : place + before.measured] = x[:, start : start + before.measured]
        wide[:, place + room - kept : place + room] = x[:, start + size - kept : start + size]
        start += size
        place += room
    return wide


def fill(known: Encoding, x: Float32[np.ndarray, "rows features"]) -> None:
    """Put effects in the place of levels' indices, row by row; 0 for what is not a level."""
    for first, column in places(known):
        padding = np.zeros((1, len(column.outputs)))
        table = np.concatenate([np.array(column.effects).T, padding]).astype(np.float32)
        index = x[:, first].astype(np.int64)
        # A missing value's index, -1, is that of the padding too.
        x[:, first : first + len(column.outputs)] = table[index]


def places(encoding: Encoding) -> list[tuple[int, Column]]:
    """The first feature of each column whose levels have effects."""
    counts = (len(column.features) for column in encoding.columns)
    starts = np.cumsum([*chain([0], counts)]).tolist()
    pairs = zip(starts, encoding.columns, strict=False)
    return [(start, column) for start, column in pairs if column.by_target]
