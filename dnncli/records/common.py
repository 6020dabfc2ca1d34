"""Records that several commands share: layers, epochs, data, scores, verdicts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from dnncli.records.scores import Metric

LAYER_FIELDS = (
    "delta_rms",
    "gradient_norm",
    "weight_norm",
    "update_ratio",
    "activation_mean",
    "activation_std",
    "saturated_fraction",
    "penalty_share",
)


@dataclass(frozen=True)
class LayerRecord:
    """One layer's figures over an epoch: means over its measured steps, with their ranges.

    delta_rms: root mean square over examples and units of dl/dz, l the loss of one example.
    gradient_norm: Frobenius norm of dL/dW, L the mean loss of a batch, before clipping.
    update_ratio: norm of the step taken over the norm of the kernel.
    saturated_fraction: share of z where |phi'(z)| < 0.01 max|phi'|.
    dead_fraction: share of units whose phi' is 0 for every example of the epoch.
    penalty_share: share of the step that comes from l1, l2 and weight decay: the norm of their part
    over the sum of its norm and that of the loss's part.
    signal_to_noise: norm of the loss's mean gradient over the epoch's measured batches against its
    scatter from batch to batch, dropout's noise included; None where fewer than two were measured.
    distance: ||W - W0|| / ||W0|| after the epoch, W0 the kernel before the run's first step; None
    where that is not known.

    Nothing flows into a frozen layer: its gradient and update are 0, and below the lowest layer
    that is trained delta is 0 too.
    """

    layer: str
    delta_rms: float
    gradient_norm: float
    weight_norm: float
    update_ratio: float
    activation_mean: float
    activation_std: float
    saturated_fraction: float
    dead_fraction: float
    clipped_fraction: float = 0.0
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    frozen: bool = False
    penalty_share: float = 0.0
    signal_to_noise: float | None = None
    distance: float | None = None


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of training; `epoch` counts from 1, losses are means over examples.

    metrics: on the validation set, by name: accuracy, or r2, rmse and mae in the target's unit;
    and what --monitor names.
    train_accuracy: of each step's batch before its update, as train_loss; None of a regression, and
    of epochs that an earlier version trained.
    """

    epoch: int
    train_loss: float
    val_loss: float
    val_accuracy: float | None  # None: of a regression
    learning_rate: float
    clipped_fraction: float
    seconds: float | None  # None: of a run before it was resumed
    layers: tuple[LayerRecord, ...]
    metrics: dict[str, float] = field(default_factory=dict)
    train_accuracy: float | None = None

    @property
    def merit(self) -> float:
        """The validation metric that ranks runs, of which more is better: accuracy, or R²."""
        return self.metrics["r2"] if self.val_accuracy is None else self.val_accuracy


@dataclass(frozen=True)
class StepRecord:
    """One step before a run broke; epoch and step count from 1."""

    epoch: int
    step: int
    loss: float
    layers: tuple[LayerRecord, ...]


@dataclass(frozen=True)
class Remedy:
    """What to change in a run.

    changes: new values of options, named as `RunSpec.options` names them; None turns an option off
    or leaves its default to what it depends on.
    predicted: what theory predicts after the change, by statistic (`delta_ratio`, …).
    """

    changes: Mapping[str, object]
    predicted: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One rule that fired: on which layer, on what evidence, and what to do about it.

    layer: None where it is not about one layer.
    advice: the remedy as a sentence, or what to do where no option helps.
    remedy: the change to make first; None where no option helps. alternatives: others to try.
    symptoms: what else was found and is explained by this finding.
    """

    rule: str
    layer: str | None
    evidence: str
    advice: str
    remedy: Remedy | None = None
    alternatives: tuple[Remedy, ...] = ()
    symptoms: tuple["Finding", ...] = ()

    def heading(self) -> str:
        """The rule and the layer it is about, if it is about one."""
        return self.rule if self.layer is None else f"{self.rule} in {self.layer}"


@dataclass(frozen=True)
class Learned:
    """Whether a network learned anything, held against always answering the largest class.

    Of a regression against always answering the mean: r2, train_r2 and linear_r2 are the R² of the
    network on held-out and training examples and a linear model's on held-out ones.

    verdict: nothing (no better than that share), memorised (better on training data only), weakly
    (worse than a linear model), learned, or unknown.
    loss, frequency_loss: log losses on the held-out examples, the network's and that of knowing
    only how frequent the classes are among them. by_loss: whether only they show what was learned:
    the accuracy is not above the largest class's share, as where a rare class is never answered.
    weighted: whether each example counts as its class does in a weighted loss.
    majority: the largest class's share of the held-out examples; linear: a linear model's accuracy
    on them; accuracy: the network's on them; train_accuracy: on the training examples.
    """

    verdict: str
    accuracy: float | None = None
    train_accuracy: float | None = None
    majority: float | None = None
    linear: float | None = None
    r2: float | None = None
    train_r2: float | None = None
    linear_r2: float | None = None
    weighted: bool = False
    loss: float | None = None
    frequency_loss: float | None = None
    by_loss: bool = False


@dataclass(frozen=True)
class Health:
    """The verdict in a word and the findings behind it, the first cause first.

    notes: what was measured and is not a finding, though it looks as if it could be one.
    """

    verdict: str
    findings: tuple[Finding, ...] = ()
    learned: Learned | None = None
    notes: tuple[str, ...] = ()

    def all_findings(self) -> Iterator[Finding]:
        """Every finding, each followed by its symptoms."""
        for finding in self.findings:
            yield finding
            yield from finding.symptoms

    def divergence(self) -> Finding:
        """What broke, with the first cause's remedy, in a run that diverged."""
        cause = self.findings[0]
        crash = next((found for found in self.all_findings() if found.rule == "diverged"), cause)
        return replace(crash, advice=cause.advice, remedy=cause.remedy)


@dataclass(frozen=True)
class DataRecord:
    """What was learned from: counts of examples, sizes and a fingerprint of the bytes."""

    name: str
    train: int
    validation: int
    test: int
    features: int
    classes: int
    fingerprint: str
    targets: tuple[str, ...] = ()  # of a regression, which has no classes
    scaling: str = ""  # how its features are scaled, by the name that --scale has for it

    @property
    def outputs(self) -> int:
        """How many numbers a network puts out."""
        return self.classes or len(self.targets)


@dataclass(frozen=True)
class Score:
    """Mean loss and accuracy over a set of examples; metrics: others by name, with intervals."""

    loss: float
    accuracy: float | None = None  # None: of a regression
    metrics: dict[str, Metric] = field(default_factory=dict)

    @property
    def merit(self) -> float:
        """The metric that ranks runs, of which more is better: accuracy, or R²."""
        if self.accuracy is not None:
            return self.accuracy
        return self.metrics["r2"].value or 0.0


@dataclass(frozen=True)
class Seconds:
    """Wall time: of the whole command so far, of compilation, of training proper."""

    total: float
    compile: float
    train: float
