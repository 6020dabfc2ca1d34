"""Layer statistics from the arrays of one pass, in float64 NumPy, and a bound on delta."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64

from dnncli.nn.network import Layer, Parameters
from dnncli.spec import NetworkSpec
from dnncli.theory import closed_forms

# update_ratio is that of Adam's first step at its default rate, rate * g / (|g| + epsilon).
ADAM_RATE = 1e-3
ADAM_EPSILON = 1e-8

LayerStatistics = dict[str, Float64[np.ndarray, " layers"]]
Array = np.ndarray


def layer_statistics(spec: NetworkSpec, parameters: Parameters, seen: Any) -> LayerStatistics:
    """Every layer's statistics, as `records.LayerRecord` defines them.

    They are inf or nan where the pass left float32's range. `seen` is a `stacked.Pass` copied to
    the host.
    """
    outputs = [*seen.a, seen.logits]
    deltas = [*seen.deltas, seen.output_delta]
    kernels = [np.asarray(layer.kernel) for layer in parameters]
    gradients = [
        seen.gradients.first.kernel,
        *seen.gradients.upper.kernel,
        seen.gradients.output.kernel,
    ]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        columns = {
            "activation_mean": [a.mean(dtype=np.float64) for a in outputs],
            "activation_std": [a.std(dtype=np.float64) for a in outputs],
            "delta_rms": [_norm(delta) / np.sqrt(delta.size) for delta in deltas],
            "weight_norm": list(map(_norm, kernels)),
            "gradient_norm": list(map(_norm, gradients)),
            "update_ratio": list(map(_update_ratio, kernels, gradients)),
            "saturated_fraction": [*(_saturated_fraction(spec, z) for z in seen.z), 0.0],
            "dead_fraction": [*(_dead_fraction(spec, z) for z in seen.z), 0.0],
        }
        return {name: np.array(column, np.float64) for name, column in columns.items()}


def _norm(x: Array) -> float:
    """Frobenius norm, in float64."""
    return float(np.sqrt(np.square(x, dtype=np.float64).sum()))


def _update_ratio(kernel: Array, gradient: Array) -> float:
    """The norm of Adam's first step over the norm of the weights."""
    g = gradient.astype(np.float64)
    step = ADAM_RATE * _norm(g / (np.abs(g) + ADAM_EPSILON))
    return float(np.float64(step) / _norm(kernel))


def _saturated_fraction(spec: NetworkSpec, z: Array) -> float:
    """The share of pre-activations where |phi'| is small."""
    least = closed_forms.SATURATION * closed_forms.steepest(spec.act, spec.alpha)
    return float((_slopes(spec, z) < least).mean())


def _dead_fraction(spec: NetworkSpec, z: Array) -> float:
    """The share of units where phi' is 0 for every example."""
    return float((_slopes(spec, z) == 0).all(axis=0).mean())


def _slopes(spec: NetworkSpec, z: Array) -> Array:
    """|phi'| at the pre-activations."""
    form = closed_forms.CLOSED_FORMS[spec.act]
    return np.abs(form.derivative(z.astype(np.float64), spec.alpha))


def bound(spec: NetworkSpec, parameters: Parameters, output_delta: float) -> list[float]:
    """The largest delta_rms each layer can have, given the output's: sup|phi'| ||W||_2 a layer.

    For the sigmoid sup|phi'| is 1/4: the chapter's 0.25^k times the weights. It is a bound on norms
    of delta and not on root mean squares, hence the factors of the layers' sizes.
    """
    steepest = closed_forms.steepest(spec.act, spec.alpha)
    limits = [output_delta]
    for layer in reversed(parameters[1:]):
        fan_in, units = layer.kernel.shape
        gain = steepest * _largest_singular_value(layer)
        limits.append(limits[-1] * gain * np.sqrt(units / fan_in))
    return [float(limit) for limit in reversed(limits)]


def _largest_singular_value(layer: Layer) -> float:
    return float(np.linalg.norm(np.asarray(layer.kernel, np.float64), 2))


def quadratic_mean(values: Sequence[float] | np.ndarray) -> float:
    """Root mean square, in units of the largest: squares of gradients may leave float64's range."""
    array = np.asarray(values, np.float64)
    peak = float(np.max(np.abs(array)))
    if not 0 < peak < np.inf:
        return peak
    return float(peak * np.sqrt(np.mean(np.square(array / peak))))
