"""Per-layer measurement inside a training step: what each layer does and how its gradient flows."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from dnncli.nn import activations, network, reductions
from dnncli.nn.inference import Base
from dnncli.nn.network import Observation, Parameters
from dnncli.records import LAYER_FIELDS, LayerRecord
from dnncli.spec import NetworkSpec
from dnncli.theory import closed_forms


class LayerStats(NamedTuple):
    """One step's figures, one entry a layer; defined in `records.LayerRecord`."""

    delta_rms: Float[Array, " layers"]
    gradient_norm: Float[Array, " layers"]
    weight_norm: Float[Array, " layers"]
    update_ratio: Float[Array, " layers"]
    activation_mean: Float[Array, " layers"]
    activation_std: Float[Array, " layers"]
    saturated_fraction: Float[Array, " layers"]


def measure(
    spec: NetworkSpec, seen: Observation
) -> tuple[LayerStats, Bool[Array, "hidden widest"]]:
    """Every layer's figures, and which hidden units have phi' other than 0 for some example.

    The linear output layer is never flat and always responds.
    """
    layers, shares = len(seen.deltas), seen.shares
    kernels = [
        layer.kernel for part in (seen.parameters, seen.gradients, seen.updates) for layer in part
    ]
    weight, gradient, update = reductions.each(reductions.frobenius, kernels).reshape(3, layers)
    # The deltas are of the mean loss: times the number of examples they are of one example's.
    examples = len(seen.deltas[0]) if shares is None else 1 / jnp.max(shares)
    delta_rms = examples * reductions.each(
        partial(reductions.root_mean_square, shares=shares), seen.deltas
    )
    mean, std = reductions.each(partial(_moments, shares=shares), seen.trace.activations)
    flat, responding = _bends(spec, seen.trace.preactivations[:-1], seen.parameters[:-1], shares)
    stats = LayerStats(
        delta_rms, gradient, weight, update / weight, mean, std, jnp.append(flat, 0.0)
    )
    return stats, responding


def _bends(
    spec: NetworkSpec,
    preactivations: Sequence[Float[Array, "batch _"]],
    hidden: Parameters,
    shares: reductions.Shares = None,
) -> tuple[Float[Array, " hidden"], Bool[Array, "hidden widest"]]:
    """Each hidden layer's flat share and its units that respond."""
    if not hidden:
        return jnp.zeros(0), jnp.zeros((0, 0), bool)
    return reductions.each(
        partial(_slopes, spec, shares), preactivations, [layer.slope for layer in hidden]
    )


