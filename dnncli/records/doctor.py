"""The result of `doctor`."""

from dataclasses import dataclass
from typing import Any

from dnncli.records.common import DataRecord, Finding, Health, Score, Seconds


@dataclass(frozen=True)
class OneBatchRecord:
    """Whether the network can fit one batch, trained on it alone with Adam.

    achievable: the accuracy that rows with the same features and other labels leave possible.
    losses, accuracies: after the last step, one for each of `rates`; None where it diverged.
    fits: whether the best accuracy is near the achievable one. Then the network and its
    initialisation can learn, and the fault lies in the steps, the penalties or the data.
    """

    examples: int
    steps: int
    rates: tuple[float, ...]
    losses: tuple[float | None, ...]
    accuracies: tuple[float | None, ...]
    best_rate: float | None
    achievable: float
    fits: bool


@dataclass(frozen=True)
class Gain:
    """Accuracy less the untreated run's: a mean over pairs of seeds, with its 95 % interval."""

    mean: float
    low: float | None
    high: float | None
    p: float | None
    pairs: int


@dataclass(frozen=True)
class CandidateRecord:
    """A change that was raced, or the untreated network, which has no changes.

    flags: the changes as they are typed. rung: the last one it completed of `rungs`, 0 where there
    was no time to try it. val_accuracy, val_loss: means over seeds at its end; a diverged seed
    counts as accuracy 0, and the loss is None then. test_accuracies: each seed's, of the untreated
    run and the chosen one only. verdict: the most frequent one on the seeds' layers. healthy:
    whether that is healthy, no seed diverged, and the mean is that of a network that learned.
    """

    name: str
    changes: dict[str, Any]
    flags: str
    rung: int
    rungs: int
    epochs: int
    val_accuracy: float | None
    val_loss: float | None
    val_accuracies: tuple[float, ...]
    diverged: int
    gain: Gain | None
    verdict: str | None
    healthy: bool
    test_accuracies: tuple[float, ...] | None = None


@dataclass(frozen=True)
class DoctorRecord:
    """The result of `doctor`.

    before: what was found before training. health, test: of the run as it is; majority, linear:
    validation accuracies of always answering the largest class, and of a linear model (None where
    there are too many features). examined: training examples that it was examined on.
    chosen: the candidate to train with, None where nothing is known to help. basis: "trial" where
    it gained beyond chance on validation, "diagnosis" where it is the first finding's remedy, which
    the trial did not tell apart from the best, or a column to leave out, which no trial can show.
    options: those to train with that are not defaults; command_line: the same as words.
    test_gain: test accuracy with the chosen change less without. finished: whether the race reached
    its last rung within the budget.
    """

    config: dict[str, Any]
    data: DataRecord
    before: tuple[Finding, ...]
    health: Health
    test: Score | None
    majority: float | None
    linear: float | None
    one_batch: OneBatchRecord | None
    seeds: int
    examined: int
    candidates: tuple[CandidateRecord, ...]
    chosen: str | None
    options: dict[str, Any]
    command_line: tuple[str, ...]
    test_gain: Gain | None
    healthy: bool
    finished: bool
    conclusion: str
    budget: float
    seconds: Seconds
    basis: str | None = None
