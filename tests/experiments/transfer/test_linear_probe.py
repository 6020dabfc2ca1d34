"""Linear probes are ridge regression by cross-validation, and the depth they choose is not by chance."""

import numpy as np
import pytest
from problems import dataset, spec

from dnncli.data import Split
from dnncli.errors import SpecError
from dnncli.experiments.transfer import linear_probe
from dnncli.records import ProbeRecord
from dnncli.training import run


def parent(data, hidden=(8, 6)):
    return run.start(spec(hidden=hidden, act="tanh"), data)


def record(layer, accuracy, error=0.01):
    return ProbeRecord(layer, accuracy, error, 0.1)


def test_every_depth_is_probed_the_inputs_first():
    data = dataset(train=90)
    told = list(linear_probe.probe(parent(data), data.train))
    assert [one.layer for one in told] == ["input", "hidden1", "hidden2"]
    assert all(0 <= one.accuracy <= 1 and one.penalty in linear_probe.PENALTIES for one in told)


def test_classes_that_are_linear_in_the_inputs_are_read_off_them():
    data = dataset(train=400)  # a linear map decides the class
    first = next(iter(linear_probe.probe(parent(data), data.train)))
    assert first.accuracy > 0.9


def test_labels_without_any_pattern_are_not_read():
    data = dataset(train=600)
    rng = np.random.default_rng(0)
    noise = Split(data.train.x, rng.integers(0, 3, 600).astype(np.int32))
    for one in linear_probe.probe(parent(data), noise):
        assert one.accuracy == pytest.approx(1 / 3, abs=0.08)


@pytest.mark.parametrize(("examples", "units"), [(60, 7), (30, 50)])
def test_held_out_hits_are_those_of_ridge_regression_by_normal_equations(examples, units):
    rng = np.random.default_rng(1)
    y = np.arange(examples) % 3
    outputs = rng.standard_normal((examples, units)) + y[:, None] * 0.3
    x, targets, held = (
        linear_probe._standardised(outputs),
        np.eye(3)[y],
        np.arange(examples) % 5 == 2,
    )
    found = linear_probe._held_out(x, targets, held)
    raw = (outputs - outputs.mean(axis=0)) / outputs.std(axis=0)
    mean, share = raw[~held].mean(axis=0), targets[~held].mean(axis=0)
    centred = raw[~held] - mean
    for hits, penalty in zip(found, linear_probe.PENALTIES, strict=True):
        gram = centred.T @ centred + penalty * len(centred) * np.eye(units)
        weights = np.linalg.solve(gram, centred.T @ (targets[~held] - share))
        scores = (raw[held] - mean) @ weights + share
        assert hits == (scores.argmax(axis=1) == y[held]).sum()


def test_folds_have_every_class_in_proportion():
    y = np.array([0] * 10 + [1] * 25 + [2] * 5, np.int32)
    folds = linear_probe.rank_in_class(y) % linear_probe._number_of_folds(y)
    for label, count in ((0, 2), (1, 5), (2, 1)):
        assert (np.bincount(folds[y == label]) == count).all()


def test_a_class_with_one_example_cannot_be_held_out():
    data = dataset(train=10)
    lone = Split(data.train.x[:3], np.int32([0, 1, 1]))
    with pytest.raises(SpecError, match="--keep auto"):
        list(linear_probe.probe(parent(data), lone))


def test_many_examples_are_probed_by_the_first_of_each_class(monkeypatch):
    monkeypatch.setattr(linear_probe, "MOST_EXAMPLES", 12)
    data = dataset(train=90)
    few = np.sort(np.concatenate([np.flatnonzero(data.train.y == label)[:4] for label in range(3)]))
    limited = list(linear_probe.probe(parent(data), data.train))
    monkeypatch.undo()
    assert limited == list(
        linear_probe.probe(parent(data), Split(data.train.x[few], data.train.y[few]))
    )


@pytest.mark.parametrize(
    ("accuracies", "depth"),
    [
        ((0.9, 0.8, 0.7), 1),
        ((0.7, 0.9, 0.8), 2),
        ((0.7, 0.8, 0.9), 3),
        ((0.9, 0.895, 0.5), 2),
        ((0.9, 0.5, 0.891), 3),
    ],
)
def test_the_deepest_layer_within_an_error_of_the_best_is_chosen(accuracies, depth):
    hidden = [record(f"hidden{i + 1}", accuracy) for i, accuracy in enumerate(accuracies)]
    assert linear_probe.choose([record("input", 0.99), *hidden]) == depth
