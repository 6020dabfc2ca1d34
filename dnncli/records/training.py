"""The result of `train`."""

from dataclasses import dataclass
from typing import Any

from dnncli.records.calibration import CalibrationRecord
from dnncli.records.common import DataRecord, EpochRecord, Health, LayerRecord, Score, Seconds
from dnncli.records.folds import FinalRecord, FoldsRecord
from dnncli.records.theory import Prediction
from dnncli.records.verification import VerificationRecord


@dataclass(frozen=True)
class TrainRecord:
    """The result of `train`.

    headline: the metric of the test score that comes first. positive: of two classes, the one whose
    ROC AUC and PR AUC the test score has; None of more, where they are means over the classes.
    threshold: the probability from which on the second of two classes is answered, if one was asked
    for.
    calibration: what was found for --calibrate.
    predictions: of a regression, actual and predicted values of the first target for some of the
    test examples.
    """

    config: dict[str, Any]
    data: DataRecord
    parameters: int
    epochs: tuple[EpochRecord, ...]
    initial: tuple[LayerRecord, ...]  # the first step of the run, before any update
    best_epoch: int
    stopped: str  # epochs | patience | diverged | condition | signal
    test: Score | None
    health: Health
    prediction: Prediction | None  # None: --init critical has no solution
    checkpoint: str | None
    seconds: Seconds
    headline: str = "accuracy"
    positive: str | None = None
    threshold: float | None = None
    calibration: CalibrationRecord | None = None
    folds: FoldsRecord | None = None  # with --folds
    final: FinalRecord | None = None  # with --final
    predictions: tuple[tuple[float, float], ...] = ()
    verification: VerificationRecord | None = None  # with --verify
