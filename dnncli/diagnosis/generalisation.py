"""Learning itself: stopped too early, nothing learned, or learned by heart."""

import math
from collections.abc import Iterator

from dnncli.diagnosis import chance, remedy
from dnncli.diagnosis.case import MARGIN, Case
from dnncli.diagnosis.falling import ended_too_early, falls_steeply, has_room
from dnncli.records import Finding, Remedy
from dnncli.records.diagnosis import RegressionOutcome

# The held-out loss of the last epoch over the best one's. Early stopping's ten epochs do not get
# there.
RISEN = 2.0
# and the rise must be worth a quarter of the loss of knowing nothing of the features.
RISE = 0.25
# The loss must still fall by this share over the last quarter of the epochs.
FALLING = 0.02
# A mean gradient so much smaller than its scatter over batches: most of a step is chance.
BLURRED = 0.1
WORTH = 0.01  # of R²: what more epochs must add to be worth while
MORE_EPOCHS = 4  # times as many
ENOUGH_EPOCHS = 40  # the default
NO_BETTER = "no option is known to help: simple models do no better"
# What trains most networks.
STANDARD: dict[str, object] = {
    "act": "elu",
    "alpha": None,
    "init": "auto",
    "lr": 1e-3,
    "optimizer": "adam",
    "momentum": None,
    "weight_decay": None,
}


