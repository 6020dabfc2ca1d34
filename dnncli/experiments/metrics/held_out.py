"""What a run's best network reaches on the test set, with intervals."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from dnncli.data import Dataset
from dnncli.experiments.metrics import classification, regression
from dnncli.records import Score
from dnncli.training.outcome import Measured
from dnncli.training.run import test_answers
from dnncli.training.snapshot import Snapshot


def test_score(snapshot: Snapshot, dataset: Dataset) -> Score:
    """The best epoch's loss, accuracy and all other scores on the test set."""
    score, logits = test_answers(snapshot, dataset)
    return _scored(score, logits, dataset, snapshot.threshold)


def with_metrics(measured: Measured, dataset: Dataset, threshold: float | None) -> Score | None:
    """The same of what was measured already; None where nothing was."""
    if measured.test is None or measured.outputs is None:
        return None
    return _scored(measured.test, measured.outputs, dataset, threshold)


def _scored(
    score: Score,
    logits: Float32[np.ndarray, "examples outputs"],
    dataset: Dataset,
    threshold: float | None,
) -> Score:
    """A score with all metrics; a threshold changes the accuracy too."""
    if dataset.quantities is not None:
        numbers = regression.metrics(logits, dataset.test, dataset.quantities)
        return replace(score, metrics=numbers)
    given = classification.answers(logits, dataset.test.y, dataset.train.y, threshold)
    metrics = classification.metrics(given, classification.rankings(given))
    if threshold is None:
        return replace(score, metrics=metrics)
    return replace(score, accuracy=float((given.said == given.right).mean()), metrics=metrics)


def headline(dataset: Dataset) -> str:
    """The metric that comes first."""
    if dataset.quantities is not None:
        return "r2"
    return classification.headline(dataset.train.y, dataset.classes)
