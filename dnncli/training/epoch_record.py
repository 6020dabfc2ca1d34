"""From what an epoch reports, copied to the host, to its records."""

from typing import Any

import jax
import numpy as np

from dnncli.nn import layer_stats
from dnncli.records import EpochRecord, LayerRecord
from dnncli.spec import RunSpec
from dnncli.training import plan as plans
from dnncli.training.plan import Plan

# A float32 loss above this cannot show a change of 1: Adam's bounded steps reach it without an infinity.
LOST_LOSS = 2.0**24


def finite(info: Any) -> bool:
    """Whether an epoch left every parameter and statistic finite, and losses that still say something."""
    train, validation = info.log.losses.mean(dtype=np.float64), info.validation.loss
    return bool(info.finite.all() and train < LOST_LOSS and validation < LOST_LOSS)


def record(spec: RunSpec, epoch: int, plan: Plan, info: Any, seconds: float) -> EpochRecord:
    """An epoch (counted from 0) and the wall time it took; `info` is an `engine.EpochInfo` in NumPy."""
    clipped, examples = info.log.clipped, len(plan.order)
    return EpochRecord(
        epoch=epoch + 1,
        train_loss=plans.mean_loss(info.log.losses, examples, plans.batch_size(spec, examples)),
        val_loss=float(info.validation.loss),
        val_accuracy=float(info.validation.accuracy),
        learning_rate=float(plan.learning_rates[-1]),
        clipped_fraction=float(clipped.any(axis=1).mean()),
        seconds=seconds,
        layers=layer_stats.records(spec.network, info.stats, info.log.responding, clipped),
    )


def initial(spec: RunSpec, info: Any) -> tuple[LayerRecord, ...]:
    """The figures of a run's first step; which units are dead, one batch cannot tell."""
    first = jax.tree.map(lambda values: values[:1], info.stats)
    alive = np.arange(info.log.responding.shape[1]) < np.array(spec.network.hidden)[:, None]
    return layer_stats.records(spec.network, first, alive, info.log.clipped[:1])
