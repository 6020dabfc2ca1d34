"""What a layer of random units does to second moments: Gaussian integrals of phi and phi'.

Second moments are kept as logarithms, for in a deep network they leave float64.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from dnncli.theory.closed_forms import CLOSED_FORMS, SATURATION, SELU_FLOOR, Alpha
from dnncli.theory.quadrature import normal_nodes, normal_share

# Outside these variances every activation is a power of |z|: integrals follow from their exponents.
Q_RANGE = (1e-24, 1e24)


class Moments(NamedTuple):
    """Integrals over z ~ N(0, q).

    log_square, log_slope: ln E phi^2, ln E phi'^2. mean: E phi / sqrt(E phi^2).
    Elasticities: d ln E phi^2 / d ln q, and of E phi'^2.
    Kurtoses: E phi^4 / (E phi^2)^2, E phi'^4 / (E phi'^2)^2, E phi^2 phi'^2 / (E phi^2 E phi'^2).
    """

    log_square: float
    log_slope: float
    mean: float = 0.0
    square_elasticity: float = 0.0
    slope_elasticity: float = 0.0
    square_kurtosis: float = 1.0
    slope_kurtosis: float = 1.0
    mixed_kurtosis: float = 1.0


class LayerOutputMoments(NamedTuple):
    """Second moments that a hidden layer passes to its neighbours, its dropout included.

    log_square: ln of the mean square of its output. mean: that output's mean.
    log_slope: ln of the factor on the mean square of the gradient that comes back through it.
    """

    log_square: float
    mean: float
    log_slope: float


def moments(act: str, alpha: Alpha, log_q: float) -> Moments:
    """The integrals for pre-activations of variance e^log_q; -inf means that all of them are 0."""
    form = CLOSED_FORMS[act]
    if log_q == -math.inf:
        zero = np.zeros(1)
        value = form.value(zero, alpha)[0]
        slope = form.derivative(zero, alpha)[0]
        return Moments(log(value**2), log(slope**2), float(np.sign(value)))
    log_near = min(max(log_q, math.log(Q_RANGE[0])), math.log(Q_RANGE[1]))
    q = math.exp(log_near)
    z, weights = normal_nodes(q, (0.0, *form.kinks(alpha)), max(form.scale(alpha), 1e-9))
    value = form.value(z, alpha)
    square = value**2
    slope = form.derivative(z, alpha) ** 2
    mean_square = float(weights @ square)
    mean_slope = float(weights @ slope)
    # d E f / d q = E[f (z^2/q - 1)] / 2q, by parts: no second derivatives.
    stein = weights * (z * z / q - 1) / 2
    rho = float(stein @ square) / mean_square
    tau = float(stein @ slope) / mean_slope
    return Moments(
        log_square=log(mean_square) + rho * (log_q - log_near),
        log_slope=log(mean_slope) + tau * (log_q - log_near),
        mean=float(weights @ value) / math.sqrt(mean_square),
        square_elasticity=rho,
        slope_elasticity=tau,
        square_kurtosis=float(weights @ square**2) / mean_square**2,
        slope_kurtosis=float(weights @ slope**2) / mean_slope**2,
        mixed_kurtosis=float(weights @ (square * slope)) / (mean_square * mean_slope),
    )


def layer_outputs(act: str, layer: Moments, keep: float) -> LayerOutputMoments:
    """Moments of a hidden layer's outputs under dropout that keeps each with probability `keep`.

    Dropout divides both second moments by `keep` (Schoenholz et al. 2017, section 5). SELU's
    alpha-dropout (Klambauer et al. 2017) replaces dropped outputs by the floor f and rescales by g:
    g^2 keep (E phi^2 - 2 (1-keep) f E phi + (1-keep) f^2) forward, g^2 keep backward.
    """
    mean = layer.mean * exp(layer.log_square / 2)
    if act != "selu" or keep == 1:
        return LayerOutputMoments(layer.log_square - log(keep), mean, layer.log_slope - log(keep))
    log_gain = log(keep) - log(keep + SELU_FLOOR**2 * keep * (1 - keep))
    shift = (1 - keep) * (SELU_FLOOR**2 - 2 * SELU_FLOOR * mean)
    square = float(np.logaddexp(layer.log_square, log(shift)))
    return LayerOutputMoments(
        log_gain + square, exp(log_gain / 2) * math.sqrt(keep) * mean, log_gain + layer.log_slope
    )


@lru_cache
def flat_intervals(act: str, alpha: Alpha) -> tuple[tuple[float, float], ...]:
    """The intervals of z where |phi'| < 0.01 sup |phi'|: where a unit counts as saturated."""
    form = CLOSED_FORMS[act]
    limit = SATURATION * form.steepest(alpha)
    far = np.geomspace(20, 1e6, 400)
    grid = np.unique(np.concatenate([-far, np.linspace(-20, 20, 4001), far, [-1e-12, 1e-12]]))
    flat = np.abs(form.derivative(grid, alpha)) < limit
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    ends = [_crossing(act, alpha, limit, grid[i], grid[i + 1]) for i in changes]
    if flat[0]:
        ends.insert(0, -math.inf)
    if flat[-1]:
        ends.append(math.inf)
    return tuple(zip(ends[::2], ends[1::2], strict=True))


def _crossing(act: str, alpha: Alpha, limit: float, low: float, high: float) -> float:
    """Where |phi'| crosses `limit` between two points, by bisection."""
    form = CLOSED_FORMS[act]

    def flat(z: float) -> bool:
        return bool(np.abs(form.derivative(np.array([z]), alpha))[0] < limit)

    start = flat(low)
    for _ in range(30):
        middle = (low + high) / 2
        if flat(middle) == start:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def saturated_share(intervals: tuple[tuple[float, float], ...], log_q: float) -> float:
    """Probability that z ~ N(0, e^log_q) falls into one of `intervals`."""
    # Within float64; beyond it no share changes.
    q = exp(min(max(log_q, -600.0), 600.0)) if log_q > -math.inf else 0.0
    return sum(normal_share(low, high, q) for low, high in intervals)


def log(x: float) -> float:
    """Natural logarithm, -inf at 0."""
    return math.log(x) if x > 0 else -math.inf


def exp(x: float) -> float:
    """e^x, inf where it leaves float64."""
    return math.inf if x > 709 else math.exp(x)
