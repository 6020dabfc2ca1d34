"""Critical initialisation: weights and biases under which gradients neither vanish nor explode.

A layer is critical where chi = sigma_w^2 E phi'(z)^2 = 1 at its own q. For that sigma_w^2 of the
layer above must be 1 / E phi'^2, which makes q there r(q) = E phi^2 / E phi'^2; where that is less
than q, biases of variance sigma_b^2 = q - r(q) make up for it, so that every layer has the same q.
What is left to choose is q.

- Where r(q) = q for every q (ReLU, leaky ReLU, identity) every q is critical: He's initialisation,
  left as it is in the first layer too.
- Else the first layer brings the data to q = 0.25, pre-activations of standard deviation 1/2: of
  0.1 to 2, values from 0.1 to 0.3 trained best (5 and 20 x 100 networks on digits, Adam and SGD,
  nine activations).
- Held q must be stable: its own perturbations change by chi_parallel = d(sigma_w^2 E phi^2)/dq a
  layer, which must not exceed 1. Swish, GELU, Mish and hard-swish are unstable at small q; they
  start at the q where chi_parallel reaches 1 (Roberts, Yaida & Hanin 2022, section 5.3: 14.32 for
  Swish, 3.56 for GELU). There 40 x 100 networks on digits reach 76 to 87 % after 12 epochs; from q
  = 0.25 all but Mish's 23 to 41 %.
- Where r(q) > q at 0.25 (sigmoid) no bias could hold it: q rises layer by layer to the fixed point
  r(q) = q, sigma_b = 0 and chi = 1 all the way. 20 x 100 sigmoid networks reach 97 % on digits so,
  against 75 % with the fixed point's sigma_w^2 = 103 in every layer.
- Where no q has r(q) <= q (softplus), whatever holds q has chi < 1: there is no critical
  initialisation.

Dropout that keeps a share p multiplies E phi^2 and E phi'^2 by 1/p, and so sigma_w^2 by p.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from dnncli.errors import SpecError
from dnncli.spec import NetworkSpec
from dnncli.theory.closed_forms import Alpha
from dnncli.theory.fixed_points import FARTHEST, bisect
from dnncli.theory.moments import LayerOutputMoments, exp, layer_outputs, log, moments

START = 0.25  # the q aimed at, see above
ROUNDING = 1e-9  # relative differences below this are rounding


@dataclass(frozen=True)
class CriticalLayer:
    """One layer's choice: kernel ~ N(0, weight_variance / fan-in), bias ~ N(0, bias_variance).

    For orthogonal kernels: orthonormal ones times sqrt(weight_variance max(fan-in, units) /
    fan-in).
    q: the variance of its pre-activations that this gives.
    """

    layer: str
    weight_variance: float
    bias_variance: float
    q: float


@dataclass(frozen=True)
class Critical:
    """A critical initialisation: an entry a layer from the input up, and a line about it."""

    layers: tuple[CriticalLayer, ...]
    description: str


def critical(spec: NetworkSpec, input_second_moment: float) -> Critical:
    """The weight and bias variances that make every hidden layer of `spec` critical on these data.

    `input_second_moment`: mean over examples and features of x^2, after scaling. The output layer
    continues the hidden ones' sigma_w^2, without a bias.
    Raises SpecError where there is no such initialisation.
    """
    _check(spec, input_second_moment)
    act = spec.act
    alpha = spec.alpha
    keep = 1 - spec.dropout
    if _scales(act, alpha):
        slope = exp(moments(act, alpha, 0.0).log_slope)
        log_q = log(input_second_moment) - math.log(slope)
        first = 1 / slope
    else:
        log_q = _starting_point(act, alpha, keep)
        first = exp(log_q) / input_second_moment
    layers = [CriticalLayer("hidden1", first, 0.0, exp(log_q))]
    for name in spec.layers()[1:]:
        step = _next(name, act, layer_outputs(act, moments(act, alpha, log_q), keep), log_q)
        layers.append(step)
        log_q = log(step.q)
    return Critical(tuple(layers), _describe(spec, layers))


def _check(spec: NetworkSpec, input_second_moment: float) -> None:
    """Raise SpecError for networks and data that have no critical initialisation."""
    if spec.bn:
        raise SpecError(
            "--init critical: with --bn no weight variance is critical, for the norm undoes it. "
            "Choose --no-bn or another --init.",
            option="--init",
        )
    if not 0 < input_second_moment < math.inf:
        raise SpecError(
            f"--init critical: the inputs' mean square is {input_second_moment:g}, which no finite"
            " weights can bring to a critical variance. Check the data and --scale.",
            option="--init",
        )


@lru_cache
def _scales(act: str, alpha: Alpha) -> bool:
    """Whether phi(cz) = c phi(z) for c > 0, so that q does not matter."""
    small = moments(act, alpha, math.log(1e-4))
    large = moments(act, alpha, math.log(1e4))
    gain = large.log_square - small.log_square - math.log(1e8)
    return max(abs(gain), abs(large.log_slope - small.log_slope)) < ROUNDING


def _balance(layer: LayerOutputMoments) -> float:
    """Ln r(q): the next layer's q without a bias where chi = 1."""
    return layer.log_square - layer.log_slope


def _next(name: str, act: str, below: LayerOutputMoments, log_q: float) -> CriticalLayer:
    """The layer above one of variance q; a hidden one's bias makes up for what q would lose."""
    weight = exp(-below.log_slope)
    q = exp(log_q)
    reached = exp(_balance(below))
    missing = q - reached if name != "output" else 0.0
    bias = missing if missing > ROUNDING * q else 0.0
    return CriticalLayer(name, weight, bias, reached + bias)


@lru_cache
def _starting_point(act: str, alpha: Alpha, keep: float) -> float:
    """Ln of the first layer's q. Raises SpecError where no q at all can be held."""

    def excess(log_q: float) -> float:
        return _balance(layer_outputs(act, moments(act, alpha, log_q), keep)) - log_q

    def unstable(log_q: float) -> bool:
        layer = moments(act, alpha, log_q)
        return excess(log_q) + log(layer.square_elasticity) > ROUNDING

    start = math.log(START)
    if excess(start) > ROUNDING:
        _seek(act, lambda x: excess(x) > ROUNDING, start)
        return start
    return _seek(act, unstable, start)


def _seek(act: str, holds: Callable[[float], bool], start: float) -> float:
    """The first ln q from `start` up at which the condition no longer holds."""
    near = start
    if not holds(near):
        return near
    while (far := near + 0.25) < FARTHEST[1] / 2:
        if not holds(far):
            return bisect(holds, near, far)
        near = far
    raise SpecError(
        f"--init critical: {act} has no critical point; whatever keeps its pre-activations'"
        " variance from growing makes its gradients vanish."
        " Choose --init he, or --act relu or elu.",
        option="--init",
    )


def _describe(spec: NetworkSpec, layers: list[CriticalLayer]) -> str:
    """One line: the variances of the layers after the first, which the data scale, and their q."""
    above = layers[1:]
    parts = [
        f"σ_w² = {_span([x.weight_variance for x in above])}",
        f"σ_b² = {_span([x.bias_variance for x in above[:-1]] or [0.0])}",
        f"q = {_span([x.q for x in layers[:-1]])}",
    ]
    first = f"first layer σ_w² = {layers[0].weight_variance:.4g}"
    return f"critical for {spec.act}: {', '.join(parts)} ({first})"


def _span(values: list[float]) -> str:
    """A number, or the first and the last of a changing course."""
    first = f"{values[0]:.4g}"
    last = f"{values[-1]:.4g}"
    return first if first == last else f"{first} → {last}"
