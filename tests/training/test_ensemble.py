"""An ensemble is the runs of its seeds, each as it would be alone, and their mean."""

from dataclasses import replace

import numpy as np
import problems
import pytest

from dnncli.errors import DnncliError
from dnncli.nn import inference
from dnncli.training import checkpointing, ensemble
from dnncli.training import run as training

SIZE = 3
OPTIONS = {"act": "elu", "seed": 4, "epochs": 6, "patience": 2, "lr": 0.05}


@pytest.fixture(scope="module")
def progress():
    spec = problems.spec(**OPTIONS, ensemble=SIZE)
    dataset = problems.dataset()
    return list(ensemble.run(ensemble.start(spec, dataset), dataset))


@pytest.fixture(scope="module")
def alone():
    runs = []
    for k in range(SIZE):
        spec = problems.spec(**{**OPTIONS, "seed": OPTIONS["seed"] + k})
        dataset = problems.dataset()
        *_, last = training.run(training.start(spec, dataset), dataset)
        runs.append(last.snapshot)
    return runs


def outputs(snapshot):
    """What the best epoch's network puts out for the test examples."""
    x = problems.dataset().test.x
    found = inference.compiled_logits(snapshot.spec.network, snapshot.network, x)
    return np.asarray(found, np.float64)


def test_it_puts_out_the_mean_of_its_networks_trained_alone(progress, alone):
    expected = np.mean([outputs(one) for one in alone], axis=0)
    np.testing.assert_allclose(outputs(progress[-1].snapshot), expected, rtol=1e-4, atol=1e-5)


def test_it_trains_until_its_last_network_stops(progress, alone):
    assert len(progress) == max(one.history.epoch for one in alone)
    assert [one.stopped for one in progress[:-1]] == [None] * (len(progress) - 1)
    assert progress[-1].stopped in {one.history.stopped for one in alone}
    records = progress[-1].snapshot.history.epochs
    assert [record.epoch for record in records] == list(range(1, len(progress) + 1))
    # The first network's, as long as it trains.
    for record, own in zip(records, alone[0].history.epochs, strict=False):
        assert record.train_loss == pytest.approx(own.train_loss, rel=1e-5)


def test_its_parameters_are_those_of_its_networks(progress, alone):
    assert progress[-1].snapshot.parameters == SIZE * alone[0].parameters


def test_it_comes_back_from_its_checkpoint(progress):
    snapshot = progress[-1].snapshot
    back = checkpointing.from_checkpoint(checkpointing.to_checkpoint(snapshot), "ensemble.ckpt")
    assert back.spec == snapshot.spec
    np.testing.assert_array_equal(outputs(back), outputs(snapshot))


def test_a_network_that_diverges_is_named():
    spec = problems.spec(**{**OPTIONS, "optimizer": "sgd", "lr": 1e30}, ensemble=SIZE)
    dataset = problems.dataset()
    start = ensemble.start(replace(spec, seed=4), dataset)
    with pytest.raises(DnncliError, match="network of seed 4 diverged in epoch 1"):
        list(ensemble.run(start, dataset))
