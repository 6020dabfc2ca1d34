"""Cross-validation: a network for each fold, and what their scores say together."""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from dnncli.data import Dataset
from dnncli.experiments import train
from dnncli.experiments.metrics import intervals
from dnncli.experiments.metrics.held_out import test_score
from dnncli.records import Estimate, Score
from dnncli.records.folds import FoldsRecord
from dnncli.spec import RunSpec
from dnncli.training import run
from dnncli.training.devices import Devices

AT_MOST_1 = ("r2", "accuracy", "balanced_accuracy", "roc_auc", "pr_auc", "calibration_error")


class Fold(NamedTuple):
    """One fold's run: its score (None where it diverged), best epoch, and its numbers of examples.

    trained: those that validated among them.
    """

    score: Score | None
    best_epoch: int
    tested: int
    trained: int
    seconds: float


def cross_validate(
    spec: RunSpec, datasets: Iterable[Dataset], devices: Devices | None = None
) -> Iterator[Fold]:
    """Train and test on each fold's data in turn, as a single run does.

    devices: those that share each batch.
    """
    for dataset in datasets:
        began = time.perf_counter()
        *_, last = run.run(run.start(spec, dataset), dataset, devices=devices)
        snapshot = last.snapshot
        score = None
        if last.stopped != "diverged":
            snapshot = train.decided(snapshot, dataset)
            score = test_score(snapshot, dataset)
        seconds = time.perf_counter() - began
        trained = len(dataset.train) + len(dataset.validation)
        yield Fold(score, snapshot.history.best_epoch, len(dataset.test), trained, seconds)


def summarise(done: Sequence[Fold]) -> FoldsRecord:
    """The record of all folds."""
    scores = [fold.score for fold in done]
    names = next((list(score.metrics) for score in scores if score), [])
    overlap = float(np.mean([fold.tested / fold.trained for fold in done]))
    return FoldsRecord(
        folds=len(done),
        tested=tuple(fold.tested for fold in done),
        trained=tuple(fold.trained for fold in done),
        best_epochs=tuple(fold.best_epoch for fold in done),
        diverged=scores.count(None),
        metrics={name: _estimate(name, scores, overlap) for name in names},
        seconds=sum(fold.seconds for fold in done),
    )


def _estimate(name: str, scores: Sequence[Score | None], overlap: float) -> Estimate:
    """A metric over folds; overlap: as of `corrected`."""
    values = tuple(_value(name, score) for score in scores)
    known = [value for value in values if value is not None]
    if not known:
        return Estimate(None, None, None, values)
    bounds = corrected(known, overlap)
    if bounds is None:
        return Estimate(float(np.mean(known)), None, None, values)
    high = min(1.0, bounds.high) if name in AT_MOST_1 else bounds.high
    low = bounds.low if name.startswith("r2") else max(0.0, bounds.low)
    return Estimate(float(np.mean(known)), low, high, values)


def _value(name: str, score: Score | None) -> float | None:
    return None if score is None else score.metrics[name].value


def corrected(values: Sequence[float], overlap: float) -> intervals.Bounds | None:
    """The 95 % interval of a mean over folds, by Nadeau & Bengio (2003); None for one value.

    Folds share most of their training examples, so their scores are alike beyond what the variance
    between them shows: it is multiplied by 1/n + (test examples / training examples) instead of by
    1/n. Quantiles are Student's. overlap: that quotient, of k folds 1/(k - 1); where folds differ,
    as by time, its mean.
    """
    count = len(values)
    if count < 2:
        return None
    variance = float(np.var(values, ddof=1)) * (1 / count + overlap)
    half = intervals.student_exact(count - 1) * math.sqrt(variance)
    centre = float(np.mean(values))
    return intervals.Bounds(centre - half, centre + half)
