"""Whether the held-out loss still falls as it does at the beginning of training."""

import math

from dnncli.diagnosis.case import MARGIN, Case

# Held-out losses fall about as a power of the number of steps until they level off. With this power
# or more, twice the epochs take at least 29 % off the loss: it has not begun to level off.
STEEP = 0.5
# The share of its epochs that tells a network that learns from one that does not: as in a race.
TELLING = 1 / 8


def ended_too_early(case: Case) -> bool:
    """Whether a run was ended, by a signal or a budget, before it showed what it can learn."""
    few = len(case.epochs) < TELLING * case.run.schedule.epochs
    return (case.evidence.stopped == "signal" and few) or ended_while_falling(case)


def ended_while_falling(case: Case) -> bool:
    """Whether a run was ended, by a signal or a budget, while its loss fell as at the beginning."""
    return case.evidence.stopped == "signal" and bool(case.epochs) and falls_steeply(case)


def falls_steeply(case: Case) -> bool:
    """Whether the held-out loss falls as if it had just begun to, and accuracy has room to rise.

    A single epoch's mean training loss stands for the loss in its middle, unless dropout raised it.
    """
    if not has_room(case) or (len(case.epochs) == 1 and case.run.network.dropout):
        return False
    *before, last = case.epochs
    earlier = before[-max(1, len(case.epochs) // 4)] if before else None
    loss = earlier.val_loss if earlier else last.train_loss
    epoch = earlier.epoch if earlier else last.epoch / 2
    if not (0 < last.val_loss < loss < math.inf):
        return False
    return math.log(loss / last.val_loss) >= STEEP * math.log(last.epoch / epoch)


def has_room(case: Case) -> bool:
    """Whether accuracy, or R², could still rise by what counts."""
    if case.outcome is not None:
        return case.outcome.held_out.accuracy <= 1 - MARGIN
    return case.epochs[-1].merit <= 1 - MARGIN
