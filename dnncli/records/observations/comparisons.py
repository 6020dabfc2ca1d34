"""What the tour observes of activations that are compared."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MeanNearerZero:
    """The mean output of hidden units, ELU's against ReLU's."""

    shown: bool  # in every seed
    elu: float
    relu: float
    nearer: int
    seeds: int


@dataclass(frozen=True)
class DeadUnits:
    """The share of units that never respond."""

    shown: bool  # some of ReLU's, none of the others'
    relu: float
    leaky_relu: float
    elu: float
    swish: float


@dataclass(frozen=True)
class SlowerToTrain:
    """The time of an epoch, in seconds."""

    shown: bool  # ELU's is at least 5 % longer
    elu: float
    relu: float
    factor: float


@dataclass(frozen=True)
class SlowerToAnswer:
    """Examples a second in the forward pass alone."""

    shown: bool  # ELU's are at least 5 % fewer
    elu: float
    relu: float
    factor: float


@dataclass(frozen=True)
class FasterToAccuracy:
    """Epochs until every run has reached an accuracy; the difference is paired by seed."""

    shown: bool  # ELU needs fewer, the interval wholly below 0
    accuracy: float
    elu: float
    relu: float
    difference: float
    low: float
    high: float
    seeds: int
    elu_seconds: float
    relu_seconds: float


@dataclass(frozen=True)
class StoppedEarly:
    """How many runs ended before their last epoch, and how far the longest went."""

    shown: bool  # more than half of them
    stopped: int
    runs: int
    longest: int
    epochs: int


@dataclass(frozen=True)
class BetterThanSigmoid:
    """ReLU's test accuracy less the sigmoid's, in points, paired by seed."""

    shown: bool  # the interval is wholly above 0
    difference: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True)
class TrainAboveTest:
    """Accuracy on training and test examples, of the activation where they are furthest apart."""

    shown: bool  # training is the better one for every activation
    act: str
    train: float
    test: float


@dataclass(frozen=True)
class SwishAgainst:
    """Swish's test accuracy less another activation's, in points, paired by seed."""

    shown: bool  # the interval is wholly above 0
    rival: str
    difference: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True)
class FasterByTheClock:
    """The time until every run has reached an accuracy, in seconds; paired by seed."""

    shown: bool  # ELU's is shorter, the interval wholly below 0
    accuracy: float
    elu: float
    relu: float
    difference: float
    low: float
    high: float
    seeds: int
