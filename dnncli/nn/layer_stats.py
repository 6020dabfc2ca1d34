"""Layer statistics inside a training step: what each layer does and how its gradient flows."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from dnncli.nn import activations, examples, network, penalties, reductions, stacks
from dnncli.nn.examples import Examples
from dnncli.nn.network import Mask, Network, Observation, Parameters, TrainState
from dnncli.records import LAYER_FIELDS, LayerRecord
from dnncli.spec import NetworkSpec
from dnncli.theory import closed_forms


class LayerStats(NamedTuple):
    """One step's statistics, one entry a layer; `records.LayerRecord` defines them."""

    delta_rms: Float[Array, " layers"]
    gradient_norm: Float[Array, " layers"]
    weight_norm: Float[Array, " layers"]
    update_ratio: Float[Array, " layers"]
    activation_mean: Float[Array, " layers"]
    activation_std: Float[Array, " layers"]
    saturated_fraction: Float[Array, " layers"]
    penalty_share: Float[Array, " layers"]


def measure(
    spec: NetworkSpec, seen: Observation
) -> tuple[LayerStats, Bool[Array, "hidden widest"]]:
    """Every layer's statistics, and which hidden units have phi' other than 0 for some example.

    The output layer is linear: it is never saturated, and all of its units are active.
    """
    weight, gradient, update = _kernel_norms(seen)
    examples = reductions.examples(len(seen.deltas[-1]), seen.mask)
    size = partial(reductions.root_mean_square, weights=seen.mask)
    mean, std = reductions.each(partial(_moments, mask=seen.mask), seen.trace.activations)
    hidden = seen.parameters[:-1]
    saturated, active = _slope_statistics(spec, seen.trace.preactivations[:-1], hidden, seen.mask)
    stats = LayerStats(
        # The deltas are of the mean loss: times the number of examples they are of one example's.
        delta_rms=examples * reductions.each(size, seen.deltas),
        gradient_norm=gradient,
        weight_norm=weight,
        update_ratio=update / weight,
        activation_mean=mean,
        activation_std=std,
        saturated_fraction=jnp.append(saturated, 0.0),
        penalty_share=_penalty_shares(seen, weight, gradient),
    )
    return stats, active


def _penalty_shares(
    seen: Observation, weight: Float[Array, " layers"], gradient: Float[Array, " layers"]
) -> Float[Array, " layers"]:
    """Which share of each layer's step comes from penalties; weight, gradient: its norms."""
    kernels = network.kernels_of(seen.parameters)
    updates = network.kernels_of(seen.updates)
    return penalties.shares(seen.pull, kernels, updates, weight, gradient)


def _kernel_norms(seen: Observation) -> Float[Array, "3 layers"]:
    """The Frobenius norms of each layer's kernel, its gradient and its update."""
    parts = (seen.parameters, seen.gradients, seen.updates)
    kernels = [kernel for part in parts for kernel in network.kernels_of(part)]
    return reductions.each(reductions.frobenius, kernels).reshape(3, -1)


def _slope_statistics(
    spec: NetworkSpec,
    preactivations: Sequence[Any],
    hidden: Parameters,
    mask: Mask = None,
) -> tuple[Float[Array, " hidden"], Bool[Array, "hidden widest"]]:
    """Each hidden layer's saturated share and its active units."""
    if not hidden:
        return jnp.zeros(0), jnp.zeros((0, 0), bool)
    slopes = [stacks.part(lambda layer: layer.slope, layer) for layer in hidden]
    return reductions.each(partial(_slopes, spec, mask), preactivations, slopes)


