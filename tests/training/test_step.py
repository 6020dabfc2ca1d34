"""Examples' weights are in the loss alone; the mask of padding is in batch norm and statistics too."""

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
import subjects
from oracle import assert_agree
from subjects import KEY, RATE

from dnncli.nn import layer_stats
from dnncli.spec import UpdateSpec
from dnncli.training import engine
from dnncli.training.program import Program
from dnncli.training.step import backpropagate

SIZE, PADDING = 9, 3
SGD = UpdateSpec(optimizer="sgd")
WEIGHTS = np.random.default_rng(3).uniform(0.1, 2.0, SIZE).astype(np.float32)
differentiate = jax.jit(backpropagate, static_argnums=0)
every_kind = pytest.mark.parametrize("kind", list(subjects.KINDS))


def a_program(kind, act="elu", size=SIZE, probe=None):
    return Program(subjects.network_spec(act, kind), SGD, size, probe)


def padded(values, filling):
    return jnp.concatenate([jnp.asarray(values), jnp.asarray(filling)[:PADDING]])


def batch(weights=None, padding=False):
    """Nine examples, and where asked for three rows of padding behind them that must not count."""
    block = subjects.block(SIZE)
    if not padding:
        return block._replace(weights=weights if weights is None else jnp.asarray(weights))
    mask = np.repeat([1 / SIZE, 0], [SIZE, PADDING]).astype(np.float32)
    block = block._replace(
        x=padded(block.x, 50 * block.x), y=padded(block.y, block.y), mask=jnp.asarray(mask)
    )
    if weights is None:
        return block
    return block._replace(weights=padded(weights, np.full(PADDING, 7.0, np.float32)))


def exact_loss(spec, parameters, weights):
    """The weighted mean of the examples' losses in float64."""
    block = subjects.block(SIZE)
    y = np.asarray(block.y)
    seen = oracle.run(spec, parameters, np.asarray(block.x), y)
    logits = seen.preactivations[-1]
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(SIZE), y]
    return np.average(losses, weights=np.float64(weights))


def found(program, block):
    state = subjects.state(program)
    return state, differentiate(program, state, block, jnp.asarray(KEY))


@pytest.mark.parametrize("padding", [False, True], ids=["full batch", "padded batch"])
@every_kind
def test_the_loss_is_the_weighted_mean_over_the_examples_that_are_not_padding(kind, padding):
    program = a_program(kind)
    state, seen = found(program, batch(WEIGHTS, padding))
    expected = exact_loss(program.network, state.network.parameters, WEIGHTS)
    plain = exact_loss(program.network, state.network.parameters, np.ones(SIZE))
    assert_agree(seen.loss, expected, what="loss")
    assert abs(expected - plain) > 1e-3, "the weights are no test"


@every_kind
def test_the_gradient_of_a_weighted_loss_is_its_finite_difference(kind):
    program = a_program(kind)
    state, seen = found(program, batch(WEIGHTS, padding=True))
    leaves, structure = jax.tree.flatten(oracle.exact(state.network.parameters))
    gradients = jax.tree.leaves(seen.parameters)
    for place, leaf in enumerate(leaves):
        index = tuple(size // 2 for size in leaf.shape)
        losses = []
        for nudge in (1e-6, -1e-6):
            moved = [part.copy() for part in leaves]
            moved[place][index] += nudge
            parameters = jax.tree.unflatten(structure, moved)
            losses.append(exact_loss(program.network, parameters, WEIGHTS))
        expected = (losses[0] - losses[1]) / 2e-6
        assert float(gradients[place][index]) == pytest.approx(expected, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("padding", [False, True], ids=["full batch", "padded batch"])
def test_batch_norms_moments_do_not_change_with_the_weights(padding):
    program = a_program("bn everywhere")
    state, weighted = found(program, batch(WEIGHTS, padding))
    block = subjects.block(SIZE)
    exact = oracle.run(
        program.network, state.network.parameters, np.asarray(block.x), np.asarray(block.y)
    )
    assert_agree(weighted.trace.statistics, exact.statistics, what="moments")


def test_layer_statistics_of_the_forward_pass_do_not_change_with_the_weights():
    program = a_program("bn", act="tanh", probe=layer_stats.measure)
    state, plan = subjects.state(program), subjects.plan(SIZE, SIZE)
    measured = []
    for weights in (None, WEIGHTS):
        _, log, stats = engine.compiled_block(program, state, batch(weights), KEY, plan)
        measured.append((log, stats))
    (plain_log, plain), (weighted_log, weighted) = measured
    names = ("weight_norm", "activation_mean", "activation_std", "saturated_fraction")
    for name in names:
        np.testing.assert_allclose(
            getattr(weighted, name), getattr(plain, name), rtol=1e-6, atol=1e-7, err_msg=name
        )
    np.testing.assert_array_equal(weighted_log.active, plain_log.active)
    assert not np.allclose(weighted.delta_rms, plain.delta_rms, rtol=1e-3)


def by_hand(program, weights, order):
    """Plain SGD in float64 on batches of eight."""
    block = subjects.block(len(weights))
    x, y = np.asarray(block.x)[order], np.asarray(block.y)[order]
    share = np.float64(weights)[order]
    spec = program.network
    parameters = oracle.exact(subjects.state(program).network.parameters)
    losses = []
    for start in range(0, len(y), program.batch_size):
        rows = slice(start, start + program.batch_size)
        # Without batch norm the mean loss's gradient is the mean of the examples' own gradients.
        each = [
            oracle.run(spec, parameters, x[i : i + 1], y[i : i + 1])
            for i in range(*rows.indices(len(y)))
        ]
        part = share[rows] / share[rows].sum()
        losses.append(sum(p * one.loss for p, one in zip(part, each, strict=True)))
        gradients = [
            jax.tree.map(lambda g, p=p: p * g, one.gradients)
            for p, one in zip(part, each, strict=True)
        ]
        total = jax.tree.map(lambda *terms: sum(terms), *gradients)
        parameters = jax.tree.map(lambda p, g: p - RATE * g, parameters, total)
    return parameters, losses


def test_every_batch_takes_its_own_examples_weights():
    program = a_program("plain", size=8)
    weights = np.random.default_rng(5).uniform(0.1, 3.0, 21).astype(np.float32)
    plan = subjects.plan(21, 8)
    order = np.random.default_rng(6).permutation(21).astype(np.int32)
    plan = plan._replace(order=order)
    block = subjects.block(21)._replace(weights=jnp.asarray(weights))
    after, log, _ = engine.compiled_block(program, subjects.state(program), block, KEY, plan)
    parameters, losses = by_hand(program, weights, order)
    assert_agree(log.losses, losses, what="losses")
    assert_agree(after.network.parameters, parameters, what="parameters")


def test_an_example_of_weight_0_moves_nothing_without_batch_norm():
    program = a_program("plain")
    weights = WEIGHTS.copy()
    weights[2] = 0
    kept = np.delete(np.arange(SIZE), 2)
    block = batch(weights)
    rest = block._replace(x=block.x[kept], y=block.y[kept], weights=block.weights[kept])
    (_, whole), (_, without) = found(program, block), found(program, rest)
    assert_agree(whole.loss, np.asarray(without.loss), what="loss")
    assert_agree(whole.parameters, jax.tree.map(np.asarray, without.parameters), what="gradient")
