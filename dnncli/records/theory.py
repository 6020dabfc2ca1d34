"""What mean-field theory predicts of a network before its first step."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerPrediction:
    """One layer before the first step; fields of `LayerRecord` mean the same here.

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
