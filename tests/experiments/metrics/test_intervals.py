"""Intervals against SciPy's and by how often they cover the truth."""

import math

import numpy as np
import pytest
from scipy import special, stats

from dnncli.experiments.metrics import intervals

TRIALS = [(0, 1), (1, 1), (0, 7), (3, 7), (7, 7), (290, 300), (299, 300), (9_950, 10_000)]


@pytest.mark.parametrize(("hits", "trials"), TRIALS)
def test_a_proportions_interval_is_scipys_exact_one(hits, trials):
    exact = stats.binomtest(hits, trials).proportion_ci(0.95, "exact")
    assert intervals.clopper_pearson(hits, trials) == pytest.approx(tuple(exact), abs=1e-9)


@pytest.mark.parametrize(("hits", "trials"), TRIALS)
def test_the_score_interval_is_scipys(hits, trials):
    score = stats.binomtest(hits, trials).proportion_ci(0.95, "wilson")
    assert intervals.wilson(hits / trials, trials) == pytest.approx(tuple(score), abs=1e-9)


def test_without_trials_nothing_is_known():
    assert intervals.clopper_pearson(0, 0) == (0, 1)
    assert intervals.wilson(0.0, 0) == (0, 1)


@pytest.mark.parametrize(("a", "b"), [(0.5, 2), (1, 1), (3, 40), (40, 3), (2_000, 3_000)])
def test_the_beta_distribution_is_scipys(a, b):
    for x in (0.0, 1e-6, 0.01, 0.3, a / (a + b), 0.9, 1.0):
        assert intervals.beta_cdf(x, a, b) == pytest.approx(special.betainc(a, b, x), abs=1e-10)


@pytest.mark.parametrize(("freedom", "error"), [(5, 2e-3), (10, 1e-3), (29, 1e-4), (10_000, 1e-6)])
def test_students_quantile_is_scipys(freedom, error):
    assert intervals.student(freedom) == pytest.approx(special.stdtrit(freedom, 0.975), rel=error)


def test_a_mean_of_values_without_skewness_has_students_interval():
    values = np.concatenate([np.arange(20.0), 19 - np.arange(20.0)])
    low, high = stats.t.interval(0.95, 39, values.mean(), stats.sem(values))
    assert intervals.mean(values) == pytest.approx((low, high), rel=1e-4)


def test_a_mean_is_halls_transformation_turned_back():
    values = np.random.default_rng(0).exponential(size=50)
    found = intervals.mean(values)
    root, skewness = math.sqrt(50), stats.skew(values)
    for bound, sign in ((found.low, 1), (found.high, -1)):
        t = root * (values.mean() - bound) / values.std(ddof=1)
        transformed = (
            t
            + skewness * t**2 / (3 * root)
            + skewness**2 * t**3 / (27 * 50)
            + skewness / (6 * root)
        )
        assert transformed == pytest.approx(sign * intervals.student(49))


def test_values_that_are_few_or_not_finite_have_no_interval():
    assert intervals.mean(np.array([1.0])) is None
    assert intervals.mean(np.array([1.0, np.inf, 2.0])) is None
    assert intervals.mean(np.full(9, 0.25)) == (0.25, 0.25)


def test_the_interval_of_a_skewed_mean_covers_it_as_often_as_it_says():
    rng = np.random.default_rng(1)
    draws = rng.lognormal(sigma=1.0, size=(800, 100))
    truth = math.exp(0.5)
    covered = [low <= truth <= high for low, high in map(intervals.mean, draws)]
    plain = [abs(row.mean() - truth) <= intervals.student(99) * stats.sem(row) for row in draws]
    assert 0.93 <= np.mean(covered) <= 0.97
    assert np.mean(plain) < 0.92, "the problem is no test: Student's interval would do"


def test_the_mean_of_independent_shares_is_covered_as_often_as_it_says():
    rng = np.random.default_rng(2)
    truth, sizes = np.array([0.95, 0.6, 1.0]), np.array([300, 12, 40])
    hits = rng.binomial(sizes, truth, (800, 3))
    covered = 0
    for row in hits / sizes:
        bounds = list(map(intervals.wilson, row.tolist(), sizes.tolist()))
        low, high = intervals.average(row.tolist(), bounds)
        covered += low <= truth.mean() <= high
    assert 0.93 <= covered / 800 <= 0.98


def test_the_mean_of_scores_that_go_together_is_as_uncertain_as_one_of_them():
    bounds = [intervals.Bounds(0.5, 0.9)] * 4
    together = intervals.average([0.8] * 4, bounds, np.ones((4, 4)))
    apart = intervals.average([0.8] * 4, bounds)
    assert together == pytest.approx((0.5, 0.9))
    assert apart == pytest.approx((0.65, 0.85))


def test_an_areas_interval_is_where_newcombes_equation_holds():
    low, high = intervals.ranking(0.8, 15, 40)
    for area in (low, high):
        others = (15 + 40) / 2 - 1
        q1, q2 = (1 - area) / (2 - area), area / (1 + area)
        variance = area * (1 - area) * (1 + others * (q1 + q2)) / (15 * 40)
        assert abs(0.8 - area) == pytest.approx(1.959964 * math.sqrt(variance), rel=1e-5)


def test_a_perfect_order_has_an_interval_that_shrinks_with_the_examples():
    few, many = intervals.ranking(1.0, 5, 5), intervals.ranking(1.0, 50, 500)
    assert few.high == many.high == pytest.approx(1.0)
    assert 0.5 < few.low < many.low < 1.0
