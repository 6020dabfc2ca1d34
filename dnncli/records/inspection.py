"""The result of `inspect`."""

from dataclasses import dataclass
from typing import Any

from dnncli.records.common import DataRecord, EpochRecord, StepRecord
from dnncli.records.transfer import OriginRecord


@dataclass(frozen=True)
class TensorRecord:
    """One tensor of a network: its name, shape and norm."""

    name: str
    shape: tuple[int, ...]
    norm: float


@dataclass(frozen=True)
class LayerPart:
    """One layer: what it is in words, what it was in the file, and its tensors."""

    layer: str
    units: int
    description: str
    source: tuple[str, ...]  # the file's own names, where they differ
    tensors: tuple[TensorRecord, ...]


@dataclass(frozen=True)
class InspectRecord:
    """What a file holds; data, history and versions are None or empty for models from elsewhere."""

    config: dict[str, Any]
    checkpoint: str
    format: str  # dnncli, PyTorch or Keras
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
