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
from dnncli.records.data import (
    ClassCount,
    ColumnRecord,
    DataListRecord,
    DatasetRecord,
    DescriptionRecord,
    FetchedFile,
    FetchRecord,
)
from dnncli.records.evaluation import (
    BatchNormRecord,
    ClassScore,
    EvalRecord,
    NormMismatch,
    SplitRecord,
)
from dnncli.records.inspection import InspectRecord, LayerPart, TensorRecord
from dnncli.records.notices import Notice
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
    "ClassCount",
    "ClassScore",
    "ColumnRecord",
    "ComparisonRecord",
    "DataListRecord",
    "DataRecord",
    "DatasetRecord",
    "DeltaRatio",
    "DemoRecord",
    "DepthRecord",
    "DescriptionRecord",
    "Difference",
    "EpochRecord",
    "Estimate",
    "EvalRecord",
    "FetchRecord",
    "FetchedFile",
    "Finding",
    "Health",
    "InspectRecord",
    "LayerPart",
    "LayerRecord",
    "NormMismatch",
    "Notice",
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
    "TensorRecord",
    "TrainRecord",
    "Trained",
    "TransferRecord",
    "TrialRecord",
    "Versus",
]
