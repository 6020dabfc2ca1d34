"""The loss along the gradient, against walks of the float64 oracle and a parabola's own figures."""

from functools import partial

import jax
import numpy as np
import oracle
import pytest
from problems import dataset, snapshot, spec

from dnncli.training import smoothness
from dnncli.training.plan import epoch_plan

DATA = dataset(train=40)
RATE = 0.3


def norm(tree):
    return np.sqrt(sum(np.square(leaf).sum() for leaf in jax.tree.leaves(tree)))


def stepped(rate, leaf, gradient):
    return leaf - rate * gradient


def walks(run):
    """For each full batch of the stored epoch: loss, losses ahead, and changes over the norm."""
    plan = epoch_plan(run.spec, run.history.best_epoch, len(DATA.train))
    parameters = oracle.exact(run.network.parameters)
    for start in range(0, 32, 16):
        rows = plan.order[start : start + 16]
        batch = (DATA.train.x[rows], DATA.train.y[rows])
        here = oracle.run(run.spec.network, parameters, *batch)
        ahead = []
        for rate in RATE * np.arange(0.5, 4.5, 0.5):
            moved = jax.tree.map(partial(stepped, rate), parameters, here.gradients)
            ahead.append(oracle.run(run.spec.network, moved, *batch))
        changes = [
            norm(jax.tree.map(np.subtract, there.gradients, here.gradients)) for there in ahead
        ]
        yield here.loss, [there.loss for there in ahead], np.array(changes) / norm(here.gradients)


@pytest.mark.parametrize("bn", [False, True], ids=["plain", "batch norm"])
def test_range_and_change_are_the_oracles(bn, quick_compilation):
    run = snapshot(spec(act="tanh", bn=bn))
    told = smoothness.measure(run, DATA, RATE)
    losses, ahead, changes = (np.array(column) for column in zip(*walks(run), strict=True))
    rates = RATE * np.arange(0.5, 4.5, 0.5)
    assert (told.nearest, told.furthest) == (pytest.approx(0.15), pytest.approx(1.2))
    assert told.loss == pytest.approx(losses.mean(), rel=1e-4)
    assert told.loss_low == pytest.approx(ahead.min(axis=1).mean(), rel=1e-4)
    assert told.loss_high == pytest.approx(ahead.max(axis=1).mean(), rel=1e-4)
    assert told.gradient_change == pytest.approx(changes.max(axis=1).mean(), rel=1e-3)
    assert told.smoothness == pytest.approx((changes / rates).max(axis=1).mean(), rel=1e-3)


def test_a_parabola_has_its_curvature_as_smoothness():
    """L = c/2 p²: a step of rate r changes the gradient c p by r c² p, whatever r is."""
    curvature = 3.0
    rates = np.array([0.1, 0.2])
    p = np.array([2.0, -1.0])
    ahead = p[:, None] * (1 - rates * curvature)
    told = smoothness._record(
        rates,
        loss=curvature / 2 * p**2,
        norm=np.abs(curvature * p),
        losses=curvature / 2 * ahead**2,
        changes=np.abs(curvature * (ahead - p[:, None])),
    )
    assert told.smoothness == pytest.approx(curvature)
    assert told.gradient_change == pytest.approx(0.2 * curvature)
    assert told.loss_low == pytest.approx(curvature / 2 * (0.4**2) * 2.5)


def test_a_batch_without_a_gradient_has_no_change_and_raises_no_warning():
    nothing = np.zeros((1, 2))
    told = smoothness._record(np.ones(2), np.ones(1), np.zeros(1), nothing, nothing)
    assert np.isnan(told.smoothness)
