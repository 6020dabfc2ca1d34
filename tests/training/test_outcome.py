"""What the best network does on every example, against counting by hand; simple models on known data."""

from dataclasses import replace

import numpy as np
import oracle
import pytest
from problems import dataset, spec

from dnncli.data import Split
from dnncli.training import run
from dnncli.training.outcome import measure, simple_models

pytestmark = pytest.mark.usefixtures("quick_compilation")

DATA = dataset(train=40, validation=13, test=11)


def test_confusions_and_losses_are_those_of_a_float64_network():
    snapshot = run.start(spec(), DATA)
    told = measure(snapshot, DATA).outcome
    held_out_x = np.concatenate([DATA.validation.x, DATA.test.x])
    held_out_y = np.concatenate([DATA.validation.y, DATA.test.y])
    for seen, x, y in (
        (told.train, DATA.train.x, DATA.train.y),
        (told.held_out, held_out_x, held_out_y),
    ):
        true = oracle.run(snapshot.history.spec.network, snapshot.network.parameters, x, y)
        assert seen.examples == len(y)
        assert [sum(row) for row in seen.confusion] == np.bincount(y, minlength=3).tolist()
        assert seen.loss == pytest.approx(true.loss, rel=1e-5)
        assert seen.accuracy == pytest.approx(true.accuracy)


def test_the_test_score_is_that_of_the_whole_test_set_to_the_bit():
    snapshot = run.start(spec(), DATA)
    measured = measure(snapshot, DATA)
    assert measured.test == run.test_score(snapshot, DATA)


def test_only_a_linear_network_is_asked_whether_its_errors_follow_a_bend():
    linear = measure(run.start(spec(act="identity"), DATA), DATA).outcome
    assert isinstance(linear.bend, float)
    assert measure(run.start(spec(), DATA), DATA).outcome.bend is None


def table(seed, rows, rule):
    x = np.random.default_rng(seed).standard_normal((rows, 2)).astype(np.float32)
    return Split(x, rule(x).astype(np.int32))


def test_a_linear_model_reads_a_line_and_neighbours_a_ring():
    def line(x):
        return x[:, 0] + x[:, 1] > 0

    def ring(x):
        return (x**2).sum(axis=1) > 1.4

    def noise(x):
        return np.random.default_rng(len(x)).random(len(x)) < 0.5

    straight = simple_models(table(0, 500, line), table(1, 200, line), 2)
    assert straight.linear >= 190
    bent = simple_models(table(0, 500, ring), table(1, 200, ring), 2)
    assert bent.neighbours >= 180 > 150 > bent.linear
    nothing = simple_models(table(0, 500, noise), table(1, 200, noise), 2)
    assert nothing.best < 125


def test_constant_features_have_no_simple_model():
    same = Split(np.ones((30, 2), np.float32), np.arange(30, dtype=np.int32) % 2)
    assert simple_models(same, same, 2) is None


def test_a_weighted_class_counts_as_its_examples_given_so_often():
    """Class 0 at weight 3 is class 0 three times, at fewer effective examples."""
    weights = np.where(DATA.train.y == 0, 3, 1).astype(np.float32)
    weighted = replace(DATA, train=replace(DATA.train, weights=weights))
    snapshot = run.start(spec(), DATA)
    given = DATA.train.y.repeat(weights.astype(int))
    x = DATA.train.x.repeat(weights.astype(int), axis=0)
    true = oracle.run(spec().network, snapshot.network.parameters, x, given)
    seen = measure(snapshot, weighted).outcome
    assert seen.train.loss == pytest.approx(true.loss, rel=1e-5)
    assert seen.train.accuracy == pytest.approx(true.accuracy, abs=0.03)  # whole examples
    shares = np.array([sum(row) for row in seen.train.confusion]) / seen.train.examples
    assert shares == pytest.approx(np.bincount(given) / len(given), abs=0.03)
    assert seen.train.examples < len(DATA.train)


def test_a_linear_model_of_weighted_examples_is_that_of_examples_given_so_often():
    def rare(rows, seed):
        rng = np.random.default_rng(seed)
        y = (np.arange(rows) % 10 == 0).astype(np.int32)
        x = (1.5 * y[:, None] + rng.standard_normal((rows, 2))).astype(np.float32)
        return Split(x, y, np.where(y == 1, 9, 1).astype(np.float32))

    def given_so_often(split):
        times = split.weights.astype(int)
        return Split(split.x.repeat(times, axis=0), split.y.repeat(times))

    train = rare(400, 0)
    held_out = rare(100, 1)
    told = simple_models(train, held_out, 2)
    often = simple_models(given_so_often(train), given_so_often(held_out), 2)
    assert told.linear / told.examples == pytest.approx(often.linear / often.examples, abs=0.02)
    assert told.linear / told.examples > 0.8  # always answering the frequent class has 0.5
    assert told.examples == pytest.approx(180**2 / (90 + 10 * 81), abs=1)


def test_neighbours_of_larger_weight_have_a_larger_say():
    """Of five neighbours two weigh 2 each and the others 1: every answer is class 1."""
    weights = np.array([1, 1, 1, 2, 2], np.float32)
    x = np.arange(5, dtype=np.float32)[:, None]
    train = Split(x, np.array([0, 0, 0, 1, 1], np.int32), weights)
    held_out = Split(np.zeros((20, 1), np.float32), np.arange(20, dtype=np.int32) % 2)
    told = simple_models(train, held_out, 2)
    # Ten rows weigh 1 and ten weigh 2, which say as much as 30^2 / 50 = 18 that are alike.
    assert (told.examples, told.neighbours) == (18, 12)
