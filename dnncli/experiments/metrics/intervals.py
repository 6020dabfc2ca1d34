"""95 % intervals in closed form: what a score would be on other examples of the same kind.

None of them draws random numbers, so a score costs no more than its sort, and the same examples
always give the same interval.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from dnncli.diagnosis import chance
from dnncli.theory.fixed_points import bisect

CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
Z = NormalDist().inv_cdf(1 - TAIL)  # standard errors to each side of a normal interval
ONE_SIDED = NormalDist().inv_cdf(CONFIDENCE)  # … and to one side alone


class Bounds(NamedTuple):
    """The ends of an interval."""

    low: float
    high: float


UNKNOWN = Bounds(0.0, 1.0)  # of a share about which nothing was seen


def clopper_pearson(hits: int, trials: int) -> Bounds:
    """The exact interval of a proportion (Clopper & Pearson 1934); [0, 1] for no trials."""
    low = 0.0
    high = 1.0
    if hits > 0:
        low = bisect(lambda p: beta_cdf(p, hits, trials - hits + 1) <= TAIL, 0.0, 1.0)
    if hits < trials:
        high = bisect(lambda p: beta_cdf(p, hits + 1, trials - hits) <= 1 - TAIL, 0.0, 1.0)
    return Bounds(low, high)


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (DLMF 8.17.22).

    SciPy's takes a quarter of a second to import, which every `train` would pay.
    """
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly
        return 1.0 - beta_cdf(1.0 - x, b, a)
    constant = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(constant + a * math.log(x) + b * math.log1p(-x)) / a
    return front * _beta_fraction(x, a, b)


def _beta_fraction(x: float, a: float, b: float) -> float:
    """1 / (1 + d_1 / (1 + d_2 / …)), by the modified algorithm of Lentz (1976)."""
    numerator = math.inf
    denominator = 1.0
    value = 1.0
    for index in range(1, 10_000):
        half = index // 2
        odd = -(a + half) * (a + b + half)
        even = half * (b - half)
        term = odd if index % 2 else even
        term *= x / ((a + index - 1) * (a + index))
        denominator = 1.0 / (1.0 + term * denominator)
        numerator = 1.0 + term / numerator
        value *= numerator * denominator
        if abs(numerator * denominator - 1.0) < 1e-14:
            break
    return value


def wilson(share: float, trials: float) -> Bounds:
    """The score interval of a proportion (Wilson 1927); [0, 1] for no trials."""
    return Bounds(*chance.wilson(share, trials)) if trials else UNKNOWN


def mean(values: Float64[np.ndarray, " examples"]) -> Bounds | None:
    """The interval of a mean, corrected for skewness: Hall (1992), by his cubic transformation.

    Losses are skewed: a few examples have most of them, and Student's interval, which is symmetric,
    covers too rarely. With T = sqrt(n) (mean - mu) / s and g the skewness of the values,
    T + g T^2 / (3 sqrt n) + g^2 T^3 / (27 n) + g / (6 sqrt n) is closer to normal than T. Quantiles
    are Student's. None for fewer than 2 values or for values that are not finite.
    """
    count = len(values)
    if count < 2 or not np.isfinite(values).all():
        return None
    centre = float(values.mean())
    spread = float(values.std(ddof=1))
    if spread == 0.0:
        return Bounds(centre, centre)
    standardised = (values - centre) / float(values.std())
    skewness = float(np.mean(standardised**3))
    quantile = student(count - 1)
    step = spread / math.sqrt(count)
    low = centre - step * _untransformed(quantile, skewness, count)
    high = centre - step * _untransformed(-quantile, skewness, count)
    return Bounds(low, high)


def student(freedom: int) -> float:
    """The two-sided 95 % quantile of Student's t, by Abramowitz & Stegun 26.7.5.

    Right to 0.1 % from 5 degrees of freedom on.
    """
    first = (Z**3 + Z) / 4
    second = (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96
    third = (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384
    return Z + first / freedom + second / freedom**2 + third / freedom**3


def student_exact(freedom: int) -> float:
    """The same quantile to the last digit, for any number of degrees of freedom."""
    from scipy.special import stdtrit  # a quarter of a second that few commands pay

    return float(stdtrit(freedom, 1 - TAIL))


def _untransformed(x: float, skewness: float, count: int) -> float:
    """The T whose transform is x; x itself where there is no skewness to speak of."""
    root = math.sqrt(count)
    if abs(skewness) < 1e-6 * root:
        return x
    cube = 1 + skewness / root * (x - skewness / (6 * root))
    return 3 * root / skewness * (float(np.cbrt(cube)) - 1)


def ranking(area: float, positives: int, negatives: int, variance: float = 0.0) -> Bounds:
    """The score interval of an area under the ROC curve: Newcombe (2006), his fifth method.

    All areas t are in it with |area - t| <= z sqrt(V(t)), V Hanley and McNeil's variance for
    exponential scores. It has a width even where the order is perfect. `variance`: an estimate that
    does not suppose how scores are distributed; where it is larger than V(area), V is scaled to it.
    """
    supposed = _exponential(area, positives, negatives)
    scale = max(1.0, variance / supposed) if supposed > 0 else 1.0

    def within(other: float) -> bool:
        allowed = Z**2 * scale * _exponential(other, positives, negatives)
        return (area - other) ** 2 <= allowed

    return Bounds(bisect(within, area, 0.0), bisect(within, area, 1.0))


def _exponential(area: float, positives: int, negatives: int) -> float:
    """Hanley and McNeil's (1982) variance of an area, with Newcombe's mean number of examples."""
    others = (positives + negatives) / 2 - 1
    spread = (1 - area) / (2 - area) + area / (1 + area)
    return area * (1 - area) * (1 + others * spread) / (positives * negatives)


def average(
    values: Sequence[float],
    bounds: Sequence[Bounds],
    correlation: Float64[np.ndarray, "scores scores"] | None = None,
) -> Bounds:
    """The interval of a mean of scores from theirs, by MOVER (Zou & Donner 2008).

    The distance from the mean to a bound is the root of the quadratic form of the scores' own
    distances with their `correlation`; None: they are independent.
    """
    centre = float(np.mean(values))
    below = np.array([value - low for value, (low, _) in zip(values, bounds, strict=True)])
    above = np.array([high - value for value, (_, high) in zip(values, bounds, strict=True)])
    form = np.eye(len(values)) if correlation is None else correlation
    low = centre - _root(below, form) / len(values)
    high = centre + _root(above, form) / len(values)
    return Bounds(low, high)


def _root(
    distances: Float64[np.ndarray, " scores"], form: Float64[np.ndarray, "scores scores"]
) -> float:
    return math.sqrt(max(0.0, float(distances @ form @ distances)))
