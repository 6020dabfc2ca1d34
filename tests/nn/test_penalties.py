"""Penalties' shares of steps, by float64 norms of the parts that penalties and loss add."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dnncli.nn import optimizers, penalties
from dnncli.spec import UpdateSpec

RATE = 0.05
RNG = np.random.default_rng(0)
KERNEL = RNG.standard_normal((5, 4)).astype(np.float32)
GRADIENT = RNG.standard_normal((5, 4)).astype(np.float32)
WEIGHT = float(np.linalg.norm(np.float64(KERNEL)))
SIZE = float(np.linalg.norm(np.float64(GRADIENT)))


def share(update=GRADIENT, size=SIZE, **options):
    """Of a network of one layer."""
    pull = penalties.pull(UpdateSpec(**options), jnp.array([RATE]))
    kernels = ([jnp.asarray(KERNEL)], [jnp.asarray(update)])
    (found,) = penalties.shares(pull, *kernels, jnp.array([WEIGHT]), jnp.array([size]))
    return float(found)


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.3), (0.2, 0.0), (0.2, 0.3)])
def test_of_l1_and_l2_it_is_that_of_their_gradients(l1, l2):
    pull = np.linalg.norm(l1 * np.sign(np.float64(KERNEL)) + 2 * l2 * np.float64(KERNEL))
    assert share(optimizer="sgd", l1=l1, l2=l2) == pytest.approx(pull / (pull + SIZE), rel=1e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_of_decay_it_is_what_decay_adds_to_the_step(optimizer):
    rule = optimizers.build(UpdateSpec(optimizer=optimizer, weight_decay=0.4))
    with jax.numpy_dtype_promotion("standard"):
        direction, _ = rule.update(GRADIENT, rule.init(KERNEL), KERNEL)
    loss = np.linalg.norm(np.float64(direction) - 0.4 * np.float64(KERNEL))
    pull = 0.4 * WEIGHT
    found = share(-RATE * direction, optimizer=optimizer, weight_decay=0.4)
    assert found == pytest.approx(pull / (pull + loss), rel=1e-4)


def test_decay_and_l2_add_up():
    step = -RATE * (np.float64(GRADIENT) + 2 * 0.3 * KERNEL + 0.4 * KERNEL)
    own = np.linalg.norm(np.float64(GRADIENT) + 2 * 0.3 * KERNEL)
    coupled = 2 * 0.3 * WEIGHT / (2 * 0.3 * WEIGHT + SIZE)
    pull = 0.4 * WEIGHT
    found = share(step.astype(np.float32), optimizer="sgd", l2=0.3, weight_decay=0.4)
    assert found == pytest.approx((pull + coupled * own) / (pull + own), rel=1e-5)


def test_of_lamb_s_decay_it_is_held_against_adam_s_first_direction():
    pull = 0.4 * WEIGHT
    found = share(-RATE * KERNEL, optimizer="lamb", weight_decay=0.4)
    assert found == pytest.approx(pull / (pull + np.sqrt(KERNEL.size)), rel=1e-5)


def test_it_is_all_where_the_loss_has_no_gradient_left_and_nothing_without_penalties():
    assert share(size=0.0, optimizer="sgd", l2=0.1) == 1
    assert share(optimizer="sgd") == 0
    assert share(optimizer="sgd", size=0.0) == 0
