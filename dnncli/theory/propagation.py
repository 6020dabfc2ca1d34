"""Second moments through an untrained network: pre-activations upwards, deltas downwards.

Poole et al. 2016, Schoenholz et al. 2017, layer by layer from the data's own second moment. A
hidden layer l of n_l units with pre-activations of variance q_l, sigma_w^2(l) = n_(l-1) Var W_l:

    q_(l+1) = sigma_w^2(l+1) E phi(z_l)^2 / p + sigma_b^2(l+1)
    delta^2_l = delta^2_(l+1) (n_(l+1) / n_l) chi_l,  chi_l = sigma_w^2(l+1) E phi'(z_l)^2 / p

p: the share dropout keeps. delta^2: mean square over examples and units of dl/dz, l the loss of an
example.

Batch norm divides by the batch's standard deviation. Among normalised layers a large batch's
examples tend to be uncorrelated (Yang et al. 2019), so that its square is sigma_w^2 (E phi^2 / p -
(E phi)^2) and chi = E phi'^2 / (E phi^2 - p (E phi)^2) whatever the weights: pi/(pi - 1) for ReLU.
It is never below 1 (Chernoff 1981: Var phi <= E phi'^2).
"""

import math
from itertools import pairwise
from typing import NamedTuple

from dnncli.spec import NetworkSpec
from dnncli.theory import numbers
from dnncli.theory.closed_forms import BN_EPSILON
from dnncli.theory.critical import critical
from dnncli.theory.fixed_points import add
from dnncli.theory.moments import LayerOutputMoments, Moments, exp, layer_outputs, log, moments
from dnncli.theory.softmax import output_delta_square
from dnncli.theory.variances import variance

UNKNOWN = math.nan  # a batch variance that follows from nothing known here


class InitVariances(NamedTuple):
    """A layer's sigma_w^2, fan-in times its weights' variance, and its biases' sigma_b^2."""

    weight: float
    bias: float


class PreactivationMoments(NamedTuple):
    """ln of the pre-activations' variance and of batch norm's squared gain (0 without it).

    For a hidden layer also the integrals over them and what it passes on.
    """

    log_q: float
    log_gain: float
    moments: Moments | None = None
    outputs: LayerOutputMoments | None = None


def init_variances(
    spec: NetworkSpec, features: int, classes: int, input_second_moment: float
) -> tuple[InitVariances, ...]:
    """Every layer's variances under the spec's initialiser. Raises SpecError as `critical` does."""
    if spec.init.startswith("critical"):
        layers = critical(spec, input_second_moment).layers
        return tuple(InitVariances(layer.weight_variance, layer.bias_variance) for layer in layers)
    sizes = (features, *spec.hidden, classes)
    return tuple(
        InitVariances(fan_in * variance(spec.init, fan_in, units), 0.0)
        for fan_in, units in pairwise(sizes)
    )


def forward(
    spec: NetworkSpec, layers: tuple[InitVariances, ...], input_second_moment: float
) -> tuple[PreactivationMoments, ...]:
    """Every layer's pre-activations, the output's last; the inputs are taken to have mean 0."""
    preactivations: list[PreactivationMoments] = []
    log_square = log(input_second_moment)
    log_spread = log_square
    for layer, normalised in zip(layers, spec.normalised(), strict=True):
        if normalised:
            log_gain = -add(log(layer.weight) + log_spread, log(BN_EPSILON))
            log_q = log(layer.weight) + log_spread + log_gain
        else:
            log_gain = 0.0
            log_q = add(log(layer.weight) + log_square, log(layer.bias))
        if len(preactivations) == len(spec.hidden):
            known = 0.0 if math.isnan(log_q) else log_q
            return (*preactivations, PreactivationMoments(known, log_gain))
        inner = moments(spec.act, spec.alpha, log_q)
        outer = layer_outputs(spec.act, inner, 1 - spec.dropout)
        log_square = outer.log_square
        log_spread = log(exp(log_square) - outer.mean**2) if normalised else UNKNOWN
        preactivations.append(PreactivationMoments(log_q, log_gain, inner, outer))
    raise AssertionError("a network has an output layer")


