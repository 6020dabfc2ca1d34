"""What theory predicts of a network before its first step."""

import math
from dataclasses import dataclass

from dnncli.spec import NetworkSpec
from dnncli.theory import propagation
from dnncli.theory.fixed_points import depth_scale, trainable_depth
from dnncli.theory.moments import exp, flat_intervals, saturated_share
from dnncli.theory.propagation import Scatter, Wave

LOG10 = math.log(10)
SIGMAS = 1.96  # 95 % of a normal distribution
FLOAT32 = (-37.93, 38.53)  # log10 of the smallest normal and the largest float32

BATCH_NORM_NOTE = (
    "batch norm: the value at initialisation for a large batch, about 2 % a layer too small at a batch of 64 "
    "and up to 20 % in the first layers on real data; the first steps shrink it"
)
# Of ln delta_ratio^2, by fluctuating q: where fluctuations grow they soon are no longer small.
UNSTABLE = 0.5
UNSTABLE_NOTE = (
    "the variance of pre-activations is unstable here: networks of these widths scatter, mostly upwards, "
    "and beyond the band"
)


@dataclass(frozen=True)
class LayerPrediction:
    """One layer before the first step; fields named as in `records.LayerRecord` are what it measures.

    q: variance of the pre-activations. chi: factor on the gradient's variance from the layer above
    (None for the output). delta_rms is None where batch norm of the logits leaves it open.
    The logarithms hold where the numbers leave float64 (there inf or 0).
    """

    layer: str
    q: float
    log10_q: float
    chi: float | None
    delta_rms: float | None
    log10_delta_rms: float | None
    activation_mean: float
    activation_std: float
    saturated_fraction: float


@dataclass(frozen=True)
class Prediction:
    """Mean-field theory of a whole network, or the reason why it has none.

    delta_ratio: delta_rms(hidden1) / delta_rms(last hidden). band: where it should lie for 95 % of
    networks of these widths. chi: geometric mean over the layers between. trainable_depth is
    None with batch norm. float32: which layer leaves float32 and how, if one does.
    """

    layers: tuple[LayerPrediction, ...] = ()
    delta_ratio: float | None = None
    log10_delta_ratio: float | None = None
    band: tuple[float, float] | None = None
    log10_band: tuple[float, float] | None = None
    chi: float | None = None
    depth_scale: float | None = None
    trainable_depth: tuple[float, float] | None = None
    float32: str | None = None
    note: str | None = None
    reason: str | None = None


def predict(
    spec: NetworkSpec, features: int, classes: int, input_second_moment: float
) -> Prediction:
    """The untrained network's second moments layer by layer, for one softmax cross-entropy loss.

    `input_second_moment`: mean over examples and features of x^2, after scaling.
    Raises SpecError where --init critical has no solution.
    """
    if not 0 < input_second_moment < math.inf:
        return Prediction(
            reason=f"the inputs' mean square is {input_second_moment:g}, from which nothing follows"
        )
    draws = propagation.draws(spec, features, classes, input_second_moment)
    waves = propagation.forward(spec, draws, input_second_moment)
    chis = propagation.log_chis(draws, waves)
    steps = propagation.log_steps(spec, classes, chis)
    layers = _layers(spec, waves, chis, propagation.backward(waves, classes, steps))
    ratio = math.fsum(steps[:-1]) / 2 / LOG10
    scatter = propagation.scatter(spec, draws, waves, features)
    band = _band(ratio, scatter)
    inner = chis[:-1] or chis
    chi = _known(exp(math.fsum(inner) / len(inner)))
    return Prediction(
        layers=layers,
        delta_ratio=_power(ratio),
        log10_delta_ratio=ratio,
        band=(_power(band[0]), _power(band[1])),
        log10_band=band,
        chi=chi,
        depth_scale=None if chi is None else depth_scale(chi),
        trainable_depth=None if chi is None or spec.bn else trainable_depth(chi),
        float32=_float32(layers),
        note=BATCH_NORM_NOTE if spec.bn else UNSTABLE_NOTE if scatter.by_q > UNSTABLE else None,
    )


def _layers(
    spec: NetworkSpec, waves: tuple[Wave, ...], chis: tuple[float, ...], deltas: tuple[float, ...]
) -> tuple[LayerPrediction, ...]:
    flat = flat_intervals(spec.act, spec.alpha)
    layers = []
    for name, wave, log_chi, delta in zip(
        spec.layers(), waves, (*chis, math.nan), deltas, strict=True
    ):
        log_delta = _known(delta / 2 / LOG10)
        mean, std = _activation(wave)
        layers.append(
            LayerPrediction(
                layer=name,
                q=exp(wave.log_q),
                log10_q=wave.log_q / LOG10,
                chi=_known(exp(log_chi)),
                delta_rms=None if log_delta is None else _power(log_delta),
                log10_delta_rms=log_delta,
                activation_mean=mean,
                activation_std=std,
                saturated_fraction=saturated_share(flat, wave.log_q) if wave.moments else 0.0,
            )
        )
    return tuple(layers)


def _activation(wave: Wave) -> tuple[float, float]:
    """Mean and standard deviation over examples and units, before dropout; the output's is its logits'."""
    if wave.moments is None:
        return 0.0, exp(wave.log_q / 2)
    root_mean_square = exp(wave.moments.log_square / 2)
    if root_mean_square == math.inf:
        return math.copysign(math.inf, wave.moments.mean), math.inf
    share = wave.moments.mean
    return share * root_mean_square, math.sqrt(max(0.0, 1 - share**2)) * root_mean_square


def _band(ratio: float, scatter: Scatter) -> tuple[float, float]:
    """log10 of the ratio's 95 % band, from the variance v of ln ratio^2 for one example.

    ln ratio^2 is about normal with mean -v/2 around the prediction, its expectation being the prediction.
    A batch averages some of both away, which leaves 0 to -v/2; where q fluctuates its mean rises by up to
    half of what that adds to v, counted up to 1, beyond which it is no small correction.
    """
    spread = SIGMAS * math.sqrt(scatter.total)
    return (
        ratio - (spread + scatter.total / 2) / 2 / LOG10,
        ratio + (spread + min(scatter.by_q, 1.0) / 2) / 2 / LOG10,
    )


def _float32(layers: tuple[LayerPrediction, ...]) -> str | None:
    """The first layer whose pre-activations, or else deltas, float32 cannot hold."""
    for layer in layers:
        if layer.log10_q / 2 > FLOAT32[1]:
            return f"{layer.layer}: pre-activations of about 1e{layer.log10_q / 2:.0f} overflow float32"
    for layer in reversed(layers):
        size = layer.log10_delta_rms
        if size is not None and not FLOAT32[0] < size < FLOAT32[1]:
            verb = "overflow" if size > 0 else "underflow"
            return f"{layer.layer}: deltas of about 1e{size:.0f} {verb} float32"
    return None


def _known(x: float) -> float | None:
    return None if math.isnan(x) else x


def _power(log10: float) -> float:
    """10^x, inf or 0 where it leaves float64."""
    return exp(log10 * LOG10)
