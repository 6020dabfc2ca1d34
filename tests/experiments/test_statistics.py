"""Intervals, paired tests and Holm's correction, against tables, SciPy and simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from dnncli.experiments import statistics


def test_an_interval_is_students_from_the_table():
    mean, low, high = statistics.interval([1.0, 2.0, 3.0, 4.0, 5.0])
    half = 2.776445 * math.sqrt(2.5) / math.sqrt(5)  # t of 4 degrees of freedom at 97.5 %
    assert (mean, low, high) == pytest.approx((3, 3 - half, 3 + half), rel=1e-6)


def test_an_interval_of_equal_values_has_no_width():
    assert statistics.interval([0.5, 0.5, 0.5]) == (0.5, 0.5, 0.5)


def test_one_value_has_a_mean_and_no_interval():
    assert statistics.interval([0.7]) == (0.7, None, None)


def test_no_values_have_no_mean():
    with pytest.raises(ValueError, match="no values"):
        statistics.interval([])


def test_intervals_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        _, low, high = statistics.interval(list(rng.normal(3, 2, size=5)))
        covered += low <= 3 <= high
    assert covered / 2000 == pytest.approx(0.95, abs=0.015)


def test_the_paired_test_is_scipys():
    a, b = np.random.default_rng(1).normal(size=(2, 12))
    found = statistics.paired(list(a), list(b))
    exact = stats.ttest_rel(a, b)
    interval = exact.confidence_interval(0.95)
    assert found == pytest.approx((np.mean(a - b), *interval, exact.pvalue))


def test_pairing_removes_what_the_pairs_share():
    luck = np.array([0.1, 0.5, 0.3, 0.9, 0.7])
    gain = np.array([0.010, 0.011, 0.009, 0.012, 0.008])
    assert statistics.paired(list(luck + gain), list(luck)).p < 0.001


def test_equal_values_differ_by_nothing():
    values = [0.97, 0.96, 0.98, 0.97, 0.95]
    assert statistics.paired(values, values) == (0.0, 0.0, 0.0, 1.0)


def test_equal_differences_are_told_without_a_test():
    values = np.array([0.97, 0.96, 0.98, 0.97, 0.95])
    found = statistics.paired(list(values + 0.01), list(values))
    assert found.difference == pytest.approx(0.01)
    assert found.p is None


def test_fewer_than_five_pairs_have_an_interval_and_no_p():
    found = statistics.paired([0.9, 0.8, 0.7, 0.9], [0.8, 0.75, 0.72, 0.81])
    assert found.low < found.difference < found.high
    assert found.p is None


@pytest.mark.parametrize(
    ("ps", "adjusted"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # Holm's procedure by hand
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.02], [0.02]),
        ([], []),
        ([0.01, None, 0.02], [0.02, None, 0.02]),
        ([None, None], [None, None]),
    ],
)
def test_holms_correction_by_hand(ps, adjusted):
    found = statistics.holm(ps)
    assert [p is None for p in found] == [p is None for p in adjusted]
    assert [p for p in found if p is not None] == pytest.approx(
        [p for p in adjusted if p is not None]
    )


def test_holms_correction_keeps_the_order_and_never_lowers_a_p():
    ps = list(np.random.default_rng(2).uniform(size=9))
    adjusted = statistics.holm(ps)
    assert all(corrected >= p for corrected, p in zip(adjusted, ps, strict=True))
    assert np.argsort(adjusted, kind="stable").tolist() == sorted(
        range(9), key=lambda i: (adjusted[i], i)
    )


def test_tables_without_a_difference_raise_few_false_alarms():
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(400):
        baseline, *others = rng.normal(0.97, 0.01, size=(6, 20))
        ps = [statistics.paired(list(row), list(baseline)).p for row in others]
        alarms += min(statistics.holm(ps)) < 0.05
    assert alarms / 400 < 0.05 + 2 * math.sqrt(0.05 * 0.95 / 400)
