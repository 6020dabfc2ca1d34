"""Permutation importance and its interval, against closed forms and by simulation."""

import numpy as np
import pytest

from dnncli.data import Split
from dnncli.experiments.metrics import importance

SIMULATIONS = 200


def rows_of(y):
    """Examples of which only the targets count."""
    return Split(np.zeros((len(y), 1), np.float32), y)


def measured(name, y, before, after_of):
    """Each score's importance; `after_of`: the outputs for rows whose values donors gave."""
    given_by = list(importance.donors(len(y)))
    found = {}
    for score in importance.scores(name, y):
        merits = importance.merits(score, before, rows_of(y), None)
        falls = [
            merits - importance.merits(score, after_of(donors), rows_of(y), None)
            for donors in given_by
        ]
        found[score.name] = importance.importance(score, falls, given_by)
    return found


def test_donors_are_permutations_in_which_no_row_stays_and_no_pair_comes_twice():
    found = list(importance.donors(30))
    assert len(found) == importance.PERMUTATIONS
    pairs = set()
    for rows in found:
        assert sorted(rows) == list(range(30))
        assert (rows != np.arange(30)).all()
        pairs |= set(enumerate(rows.tolist()))
    assert len(pairs) == 30 * len(found)
    assert len(list(importance.donors(4))) == 3  # there are no more


def numbers(rng, rows, slope=2.0):
    """A slope times x with noise, predicted without it: permuting x costs 2 slope² Var x of squared error."""
    x = rng.standard_normal(rows)
    y = (slope * x + rng.standard_normal(rows)).astype(np.float32)[:, None]
    before = (slope * x).astype(np.float32)[:, None]
    return measured("r2", y, before, lambda donors: before[donors])["r2"]


NUMBERS = 2 * 4 / (4 + 1)  # of a variance of slope² + 1


def classes(rng, rows, name="accuracy", flipped=0.1, odds=2.0, share=0.5):
    """The sign of x is the class, but for some that are flipped; answered with fixed log odds."""
    x = rng.random(rows) < share
    y = (x ^ (rng.random(rows) < flipped)).astype(np.int32)
    y[:2] = [0, 1]
    before = np.stack([np.where(x, 0.0, odds), np.where(x, odds, 0.0)], axis=1).astype(np.float32)
    return measured(name, y, before, lambda donors: before[donors])


# Of the classes with a fifth of x: recalls by Bayes' rule, whose mean without x is 1/2.
BALANCED = (0.18 / (0.18 + 0.08) + 0.72 / (0.72 + 0.02)) / 2 - 0.5


def test_of_many_rows_it_is_the_closed_form():
    rng = np.random.default_rng(1)
    assert numbers(rng, 40_000).value == pytest.approx(NUMBERS, rel=0.03)
    found = classes(rng, 40_000)
    # Right with 0.9 before and with 0.5 after; every wrong answer more costs the log odds.
    assert found["accuracy"].value == pytest.approx(0.4, abs=0.01)
    assert found["log_loss"].value == pytest.approx(0.4 * 2, abs=0.02)


def coverage(draw, truth):
    rng = np.random.default_rng(7)
    found = [draw(rng) for _ in range(SIMULATIONS)]
    return np.mean([one.low <= truth <= one.high for one in found])


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (lambda rng: numbers(rng, 80), NUMBERS),
        (lambda rng: classes(rng, 80)["accuracy"], 0.4),
        (lambda rng: classes(rng, 80)["log_loss"], 0.8),
        (
            lambda rng: classes(rng, 150, "balanced_accuracy", share=0.2)["balanced_accuracy"],
            BALANCED,
        ),
    ],
    ids=["R²", "accuracy", "log loss", "balanced accuracy"],
)
def test_intervals_cover_in_95_percent_of_samples_or_somewhat_more(draw, truth):
    assert 0.925 <= coverage(draw, truth) <= 0.995


def test_a_column_that_changes_nothing_costs_nothing_and_answers_leave_a_doubt():
    found = classes(np.random.default_rng(2), 50, odds=0.0)
    assert (found["log_loss"].value, found["log_loss"].low, found["log_loss"].high) == (0, 0, 0)
    accuracy = found["accuracy"]
    assert accuracy.value == 0
    assert accuracy.low < 0 < accuracy.high
    assert accuracy.high == pytest.approx(2 / 50, rel=0.1)
