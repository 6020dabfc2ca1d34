"""What the tour observes of batch norm, clipping, and layers that are used again."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NormLevels:
    """The gradient's ratio at the first step, without and with batch norm."""

    shown: bool  # nearer to 1 with it, by its logarithm
    depth: int
    plain: float
    normed: float


@dataclass(frozen=True)
class NormLearns:
    """Test accuracies after the same epochs, with their 95 % intervals."""

    shown: bool  # the interval with batch norm is wholly above the other
    epochs: int
    plain: float
    plain_high: float
    normed: float
    normed_low: float


@dataclass(frozen=True)
class TrainingLevels:
    """The gradient's ratio with batch norm, at the first step and in the last epoch."""

    shown: bool  # nearer to 1 at the end
    before: float
    after: float
    epochs: int


@dataclass(frozen=True)
class MeansAgree:
    """The mean of the batches' means against the training set's, where they are furthest apart."""

    shown: bool  # by less than 0.05 standard deviations
    layer: str
    off: float  # standard deviations


@dataclass(frozen=True)
class VarianceOff:
    """The mean of the batches' variances over the training set's variance, in hidden1."""

    shown: bool  # by more than 2 %
    layer: str
    ratio: float
    batch: int
    expected: float  # (n - 1)/n
    corrected: float  # times n/(n - 1)


@dataclass(frozen=True)
class PriceOfVariance:
    """Test accuracy with the moving averages and with the exact statistics."""

    shown: bool  # they differ
    moving: float
    exact: float
    examples: int


@dataclass(frozen=True)
class ClippedLayers:
    """The share of steps in which a layer was clipped: the most and the least clipped layer."""

    shown: bool  # they differ
    most: str
    most_share: float
    least: str
    least_share: float


@dataclass(frozen=True)
class ClippingFades:
    """The share of steps that were clipped, in the first and in the last epoch."""

    shown: bool  # fewer in the last one
    first: float
    last: float
    epochs: int


@dataclass(frozen=True)
class HighFromFirst:
    """Validation accuracy after the first epoch: of a new run, and of the one that goes on."""

    shown: bool  # higher in the one that goes on
    fresh: float
    before: float  # when it was stored
    resumed: float


@dataclass(frozen=True)
class NamesAreTaken:
    """The layers that `inspect` lists, and those that `transfer` has kept by name."""

    shown: bool  # what was kept is among what was listed
    listed: str
    tensors: int
    kept: str


@dataclass(frozen=True)
class ReuseHelps:
    """Test accuracy with layers reused and trained on less that from scratch, paired by seed."""

    shown: bool  # the interval is wholly above 0
    reused: float
    scratch: float
    difference: float  # points
    low: float
    high: float
    seeds: int
    examples: int


@dataclass(frozen=True)
class FrozenIsNotEnough:
    """Test accuracy with the reused layers frozen, and with them trained on."""

    shown: bool  # less with them frozen
    frozen: float
    trained: float
    layers: str


@dataclass(frozen=True)
class LevelAfterSteps:
    """The gradient's ratio with batch norm, before the first step and after a few."""

    shown: bool  # nearer to 1 after them
    depth: int
    before: float
    after: float
    steps: int


@dataclass(frozen=True)
class LargerRate:
    """Test accuracies at a large rate, without batch norm and with it."""

    shown: bool  # with it the run learns; without it breaks, or ends clearly below
    rate: float
    plain: float
    normed: float
    baseline: float


@dataclass(frozen=True)
class SmootherLoss:
    """The loss along the gradient after training: half a step to four steps ahead."""

    shown: bool  # with batch norm it ranges less, and its gradient changes less on the way
    rate: float
    plain: float  # how far the loss ranges
    normed: float
    plain_change: float  # the gradient's, over its norm
    normed_change: float
    plain_smoothness: float  # effective beta
    normed_smoothness: float


@dataclass(frozen=True)
class LastBatchCounts:
    """The moving variance over the training set's variance, where an epoch's last batch is small.

    expected: from the batches' sizes, each with its weight in the moving average.
    """

    shown: bool  # at least 2 % below the mean of the batches' variances
    layer: str
    last: int
    weight: float
    moving: float
    expected: float
    average: float


@dataclass(frozen=True)
class ClippingSlows:
    """A run that needs no clipping, and the same run with it: the last epoch's training loss."""

    shown: bool  # the first run learns, and the loss with clipping is higher
    option: str
    rate: float
    clipped: float  # the share of steps
    plain: float
    slowed: float
    epochs: int
