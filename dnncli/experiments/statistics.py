"""Statistics over seeds: means with intervals, paired tests, Holm's correction, mean curves.

Seeds vary the initial weights, the shuffles and dropout. The examples are the same for every seed,
so no interval here speaks of other data.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

CONFIDENCE = 0.95
TEST = "scipy.stats.ttest_rel"  # two-sided, from Student (1908)
FEWEST = 5  # pairs for a p-value: with fewer, the scatter between seeds is all but unknown
ROUNDING = 1e-12  # differences of accuracies that are equal but for float64's rounding


class Interval(NamedTuple):
    """A mean and its 95 % interval; the bounds are None where there is only one value."""

    mean: float
    low: float | None
    high: float | None


class Paired(NamedTuple):
    """A mean difference, its 95 % interval and the p-value of the paired test.

    `p` is None where no test was made.
    """

    difference: float
    low: float | None
    high: float | None
    p: float | None


def interval(values: Sequence[float]) -> Interval:
    """Mean and Student's t interval. Raises ValueError for no values."""
    if not len(values):
        raise ValueError("the mean of no values is undefined")
    numbers = np.asarray(values, np.float64)
    mean = float(numbers.mean())
    if len(numbers) == 1:
        return Interval(mean, None, None)
    half = _quantile(len(numbers) - 1) * float(numbers.std(ddof=1)) / math.sqrt(len(numbers))
    return Interval(mean, mean - half, mean + half)


def _quantile(degrees_of_freedom: int) -> float:
    """How many standard errors a two-sided interval extends to each side."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2))


def paired(values: Sequence[float], baseline: Sequence[float]) -> Paired:
    """`values` minus `baseline`, pair by pair. Raises ValueError for no pairs."""
    a = np.asarray(values, np.float64)
    b = np.asarray(baseline, np.float64)
    mean, low, high = interval(list(a - b))
    return Paired(mean, low, high, _p(a, b))


def _p(a: Float64[np.ndarray, " pairs"], b: Float64[np.ndarray, " pairs"]) -> float | None:
    """The paired t-test's p; 1 for equal values, None where it is undefined or pairs are few."""
    differences = a - b
    if len(differences) < FEWEST:
        return None
    if np.ptp(differences) <= ROUNDING:  # 0/0 or a division by 0
        return 1.0 if abs(differences[0]) <= ROUNDING else None
    # Half a second of import, which a run without comparisons does not pay.
    from scipy.stats import ttest_rel

    return float(ttest_rel(a, b).pvalue)


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's (1979) correction of p-values, which keeps the family-wise error rate.

    None stands for a test that was not made: it stays None and does not count.
    """
    tests = sorted((p, index) for index, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    largest = 0.0
    for rank, (p, index) in enumerate(tests):
        largest = max(largest, min(1.0, (len(tests) - rank) * p))
        adjusted[index] = largest
    return adjusted


def geometric_mean(values: Sequence[float | None]) -> float | None:
    """The mean of ratios, by their logarithms; None where there is no number among the values.

    The least value where one is not positive, infinity where one is infinite.
    """
    known = [value for value in values if value is not None and not math.isnan(value)]
    if not known:
        return None
    if min(known) <= 0:
        return min(known)
    if math.inf in known:
        return math.inf
    return math.exp(math.fsum(map(math.log, known)) / len(known))


def by_epoch(curves: Sequence[Sequence[float]]) -> list[list[float]]:
    """All seeds' values of every epoch. A seed that has stopped counts with its last epoch."""
    longest = max(map(len, curves), default=0)
    return [_at_epoch(curves, epoch) for epoch in range(longest)]


def _at_epoch(curves: Sequence[Sequence[float]], epoch: int) -> list[float]:
    return [curve[min(epoch, len(curve) - 1)] for curve in curves]
