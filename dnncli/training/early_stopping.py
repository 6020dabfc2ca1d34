"""Early stopping: which epoch of a history is the best, and whether to train another."""

import math
from collections.abc import Sequence

from dnncli.records import EpochRecord
from dnncli.spec import RunSpec, StoppingSpec


def figure_of_merit(record: EpochRecord, stopping: StoppingSpec) -> float:
    """What early stopping maximises."""
    if stopping.monitor == "val-accuracy":
        return record.merit
    return -record.val_loss


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