def _moments(
    a: Float[Array, "batch units"], shares: reductions.Shares = None
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Mean and standard deviation over examples and units."""
    mean = reductions.mean(a, shares)
    return mean, reductions.root_mean_square(a - mean, shares)


def _slopes(
    spec: NetworkSpec,
    shares: reductions.Shares,
    z: Float[Array, "batch units"],
    slope: Float[Array, " units"] | None,
) -> tuple[Float[Array, ""], Bool[Array, " units"]]:
    """Share of z where phi' is nearly flat, and the units that respond; `slope` is PReLU's alpha."""
    limit = closed_forms.SATURATION * closed_forms.steepest(spec.act, spec.alpha)
    derivative = activations.derivative(spec.act, z, spec.alpha if slope is None else slope[None])
    flat, moves = (
        flags.astype(jnp.float32) for flags in (jnp.abs(derivative) < limit, derivative != 0)
    )
    return reductions.mean(flat, shares), (
        jnp.ones(len(z)) if shares is None else shares
    ) @ moves > 0


def activity(
    spec: NetworkSpec, base: Base, x: Float[Array, "examples features"], size: int
) -> tuple[LayerStats, Bool[Array, "layers widest"]]:
    """Figures of frozen layers over batches of so many examples, and their units that respond to any.

    Nothing flows into frozen layers: their deltas, gradients and updates are 0. The last batch overlaps
    the one before it where the examples are no multiple of the size.
    """
    weight = reductions.each(reductions.frobenius, [layer.kernel for layer in base.parameters])
    nothing = jnp.zeros_like(weight)

    def one(
        responding: Bool[Array, "layers widest"], start: Int[Array, ""]
    ) -> tuple[Any, LayerStats]:
        a, zs, outputs = jax.lax.dynamic_slice_in_dim(x, start, size), [], []
        for layer, moments in zip(base.parameters, base.statistics, strict=True):
            zs.append(network.preactivate(layer, a, moments)[0])
            a = network.activate(spec, layer, zs[-1])
            outputs.append(a)
        mean, std = reductions.each(_moments, outputs)
        flat, moved = _bends(spec, zs, base.parameters)
        return responding | moved, LayerStats(nothing, nothing, weight, nothing, mean, std, flat)

    widest = max(layer.kernel.shape[1] for layer in base.parameters)
    starts = np.minimum(np.arange(0, len(x), size), len(x) - size).astype(np.int32)
    silent = jnp.zeros((len(base.parameters), widest), bool)
    responding, stats = jax.lax.scan(one, silent, jnp.asarray(starts))
    return stats, responding


class FlightStats(NamedTuple):
    """What is kept of each step before a crash: the figures, and what of a layer is still finite."""

    stats: LayerStats
    activations: Bool[Array, " layers"]
    gradients: Bool[Array, " layers"]
    state: Bool[Array, " layers"]  # parameters after the step, and the optimizer's state


def record_flight(
    spec: NetworkSpec, seen: Observation
) -> tuple[FlightStats, Bool[Array, "hidden widest"]]:
    """`measure`, with the finiteness that tells what broke first."""
    stats, responding = measure(spec, seen)
    moved = jax.tree.map(jnp.add, seen.parameters, seen.updates)
    flight = FlightStats(
        stats,
        activations=reductions.finite_each(seen.trace.activations),
        gradients=reductions.finite_each(list(zip(seen.deltas, seen.gradients, strict=True))),
        state=network.finite(
            network.TrainState(moved, seen.trace.statistics, seen.optimizer, jnp.int32(0))
        ),
    )
    return flight, responding


def records(
    spec: NetworkSpec,
    stats: LayerStats,
    responding: Bool[np.ndarray, "hidden widest"],
    clipped: Bool[np.ndarray, "steps layers"],
) -> tuple[LayerRecord, ...]:
    """Means and ranges over the measured steps, for each layer; stats have shape (steps, layers)."""
    dead = (*_dead(spec, responding), 0.0)
    return tuple(
        _record(name, index, stats, dead[index], clipped)
        for index, name in enumerate(spec.layers())
    )


def frozen_records(
    spec: NetworkSpec, stats: LayerStats, responding: Bool[np.ndarray, "layers widest"]
) -> tuple[LayerRecord, ...]:
    """The same for the lowest layers of a network, which are frozen; `stats` as `activity` gives them."""
    unclipped = np.zeros((0, len(responding)), bool)
    return tuple(
        replace(_record(name, index, stats, dead, unclipped), frozen=True)
        for index, (name, dead) in enumerate(
            zip(spec.layers(), _dead(spec, responding), strict=False)
        )
    )


def _dead(spec: NetworkSpec, responding: Bool[np.ndarray, "layers widest"]) -> list[float]:
    """The share of each layer's units that did not respond."""
    return [
        1 - float(row.sum() / units) for row, units in zip(responding, spec.hidden, strict=False)
    ]


def _record(
    name: str, index: int, stats: LayerStats, dead: float, clipped: Bool[np.ndarray, "steps layers"]
) -> LayerRecord:
    figures = {key: getattr(stats, key)[:, index].astype(np.float64) for key in LAYER_FIELDS}
    return LayerRecord(
        layer=name,
        **{key: float(values.mean()) for key, values in figures.items()},
        dead_fraction=dead,
        clipped_fraction=float(clipped[:, index].mean()) if len(clipped) else 0.0,
        ranges={key: (float(values.min()), float(values.max())) for key, values in figures.items()},
        frozen=False,
    )


compiled_activity = jax.jit(activity, static_argnums=(0, 3))