def _moments(
    a: Float[Array, "batch units"], mask: Mask = None
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Mean and standard deviation over examples and units."""
    mean = reductions.mean(a, mask)
    return mean, reductions.root_mean_square(a - mean, mask)


def _slopes(
    spec: NetworkSpec,
    mask: Mask,
    z: Float[Array, "batch units"],
    slope: Float[Array, " units"] | None,
) -> tuple[Float[Array, ""], Bool[Array, " units"]]:
    """Share of z where phi' is nearly 0, and which units are active; `slope` is PReLU's alpha."""
    limit = closed_forms.SATURATION * closed_forms.steepest(spec.act, spec.alpha)
    alpha = spec.alpha if slope is None else slope[None]
    derivative = activations.derivative(spec.act, z, alpha)
    flat = (jnp.abs(derivative) < limit).astype(jnp.float32)
    moves = (derivative != 0).astype(jnp.float32)
    rows = jnp.ones(len(z)) if mask is None else mask
    return reductions.mean(flat, mask), rows @ moves > 0


def activity(
    spec: NetworkSpec, base: Network, x: Examples, size: int
) -> tuple[LayerStats, Bool[Array, "layers widest"]]:
    """Statistics of frozen layers in batches of `size` examples, and which units are active in any.

    Frozen layers have no deltas, gradients and updates: these are 0. Where `size` does not divide
    the number of examples, the last batch overlaps the one before it.
    """
    weight = reductions.each(reductions.frobenius, [layer.kernel for layer in base.parameters])
    nothing = jnp.zeros_like(weight)

    def one(active: Bool[Array, "layers widest"], start: Int[Array, ""]) -> tuple[Any, LayerStats]:
        batch = examples.change(x, lambda rows: jax.lax.dynamic_slice_in_dim(rows, start, size))
        a = examples.scaled(batch)
        preactivations = []
        outputs = []
        for layer, moments in zip(*base, strict=True):
            z, _ = network.preactivate(layer, a, moments, precision=spec.precision)
            a = network.activate(spec, layer, z)
            preactivations.append(z)
            outputs.append(a)
        mean, std = reductions.each(_moments, outputs)
        saturated, moved = _slope_statistics(spec, preactivations, base.parameters)
        stats = LayerStats(nothing, nothing, weight, nothing, mean, std, saturated, nothing)
        return active | moved, stats

    widest = max(layer.kernel.shape[1] for layer in base.parameters)
    count = x.shape[0]
    starts = np.minimum(np.arange(0, count, size), count - size).astype(np.int32)
    inactive = jnp.zeros((len(base.parameters), widest), bool)
    active, stats = jax.lax.scan(one, inactive, jnp.asarray(starts))
    return stats, active


class StepStatistics(NamedTuple):
    """One replayed step: the statistics, and what of each layer is still finite."""

    stats: LayerStats
    activations: Bool[Array, " layers"]
    gradients: Bool[Array, " layers"]
    state: Bool[Array, " layers"]  # parameters after the step, and the optimizer's state


def measure_step(
    spec: NetworkSpec, seen: Observation
) -> tuple[StepStatistics, Bool[Array, "hidden widest"]]:
    """`measure`, and what of each layer is finite: this shows what broke first."""
    stats, active = measure(spec, seen)
    moved = jax.tree.map(jnp.add, seen.parameters, seen.updates)
    after = TrainState(Network(moved, seen.trace.statistics), seen.optimizer, jnp.int32(0))
    backward = zip(seen.deltas, seen.gradients, strict=True)
    step = StepStatistics(
        stats,
        activations=reductions.finite_each(seen.trace.activations),
        gradients=reductions.finite_each(list(backward)),
        state=network.finite(after),
    )
    return step, active


def records(
    spec: NetworkSpec,
    stats: LayerStats,
    active: Bool[np.ndarray, "hidden widest"],
    clipped: Bool[np.ndarray, "steps layers"],
) -> tuple[LayerRecord, ...]:
    """Each layer's means and ranges over the measured steps; `stats` have shape (steps, layers)."""
    dead = (*_dead(spec, active), 0.0)
    return tuple(
        _record(name, index, stats, dead[index], clipped)
        for index, name in enumerate(spec.layers())
    )


def frozen_records(
    spec: NetworkSpec, stats: LayerStats, active: Bool[np.ndarray, "layers widest"]
) -> tuple[LayerRecord, ...]:
    """The records of a network's lowest layers, which are frozen, from what `activity` returns."""
    unclipped = np.zeros((0, len(active)), bool)
    shares = zip(spec.layers(), _dead(spec, active), strict=False)
    return tuple(
        replace(_record(name, index, stats, dead, unclipped), frozen=True, distance=0.0)
        for index, (name, dead) in enumerate(shares)
    )


def _dead(spec: NetworkSpec, active: Bool[np.ndarray, "layers widest"]) -> list[float]:
    """The share of each layer's units that were never active."""
    return [1 - float(row.sum() / units) for row, units in zip(active, spec.hidden, strict=False)]


def _record(
    name: str, index: int, stats: LayerStats, dead: float, clipped: Bool[np.ndarray, "steps layers"]
) -> LayerRecord:
    """One layer's record; `clipped` has no rows where nothing can have been clipped."""
    columns = {key: getattr(stats, key)[:, index].astype(np.float64) for key in LAYER_FIELDS}
    means = {key: float(values.mean()) for key, values in columns.items()}
    ranges = {key: (float(values.min()), float(values.max())) for key, values in columns.items()}
    clipped_fraction = float(clipped[:, index].mean()) if len(clipped) else 0.0
    return LayerRecord(
        layer=name,
        **means,
        dead_fraction=dead,
        clipped_fraction=clipped_fraction,
        ranges=ranges,
        frozen=False,
    )


compiled_activity = jax.jit(activity, static_argnums=(0, 3))
