"""The result of `eval`."""

from dataclasses import dataclass, field
from typing import Any

from dnncli.records.calibration import CalibrationRecord
from dnncli.records.common import DataRecord, LayerRecord, Score
from dnncli.records.importance import ImportanceRecord
from dnncli.records.scores import Metrics


@dataclass(frozen=True)
class ClassScore:
    """One class's retrieval figures; None where it has no examples or no predictions.

    metrics: the same with their intervals, and the areas of the class against the rest.
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    metrics: Metrics = field(default_factory=dict)


@dataclass(frozen=True)
class ConfidenceBin:
    """Examples whose most probable classes are about as probable, and how often these are right.

    confidence: the mean of those probabilities. accuracy: the share of examples that are of that
    class, with its 95 % interval (Clopper & Pearson 1934).
    """

    examples: int
    confidence: float
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class SplitRecord:
    """How a network does on one split; confusion[i][j] counts class i taken for class j.

    headline, positive: as of `TrainRecord`. importance: with --importance. unseen: how many of the
    examples are of classes that training had not; they are in no row of the confusion.
    reliability: bins of equal numbers of examples by rising confidence, those that the calibration
    error is of. predictions: of a regression, as of `TrainRecord`.
    """

    loss: float
    accuracy: float | None  # None: of a regression
    examples: int
    examples_per_second: float
    per_class: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    metrics: Metrics = field(default_factory=dict)
    headline: str = "accuracy"
    positive: str | None = None
    importance: ImportanceRecord | None = None
    unseen: int = 0
    reliability: tuple[ConfidenceBin, ...] = ()
    predictions: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class NormMismatch:
    """How far a layer's batch-norm statistics are from the training set's exact ones.

    mean: root mean square over units of (mean - exact mean) / exact standard deviation.
    variance: mean over units of variance / exact variance.
    """

    layer: str
    moving_mean: float
    moving_variance: float
    batch_mean: float
    batch_variance: float


@dataclass(frozen=True)
class BatchNormRecord:
    """Accuracy under each kind of statistics (per split) and the layers' mismatches."""

    scores: dict[str, dict[str, Score]]  # statistics → split → score
    layers: tuple[NormMismatch, ...]


@dataclass(frozen=True)
class LossAlongGradient:
    """What the loss does from `nearest` to `furthest` times a batch's gradient ahead of a network.

    Means over batches of training examples. loss: at the network; loss_low, loss_high: the least
    and the most of it ahead. gradient_change: the most that the gradient changes ahead, over its
    norm at the network. smoothness: the most of that change over the way walked (Santurkar et al.
    2018's effective beta-smoothness: less is smoother).
    """

    nearest: float
    furthest: float
    loss: float
    loss_low: float
    loss_high: float
    gradient_change: float
    smoothness: float


@dataclass(frozen=True)
class EvalRecord:
    """The result of `eval`; threshold, calibration: as of `TrainRecord`."""

    config: dict[str, Any]
    checkpoint: str
    data: DataRecord
    splits: dict[str, SplitRecord]
    layers: tuple[LayerRecord, ...] | None = None
    bn: BatchNormRecord | None = None
    threshold: float | None = None
    calibration: CalibrationRecord | None = None
    along_gradient: LossAlongGradient | None = None
