"""The result of `compare-activations`."""

from dataclasses import dataclass
from typing import Any

from dnncli.records.common import DataRecord, Seconds


@dataclass(frozen=True)
class SeedRecord:
    """One seed's run. Figures are of the best epoch and its network; None where the run diverged.

    Curves have a value an epoch, deltas one a layer. dead_fraction, saturated_fraction and
    activation_mean are over all hidden units.
    """

    seed: int
    stopped: str  # epochs | patience | diverged
    best_epoch: int
    verdict: str
    train_accuracy: float | None
    val_accuracy: float | None
    test_accuracy: float | None
    val_loss: float | None
    initial_delta_ratio: float | None
    best_delta_ratio: float | None
    dead_fraction: float | None
    saturated_fraction: float | None
    activation_mean: float | None
    train_losses: tuple[float, ...]
    val_losses: tuple[float, ...]
    val_accuracies: tuple[float, ...]
    initial_delta: tuple[float, ...]
    best_delta: tuple[float, ...]


@dataclass(frozen=True)
class TrialRecord:
    """All seeds of one combination at one learning rate, and the wall time they took together."""

    name: str
    act: str
    init: str
    lr: float
    runs: tuple[SeedRecord, ...]
    seconds: float


@dataclass(frozen=True)
class Speed:
    """What one seed's epoch takes in training, and examples a second in the forward pass alone."""

    seconds_per_epoch: float
    inference_examples_per_second: float


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds with its 95 % interval, and every seed's value (None: it diverged)."""

    mean: float | None
    low: float | None
    high: float | None
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class DeltaRatio:
    """delta_rms(hidden1) / delta_rms(last hidden): geometric means over seeds, and theory.

    initial: of the first step; best: over the best epoch; predicted: before the first step, for the
    network's widths without bound, with the band in which 95 % of networks of these widths should
    lie.
    """

    initial: float | None
    best: float | None
    predicted: float | None
    band: tuple[float, float] | None


@dataclass(frozen=True)
class Versus:
    """Test accuracy less the baseline's, paired by seed; p is None where no test was made."""

    difference: float
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    pairs: int


@dataclass(frozen=True)
class RateRecord:
    """How a learning rate did on the validation set."""

    lr: float
    val_accuracy: float | None
    diverged: int


@dataclass(frozen=True)
class RowRecord:
    """One combination at the learning rate that did best on validation.

    Means leave out the seeds that diverged: `diverged` of `seeds`. verdict: the most frequent one.
    """

    act: str
    init: str
    lr: float
    seeds: int
    test_accuracy: Estimate
    val_accuracy: Estimate
    train_accuracy: Estimate
    best_epoch: Estimate
    seconds_per_epoch: float | None
    inference_examples_per_second: float | None
    delta_ratio: DeltaRatio
    dead_fraction: float | None
    saturated_fraction: float | None
    activation_mean: float | None
    verdict: str
    diverged: int
    versus_baseline: Versus | None  # None for the baseline itself
    name: str
    verdicts: dict[str, int]
    rates: tuple[RateRecord, ...]
    runs: tuple[SeedRecord, ...]


@dataclass(frozen=True)
class ComparisonRecord:
    """The result of `compare-activations`, rows by falling mean test accuracy."""

    config: dict[str, Any]
    data: DataRecord
    rows: tuple[RowRecord, ...]
    baseline: str | None
    baseline_chosen: bool  # by the best mean validation accuracy, for want of --baseline
    test: str
    correction: str
    note: str | None  # why there are no p-values
    finished: bool
    folder: str | None
    seconds: Seconds
