"""From a seed's finished run to its line: scores in blocks, shares over units, divergence."""

import jax.numpy as jnp
import numpy as np
import problems
import pytest

from dnncli.data import Split
from dnncli.experiments.comparison import seed_results
from dnncli.nn.network import Network, TrainState
from dnncli.records import EpochRecord
from dnncli.training.history import RunHistory
from dnncli.training.snapshot import Snapshot, summary


def forward(network, x):
    """A network whose logits are its inputs; it takes four rows at once and counts its calls."""
    assert x.shape == (4, 3)
    return jnp.asarray(x)


def end(run, dataset):
    nothing = TrainState(Network((), ()), (), jnp.int32(0))
    return Snapshot(run, nothing.network, nothing, summary(dataset))


@pytest.mark.parametrize("examples", [1, 4, 7, 11])
def test_accuracy_counts_every_example_once_whatever_the_blocks(examples):
    rng = np.random.default_rng(examples)
    x = rng.normal(size=(examples, 3)).astype(np.float32)
    y = rng.integers(0, 3, examples).astype(np.int32)
    dataset = problems.dataset(features=3)
    found = seed_results.accuracy(
        forward, end(RunHistory(problems.spec()), dataset), Split(x, y), rows=4
    )
    assert found == pytest.approx((x.argmax(axis=1) == y).mean())


def epoch(number, accuracy, dead):
    layers = problems.layers(hidden=2, delta_rms=[0.2, 0.1], dead_fraction=dead)
    return EpochRecord(number, 0.1, 1 - accuracy, accuracy, 0.01, 0.0, None, layers)


def test_figures_are_of_the_best_epoch_and_over_all_hidden_units():
    dataset, spec = problems.dataset(features=3), problems.spec(hidden=(30, 10))
    history = (epoch(1, 0.6, [0.9, 0.9]), epoch(2, 0.8, [0.5, 0.1]), epoch(3, 0.7, [0.9, 0.9]))
    initial = problems.layers(hidden=2, delta_rms=[0.5, 0.1])
    run = RunHistory(spec, history, initial, best_epoch=2, stopped="epochs")
    found = seed_results.seed_record(run, end(run, dataset), forward, 4, dataset)
    assert found.dead_fraction == pytest.approx((30 * 0.5 + 10 * 0.1) / 40)
    assert (found.val_accuracy, found.best_epoch) == (0.8, 2)
    assert (found.initial_delta_ratio, found.best_delta_ratio) == (
        pytest.approx(5),
        pytest.approx(2),
    )
    assert found.val_accuracies == (0.6, 0.8, 0.7)
    assert 0 <= found.test_accuracy <= 1


def test_a_run_that_diverged_has_its_history_and_no_figures():
    dataset = problems.dataset(features=3)
    run = RunHistory(
        problems.spec(), (epoch(1, 0.6, 0.0),), problems.layers(hidden=2), 1, "diverged"
    )
    found = seed_results.seed_record(run, end(run, dataset), forward, 4, dataset)
    assert found.verdict == found.stopped == "diverged"
    assert (
        found.test_accuracy
        is found.val_accuracy
        is found.train_accuracy
        is found.dead_fraction
        is None
    )
    assert found.val_accuracies == (0.6,)
