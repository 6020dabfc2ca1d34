"""Early stopping: which epoch of a history is the best, and whether to train another."""

import math
from collections.abc import Sequence

import numpy as np

from dnncli.data import Dataset
from dnncli.errors import SpecError
from dnncli.records import EpochRecord
from dnncli.spec import RunSpec, StoppingSpec
from dnncli.spec.monitors import MONITORS


def check(spec: RunSpec, dataset: Dataset) -> None:
    """Raise SpecError for a ranking of validation examples of which all are of one class."""
    monitor = spec.stopping.monitor
    if MONITORS[monitor].metric not in ("roc_auc", "pr_auc"):
        return
    if len(np.unique(dataset.validation.y)) < 2:
        raise SpecError(
            f"--monitor {monitor}: all validation examples are of one class, which leaves nothing"
            " to rank; ask for more with --validation.",
            option="--monitor",
        )


def figure_of_merit(record: EpochRecord, stopping: StoppingSpec) -> float:
    """What early stopping maximises."""
    monitor = MONITORS[stopping.monitor]
    value = _value(record, monitor.metric) if monitor.metric else record.val_loss
    return -value if monitor.lower else value


def _value(record: EpochRecord, metric: str) -> float:
    """A metric; of several targets without a common one the mean of their own."""
    if metric == "accuracy":
        return record.merit
    if metric in record.metrics:
        return record.metrics[metric]
    own = [value for name, value in record.metrics.items() if name.startswith(f"{metric}_")]
    return math.fsum(own) / len(own)


def best_epoch(history: Sequence[EpochRecord], stopping: StoppingSpec) -> int:
    """The last epoch (from 1) that beat the best before it by more than min_delta; else 0."""
    best = 0
    highest = -math.inf
    for record in history:
        merit = figure_of_merit(record, stopping)
        # The first finite epoch needs no min_delta: minus infinity stays what it is.
        if merit > highest + stopping.min_delta:
            best = record.epoch
            highest = merit
    return best


def reason(spec: RunSpec, epoch: int, best: int) -> str | None:
    """Why a run stops after `epoch` when its best one is `best`: "epochs" or "patience"; else None.

    Patience is counted from the last unfreezing of layers at the earliest.
    """
    patience = spec.stopping.patience
    if epoch == spec.schedule.epochs:
        return "epochs"
    if patience is not None and epoch - max(best, spec.freezing.last_unfreeze - 1) >= patience:
        return "patience"
    return None
