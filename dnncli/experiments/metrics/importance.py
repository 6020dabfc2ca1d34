"""Permutation importance (Breiman 2001) from scores of examples: the estimate and its interval.

A score is a mean over examples of what each adds to it. Where a column's values are taken from
other rows, the score falls by the column's importance: a mean over pairs of an example and the row
that gave it the value.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int, Int64

from dnncli.data import Split
from dnncli.experiments.metrics import intervals
from dnncli.experiments.metrics.classification import log_sum
from dnncli.experiments.metrics.threshold import answered
from dnncli.records import Metric

KEY = 0x7065726D  # of the permutations: the same rows always give the same importance
PERMUTATIONS = 10
METHOD = "hajek"

Merits = Float64[np.ndarray, " examples"]


class Score(NamedTuple):
    """A score as a mean over examples, the larger the better; of a loss it is the negative.

    weights: of each example's merit. groups, parts: the score's denominator is of the example's
    group (its class, for balanced accuracy), and the example's part in it is `parts`, 1 on average.
    hits: merits are 0 or 1 before they are weighted.
    """

    name: str
    weights: Merits
    groups: Int64[np.ndarray, " examples"]
    parts: Merits
    hits: bool


def scores(
    name: str, y: Int[np.ndarray, " examples"] | Float[np.ndarray, "examples _"]
) -> list[Score]:
    """The scores of a split's targets, of which the first ranks columns; name: the headline.

    Of classes log loss comes first: it is of every probability, where the headline counts answers
    that change and is all but blind where a class is rare. Balanced accuracy weights an example by
    its class, which makes it the mean of the recalls of the classes that are there.
    """
    even = np.ones(len(y))
    together = np.zeros(len(y), np.int64)
    if y.ndim > 1:
        return [Score("r2", even, together, _parts(y), hits=False)]
    log_loss = Score("log_loss", even, together, even, hits=False)
    if name == "accuracy":
        return [log_loss, Score(name, even, together, even, hits=True)]
    counts = np.bincount(y)
    weights = len(y) / ((counts > 0).sum() * counts[y])
    return [log_loss, Score(name, weights, y.astype(np.int64), even, hits=True)]


def _parts(y: Float[np.ndarray, "examples targets"]) -> Merits:
    """Each example's part in the targets' variances: its squared distance from the mean over it."""
    squares = np.square(y - y.mean(axis=0, dtype=np.float64))
    return (squares / squares.mean(axis=0)).mean(axis=1)


def merits(
    score: Score,
    outputs: Float[np.ndarray, "examples outputs"],
    split: Split,
    threshold: float | None,
) -> Merits:
    """What each example adds to the score, which is their mean."""
    if score.hits:
        return score.weights * (answered(outputs, threshold) == split.y)
    exact = outputs.astype(np.float64)
    if split.y.ndim == 1:
        return exact[np.arange(len(exact)), split.y] - log_sum(exact)
    y = split.y.astype(np.float64)
    errors = np.square(y - exact) / y.var(axis=0)
    return 1 - errors.mean(axis=1)


def donors(examples: int) -> Iterator[Int64[np.ndarray, " examples"]]:
    """For each permutation the row that gives each row its value: never itself, never one twice.

    Each moves one random order round by another distance.
    """
    generator = np.random.Generator(np.random.Philox(key=KEY))
    order = generator.permutation(examples)
    distances = 1 + generator.permutation(examples - 1)[:PERMUTATIONS]
    for distance in distances:
        rows = np.empty(examples, np.int64)
        rows[order] = np.roll(order, distance)
        yield rows


def importance(
    score: Score,
    falls: Sequence[Merits],
    given_by: Sequence[Int64[np.ndarray, " examples"]],
) -> Metric:
    """The mean fall of the merits, and its interval over other examples and permutations.

    falls: each example's under each permutation of `given_by`. The mean is over pairs, so its error
    is to first order a sum over rows (Hájek 1968): of what a row loses as an example and of what it
    costs others as their donor, each less its mean. What a row loses is taken less its part in the
    score's denominator, which varies too. The scatter between permutations enters twice, once for
    each, which makes the interval somewhat too wide. For hits half an example is added to each of
    the four cells of right and wrong, before and after (Agresti & Min 2005): few rows in which
    nothing changes do not prove that nothing ever does.
    """
    lost = np.mean(falls, axis=0)
    value = float(lost.mean())
    costs = np.zeros_like(lost)
    for rows, fall in zip(given_by, falls, strict=True):
        costs[rows] += fall / len(falls)
    counts = np.bincount(score.groups)
    means = np.bincount(score.groups, weights=lost) / np.maximum(counts, 1)
    influence = lost - means[score.groups] * score.parts + costs - value
    if score.hits:
        half = np.sqrt(0.5) * score.weights.max()
        influence = np.append(influence, [half, -half])
    bounds = intervals.mean(value + influence)
    if bounds is None:
        return Metric(value)
    return Metric(value, bounds.low, bounds.high, METHOD)
