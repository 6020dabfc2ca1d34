"""The calibration error against counting by hand, and its interval against known errors."""

import numpy as np
import pytest
from scipy.stats import binomtest

from dnncli.experiments.metrics.calibration import BINS, calibration_error, reliability


def test_it_is_the_bins_mean_gap():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 203)
    right = rng.random(203) < 0.7
    order = np.argsort(confidence, kind="stable")
    total = 0.0
    for part in np.array_split(order, BINS):
        total += len(part) / 203 * abs(right[part].mean() - confidence[part].mean())
    assert calibration_error(confidence, right).value == pytest.approx(total)


def test_the_bins_that_are_drawn_are_those_of_the_error_with_scipys_exact_intervals():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 203)
    right = rng.random(203) < 0.7
    bins = reliability(confidence, right)
    assert [one.confidence for one in bins] == sorted(one.confidence for one in bins)
    gaps = [one.examples * abs(one.accuracy - one.confidence) for one in bins]
    assert sum(gaps) / 203 == pytest.approx(calibration_error(confidence, right).value)
    for one in bins:
        hits = round(one.accuracy * one.examples)
        exact = binomtest(hits, one.examples).proportion_ci(method="exact")
        assert (one.low, one.high) == pytest.approx((exact.low, exact.high))


def test_few_examples_make_fewer_bins():
    found = calibration_error(np.array([0.9, 0.6]), np.array([True, False]))
    assert found.value == pytest.approx((0.1 + 0.6) / 2)


@pytest.mark.parametrize("gap", [0.0, 0.05, 0.2])
def test_the_interval_covers_the_true_error(gap):
    """Probabilities that are `gap` too sure."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(300):
        confidence = rng.uniform(0.6, 0.95, 400)
        right = rng.random(400) < confidence - gap
        found = calibration_error(confidence, right)
        covered += found.bounds.low <= gap + 1e-9 and gap <= found.bounds.high
    assert covered / 300 >= 0.93


def test_certain_and_right_is_calibrated_within_what_can_be_known():
    found = calibration_error(np.ones(300), np.ones(300, bool))
    assert found.value == 0
    assert found.bounds.low == 0
    assert 0 < found.bounds.high < 0.15
