"""What theory predicts of a network before its first step."""

import math

from dnncli.records import LayerPrediction, Prediction
from dnncli.spec import NetworkSpec
from dnncli.theory import propagation
from dnncli.theory.fixed_points import depth_scale, trainable_depth
from dnncli.theory.moments import exp, flat_intervals, saturated_share
from dnncli.theory.propagation import FiniteWidthVariance, PreactivationMoments

LOG10 = math.log(10)
Z_95 = 1.96  # 95 % of a normal distribution
FLOAT32 = (-37.93, 38.53)  # log10 of the smallest normal and the largest float32

BATCH_NORM_NOTE = (
    "batch norm: the value at initialisation for a large batch, about 2 % a layer too small at a"
    " batch of 64 and up to 20 % in the first layers on real data; the first steps shrink it"
)
# Variance of ln delta_ratio^2 that comes from fluctuating q's; above it they are not small.
UNSTABLE = 0.5
UNSTABLE_NOTE = (
    "the variance of pre-activations is unstable here: networks of these widths scatter, mostly"
    " upwards, and beyond the band"
)


def predict(
    spec: NetworkSpec,
    features: int,
    outputs: int,
    input_second_moment: float,
    loss: str = "cross-entropy",
) -> Prediction:
    """The untrained network's second moments layer by layer, under one of `spec.objective.LOSSES`.

    `input_second_moment`: mean over examples and features of x^2, after scaling.
    Raises SpecError where --init critical has no solution.
    """
    if not 0 < input_second_moment < math.inf:
        return Prediction(
            reason=f"the inputs' mean square is {input_second_moment:g}, from which nothing follows"
        )
    variances = propagation.init_variances(spec, features, outputs, input_second_moment)
    preactivations = propagation.forward(spec, variances, input_second_moment)
    chis = propagation.log_chis(variances, preactivations)
    steps = propagation.log_steps(spec, outputs, chis)
    deltas = propagation.backward(preactivations, outputs, steps, loss)
    layers = _layers(spec, preactivations, chis, deltas)
    ratio = math.fsum(steps[:-1]) / 2 / LOG10
    spread = propagation.finite_width_variance(spec, variances, preactivations, features)
    band = _band(ratio, spread)
    inner = chis[:-1] or chis
    chi = _known(exp(math.fsum(inner) / len(inner)))
    scale = None if chi is None else depth_scale(chi)
    depths = None if chi is None or spec.bn else trainable_depth(chi)
    return Prediction(
        layers=layers,
        delta_ratio=_power(ratio),
        log10_delta_ratio=ratio,
        band=(_power(band[0]), _power(band[1])),
        log10_band=band,
        chi=chi,
        depth_scale=scale,
        trainable_depth=depths,
        float32=_float32(layers),
        note=_note(spec, spread),
    )


def _note(spec: NetworkSpec, spread: FiniteWidthVariance) -> str | None:
    """Where the prediction is known to be imprecise, and how."""
    if spec.bn:
        return BATCH_NORM_NOTE
    return UNSTABLE_NOTE if spread.by_q > UNSTABLE else None


def _layers(
    spec: NetworkSpec,
    preactivations: tuple[PreactivationMoments, ...],
    chis: tuple[float, ...],
    deltas: tuple[float, ...],
) -> tuple[LayerPrediction, ...]:
    """One record a layer; deltas: ln delta^2 of each."""
    flat = flat_intervals(spec.act, spec.alpha)
    layers = []
    for name, z, log_chi, delta in zip(
        spec.layers(), preactivations, (*chis, math.nan), deltas, strict=True
    ):
        log_delta = _known(delta / 2 / LOG10)
        mean, std = _activation(z)
        size = None if log_delta is None else _power(log_delta)
        saturated = saturated_share(flat, z.log_q) if z.moments else 0.0
        layers.append(
            LayerPrediction(
                layer=name,
                q=exp(z.log_q),
                log10_q=z.log_q / LOG10,
                chi=_known(exp(log_chi)),
                delta_rms=size,
                log10_delta_rms=log_delta,
                activation_mean=mean,
                activation_std=std,
                saturated_fraction=saturated,
            )
        )
    return tuple(layers)


def _activation(z: PreactivationMoments) -> tuple[float, float]:
    """Mean and standard deviation over examples and units, before dropout.

    For the output layer: of its logits.
    """
    if z.moments is None:
        return 0.0, exp(z.log_q / 2)
    root_mean_square = exp(z.moments.log_square / 2)
    if root_mean_square == math.inf:
        return math.copysign(math.inf, z.moments.mean), math.inf
    share = z.moments.mean
    return share * root_mean_square, math.sqrt(max(0.0, 1 - share**2)) * root_mean_square


def _band(ratio: float, spread: FiniteWidthVariance) -> tuple[float, float]:
    """log10 of the ratio's 95 % band, from the variance v of ln ratio^2 for one example.

    ln ratio^2 is about normal with mean -v/2 around the prediction, its expectation being the
    prediction. A batch averages some of both away, which leaves 0 to -v/2; where q fluctuates its
    mean rises by up to half of what that adds to v, counted up to 1, beyond which it is no small
    correction.
    """
    reach = Z_95 * math.sqrt(spread.total)
    return (
        ratio - (reach + spread.total / 2) / 2 / LOG10,
        ratio + (reach + min(spread.by_q, 1.0) / 2) / 2 / LOG10,
    )


def _float32(layers: tuple[LayerPrediction, ...]) -> str | None:
    """The first layer whose pre-activations, or else deltas, float32 cannot hold."""
    for layer in layers:
        if layer.log10_q / 2 > FLOAT32[1]:
            size = f"1e{layer.log10_q / 2:.0f}"
            return f"{layer.layer}: pre-activations of about {size} overflow float32"
    for layer in reversed(layers):
        delta = layer.log10_delta_rms
        if delta is not None and not FLOAT32[0] < delta < FLOAT32[1]:
            verb = "overflow" if delta > 0 else "underflow"
            return f"{layer.layer}: deltas of about 1e{delta:.0f} {verb} float32"
    return None


def _known(x: float) -> float | None:
    """A number, or None for nan."""
    return None if math.isnan(x) else x


def _power(log10: float) -> float:
    """10^x, inf or 0 where it leaves float64."""
    return exp(log10 * LOG10)
