"""Per-layer measurement inside a training step: what each layer does and how its gradient flows."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from dnncli import activations, closed_forms, network, norms
from dnncli.network import Observation, Parameters
from dnncli.records import LAYER_FIELDS, LayerRecord
from dnncli.spec import NetworkSpec

SATURATION = 0.01  # a unit is saturated where |phi'| is below this share of its maximum


class LayerStats(NamedTuple):
    """One step's figures, one entry a layer; defined in `records.LayerRecord`."""

    delta_rms: Float[Array, " layers"]
    gradient_norm: Float[Array, " layers"]
    weight_norm: Float[Array, " layers"]
    update_ratio: Float[Array, " layers"]
    activation_mean: Float[Array, " layers"]
    activation_std: Float[Array, " layers"]
    saturated_fraction: Float[Array, " layers"]


def measure(spec: NetworkSpec, seen: Observation) -> tuple[LayerStats, tuple[Bool[Array, " units"], ...]]:
    """Every layer's figures, and which of its units have phi' other than 0 for some example."""
    batch = len(seen.deltas[0])
    slopes = _slopes(spec, seen)
    weight = _kernel_norms(seen.parameters)
    means = [norms.total(a) / a.size for a in seen.trace.activations]
    spreads = [norms.root_mean_square(a - m) for a, m in zip(seen.trace.activations, means, strict=True)]
    stats = LayerStats(
        # The deltas are of the mean loss: times the batch size they are of one example's.
        delta_rms=batch * jnp.stack([norms.root_mean_square(delta) for delta in seen.deltas]),
        gradient_norm=_kernel_norms(seen.gradients),
        weight_norm=weight,
        update_ratio=_kernel_norms(seen.updates) / weight,
        activation_mean=jnp.stack(means),
        activation_std=jnp.stack(spreads),
        saturated_fraction=_saturated(spec, slopes),
    )
    outputs = jnp.ones(seen.deltas[-1].shape[1], bool)  # logits are linear: they always respond
    return stats, (*(jnp.any(slope != 0, axis=0) for slope in slopes), outputs)


class FlightStats(NamedTuple):
    """What is kept of each step before a crash: the figures, and what of a layer is still finite."""

    stats: LayerStats
    activations: Bool[Array, " layers"]
    gradients: Bool[Array, " layers"]
    state: Bool[Array, " layers"]  # parameters after the step, and the optimizer's state


def record_flight(
    spec: NetworkSpec, seen: Observation
) -> tuple[FlightStats, tuple[Bool[Array, " units"], ...]]:
    """`measure`, with the finiteness that tells what broke first."""
    stats, responding = measure(spec, seen)
    moved = jax.tree.map(jnp.add, seen.parameters, seen.updates)
    flight = FlightStats(
        stats,
        activations=jnp.stack([norms.finite(a) for a in seen.trace.activations]),
        gradients=jnp.stack([norms.finite(pair) for pair in zip(seen.deltas, seen.gradients, strict=True)]),
        state=network.finite(network.TrainState(moved, seen.trace.statistics, seen.optimizer, jnp.int32(0))),
    )
    return flight, responding


def _kernel_norms(layers: Parameters) -> Float[Array, " layers"]:
    return jnp.stack([norms.frobenius(layer.kernel) for layer in layers])


def _slopes(spec: NetworkSpec, seen: Observation) -> list[Float[Array, "batch _"]]:
    """phi'(z) of every hidden layer."""
    hidden = zip(seen.parameters[:-1], seen.trace.preactivations[:-1], strict=True)
    return [activations.derivative(spec.act, z, network.alpha(spec, layer)) for layer, z in hidden]


def _saturated(spec: NetworkSpec, slopes: list[Float[Array, "batch _"]]) -> Float[Array, " layers"]:
    """Share of each layer's z where phi' is nearly flat; the linear output never is."""
    limit = SATURATION * closed_forms.steepest(spec.act, spec.alpha)
    flat = [norms.total((jnp.abs(slope) < limit).astype(jnp.float32)) / slope.size for slope in slopes]
    return jnp.stack([*flat, jnp.zeros(())])


def records(
    names: tuple[str, ...], stats: LayerStats, responding: tuple[np.ndarray, ...], clipped: np.ndarray
) -> tuple[LayerRecord, ...]:
    """Means and ranges over the measured steps, for each layer; stats have shape (steps, layers)."""

    def one(index: int, name: str) -> LayerRecord:
        figures = {key: getattr(stats, key)[:, index].astype(np.float64) for key in LAYER_FIELDS}
        return LayerRecord(
            layer=name,
            **{key: float(values.mean()) for key, values in figures.items()},
            dead_fraction=float(1 - responding[index].mean()),
            clipped_fraction=float(clipped[:, index].mean()) if len(clipped) else 0.0,
            ranges={key: (float(values.min()), float(values.max())) for key, values in figures.items()},
        )

    return tuple(one(index, name) for index, name in enumerate(names))
