"""Scores of predicted numbers: closed forms, intervals by simulation, the mean as baseline."""

import numpy as np
import pytest
from scipy.stats import norm

from dnncli.data import Split
from dnncli.data.quantities import Quantities
from dnncli.experiments.metrics import regression


def drawn(examples, seed=0, noise=0.5):
    rng = np.random.default_rng(seed)
    y = 10 + 3 * rng.standard_normal(examples)
    return y, y + noise * rng.standard_normal(examples)


def test_scores_are_their_closed_forms_in_the_targets_unit():
    y, predicted = drawn(200)
    found = regression.of_target(y, predicted, 9.0)
    error = y - predicted
    spread = np.square(y - y.mean()).sum()
    assert found["r2"].value == pytest.approx(1 - np.square(error).sum() / spread)
    assert found["rmse"].value == pytest.approx(np.sqrt(np.square(error).mean()))
    assert found["mae"].value == pytest.approx(np.abs(error).mean())
    assert found["r2"].baseline == pytest.approx(1 - np.square(y - 9).sum() / spread)
    assert found["rmse"].baseline == pytest.approx(np.sqrt(np.square(y - 9).mean()))
    assert found["mae"].baseline == pytest.approx(np.abs(y - 9).mean())
    assert all(metric.method == "bootstrap" for metric in found.values())


def test_the_interval_of_a_mean_is_the_normal_one_for_many_examples():
    y, predicted = drawn(2000)
    found = regression.of_target(y, predicted, 10.0)["mae"]
    sizes = np.abs(y - predicted)
    half = norm.ppf(0.975) * sizes.std() / np.sqrt(2000)
    assert found.low == pytest.approx(sizes.mean() - half, rel=0.01)
    assert found.high == pytest.approx(sizes.mean() + half, rel=0.01)


def test_intervals_hold_the_truth_about_as_often_as_they_say(monkeypatch):
    monkeypatch.setattr(regression, "SAMPLES", 400)
    truth = {"rmse": 1.0, "mae": np.sqrt(2 / np.pi), "r2": 1 - 1 / (9 + 1e-12)}
    held = dict.fromkeys(truth, 0)
    for seed in range(200):
        y, predicted = drawn(150, seed, noise=1.0)
        found = regression.of_target(y, predicted, 10.0)
        for name, value in truth.items():
            held[name] += found[name].low <= value <= found[name].high
    # Percentiles cover a little less than 95 % for few examples; 200 draws scatter by 3 %.
    assert all(0.89 <= count / 200 <= 0.99 for count in held.values())


def test_the_same_examples_always_have_the_same_interval():
    assert regression.of_target(*drawn(50), 10.0) == regression.of_target(*drawn(50), 10.0)


def test_what_has_no_score_has_none():
    y = np.full(5, 3.0)
    found = regression.of_target(y, y + 1, 2.0)
    assert found["r2"].value is None
    assert found["rmse"].value == 1.0
    alone = regression.of_target(np.array([3.0]), np.array([5.0]), 2.0)
    assert (alone["mae"].value, alone["mae"].low) == (2.0, None)
    broken = regression.of_target(*drawn(5)[:1], np.full(5, np.nan), 2.0)
    assert all(metric.value is None for metric in broken.values())


def test_several_targets_have_their_own_scores_and_a_mean_r2():
    y = np.stack([drawn(80, 1)[0], 100 * drawn(80, 2)[0]], axis=1)
    outputs = y + np.random.default_rng(3).standard_normal((80, 2)) * [1, 50]
    numbers = Quantities(("a", "b"), y.mean(axis=0), y.std(axis=0))
    split = Split(np.zeros((80, 1), np.float32), numbers.standardise(y))
    found = regression.metrics(numbers.standardise(outputs), split, numbers)
    assert list(found) == ["r2", *(f"{m}_{n}" for n in "ab" for m in ("r2", "rmse", "mae"))]
    assert found["r2"].value == pytest.approx((found["r2_a"].value + found["r2_b"].value) / 2)
    rmse = np.sqrt(np.square(y - outputs).mean(axis=0))
    assert found["rmse_a"].value == pytest.approx(rmse[0], rel=1e-5)
    assert found["rmse_b"].value == pytest.approx(rmse[1], rel=1e-5)
