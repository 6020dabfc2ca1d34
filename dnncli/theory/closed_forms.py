"""Activation functions and their derivatives in closed form, in float64 NumPy.

The theory integrates them and the tests hold the JAX registry against them; nothing here is
trained. At a kink the derivative is the one JAX's automatic differentiation gives: relu'(0) = 0, a
leaky ReLU's and ELU's slope from the left, 0 and 1 at hard-swish's -3 and 3. Sources stand in the
catalog.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

Alpha = float | None
Values = Float64[np.ndarray, "*shape"]
Curve = Callable[[Values, Alpha], Values]

# Klambauer et al. 2017: the pair for which mean 0 and variance 1 reproduce themselves.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805
SELU_FLOOR = -SELU_SCALE * SELU_ALPHA  # SELU at minus infinity: what alpha-dropout drops to
SATURATION = 0.01  # a unit is saturated where |phi'| is below this share of its maximum
BN_EPSILON = 1e-3  # what batch norm adds to a variance


def _one(alpha: Alpha) -> float:
    """The steepest slope and the width of most activations."""
    return 1.0


def _smooth(alpha: Alpha) -> tuple[float, ...]:
    """No kinks."""
    return ()


def _at_zero(alpha: Alpha) -> tuple[float, ...]:
    """A kink at 0."""
    return (0.0,)


class ClosedForm(NamedTuple):
    """phi and phi' of (z, alpha), and what an integral over them has to know.

    steepest: sup |phi'|. kinks: the z at which some derivative jumps. scale: the width in z of the
    narrowest feature.
    """

    value: Curve
    derivative: Curve
    steepest: Callable[[Alpha], float] = _one
    kinks: Callable[[Alpha], tuple[float, ...]] = _smooth
    scale: Callable[[Alpha], float] = _one


def steepest(name: str, alpha: Alpha = None) -> float:
    """Sup |phi'(z)| of the activation called `name`: what saturation is measured against."""
    return CLOSED_FORMS[name].steepest(alpha)


def kinks(name: str, alpha: Alpha = None) -> tuple[float, ...]:
    """The z, in ascending order, at which the activation or one of its derivatives jumps."""
    return CLOSED_FORMS[name].kinks(alpha)


def _parameter(alpha: Alpha) -> float:
    """Alpha where the activation needs one. Raises ValueError for None."""
    if alpha is None:
        raise ValueError("this activation needs an alpha")
    return alpha


def _sigmoid(z: Values) -> Values:
    """1/(1 + e^-z) with e^-|z| alone, which cannot overflow and keeps both tails exact."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1 + e)


def _bell(z: Values) -> Values:
    """The sigmoid's derivative, even in z."""
    e = np.exp(-np.abs(z))
    return e / (1 + e) ** 2


def _steps(z: Values, left: float, right: float) -> Values:
    """`right` where z > 0, `left` elsewhere."""
    return np.where(z > 0, right, left)


def _leaky_relu(z: Values, alpha: Alpha) -> Values:
    """Maas et al. 2013: z, or alpha z where z < 0."""
    return np.where(z > 0, z, _parameter(alpha) * z)


def _elu(z: Values, alpha: Alpha) -> Values:
    """Clevert et al. 2015: z, or alpha (e^z - 1) where z < 0."""
    return np.where(z > 0, z, _parameter(alpha) * np.expm1(np.minimum(z, 0)))


def _elu_slope(z: Values, alpha: Alpha) -> Values:
    return np.where(z > 0, 1.0, _parameter(alpha) * np.exp(np.minimum(z, 0)))


def _celu(z: Values, alpha: Alpha) -> Values:
    """Barron 2017: z, or alpha (e^(z/alpha) - 1) where z < 0."""
    return np.where(z > 0, z, _parameter(alpha) * np.expm1(np.minimum(z, 0) / _parameter(alpha)))


def _celu_slope(z: Values, alpha: Alpha) -> Values:
    return np.where(z > 0, 1.0, np.exp(np.minimum(z, 0) / _parameter(alpha)))


def _normal_cdf(z: Values) -> Values:
    """P(x < z) for x ~ N(0, 1), exact in the lower tail."""
    from scipy.special import erfc  # comes with JAX; a tenth of a second that only GELU needs

    return 0.5 * erfc(-z / math.sqrt(2))


