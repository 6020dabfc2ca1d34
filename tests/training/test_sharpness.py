"""The largest curvature, against the Hessian itself, and the limits that follow."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from problems import dataset, spec

from dnncli.diagnosis import pace
from dnncli.nn import network, tasks
from dnncli.spec import catalog
from dnncli.training import sharpness
from dnncli.training.program import initial_network

DATA = dataset(train=40)


def test_how_long_an_optimizers_steps_are_is_known_of_all_of_them():
    multiples = {"sgd", "momentum", "nesterov"}  # of the gradient
    others = {*sharpness.DIVIDING, *sharpness.FIXED_LENGTH}
    assert set(pace.ADAPTIVE) == others
    assert multiples | others == set(catalog.OPTIMIZERS)


def test_it_is_the_hessian_s_largest_eigenvalue():
    run = spec(hidden=(4,), act="tanh", optimizer="sgd")
    loss, told = sharpness.measure(run, DATA)
    parameters, _ = initial_network(run.network, DATA.features, DATA.classes, run.seed)
    flat, whole = ravel_pytree(jax.tree.map(jnp.asarray, parameters))

    def of(vector):
        logits, _ = network.apply(run.network, whole(vector), jnp.asarray(DATA.train.x))
        return jnp.mean(tasks.cross_entropy(logits, jnp.asarray(DATA.train.y)))

    largest = np.abs(np.linalg.eigvalsh(np.asarray(jax.hessian(of)(flat)))).max()
    assert told.eigenvalue == pytest.approx(largest, rel=0.1)
    assert loss == pytest.approx(float(of(flat)), rel=1e-5)
    assert told.limit == pytest.approx(2 / told.eigenvalue)


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ({"optimizer": "sgd"}, 0.2),
        ({"optimizer": "momentum", "momentum": 0.5}, 0.3),
        ({"optimizer": "adam"}, 3.8),
        ({"optimizer": "lion"}, None),
        ({"optimizer": "lamb"}, None),
    ],
)
def test_the_limit_is_two_over_it_times_what_momentum_allows(options, limit):
    told = sharpness.limit(spec(**options), 10.0)
    assert told == (None if limit is None else pytest.approx(limit))


def test_a_flat_or_lost_loss_has_no_limit():
    assert sharpness.limit(spec(), 0.0) is None
    assert sharpness.limit(spec(), float("nan")) is None
