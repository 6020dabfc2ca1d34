"""What a run's best network reaches on the test set, with intervals."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Int32

from dnncli.data import Dataset
from dnncli.experiments.metrics import classification, regression
from dnncli.nn import inference
from dnncli.records import Score
from dnncli.training import placement
from dnncli.training.outcome import Measured
from dnncli.training.run import test_answers
from dnncli.training.snapshot import Snapshot


def test_score(snapshot: Snapshot, dataset: Dataset) -> Score:
    """The best epoch's loss, accuracy and all other scores on the test set."""
    score, logits = test_answers(snapshot, dataset)
    return _scored(score, logits, snapshot, dataset)


def with_metrics(measured: Measured, snapshot: Snapshot, dataset: Dataset) -> Score | None:
    """The same of what was measured already; None where nothing was."""
    if measured.test is None or measured.outputs is None:
        return None
    return _scored(measured.test, measured.outputs, snapshot, dataset)


def _scored(
    score: Score,
    logits: Float32[np.ndarray, "examples outputs"],
    snapshot: Snapshot,
    dataset: Dataset,
) -> Score:
    """A score with all metrics; a threshold and unseen classes change the accuracy too."""
    if dataset.quantities is not None:
        numbers = regression.metrics(logits, dataset.test, dataset.quantities)
        return replace(score, metrics=numbers)
    asked, y = with_unseen(logits, snapshot, dataset)
    given = classification.answers(asked, y, dataset.train.y, snapshot.threshold)
    metrics = classification.metrics(given, classification.rankings(given))
    if snapshot.threshold is None and dataset.unseen is None:
        return replace(score, metrics=metrics)
    return replace(score, accuracy=float((given.said == given.right).mean()), metrics=metrics)


def with_unseen(
    logits: Float32[np.ndarray, "examples outputs"], snapshot: Snapshot, dataset: Dataset
) -> tuple[Float32[np.ndarray, "all outputs"], Int32[np.ndarray, " all"]]:
    """The test examples' logits and classes, and after them those of classes that are unseen.

    These are counted as one class more, which the network never answers.
    """
    if dataset.unseen is None:
        return logits, dataset.test.y
    x = placement.put(dataset.unseen)
    outputs = inference.compiled_logits(snapshot.spec.network, snapshot.answering, x)
    more = np.asarray(outputs)
    y = np.full(len(more), dataset.classes, np.int32)
    return np.concatenate([logits, more]), np.concatenate([dataset.test.y, y])


def headline(dataset: Dataset) -> str:
    """The metric that comes first."""
    if dataset.quantities is not None:
        return "r2"
    return classification.headline(dataset.train.y, dataset.classes)
