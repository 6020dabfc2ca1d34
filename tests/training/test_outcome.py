"""What the best network does on every example, against counting by hand; simple models on known data."""

from dataclasses import replace

import numpy as np
import oracle
import pytest
from problems import dataset, spec

from dnncli.data import Split
from dnncli.training import run
from dnncli.training.outcome import measure, simple_models

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
    assert seen.reference is None
    assert measure(snapshot, DATA).outcome.reference is not None
