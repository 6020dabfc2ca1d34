"""Layer figures from one pass's arrays, in float64 NumPy, and the chapter's bound on them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64

from dnncli.nn.layer_stats import SATURATION
from dnncli.nn.network import Layer, Parameters
from dnncli.spec import NetworkSpec
from dnncli.theory import closed_forms

ADAM_RATE = 1e-3  # update_ratio is that of Adam's first step at its default rate …
ADAM_EPSILON = 1e-8  # … which is rate g / (|g| + epsilon)

Figures = dict[str, Float64[np.ndarray, " layers"]]


def figures(spec: NetworkSpec, parameters: Parameters, seen: Any) -> Figures:
    """Every layer's figures, as `records.LayerRecord` defines them; inf and nan where float32 ended.

    `seen` is a `stacked.Pass` copied to the host.
    """
    gradients = _kernels(seen.gradients)
    rows = []
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for index, layer in enumerate(parameters):
            hidden = index < len(spec.hidden)
            a = seen.a[index] if hidden else seen.logits
            delta = seen.deltas[index] if hidden else seen.output_delta
            slopes = _slopes(spec, seen.z[index]) if hidden else (0.0, 0.0)
            rows.append(
                (
                    *_signals(a, delta),
                    *_weights(np.asarray(layer.kernel), gradients[index]),
                    *slopes,
                )
            )
    names = (
        "activation_mean activation_std delta_rms weight_norm gradient_norm update_ratio"
        " saturated_fraction dead_fraction"
    )
    return dict(zip(names.split(), np.array(rows, np.float64).T, strict=True))


def _kernels(gradients: Any) -> list[np.ndarray]:
    return [gradients.first.kernel, *gradients.upper.kernel, gradients.output.kernel]


def _signals(a: np.ndarray, delta: np.ndarray) -> tuple[float, float, float]:
    return a.mean(dtype=np.float64), a.std(dtype=np.float64), _norm(delta) / np.sqrt(delta.size)


def _weights(kernel: np.ndarray, gradient: np.ndarray) -> tuple[float, float, float]:
    g = gradient.astype(np.float64)
    step = ADAM_RATE * _norm(g / (np.abs(g) + ADAM_EPSILON))
    weight = _norm(kernel)
    return weight, _norm(g), step / weight


def _norm(x: np.ndarray) -> float:
    return float(np.sqrt(np.square(x, dtype=np.float64).sum()))


def _slopes(spec: NetworkSpec, z: np.ndarray) -> tuple[float, float]:
    """Share of z where phi' is nearly flat, and of units where it is 0 for every example."""
    form = closed_forms.CLOSED_FORMS[spec.act]
    slopes = np.abs(form.derivative(z.astype(np.float64), spec.alpha))
    flat = slopes < SATURATION * closed_forms.steepest(spec.act, spec.alpha)
    return float(flat.mean()), float((slopes == 0).all(axis=0).mean())


def bound(spec: NetworkSpec, parameters: Parameters, output_delta: float) -> list[float]:
    """The largest delta_rms each layer can have, given the output's: sup|phi'| ||W||_2 a layer.

    For the sigmoid sup|phi'| is 1/4: the chapter's 0.25^k times the weights. Norms of delta, not its
    root mean square, shrink so; hence the factors of the layers' sizes.
    """
    limits = [output_delta]
    for layer in reversed(parameters[1:]):
        fan_in, units = layer.kernel.shape
        gain = closed_forms.steepest(spec.act, spec.alpha) * _largest_singular_value(layer)
        limits.append(limits[-1] * gain * np.sqrt(units / fan_in))
    return [float(limit) for limit in reversed(limits)]


def _largest_singular_value(layer: Layer) -> float:
    return float(np.linalg.norm(np.asarray(layer.kernel, np.float64), 2))


def quadratic_mean(values: Sequence[float] | np.ndarray) -> float:
    """Root mean square, in units of the largest: squares of gradients may leave float64."""
    array = np.asarray(values, np.float64)
    peak = float(np.max(np.abs(array)))
    if not 0 < peak < np.inf:
        return peak
    return float(peak * np.sqrt(np.mean(np.square(array / peak))))
