"""What several seeds say: means with intervals, paired tests, and Holm's correction. NumPy and SciPy.

All of it is about seeds: initial weights, shuffles and dropout. The examples are the same for every
seed, so nothing here speaks of other data.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

CONFIDENCE = 0.95
TEST = "scipy.stats.ttest_rel"  # two-sided, from Student (1908)
FEWEST = 5  # pairs for a p-value: with fewer, how seeds scatter is all but unknown
ROUNDING = 1e-12  # differences of accuracies that are equal but for float64's rounding


class Interval(NamedTuple):
    """A mean and its interval; the bounds are None where there is one value only."""

    mean: float
    low: float | None
    high: float | None


class Paired(NamedTuple):
    """A mean difference, its interval, and the probability of one as large where there is none.

    `p` is None where no test was made.
    """

    difference: float
    low: float | None
    high: float | None
    p: float | None


def interval(values: Sequence[float]) -> Interval:
    """Mean and Student's t interval. Raises ValueError for no values."""
    if not len(values):
        raise ValueError("no values have no mean")
    numbers = np.asarray(values, np.float64)
    mean = float(numbers.mean())
    if len(numbers) == 1:
        return Interval(mean, None, None)
    half = _quantile(len(numbers) - 1) * float(numbers.std(ddof=1)) / math.sqrt(len(numbers))
    return Interval(mean, mean - half, mean + half)


def _quantile(freedom: int) -> float:
    """How many standard errors a two-sided interval goes to each side."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def paired(values: Sequence[float], baseline: Sequence[float]) -> Paired:
    """`values` less `baseline`, pair by pair. Raises ValueError for no pairs."""
    a, b = (np.asarray(numbers, np.float64) for numbers in (values, baseline))
    mean, low, high = interval(list(a - b))
    return Paired(mean, low, high, _p(a, b))


def _p(a: Float64[np.ndarray, " pairs"], b: Float64[np.ndarray, " pairs"]) -> float | None:
    """The paired t-test's p; 1 for equal values, None where it is undefined or there are too few."""
    differences = a - b
    if len(differences) < FEWEST:
        return None
    if np.ptp(differences) <= ROUNDING:  # 0/0 or a division by 0
        return 1.0 if abs(differences[0]) <= ROUNDING else None
    from scipy.stats import ttest_rel  # half a second, which a run without comparisons need not pay

    return float(ttest_rel(a, b).pvalue)


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's (1979) correction: the chance of any false alarm among all tests stays at the level asked.

    A None is no test: it stays None and does not count.
    """
    tests = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    largest = 0.0
    for rank, (p, place) in enumerate(tests):
        largest = max(largest, min(1.0, (len(tests) - rank) * p))
        adjusted[place] = largest
    return adjusted
