"""Where a network's layers came from, and the result of `transfer`."""

from dataclasses import dataclass
from typing import Any

from dnncli.records.common import DataRecord, EpochRecord, Health, Score, Seconds
from dnncli.records.doctor import Gain


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
class ReuseCandidate:
    """One way of reusing layers, or of training from scratch, that --keep auto tried.

    keep: hidden layers reused from the bottom, 0 from scratch. hidden: all hidden layers' sizes.
    frozen: layers that stay as they are until epoch `unfreeze`; None: throughout. rung: the last
    one it completed of `rungs`; epochs: the longest seed's by then. val_accuracy, val_loss: means
    over seeds; a diverged seed counts as accuracy 0, and the loss is None then.
    """

    name: str
    keep: int
    hidden: tuple[int, ...]
    frozen: tuple[str, ...]
    unfreeze: int | None
    lr: float
    lr_decay: float
    rung: int
    rungs: int
    epochs: int
    val_accuracy: float
    val_loss: float | None
    val_accuracies: tuple[float, ...]
    diverged: int


@dataclass(frozen=True)
class ReuseRace:
    """Ways of reusing layers raced against training from scratch, on the validation set alone.

    first_seed, seeds: of every candidate, none of which the reported runs have. epochs, steps: of
    a whole run. reused, scratch: the best candidates of either kind; gain: validation accuracy of
    the first less that of the second, paired by seed. helps: whether layers are reused: the mean
    gain is above 0. chosen: the better one of both.
    """

    first_seed: int
    seeds: int
    epochs: int
    steps: int
    candidates: tuple[ReuseCandidate, ...]
    reused: str
    scratch: str
    gain: Gain
    helps: bool
    chosen: str
    conclusion: str


@dataclass(frozen=True)
class RaceStanding:
    """The result of a transfer that a signal stopped in the race of --keep auto.

    candidates: those that had done an epoch; leader: the most accurate of those that got farthest.
    """

    parent: ParentRecord
    data: DataRecord
    stopped: str  # signal
    first_seed: int
    seeds: int
    candidates: tuple[ReuseCandidate, ...]
    leader: str


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
    """The same architecture from scratch on the same data; epochs are of the first seed.

    With --keep auto it is the best of those that were tried from scratch: `hidden` has its hidden
    layers' sizes, `lr` its learning rate.
    """

    test: Score
    epochs: tuple[EpochRecord, ...]
    best_epoch: int
    stopped: str
    seeds: tuple[RunSummary, ...]
    hidden: tuple[int, ...]
    lr: float
    parameters: int


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
    """The result of `transfer`. epochs, test, checkpoint: of the first seed's network.

    race: how --keep auto chose; where layers do not help, none is kept and there is no baseline.
    """

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
    race: ReuseRace | None = None
