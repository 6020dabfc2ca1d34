"""Records that several commands share: layers, epochs, data, scores, verdicts."""

from dataclasses import dataclass, field

LAYER_FIELDS = (
    "delta_rms",
    "gradient_norm",
    "weight_norm",
    "update_ratio",
    "activation_mean",
    "activation_std",
    "saturated_fraction",
)


@dataclass(frozen=True)
class LayerRecord:
    """One layer's figures over an epoch: means over its measured steps, with their ranges.

    delta_rms: root mean square over examples and units of dl/dz, l the loss of one example.
    gradient_norm: Frobenius norm of dL/dW, L the mean loss of a batch, before clipping.
    update_ratio: norm of the step taken over the norm of the kernel.
    saturated_fraction: share of z where |phi'(z)| < 0.01 max|phi'|.
    dead_fraction: share of units whose phi' is 0 for every example of the epoch.

    Nothing flows into a frozen layer: its gradient and update are 0, and below the lowest layer that is
    trained delta is 0 too.
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


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of training; `epoch` counts from 1, losses are means over examples."""

    epoch: int
    train_loss: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    clipped_fraction: float
    seconds: float | None  # None: of a run before it was resumed
    layers: tuple[LayerRecord, ...]


@dataclass(frozen=True)
class StepRecord:
    """One step before a run broke; epoch and step count from 1."""

    epoch: int
    step: int
    loss: float
    layers: tuple[LayerRecord, ...]


@dataclass(frozen=True)
class Finding:
    """One rule that fired: on which layer, on what evidence, and what to do about it."""

    rule: str
    layer: str
    evidence: str
    advice: str


@dataclass(frozen=True)
class Health:
    """The verdict in a word and the findings behind it, worst first."""

    verdict: str
    findings: tuple[Finding, ...] = ()


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


@dataclass(frozen=True)
class Score:
    """Mean loss and accuracy over a set of examples."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Seconds:
    """Wall time: of the whole command so far, of compilation, of training proper."""

    total: float
    compile: float
    train: float
