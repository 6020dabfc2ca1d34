"""From what an epoch reports, copied to the host, to its records."""

from dataclasses import replace
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from dnncli.data.quantities import Quantities
from dnncli.nn import gradient_noise, layer_stats
from dnncli.records import EpochRecord, LayerRecord
from dnncli.spec import RunSpec
from dnncli.training.engine import EpochInfo, Score
from dnncli.training.plan import Plan, batch_size, measured_sizes, over_examples

# A float32 loss above this cannot show a change of 1: Adam's bounded steps reach it without an
# infinity.
LOST_LOSS = 2.0**24


def finite(info: EpochInfo) -> bool:
    """Whether an epoch left all state finite, and losses that still say something."""
    train = np.asarray(info.log.losses).mean(dtype=np.float64)
    resolved = train < LOST_LOSS and info.validation.loss < LOST_LOSS
    return bool(info.finite.all() and resolved)


def record(
    spec: RunSpec,
    epoch: int,
    plan: Plan,
    info: EpochInfo,
    seconds: float,
    numbers: Quantities | None = None,
    sizes: Float[np.ndarray, " batches"] | None = None,
) -> EpochRecord:
    """An epoch (counted from 0) and the wall time it took; `info` is in NumPy.

    numbers: the targets of a regression. sizes: how many examples the measured batches have, where
    the plan is of several blocks. Without a probe no layers were measured, and the record
    has none.
    """
    log: Any = info.log  # in NumPy, where jit's types are JAX's
    examples = len(plan.order)
    size = batch_size(spec, examples)
    if sizes is None:
        sizes = measured_sizes(plan, size)
    layers: tuple[LayerRecord, ...] = ()
    if info.stats:
        layers = layer_stats.records(spec.network, info.stats, log.active, log.clipped)
        layers = _over_the_epoch(layers, info, sizes)
    metrics = in_units(info.validation, numbers)
    hits = None if log.hits is None else over_examples(log.hits, examples, size)
    return EpochRecord(
        epoch=epoch + 1,
        train_loss=over_examples(log.losses, examples, size),
        val_loss=float(info.validation.loss),
        val_accuracy=metrics.get("accuracy"),
        learning_rate=float(plan.learning_rates[-1]),
        clipped_fraction=float(log.clipped.any(axis=1).mean()),
        seconds=seconds,
        layers=layers,
        metrics=metrics,
        train_accuracy=hits,
    )


def _over_the_epoch(
    layers: tuple[LayerRecord, ...], info: EpochInfo, sizes: Float[np.ndarray, " batches"]
) -> tuple[LayerRecord, ...]:
    """The layers with what the epoch as a whole shows: signal to noise, distance from the start.

    sizes: how many examples the measured batches have.
    """
    summed: Any = info.gradient_sums
    norms = info.stats.gradient_norm.astype(np.float64)
    ratios: list[float | None] = [None] * len(layers)
    if summed is not None:
        ratios = gradient_noise.signal_to_noise(summed.astype(np.float64), norms, sizes)
    distances: list[float | None] = [None] * len(layers)
    if info.distances is not None:
        distances = [float(distance) for distance in info.distances]
    rows = zip(layers, ratios, distances, strict=True)
    return tuple(
        replace(layer, signal_to_noise=ratio, distance=distance) for layer, ratio, distance in rows
    )


def in_units(score: Score, numbers: Quantities | None) -> dict[str, float]:
    """A score's metrics, in NumPy, as numbers; those of a regression in the targets' units."""
    metrics: Any = score.metrics
    if numbers is not None:
        return numbers.in_units(metrics)
    return {name: float(value) for name, value in metrics.items()}


def initial(spec: RunSpec, info: EpochInfo) -> tuple[LayerRecord, ...]:
    """The figures of a run's first step. dead_fraction is 0: one batch cannot show it."""
    first = jax.tree.map(lambda values: values[:1], info.stats)
    log: Any = info.log
    widest = log.active.shape[1]
    everything = np.arange(widest) < np.array(spec.network.hidden)[:, None]
    return layer_stats.records(spec.network, first, everything, log.clipped[:1])
