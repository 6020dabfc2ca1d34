"""What a run's best network reaches on the test set, with intervals."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from dnncli.data import Dataset
from dnncli.experiments.metrics import classification
from dnncli.records import Score
from dnncli.training.outcome import Measured
from dnncli.training.run import test_answers
from dnncli.training.snapshot import Snapshot


def test_score(snapshot: Snapshot, dataset: Dataset) -> Score:
    """The best epoch's loss, accuracy and all other scores on the test set."""
    return _measured(*test_answers(snapshot, dataset), dataset)


def with_metrics(measured: Measured, dataset: Dataset) -> Score | None:
    """The same of what was measured already; None where nothing was."""
    if measured.test is None or measured.outputs is None:
        return None
    return _measured(measured.test, measured.outputs, dataset)


def _measured(
    score: Score, logits: Float32[np.ndarray, "examples classes"], dataset: Dataset
) -> Score:
    given = classification.answers(logits, dataset.test.y, dataset.train.y)
    metrics = classification.metrics(given, classification.rankings(given))
    return replace(score, metrics=metrics)
