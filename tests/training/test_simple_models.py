"""Simple models against least squares of NumPy's, and weights against rows given so often."""

from dataclasses import replace

import numpy as np
from problems import dataset, spec

from dnncli.data import Split
from dnncli.data.quantities import Quantities
from dnncli.experiments.transfer import linear_probe
from dnncli.training import regression_outcome, run
from dnncli.training.simple_models import RIDGE, Fitted, neighbours, relative, ridge

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
TARGETS = RNG.standard_normal((60, 2))
TIMES = np.arange(60) % 3 + 1
NEW = RNG.standard_normal((7, 3))


def test_weighted_least_squares_is_that_of_rows_given_so_often():
    weights = TIMES.astype(np.float32)
    found = ridge(Fitted(X, TARGETS, relative(weights, 60)), NEW)
    rows = np.repeat(np.arange(60), TIMES)
    middle = X[rows].mean(axis=0)
    # The penalty as rows of their own: sqrt(penalty) times a slope is to be 0.
    penalty = RIDGE * len(rows) * np.eye(3)
    inside = np.concatenate([X[rows] - middle, np.sqrt(penalty)])
    centre = TARGETS[rows].mean(axis=0)
    wanted = np.concatenate([TARGETS[rows] - centre, np.zeros((3, 2))])
    slopes = np.linalg.lstsq(inside, wanted, rcond=None)[0]
    np.testing.assert_allclose(found, (NEW - middle) @ slopes + centre, atol=1e-10)


def test_neighbours_answer_with_their_weighted_mean():
    weights = RNG.random(60)
    found = neighbours(Fitted(X, TARGETS, weights), NEW)
    for row, answer in zip(NEW, found, strict=True):
        nearest = np.square(X - row).sum(axis=1).argsort()[:5]
        wanted = np.average(TARGETS[nearest], axis=0, weights=weights[nearest])
        np.testing.assert_allclose(answer, wanted, atol=1e-10)


def test_neighbours_that_all_weigh_nothing_count_alike():
    known = Fitted(X[:5], TARGETS[:5], np.zeros(5))
    np.testing.assert_allclose(neighbours(known, NEW), np.tile(TARGETS[:5].mean(axis=0), (7, 1)))


def two_lines(rows, seed):
    """Every tenth row, of weight 100, lies on one line, and the others on the opposite one."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 2)).astype(np.float32)
    rare = np.arange(rows) % 10 == 0
    y = np.where(rare, 1, -1)[:, None] * x[:, :1]
    return Split(x, y.astype(np.float32), np.where(rare, 100, 1).astype(np.float32))


def test_numbers_are_held_against_models_of_the_same_weights():
    """By the weights the rare line is the answer, which most of the rows contradict."""
    train = two_lines(300, 0)
    alike = replace(train, weights=None)
    x = two_lines(100, 1).x
    asked = Split(x, x[:, :1])
    numbers = Quantities(("y",), np.zeros(1), np.ones(1))
    data = replace(dataset(), train=train, validation=asked, test=asked, quantities=numbers)
    snapshot = run.start(spec(loss="squared"), data)
    weighted = regression_outcome.measure(snapshot, data).outcome
    plain = regression_outcome.measure(snapshot, replace(data, train=alike)).outcome
    assert weighted.linear > 0.9 > 0 > plain.linear
    assert weighted.neighbours > plain.neighbours
    # So it is of the doctor's linear model, which chooses its penalty.
    assert linear_probe.held_out_r2(train, asked) > 0.9 > 0 > linear_probe.held_out_r2(alike, asked)
