"""Where a network's layers came from, and the result of `transfer`."""

from dataclasses import dataclass
from typing import Any

from dnncli.records.common import DataRecord, EpochRecord, Health, Score, Seconds


@dataclass(frozen=True)
class ParentRecord:
    """The network that layers were taken from. sha256: of its file; fingerprint: of its data."""

    path: str
    sha256: str
    layers: tuple[str, ...]
    act: str
    features: int
    classes: tuple[str, ...]
    data: str | None  # None: a model from elsewhere
    fingerprint: str | None
    epoch: int
    origin: "OriginRecord | None" = None  # where its own layers came from


@dataclass(frozen=True)
class OriginRecord:
    """What became of the parent's layers: kept with their weights, drawn anew, frozen at first."""

    parent: ParentRecord
    kept: tuple[str, ...]
    reinitialised: tuple[str, ...]
    frozen: tuple[str, ...]


@dataclass(frozen=True)
class ProbeRecord:
    """How well a linear classifier does on what a layer puts out: accuracy over held-out folds."""

    layer: str  # "input": the features themselves
    accuracy: float
    error: float  # the accuracy's standard error over folds
    penalty: float  # of the ridge that did best, over the mean square of the standardised outputs


@dataclass(frozen=True)
class RunSummary:
    """One seed's run. `seconds` are of its epochs, compilation aside.

    `reached` is the first epoch whose validation accuracy is at least the baseline's best with the
    same seed; None where there is no such epoch or no baseline.
    """

    seed: int
    test: Score
    best_epoch: int
    stopped: str
    first_accuracy: float | None  # on the validation set, after the first epoch
    best_accuracy: float | None  # on the validation set, the highest of all epochs
    reached: int | None
    seconds: float
    val_accuracies: tuple[float, ...]


@dataclass(frozen=True)
class BaselineRecord:
    """The same architecture from scratch on the same data; epochs are of the first seed."""

    test: Score
    epochs: tuple[EpochRecord, ...]
    best_epoch: int
    stopped: str
    seeds: tuple[RunSummary, ...]


@dataclass(frozen=True)
class Difference:
    """Test accuracy less the baseline's, a mean over pairs of seeds with its 95 % interval."""

    mean: float
    low: float | None  # None: one seed has no interval
    high: float | None
    p: float | None
    pairs: int


@dataclass(frozen=True)
class TransferRecord:
    """The result of `transfer`. epochs, test, checkpoint: of the first seed's network."""

    config: dict[str, Any]
    parent: ParentRecord
    data: DataRecord
    kept: tuple[str, ...]
    frozen: tuple[str, ...]
    reinitialised: tuple[str, ...]
    probes: tuple[ProbeRecord, ...]
    parameters: int
    trained_parameters: int  # in the first epoch; what is unfrozen later counts as frozen
    frozen_parameters: int
    epochs: tuple[EpochRecord, ...]
    best_epoch: int
    stopped: str  # epochs | patience | diverged | signal
    test: Score | None
    health: Health
    seeds: tuple[RunSummary, ...]
    baseline: BaselineRecord | None
    difference: Difference | None
    checkpoint: str | None
    seconds: Seconds
