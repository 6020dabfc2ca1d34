"""What a run yields: frozen records, as JSON shows them and tables draw them. One file a command."""

from dnncli.records.common import (
    LAYER_FIELDS,
    DataRecord,
    EpochRecord,
    Finding,
    Health,
    LayerRecord,
    Score,
    Seconds,
    StepRecord,
)
from dnncli.records.evaluation import BatchNormRecord, ClassScore, EvalRecord, NormMismatch, SplitRecord
from dnncli.records.training import TrainRecord

__all__ = [
    "LAYER_FIELDS",
    "BatchNormRecord",
    "ClassScore",
    "DataRecord",
    "EpochRecord",
    "EvalRecord",
    "Finding",
    "Health",
    "LayerRecord",
    "NormMismatch",
    "Score",
    "Seconds",
    "SplitRecord",
    "StepRecord",
    "TrainRecord",
]
