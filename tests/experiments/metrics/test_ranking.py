"""ROC AUC and average precision against all pairs and all thresholds, counted one by one."""

import math

import numpy as np
import pytest
from scipy import special

from dnncli.experiments.metrics import ranking

CASES = [(7, 3, False), (40, 9, False), (40, 9, True), (25, 24, True)]


def case(count, positives, tied, seed=0):
    rng = np.random.default_rng(seed)
    positive = rng.permutation(np.arange(count) < positives)
    scores = rng.standard_normal(count) + positive
    return (np.round(scores) if tied else scores), positive


def pairs(scores, positive):
    """For every pair of a positive and a negative: 1 in order, 1/2 tied, 0 out of order."""
    ours, theirs = scores[positive][:, None], scores[~positive][None]
    return (ours > theirs) + 0.5 * (ours == theirs)


def precisions(scores, positive):
    """Average precision by its definition: sum of (recall step) * precision over thresholds."""
    total, before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        taken = scores >= threshold
        recall = positive[taken].sum() / positive.sum()
        total += (recall - before) * positive[taken].mean()
        before = recall
    return total


def weighted_precision(scores, positive, weights):
    """Average precision of examples that count with weights."""
    total = 0.0
    for own, weight in zip(scores[positive], weights[positive], strict=True):
        taken = scores >= own
        total += weight * weights[taken & positive].sum() / weights[taken].sum()
    return total / weights[positive].sum()


@pytest.mark.parametrize(("count", "positives", "tied"), CASES)
def test_roc_auc_is_the_share_of_pairs_in_order(count, positives, tied):
    scores, positive = case(count, positives, tied)
    found = ranking.roc_auc(ranking.steps(scores, positive), positive)
    assert found.value == pytest.approx(pairs(scores, positive).mean())


@pytest.mark.parametrize(("count", "positives", "tied"), CASES)
def test_average_precision_sums_over_thresholds(count, positives, tied):
    scores, positive = case(count, positives, tied)
    found = ranking.average_precision(ranking.steps(scores, positive), positive)
    assert found.value == pytest.approx(precisions(scores, positive))


@pytest.mark.parametrize(("count", "positives", "tied"), CASES)
def test_roc_aucs_influences_give_delongs_variance(count, positives, tied):
    scores, positive = case(count, positives, tied)
    found = ranking.roc_auc(ranking.steps(scores, positive), positive)
    won = pairs(scores, positive)
    ours, theirs = won.mean(axis=1).var() / len(won), won.mean(axis=0).var() / won.shape[1]
    assert np.square(found.influence).sum() == pytest.approx(ours + theirs)
    assert found.influence.sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("count", "positives", "tied"), CASES)
def test_average_precisions_influences_are_its_slopes_by_the_examples_weights(
    count, positives, tied
):
    scores, positive = case(count, positives, tied)
    found = ranking.average_precision(ranking.steps(scores, positive), positive)
    for index in range(count):
        ends = []
        for shift in (1e-5, -1e-5):
            weights = np.ones(count)
            weights[index] += shift
            ends.append(weighted_precision(scores, positive, weights))
        slope = (ends[0] - ends[1]) / 2e-5
        assert found.influence[index] == pytest.approx(slope, abs=1e-7)


def test_a_perfect_order_and_a_constant_score():
    positive = np.arange(10) < 4
    best = ranking.steps(-np.arange(10.0), positive)
    assert ranking.roc_auc(best, positive).value == 1
    assert ranking.average_precision(best, positive).value == 1
    assert ranking.average_precision(best, positive).bounds.low == pytest.approx(0.51, abs=0.01)
    same = ranking.steps(np.zeros(10), positive)
    assert ranking.roc_auc(same, positive).value == 0.5
    assert ranking.average_precision(same, positive).value == pytest.approx(0.4)


@pytest.mark.parametrize("shift", [0.7, 1.8, 3.0])
@pytest.mark.parametrize(("positives", "negatives"), [(8, 60), (60, 60)])
def test_intervals_cover_the_truth_as_often_as_they_say(shift, positives, negatives):
    rng = np.random.default_rng(3)
    positive = np.arange(positives + negatives) < positives
    area = special.ndtr(shift / math.sqrt(2))
    precision = expected_precision(shift, positives / len(positive))
    areas = precise = 0
    for _ in range(200):
        scores = rng.standard_normal(len(positive)) + shift * positive
        steps = ranking.steps(scores, positive)
        low, high = ranking.roc_auc(steps, positive).bounds
        areas += low <= area <= high
        low, high = ranking.average_precision(steps, positive).bounds
        precise += low <= precision <= high
    assert areas / 200 > 0.93
    assert precise / 200 > (0.93 if positives > 10 else 0.9)  # eight say little


def expected_precision(shift, share):
    """The average precision of infinitely many examples: the integral over positives' scores."""
    z = special.ndtri((np.arange(20_000) + 0.5) / 20_000) + shift
    ours, theirs = share * special.ndtr(shift - z), (1 - share) * special.ndtr(-z)
    return np.mean(ours / (ours + theirs))


def test_an_area_that_varies_more_than_supposed_has_a_wider_interval():
    """Positives of two kinds: some as the negatives, some far above them."""
    rng = np.random.default_rng(4)
    positive = np.arange(440) < 40
    covered = 0
    for _ in range(200):
        far = positive & (rng.random(440) < 0.5)
        scores = rng.standard_normal(440) + 9 * far
        low, high = ranking.roc_auc(ranking.steps(scores, positive), positive).bounds
        covered += low <= 0.75 <= high
    assert covered / 200 > 0.93


def test_the_mean_over_classes_covers_the_truth_and_counts_what_they_share():
    rng = np.random.default_rng(5)
    y = np.arange(90) % 3
    values, inside = [], []
    for _ in range(150):
        scores = rng.standard_normal((90, 3))
        scores[np.arange(90), y] += 1.5
        found = [ranking.roc_auc(ranking.steps(scores[:, k], y == k), y == k) for k in range(3)]
        mean = ranking.macro(found)
        assert mean.value == pytest.approx(np.mean([one.value for one in found]))
        values.append(mean.value)
        inside.append(mean.bounds.low <= special.ndtr(1.5 / math.sqrt(2)) <= mean.bounds.high)
    assert np.mean(inside) > 0.9
    assert np.sqrt(np.square(mean.influence).sum()) == pytest.approx(np.std(values), rel=0.4)