def log_chis(
    layers: tuple[InitVariances, ...], preactivations: tuple[PreactivationMoments, ...]
) -> tuple[float, ...]:
    """Ln chi of each hidden layer: the factor on the gradient's variance from the layer above."""
    return tuple(
        log(above.weight) + layer.outputs.log_slope + norm.log_gain
        for layer, norm, above in zip(preactivations, preactivations[1:], layers[1:], strict=False)
        if layer.outputs is not None
    )


def log_steps(spec: NetworkSpec, classes: int, chis: tuple[float, ...]) -> tuple[float, ...]:
    """Logarithm of delta^2_l / delta^2_(l+1) of each hidden layer."""
    above = (*spec.hidden[1:], classes)
    return tuple(
        chi + math.log(outer / units)
        for chi, units, outer in zip(chis, spec.hidden, above, strict=True)
    )


def backward(
    preactivations: tuple[PreactivationMoments, ...],
    outputs: int,
    steps: tuple[float, ...],
    loss: str = "cross-entropy",
) -> tuple[float, ...]:
    """Ln delta^2 of every layer, the output's last; nan where batch norm's gain is unknown."""
    deltas = [_log_output_delta(exp(preactivations[-1].log_q), outputs, loss)]
    for step in reversed(steps):
        deltas.append(deltas[-1] + step)
    return tuple(reversed(deltas))


def _log_output_delta(q: float, outputs: int, loss: str) -> float:
    """Ln delta^2 of the output layer; a softmax over one class has none."""
    if loss != "cross-entropy":
        return log(numbers.output_delta_square(loss, q, outputs))
    if outputs == 1:
        return -math.inf
    return math.log(output_delta_square(q, outputs))


class FiniteWidthVariance(NamedTuple):
    """Variance over networks of ln(delta^2_1 / delta^2_N), and how much of it comes from q's."""

    total: float
    by_q: float


def finite_width_variance(
    spec: NetworkSpec,
    layers: tuple[InitVariances, ...],
    preactivations: tuple[PreactivationMoments, ...],
    features: int,
) -> FiniteWidthVariance:
    """How finite widths scatter the delta ratio of one example.

    Of n units, mean phi^2 has relative variance (k - 1)/n and the mean of phi'^2 (W delta)^2 has
    (3k' - 1)/n, k and k' the kurtoses of phi and phi' and 3 that of a normal variable: 5/n for ReLU
    (Hanin & Nica 2019). Fluctuations of q pass to the gradient by the elasticity tau of E phi'^2
    and to the next layer by that of E phi^2, rho, on the share of its q that is not bias. They
    begin with the inputs', 2/features if those are normal. An orthogonal W keeps norms, which takes
    away 2 rho^2/n and 2 (1 + tau^2)/n.
    Over a batch whose deltas differ the mean scatters less: measured, by 0.25 to 1 of this
    deviation.
    """
    total = 0.0  # variance of the sum
    own = 0.0  # of its terms beside q
    shared = 0.0  # covariance with ln q
    spread = 2 / features  # variance of ln q
    fan_in = features
    for index, units in enumerate(spec.hidden[:-1]):
        here = preactivations[index].moments
        assert here is not None
        share = 1 - exp(log(layers[index + 1].bias) - preactivations[index + 1].log_q)
        rho = share * here.square_elasticity
        tau = here.slope_elasticity
        up, down = _kept(spec, fan_in, units, spec.hidden[index + 1])
        noise = max(0.0, share**2 * (here.square_kurtosis - 1) - 2 * up * rho**2) / units
        damped = max(0.0, 3 * here.slope_kurtosis - 1 - 2 * down - 2 * up * tau**2) / units
        mixed = (share * (here.mixed_kurtosis - 1) - 2 * up * rho * tau) / units
        if spec.bn:
            rho = 0.0
            tau = 0.0
        own += damped
        total += 2 * tau * shared + tau**2 * spread + damped
        shared = rho * (shared + tau * spread) + mixed
        spread = rho**2 * spread + noise
        fan_in = units
    return FiniteWidthVariance(max(0.0, total), max(0.0, total - own))


def _kept(spec: NetworkSpec, fan_in: int, units: int, above: int) -> tuple[float, float]:
    """Shares of a norm's fluctuation that a layer's matrix removes upwards, the next downwards."""
    if not spec.init.endswith("orthogonal"):
        return 0.0, 0.0
    return min(1.0, units / fan_in), min(1.0, units / above)
