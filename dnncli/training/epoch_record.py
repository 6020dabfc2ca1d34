"""From what an epoch reports, copied to the host, to its records."""

from typing import Any

import jax
import numpy as np

from dnncli.nn import layer_stats
from dnncli.records import EpochRecord, LayerRecord
from dnncli.spec import RunSpec
from dnncli.training.engine import EpochInfo
from dnncli.training.plan import Plan, batch_size, mean_loss

# A float32 loss above this cannot show a change of 1: Adam's bounded steps reach it without an
# infinity.
LOST_LOSS = 2.0**24


def finite(info: EpochInfo) -> bool:
    """Whether an epoch left all state finite, and losses that still say something."""
    train = np.asarray(info.log.losses).mean(dtype=np.float64)
    resolved = train < LOST_LOSS and info.validation.loss < LOST_LOSS
    return bool(info.finite.all() and resolved)


def record(spec: RunSpec, epoch: int, plan: Plan, info: EpochInfo, seconds: float) -> EpochRecord:
    """An epoch (counted from 0) and the wall time it took; `info` is in NumPy.

    Without a probe no layers were measured, and the record has none.
    """
    log: Any = info.log  # in NumPy, where jit's types are JAX's
    examples = len(plan.order)
    layers: tuple[LayerRecord, ...] = ()
    if info.stats:
        layers = layer_stats.records(spec.network, info.stats, log.active, log.clipped)
    return EpochRecord(
        epoch=epoch + 1,
        train_loss=mean_loss(log.losses, examples, batch_size(spec, examples)),
        val_loss=float(info.validation.loss),
        val_accuracy=float(info.validation.metrics["accuracy"]),
        learning_rate=float(plan.learning_rates[-1]),
        clipped_fraction=float(log.clipped.any(axis=1).mean()),
        seconds=seconds,
        layers=layers,
    )


def initial(spec: RunSpec, info: EpochInfo) -> tuple[LayerRecord, ...]:
    """The figures of a run's first step. dead_fraction is 0: one batch cannot show it."""
    first = jax.tree.map(lambda values: values[:1], info.stats)
    log: Any = info.log
    widest = log.active.shape[1]
    everything = np.arange(widest) < np.array(spec.network.hidden)[:, None]
    return layer_stats.records(spec.network, first, everything, log.clipped[:1])
