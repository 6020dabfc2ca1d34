"""What a diagnosis may know besides the layers; None or empty where it was not measured."""

from dataclasses import dataclass

from dnncli.records.common import EpochRecord


@dataclass(frozen=True)
class InputStatistics:
    """The scaled training inputs, as the network sees them, feature by feature.

    second_moment: mean over examples and features of x^2; mean_square: the square of the features'
    means, averaged (its share of second_moment is offset, the rest is spread).
    varying: how many features are not constant. offset: largest |mean| / standard deviation of a
    feature that varies, `offset_name` its name.
    share_of_largest: the share of all variance that the feature of largest variance has, and its
    name. outliers: the share of the numeric features whose variance comes from at most 2 % of the
    rows. increasing: features that rise strictly from row to row, as row numbers do.
    """

    features: int
    second_moment: float
    mean_square: float
    varying: int
    offset: float
    offset_name: str
    share_of_largest: float
    largest_name: str
    outliers: float
    increasing: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClassStatistics:
    """How many examples each class has, in the order of the classes' names.

    weighted: whether each counts as its class does in a weighted loss.
    best_accuracy: what is possible on the training examples at most, given identical examples with
    different labels.
    """

    names: tuple[str, ...]
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    best_accuracy: float = 1.0
    weighted: bool = False


@dataclass(frozen=True)
class SharedRows:
    """Shares of the examples that are in the training data too, every feature equal.

    validation, test: of these splits. repeated: of the training examples, those that stand there
    more than once. Estimated from samples where there are many.
    """

    validation: float
    test: float
    repeated: float


@dataclass(frozen=True)
class CrossFit:
    """How two models in closed form do on training examples, each half told from the other.

    linear, kinked: accuracies of least squares on the features, and on random kinks of them.
    surest: how many examples are in the fifth of which the better model is surest. surest_wrong:
    how many of those have another label. surest_second: for how many of these it is the runner-up.
    """

    examples: int
    linear: float
    kinked: float
    surest: int
    surest_wrong: int
    surest_second: int

    @property
    def accuracy(self) -> float:
        """Of the better one."""
        return max(self.linear, self.kinked)


@dataclass(frozen=True)
class TargetStatistics:
    """The targets of a regression.

    rows, validation: how many examples train and validate. mean_loss: the run's loss of always
    answering the mean of the training examples, on them, by the losses' names.
    """

    names: tuple[str, ...]
    rows: int
    validation: int
    mean_loss: dict[str, float]


@dataclass(frozen=True)
class DataStatistics:
    """What can be known of the data before training.

    cross_fit: None where there are too few examples. giveaways: features that tell the class alone.
    shared: None where no feature varies. targets: of a regression, which has no classes and none of
    the others.
    """

    inputs: InputStatistics
    classes: ClassStatistics
    cross_fit: CrossFit | None = None
    giveaways: tuple[str, ...] = ()
    shared: SharedRows | None = None
    targets: TargetStatistics | None = None

    @property
    def rows(self) -> int:
        """How many examples train."""
        return sum(self.classes.train) if self.targets is None else self.targets.rows


@dataclass(frozen=True)
class SplitOutcome:
    """How a network does on some examples; confusion[i][j] counts class i taken for class j.

    above_frequencies: by how many standard errors its log loss, example by example, is below that
    of knowing only how frequent the classes are among these examples.
    """

    loss: float
    confusion: tuple[tuple[int, ...], ...]
    above_frequencies: float = 0.0

    @property
    def examples(self) -> int:
        """How many examples there are."""
        return sum(map(sum, self.confusion))

    @property
    def hits(self) -> int:
        """How many of them are classified correctly."""
        return sum(row[index] for index, row in enumerate(self.confusion))

    @property
    def accuracy(self) -> float:
        """The share of examples classified correctly."""
        return self.hits / max(1, self.examples)


@dataclass(frozen=True)
class Reference:
    """What simple models reach on a sample of the held-out examples, after a sample of training.

    linear: ridge regression's correct answers; neighbours: those of five nearest neighbours.
    """

    examples: int
    linear: int
    neighbours: int

    @property
    def best(self) -> int:
        """The better one's correct answers."""
        return max(self.linear, self.neighbours)


@dataclass(frozen=True)
class Outcome:
    """The best epoch's network, without dropout, on training and held-out examples.

    Of large splits an evenly spread sample; the held-out examples are validation and test together.

    bend: of a linear network, by how many standard errors what it gets wrong on held-out examples
    follows the bend of the features that its training errors follow best.
    """

    train: SplitOutcome
    held_out: SplitOutcome
    reference: Reference | None = None
    bend: float | None = None


@dataclass(frozen=True)
class Fit:
    """How well numbers are predicted on some examples.

    above_mean: by how many standard errors the squared errors are below those of always answering
    the training examples' mean, example by example.
    """

    examples: int
    loss: float
    r2: float
    above_mean: float


@dataclass(frozen=True)
class RegressionOutcome:
    """`Outcome` of a regression: the best epoch's network on training and held-out examples.

    linear, neighbours: R² on a sample of the held-out examples of ridge regression and of five
    nearest neighbours; None where all features are constant. below_simple: by how many standard
    errors the better one's squared errors are below the network's on that sample.
    simple_above_mean: as `Fit.above_mean`, for the better one.
    """

    train: Fit
    held_out: Fit
    linear: float | None = None
    neighbours: float | None = None
    below_simple: float = 0.0
    simple_above_mean: float = 0.0

    @property
    def simple(self) -> float | None:
        """The better simple model's R²."""
        if self.linear is None or self.neighbours is None:
            return None
        return max(self.linear, self.neighbours)


@dataclass(frozen=True)
class Sharpness:
    """The largest eigenvalue of the loss's Hessian on one batch before the first step.

    eigenvalue: after the optimizer's preconditioner where it has one. limit: the largest learning
    rate for which steps along it shrink: 2 / eigenvalue, times 1 + momentum where there is one.
    None where no such limit holds (a sign or a norm of the gradient is what steps follow).
    """

    eigenvalue: float
    preconditioned: bool
    limit: float | None


@dataclass(frozen=True)
class MovingAverages:
    """What batch norm's moving averages do to the best epoch's network on held-out examples.

    loss: with them. batch_loss: with the moments of an epoch's batches, averaged. standard_errors:
    by how many the first is above the second, example by example.
    """

    loss: float
    batch_loss: float
    standard_errors: float


@dataclass(frozen=True)
class RunEvidence:
    """A whole run, for rules that look beyond one epoch's layers.

    epochs: every finite one. initial_loss: the loss before the first step, None if unknown.
    steps_per_epoch: updates in an epoch. averages: measured where they remember their start.
    """

    epochs: tuple[EpochRecord, ...]
    stopped: str
    best_epoch: int
    steps_per_epoch: int
    data: DataStatistics | None = None
    outcome: Outcome | None = None
    regression: RegressionOutcome | None = None
    sharpness: Sharpness | None = None
    initial_loss: float | None = None
    averages: MovingAverages | None = None
