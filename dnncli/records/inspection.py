"""The result of `inspect`."""

from dataclasses import dataclass
from typing import Any

from dnncli.records.common import DataRecord, EpochRecord, StepRecord
from dnncli.records.transfer import OriginRecord
from dnncli.records.verification import VersionDifference


@dataclass(frozen=True)
class TensorRecord:
    """One tensor of a network: its name, shape and norm."""

    name: str
    shape: tuple[int, ...]
    norm: float


@dataclass(frozen=True)
class SourceTensor:
    """A tensor of an external file by its own name, and the tensor of ours that it became.

    part: `kernel`, `norm.mean`, …; empty where it went into others, or nowhere.
    """

    name: str
    part: str = ""


@dataclass(frozen=True)
class SourceNote:
    """What was done to an external layer's numbers.

    kind: a key of `report.notices.SOURCE_NOTES`. module: the file's module that it happened to.
    """

    kind: str
    module: str = ""


@dataclass(frozen=True)
class LayerPart:
    """One layer: what it is in words, what it was in the file, and its tensors."""

    layer: str
    units: int
    description: str
    source: tuple[SourceTensor | SourceNote, ...]  # in an external file
    tensors: tuple[TensorRecord, ...]


@dataclass(frozen=True)
class InspectRecord:
    """What a file holds; data, history and versions are None or empty for models from elsewhere.

    changed: the versions and facts of the machine that are not the same here; None where they were
    not compared.
    """

    config: dict[str, Any]
    checkpoint: str
    format: str  # dnncli, PyTorch, Keras or ONNX
    layers: tuple[LayerPart, ...]
    parameters: int
    data: DataRecord | None
    class_names: tuple[str, ...]
    epoch: int
    best_epoch: int
    history: tuple[EpochRecord, ...]
    steps: tuple[StepRecord, ...]  # the last ones before a run diverged
    origin: OriginRecord | None
    versions: dict[str, str]
    changed: tuple[VersionDifference, ...] | None = None
