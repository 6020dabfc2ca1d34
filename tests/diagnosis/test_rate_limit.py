"""The rate from which training goes wrong: closed forms, and a network whose loss rises there."""

import math
from dataclasses import replace
from itertools import pairwise

import jax
import numpy as np
import pytest
from problems import layer

from dnncli.diagnosis.rate_limit import LOSS_RISES, rate_limit
from dnncli.records.diagnosis import Sharpness
from tests.diagnosis.runs import case

SHARP = Sharpness(4.0, False, 0.5)


def drawn(deviation, sizes=(8, 20, 20, 2)):
    """Layers' records of a first step, whose weights have a deviation."""
    norms = [deviation * math.sqrt(rows * units) for rows, units in pairwise(sizes)]
    names = ("hidden1", "hidden2", "output")
    return tuple(layer(name, weight_norm=norm) for name, norm in zip(names, norms, strict=True))


def test_adaptive_steps_are_held_against_the_weights_deviation():
    # sqrt(8)/2 + sqrt(20)/2 + 1 times the rate over a deviation of 0.1.
    change = (math.sqrt(8) / 2 + math.sqrt(20) / 2 + 1) / 0.1
    told = rate_limit(case({"optimizer": "adam"}, initial=drawn(0.1)))
    assert told == pytest.approx(LOSS_RISES / change)


@pytest.mark.parametrize(("optimizer", "factor"), [("lion", 1), ("rmsprop", math.sqrt(0.1))])
def test_other_rules_differ_by_the_size_of_their_first_step(optimizer, factor):
    adam = rate_limit(case({"optimizer": "adam"}, initial=drawn(0.1)))
    other = rate_limit(case({"optimizer": optimizer}, initial=drawn(0.1)))
    assert other == pytest.approx(factor * adam)


def test_steps_that_are_shares_of_the_weights_do_not_depend_on_their_size():
    limits = {rate_limit(case({"optimizer": "lamb"}, initial=drawn(size))) for size in (0.1, 1.0)}
    assert len(limits) == 1


@pytest.mark.parametrize(("momentum", "factor"), [(0.9, 1.03), (0.5, 1.75)])
def test_what_is_survived_beyond_the_curvature_s_limit_shrinks_with_momentum(momentum, factor):
    options = {"optimizer": "momentum", "momentum": momentum}
    assert rate_limit(case(options, sharpness=SHARP)) == pytest.approx(0.5 * factor)
    assert rate_limit(case({"optimizer": "sgd"}, sharpness=SHARP)) == pytest.approx(2.0)


@pytest.mark.parametrize("options", [{"optimizer": "sgd"}, {"bn": True}, {"schedule": "one-cycle"}])
def test_nothing_is_said_without_a_measurement_or_where_it_does_not_hold(options):
    assert rate_limit(case(options)) is None


def test_a_network_that_was_not_seen_at_its_first_step_has_none():
    assert rate_limit(case({"optimizer": "adam"}, initial=())) is None


def test_adam_s_loss_rises_beyond_it_and_not_a_factor_of_four_below():
    from dnncli import data
    from dnncli.nn import network, optimizers, tasks
    from dnncli.spec import from_options
    from dnncli.training.program import initial_network

    run = from_options({"hidden": (64,), "act": "relu", "optimizer": "adam"})
    dataset = data.load(run.data)
    begun = initial_network(run.network, 64, 10, 0).parameters
    norms = [float(np.linalg.norm(part.kernel)) for part in begun]
    names = ("hidden1", "output")
    seen = tuple(layer(name, weight_norm=norm) for name, norm in zip(names, norms, strict=True))
    subject = case({"optimizer": "adam", "hidden": (64,)}, initial=seen)
    context = replace(subject.context, features=64, classes=10)
    limit = rate_limit(replace(subject, context=context))

    examples = np.asarray(dataset.train.x)

    def loss(parameters, start):
        x = jax.lax.dynamic_slice_in_dim(examples, start, 64)
        y = jax.lax.dynamic_slice_in_dim(dataset.train.y, start, 64)
        return tasks.cross_entropy(network.apply(run.network, parameters, x)[0], y).mean()

    def highest(rate):
        rule = optimizers.build(run.update)

        def step(carry, start):
            parameters, state = carry
            value, gradients = jax.value_and_grad(loss)(parameters, start)
            directions, state = rule.update(gradients, state, parameters)
            moved = jax.tree.map(lambda p, d: p - rate * d, parameters, directions)
            return (moved, state), value

        return jax.lax.scan(step, (begun, rule.init(begun)), np.arange(0, 1200, 64))[1]

    losses = jax.jit(jax.vmap(highest))(np.array([limit / 4, limit * 2], np.float32))
    assert losses[0].max() < 1.5 * losses[0, 0]
    assert losses[1].max() > 1.5 * losses[1, 0]
