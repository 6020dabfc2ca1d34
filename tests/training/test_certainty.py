"""Certainty of a gain over knowing nothing: closed forms, its size at the null, its power."""

import math
import statistics

import numpy as np
import pytest

from dnncli.diagnosis import chance
from dnncli.diagnosis.regression import ONE_SIDED
from dnncli.training.certainty import FEWEST, above_frequencies, standard_errors


def draw(rng, *shape):
    return rng.standard_normal(shape)


def losses(logits, y):
    """Each example's cross-entropy in float64."""
    largest = logits.max(axis=1, keepdims=True)
    logs = largest + np.log(np.exp(logits - largest).sum(axis=1, keepdims=True))
    return (logs - logits)[np.arange(len(y)), y]


def test_standard_errors_are_a_mean_over_its_standard_error():
    values = draw(np.random.default_rng(0), 50) + 0.3
    error = statistics.stdev(values) / math.sqrt(50)
    assert standard_errors(values) == pytest.approx(values.mean() / error)
    assert standard_errors(values, np.full(50, 7.0)) == pytest.approx(values.mean() / error)


def test_nothing_is_certain_of_one_value_of_equal_or_of_infinite_ones():
    assert standard_errors(np.ones(1)) == 0
    assert standard_errors(np.ones(9)) == 0
    assert standard_errors(np.array([1.0, np.inf, 2.0])) == 0


def test_a_weighted_mean_s_error_is_what_its_draws_scatter_by():
    rng = np.random.default_rng(1)
    weights = rng.choice([1.0, 5.0], 400)
    drawn = draw(rng, 2000, 400) + 0.1
    means = (drawn * weights).sum(axis=1) / weights.sum()
    told = [standard_errors(row, weights) for row in drawn[:200]]
    assert np.median(told) == pytest.approx(0.1 / means.std(), rel=0.1)


@pytest.mark.parametrize("examples", [40, 400])
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.85, 0.15), (0.98, 0.02), (0.1,) * 10])
@pytest.mark.parametrize("scatter", [0.003, 0.1, 1.0])
def test_probabilities_that_know_nothing_are_rarely_above_frequencies(examples, shares, scatter):
    """Of 500 networks with probabilities of chance at most 1 % but for what 500 may scatter."""
    rng = np.random.default_rng(2)
    passed = 0
    for _ in range(500):
        y = rng.choice(len(shares), examples, p=shares)
        logits = np.log(shares) + scatter * draw(rng, examples, len(shares))
        passed += above_frequencies(losses(logits, y), y) > ONE_SIDED
    assert passed <= 10


def test_a_rare_class_that_is_ranked_well_is_seen_where_answers_show_nothing():
    """Two normal scores a deviation of 0.74 apart: an area under the ROC curve of 0.70."""
    rng = np.random.default_rng(3)
    seen = 0
    answered = 0
    for _ in range(100):
        y = (rng.random(1200) < 0.15).astype(int)
        score = draw(rng, 1200) + 0.74 * y
        logit = math.log(0.15 / 0.85) + 0.74 * score - 0.74**2 / 2
        logits = np.stack([np.zeros(1200), logit], axis=1)
        seen += above_frequencies(losses(logits, y), y) > ONE_SIDED
        hits = int((logits.argmax(axis=1) == y).sum())
        answered += chance.better(hits, 1200, 1 - y.mean())
    assert seen >= 99
    assert answered <= 5


def test_the_same_answer_for_all_is_never_above_the_examples_own_frequencies():
    y = np.arange(300) % 3 // 2
    for share in (0.05, 1 / 3, 0.5):
        constant = np.where(y == 1, -math.log(share), -math.log(1 - share))
        assert above_frequencies(constant, y) <= 0


def test_too_few_examples_outside_the_largest_class_show_nothing():
    y = np.array([0] * 200 + [1] * FEWEST)
    known = np.full(len(y), 0.01)
    assert above_frequencies(known, y) > ONE_SIDED
    assert above_frequencies(known[:-1], y[:-1]) == 0


def test_a_weight_counts_as_so_many_examples_in_the_mean():
    rng = np.random.default_rng(4)
    y = rng.integers(0, 2, 200)
    known = rng.random(200)
    weights = np.where(y == 1, 3.0, 1.0)
    often = np.repeat(np.arange(200), weights.astype(int))
    given = above_frequencies(known, y, weights)
    repeated = above_frequencies(known[often], y[often])
    assert np.sign(given) == np.sign(repeated)
    assert abs(given) < abs(repeated)  # there are fewer examples than it looks like
