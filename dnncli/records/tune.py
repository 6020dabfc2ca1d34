"""The result of `tune`."""

from dataclasses import dataclass
from typing import Any

from dnncli.records.common import DataRecord, Score, Seconds
from dnncli.records.doctor import Gain


@dataclass(frozen=True)
class TriedRecord:
    """A setting that was tried, or the defaults, which change nothing.

    flags: the changes as they are typed. rung: how far it was trained, of `rungs`; 0 where there
    was no time. val_accuracy: mean over seeds at its end; a diverged seed counts as 0. gain: over
    the defaults at the same rung, paired by seed; None where nothing can be compared.
    """

    name: str
    changes: dict[str, Any]
    flags: str
    rung: int
    rungs: int
    val_accuracy: float | None
    val_loss: float | None
    val_accuracies: tuple[float, ...]
    diverged: int
    gain: Gain | None


@dataclass(frozen=True)
class TuneRecord:
    """The result of `tune`.

    searched: the dimensions and their values. tried: the defaults first. chosen: the setting that
    did best on validation, None where none is better than the defaults beyond chance. options:
    those to train with that are not defaults; command_line: the same as words.
    test_accuracies: each seed's on the test set, which chose nothing, of the chosen setting;
    default_test_accuracies: of the defaults; test_gain: their difference, paired by seed. test: the
    first seed's network, with intervals over examples. optimism: by how much the chosen setting's
    validation score is above its test score, less the same of the defaults: what being the best of
    many has added to it.
    """

    config: dict[str, Any]
    data: DataRecord
    searched: dict[str, str]
    seeds: int
    rounds: int
    tried: tuple[TriedRecord, ...]
    chosen: str | None
    options: dict[str, Any]
    command_line: tuple[str, ...]
    test: Score | None
    test_accuracies: tuple[float, ...]
    default_test_accuracies: tuple[float, ...]
    test_gain: Gain | None
    optimism: float | None
    finished: bool
    conclusion: str
    folder: str | None
    budget: float
    seconds: Seconds
