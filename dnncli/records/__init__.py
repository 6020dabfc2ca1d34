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
from dnncli.records.comparison import (
    ComparisonRecord,
    DeltaRatio,
    Estimate,
    RateRecord,
    RowRecord,
    SeedRecord,
    Speed,
    TrialRecord,
    Versus,
)
from dnncli.records.evaluation import BatchNormRecord, ClassScore, EvalRecord, NormMismatch, SplitRecord
from dnncli.records.prediction import Predictions
from dnncli.records.training import TrainRecord
from dnncli.records.transfer import (
    BaselineRecord,
    Difference,
    OriginRecord,
    ParentRecord,
    ProbeRecord,
    RunSummary,
    TransferRecord,
)
from dnncli.records.vanishing import CaseRecord, DemoRecord, DepthRecord, Trained

__all__ = [
    "LAYER_FIELDS",
    "BaselineRecord",
    "BatchNormRecord",
    "CaseRecord",
    "ClassScore",
    "ComparisonRecord",
    "DataRecord",
    "DeltaRatio",
    "DemoRecord",
    "DepthRecord",
    "Difference",
    "EpochRecord",
    "Estimate",
    "EvalRecord",
    "Finding",
    "Health",
    "LayerRecord",
    "NormMismatch",
    "OriginRecord",
    "ParentRecord",
    "Predictions",
    "ProbeRecord",
    "RateRecord",
    "RowRecord",
    "RunSummary",
    "Score",
    "Seconds",
    "SeedRecord",
    "Speed",
    "SplitRecord",
    "StepRecord",
    "TrainRecord",
    "Trained",
    "TransferRecord",
    "TrialRecord",
    "Versus",
]
