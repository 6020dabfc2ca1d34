"""The result of `vanishing-demo`."""

from dataclasses import dataclass
from typing import Any

from dnncli.records.common import DataRecord, Finding, LayerRecord


@dataclass(frozen=True)
class DepthRecord(LayerRecord):
    """A layer before the first step: figures over seeds (delta and gradient as quadratic means).

    predicted_delta_rms: mean-field theory's, None where it has none. bound: what the activation's
    steepest slope and the kernels' largest singular values allow (sigmoid without batch norm only).
    """

    predicted_delta_rms: float | None = None
    bound: float | None = None


@dataclass(frozen=True)
class TrainingOutcome:
    """How a case does after some epochs: validation accuracy of the last epoch, over seeds.

    delta_ratio: of the trained networks, a quadratic mean over the seeds that did not diverge,
    measured as before the first step; None where all did. majority: the validation accuracy of
    always answering the largest class. deltas: of every layer after each epoch, quadratic means
    over the seeds that trained so far; only where they were asked for.
    """

    epochs: int
    val_accuracy: float | None  # the mean; None: every seed diverged
    val_accuracy_values: tuple[float | None, ...]  # None: that seed diverged
    delta_ratio: float | None = None
    majority: float | None = None
    deltas: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class CaseRecord:
    """One case at one depth."""

    case: str
    act: str
    init: str
    bn: bool
    clip: bool
    depth: int
    layers: tuple[DepthRecord, ...]
    delta_ratio: float
    delta_ratio_values: tuple[float, ...]
    predicted_delta_ratio: float | None
    predicted_log10_delta_ratio: float | None
    predicted_band: tuple[float, float] | None
    chi: float | None
    depth_scale: float | None
    trainable_depth: tuple[float, float] | None
    note: str | None
    verdict: str
    findings: tuple[Finding, ...]
    trained: TrainingOutcome | None = None

    @property
    def short(self) -> str:
        """The case without "-normal", the usual variant of an initialiser: `tanh:xavier`."""
        return self.case.replace("-normal", "")


@dataclass(frozen=True)
class PromiseRecord:
    """What mends a sick case, and what supports that.

    changes: options and their new values; None where nothing is known to help. witness: the case
    of the same demonstration that has these changes, where there is one: then the advice is written
    from its figures; else it is theory's. refuted: witnesses whose figures are not better.
    """

    case: str
    depth: int
    rule: str
    layer: str | None
    evidence: str
    advice: str
    changes: dict[str, Any] | None
    witness: str | None
    refuted: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """The case without "-normal", as tables show it."""
        return self.case.replace("-normal", "")


@dataclass(frozen=True)
class DemoRecord:
    """Every case, what mends the sick ones, and what they teach.

    growth: what batch norm does to the gradient with depth, a line a case.
    """

    config: dict[str, Any]
    data: DataRecord
    cases: tuple[CaseRecord, ...]
    moral: str
    promises: tuple[PromiseRecord, ...] = ()
    growth: tuple[str, ...] = ()