def _normal_density(z: Values) -> Values:
    return np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def _mish_gate(z: Values) -> tuple[Values, Values]:
    """T = tanh(softplus(z)) and 1 - t^2, as ratios of polynomials in e^-|z|."""
    e = np.exp(-np.abs(z))
    up = z >= 0
    total = np.where(up, 1 + 2 * e + 2 * e * e, e * e + 2 * e + 2)
    gate = np.where(up, 1 + 2 * e, e * e + 2 * e) / total
    return gate, np.where(up, 2 * e * e, 2.0) / total * (1 + gate)


def _mish_slope(z: Values, alpha: Alpha) -> Values:
    gate, rest = _mish_gate(z)
    return gate + z * rest * _sigmoid(z)


def _hard_swish_slope(z: Values, alpha: Alpha) -> Values:
    return np.where(np.abs(z) < 3, z / 3 + 0.5, _steps(z, 0.0, 1.0))


def _leaky_steepest(alpha: Alpha) -> float:
    """The larger of the two sides' slopes."""
    return max(1.0, abs(_parameter(alpha)))


_LEAKY_RELU = ClosedForm(
    _leaky_relu, lambda z, alpha: _steps(z, _parameter(alpha), 1.0), _leaky_steepest, _at_zero
)

CLOSED_FORMS: dict[str, ClosedForm] = {
    "identity": ClosedForm(lambda z, alpha: z, lambda z, alpha: np.ones_like(z)),
    "sigmoid": ClosedForm(
        lambda z, alpha: _sigmoid(z), lambda z, alpha: _bell(z), lambda alpha: 0.25
    ),
    "tanh": ClosedForm(lambda z, alpha: np.tanh(z), lambda z, alpha: 4 * _bell(2 * z)),
    "softsign": ClosedForm(
        lambda z, alpha: z / (1 + np.abs(z)),
        lambda z, alpha: (1 + np.abs(z)) ** -2.0,
        kinks=_at_zero,
    ),
    "softplus": ClosedForm(lambda z, alpha: np.logaddexp(0, z), lambda z, alpha: _sigmoid(z)),
    "relu": ClosedForm(
        lambda z, alpha: np.maximum(z, 0), lambda z, alpha: _steps(z, 0.0, 1.0), kinks=_at_zero
    ),
    "leaky-relu": _LEAKY_RELU,
    "prelu": _LEAKY_RELU,
    "elu": ClosedForm(_elu, _elu_slope, _leaky_steepest, _at_zero),
    "celu": ClosedForm(
        _celu, _celu_slope, kinks=_at_zero, scale=lambda alpha: min(1.0, _parameter(alpha))
    ),
    "selu": ClosedForm(
        lambda z, alpha: SELU_SCALE * _elu(z, SELU_ALPHA),
        lambda z, alpha: SELU_SCALE * _elu_slope(z, SELU_ALPHA),
        lambda alpha: SELU_SCALE * SELU_ALPHA,
        _at_zero,
    ),
    "gelu": ClosedForm(
        lambda z, alpha: z * _normal_cdf(z),
        lambda z, alpha: _normal_cdf(z) + z * _normal_density(z),
        lambda alpha: (1 + math.erf(1)) / 2 + 1 / (math.e * math.sqrt(math.pi)),  # at z = sqrt 2
    ),
    "swish": ClosedForm(
        lambda z, alpha: z * _sigmoid(z),
        lambda z, alpha: _sigmoid(z) + z * _bell(z),
        lambda alpha: 1.0998393201288668,  # at z = 2.39936, where z tanh(z/2) = 2
    ),
    "mish": ClosedForm(
        lambda z, alpha: z * _mish_gate(z)[0],
        _mish_slope,
        lambda alpha: 1.0884981612517280,  # at z = 1.49057
    ),
    "hard-swish": ClosedForm(
        lambda z, alpha: z * np.clip(z / 6 + 0.5, 0, 1),
        _hard_swish_slope,
        lambda alpha: 1.5,  # approached from the left of z = 3
        lambda alpha: (-3.0, 3.0),
    ),
}
