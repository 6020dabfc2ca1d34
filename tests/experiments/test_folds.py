"""Cross-validation: each fold is an ordinary run, and the interval covers what it should."""

import math
from dataclasses import replace

import numpy as np
import pytest
from problems import dataset, spec
from scipy import stats

from dnncli.experiments import folds
from dnncli.experiments.metrics.held_out import test_score as score_of
from dnncli.records import Metric, Score
from dnncli.training import run


def test_a_fold_is_the_run_that_train_makes_of_its_data():
    given = [dataset(seed=seed) for seed in (0, 10)]
    done = list(folds.cross_validate(spec(epochs=2), given))
    for data, fold in zip(given, done, strict=True):
        *_, last = run.run(run.start(spec(epochs=2), data), data)
        assert fold.score == score_of(last.snapshot, data)
        assert fold.best_epoch == last.snapshot.history.best_epoch
        assert fold.tested == len(data.test)
        assert fold.trained == len(data.train) + len(data.validation)
    record = folds.summarise(done)
    values = [fold.score.accuracy for fold in done]
    assert record.metrics["accuracy"].values == pytest.approx(tuple(values))
    assert record.metrics["accuracy"].mean == pytest.approx(np.mean(values))
    assert (record.folds, record.diverged) == (2, 0)


def test_a_fold_that_diverged_has_no_score_and_leaves_the_mean_to_the_others():
    wild = replace(dataset(), train=replace(dataset().train, x=dataset().train.x * 1e30))
    done = list(folds.cross_validate(spec(epochs=2, optimizer="sgd", lr=1e30), [wild]))
    assert done[0].score is None
    fine = folds.Fold(Score(0.1, 0.8, {"accuracy": Metric(0.8)}), 1, 10, 10, 0.1)
    record = folds.summarise([*done, fine])
    assert record.diverged == 1
    assert record.metrics["accuracy"].values == (None, 0.8)
    assert record.metrics["accuracy"].mean == 0.8
    assert record.metrics["accuracy"].low is None


def test_the_interval_is_nadeau_and_bengios():
    values = [0.8, 0.85, 0.9, 0.7]
    low, high = folds.corrected(values, 1 / 3)
    n_test, n_train = 25, 75
    variance = (1 / 4 + n_test / n_train) * np.var(values, ddof=1)
    half = stats.t.ppf(0.975, 3) * math.sqrt(variance)
    assert (low, high) == pytest.approx((np.mean(values) - half, np.mean(values) + half))
    assert folds.corrected([0.5], 1 / 3) is None


def test_bounds_stay_where_a_score_can_be():
    scores = [Score(1.0, a, {"accuracy": Metric(a), "log_loss": Metric(a)}) for a in (1.0, 0.9)]
    record = folds.summarise([folds.Fold(score, 1, 10, 10, 0.1) for score in scores])
    assert (record.metrics["accuracy"].low, record.metrics["accuracy"].high) == (0, 1)
    assert record.metrics["log_loss"].high > 1
    negative = [Score(1.0, None, {"r2": Metric(value)}) for value in (-0.5, -0.7)]
    record = folds.summarise([folds.Fold(score, 1, 10, 10, 0.1) for score in negative])
    assert record.metrics["r2"].low < record.metrics["r2"].mean < record.metrics["r2"].high <= 1


def cross_validated(rng, n, k):
    """Accuracies over folds of the classifier by nearest class mean, which is quick to train."""
    y = np.arange(n) % 2
    x = rng.standard_normal((n, 6)) + 0.5 * y[:, None]
    order = rng.permutation(n)
    accuracies = []
    for test in np.array_split(order, k):
        train = np.setdiff1d(order, test)
        means = [x[train][y[train] == label].mean(axis=0) for label in (0, 1)]
        distances = [np.square(x[test] - mean).sum(axis=1) for mean in means]
        accuracies.append(float(np.mean(np.argmin(distances, axis=0) == y[test])))
    return accuracies


def test_the_interval_covers_where_the_plain_one_does_not():
    rng = np.random.default_rng(0)
    results = [cross_validated(rng, 60, 10) for _ in range(400)]
    truth = np.mean(results)
    corrected = [folds.corrected(values, 1 / 9) for values in results]
    plain = [stats.t.interval(0.95, 9, np.mean(v), stats.sem(v)) for v in results]
    assert np.mean([low <= truth <= high for low, high in corrected]) >= 0.94
    assert np.mean([low <= truth <= high for low, high in plain]) < 0.94
