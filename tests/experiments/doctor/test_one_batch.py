"""One batch: fitted by networks that can learn, however sick their steps, and not by others."""

import math
from dataclasses import replace

import numpy as np
import pytest
from problems import dataset, spec

from dnncli.data import Split
from dnncli.experiments.doctor.one_batch import (
    EXAMPLES,
    RATES,
    STEPS,
    achievable_accuracy,
    fit_one_batch,
)

DATA = dataset(train=200, validation=20)


@pytest.mark.parametrize(
    "fault",
    [
        {"optimizer": "sgd", "lr": 10.0},
        {"l2": 1.0, "clip_global_norm": 1e-6, "dropout": 0.9},
        {"bn": True, "bn_momentum": 0.9999, "batch_size": 1},
    ],
    ids=str,
)
def test_a_network_whose_steps_are_sick_can_fit_one_batch(fault):
    record = fit_one_batch(spec(hidden=(30, 20), **fault), DATA)
    assert record.fits
    assert record.best_rate in RATES
    assert (record.examples, record.steps, record.achievable) == (EXAMPLES, STEPS, 1.0)


def test_a_network_without_gradients_cannot():
    deep = spec(hidden=(10,) * 12, act="sigmoid", init="uniform")
    assert not fit_one_batch(deep, DATA).fits


def test_of_inputs_that_are_all_the_same_only_the_largest_class_can_be_had():
    nothing = dataset(train=200, validation=20, transform=np.zeros_like)
    record = fit_one_batch(spec(hidden=(30, 20)), nothing)
    assert record.achievable < 0.6
    assert max(record.accuracies) <= record.achievable + 1e-6


def test_rates_that_diverge_have_no_values():
    huge = dataset(train=200, validation=20, transform=lambda x: 1e30 * x)
    record = fit_one_batch(spec(hidden=(30, 20)), huge)
    assert not record.fits
    for loss, accuracy in zip(record.losses, record.accuracies, strict=True):
        assert (loss is None) == (accuracy is None)
        assert loss is None or math.isfinite(loss)


def test_rows_that_are_the_same_with_other_labels_limit_what_can_be_reached():
    x = np.zeros((4, 2), np.float32)
    x[3] = 1
    split = Split(x, np.array([0, 0, 1, 1], np.int32))
    assert achievable_accuracy(split) == 3 / 4
    twice = Split(np.repeat(DATA.train.x[:32], 2, axis=0), np.arange(64, dtype=np.int32) % 2)
    doubled = replace(DATA, train=twice)
    record = fit_one_batch(spec(hidden=(30, 20)), doubled)
    assert record.achievable == 1 / 2
    assert record.fits