def unfinished(case: Case) -> Iterator[Finding]:
    """Still improving when its epochs were over, and with room to."""
    if case.evidence.stopped != "epochs" or not case.epochs:
        return
    total = len(case.epochs)
    if case.evidence.best_epoch < total - max(1, total // 10):
        return
    if not (_could_be_better(case) or falls_steeply(case)):
        return
    before = case.epochs[max(0, total - 1 - max(1, total // 4))]
    last = case.epochs[-1]
    fall = 1 - last.val_loss / before.val_loss if total > 1 else 1 - last.val_loss / case.blind_loss
    if fall < FALLING:
        return
    evidence = (
        f"the best of {total} epochs was the last; the held-out loss still fell by {fall:.0%}"
    )
    more = max(ENOUGH_EPOCHS, MORE_EPOCHS * total)
    yield remedy.finding("unfinished", None, evidence, [Remedy({"epochs": more})])


def _could_be_better(case: Case) -> bool:
    """Impaired, or with a held-out accuracy that still rises beyond chance, and has room to."""
    if case.impaired:
        return True
    total = len(case.epochs)
    if case.outcome is not None and not has_room(case):
        return False
    if total < 4 or case.data is None:
        return False
    then = case.epochs[total - 1 - total // 4].merit
    now = case.epochs[-1].merit
    if case.data.targets is not None:
        # An R² of n examples is known to about (1 - R²) sqrt(2/n), if errors are normal.
        error = (1 - now) * math.sqrt(2 / case.data.targets.validation)
        return now - then > max(WORTH, chance.Z_99 * error)
    rows = sum(case.data.classes.validation)
    return chance.clearly_below(round(then * rows), rows, round(now * rows), rows)


def not_learning(case: Case) -> Iterator[Finding]:
    """No better than always answering the largest class, or the mean, on held-out data."""
    if case.learned.verdict not in ("nothing", "memorised") or ended_too_early(case):
        return
    if case.evidence.regression is not None:
        yield _no_better_than_mean(case, case.evidence.regression)
    if case.outcome is None:
        return
    held_out = case.outcome.held_out
    low, high = chance.interval(held_out.hits, held_out.examples)
    answer = f"always answering the largest class is right in {case.learned.majority:.0%}"
    evidence = f"held-out accuracy {held_out.accuracy:.0%} ({low:.0%} to {high:.0%}); {answer}"
    if case.signal_to_noise is not None and case.signal_to_noise < BLURRED:
        noise = f"signal to noise {case.signal_to_noise:.1g}"
        evidence += f"; batches hardly agree on a direction (gradients' {noise})"
    reference = case.outcome.reference
    if reference is not None and case.simple_models_learn:
        share = reference.best / reference.examples
        told = f"{evidence}, a simple model in {share:.0%}"
        yield remedy.finding("not-learning", None, told, [Remedy(STANDARD)])
        return
    yield Finding("not-learning", None, evidence, NO_BETTER)


def _no_better_than_mean(case: Case, outcome: RegressionOutcome) -> Finding:
    """The finding on a regression whose R² is that of the mean."""
    evidence = f"held-out R² is {outcome.held_out.r2:.2f}; always answering the mean has 0"
    if case.simple_models_learn:
        told = f"{evidence}, a simple model {outcome.simple:.2f}"
        return remedy.finding("not-learning", None, told, [Remedy(STANDARD)])
    return Finding("not-learning", None, evidence, NO_BETTER)


def worse_than_simple(case: Case) -> Iterator[Finding]:
    """Learned less than a linear model or nearest neighbours, for no cause that is known."""
    if case.learned.verdict != "weakly" or ended_too_early(case):
        return
    if case.evidence.regression is not None:
        yield _below_simple_models(case.evidence.regression)
    if case.outcome is None:
        return
    reference = case.outcome.reference
    assert reference is not None
    share = reference.best / reference.examples
    accuracy = case.outcome.held_out.accuracy
    evidence = f"held-out accuracy is {accuracy:.0%}, a simple model's {share:.0%}"
    gap = case.outcome.train.accuracy - accuracy
    if gap > 0.1:
        told = f"{evidence}; training accuracy is {case.outcome.train.accuracy:.0%}"
        yield remedy.finding("overfitting", None, told, [Remedy({"dropout": 0.3})])
    else:
        more = max(2 * ENOUGH_EPOCHS, MORE_EPOCHS * len(case.epochs))
        yield remedy.finding("unfinished", None, evidence, [Remedy({"epochs": more})])


def _stopped_in_time(case: Case) -> bool:
    """Whether early stopping kept a network that knows unseen examples about as well as its own."""
    if case.evidence.stopped != "patience" or case.outcome is None:
        return False
    train = case.outcome.train
    held_out = case.outcome.held_out
    certain = chance.clearly_below(held_out.hits, held_out.examples, train.hits, train.examples)
    return not certain or train.accuracy - held_out.accuracy < MARGIN


def _below_simple_models(outcome: RegressionOutcome) -> Finding:
    """The finding on a regression whose R² is below a simple model's."""
    evidence = f"held-out R² is {outcome.held_out.r2:.2f}, a simple model's {outcome.simple:.2f}"
    if outcome.train.r2 - outcome.held_out.r2 > 0.1:
        told = f"{evidence}; on the training examples it is {outcome.train.r2:.2f}"
        return remedy.finding("overfitting", None, told, [Remedy({"dropout": 0.3})])
    longer = Remedy({"epochs": 2 * ENOUGH_EPOCHS})
    return remedy.finding("unfinished", None, evidence, [longer])


def overfitting(case: Case) -> Iterator[Finding]:
    """The held-out loss rose far above its best while the training loss went on falling."""
    if len(case.epochs) < 2:
        return
    best = min(case.epochs, key=lambda epoch: epoch.val_loss)
    last = case.epochs[-1]
    rise = last.val_loss - best.val_loss
    if last.val_loss < RISEN * best.val_loss or rise < RISE * case.blind_loss:
        return
    if last.train_loss > best.train_loss or _stopped_in_time(case):
        return
    held_out = f"the held-out loss rose from {best.val_loss:.2g} in epoch {best.epoch}"
    fell = f"while the training loss fell to {last.train_loss:.1g}"
    evidence = f"{held_out} to {last.val_loss:.2g} in epoch {last.epoch}, {fell}"
    changes: dict[str, object] = {"dropout": 0.3}
    if case.run.stopping.patience is None:
        changes["patience"] = 10
    reason = f"more rows help most; epoch {case.evidence.best_epoch}'s network is what is kept"
    yield remedy.finding("overfitting", None, evidence, [Remedy(changes)], reason)
