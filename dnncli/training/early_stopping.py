"""Early stopping: which epoch of a history is the best one, and whether the next is worth training."""

import math
from collections.abc import Sequence

from dnncli.records import EpochRecord
from dnncli.spec import RunSpec, StoppingSpec


def figure_of_merit(record: EpochRecord, stopping: StoppingSpec) -> float:
    """What early stopping maximises."""
    return record.val_accuracy if stopping.monitor == "val-accuracy" else -record.val_loss


def best_epoch(history: Sequence[EpochRecord], stopping: StoppingSpec) -> int:
    """The last epoch (from 1) that beat the best before it by more than min_delta; 0 without any."""
    best, merit = 0, -math.inf
    for record in history:
        if figure_of_merit(record, stopping) > merit + (stopping.min_delta if best else 0.0):
            best, merit = record.epoch, figure_of_merit(record, stopping)
    return best


def reason(spec: RunSpec, epoch: int, best: int) -> str | None:
    """Why a run stops after `epoch` with its best one at `best`: "epochs", "patience", or not at all.

    Patience begins anew when frozen layers thaw, and does not end a run before they all have.
    """
    patience = spec.stopping.patience
    if epoch == spec.schedule.epochs:
        return "epochs"
    if patience is not None and epoch - max(best, spec.freezing.last_thaw - 1) >= patience:
        return "patience"
    return None
