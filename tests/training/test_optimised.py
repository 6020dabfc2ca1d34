"""What must hold of the very programs that users run, compiled with every optimisation.

Most tests compile quickly (quick.py). Those that compare two programs to the bit do not: the
optimiser may fuse one as it does not fuse the other.
"""

from itertools import cycle

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
import quick
import subjects
from oracle import assert_agree
from subjects import KEY, KINDS

from dnncli.data import Scaling, Split
from dnncli.data.features import scaled
from dnncli.nn import layer_stats
from dnncli.spec import UpdateSpec, catalog
from dnncli.training import engine, placement
from dnncli.training.program import Block, Program

SGD = UpdateSpec(optimizer="sgd")


@pytest.fixture(autouse=True, scope="module")
def quick_compilation():
    """Instead of the fixture of this name: nothing here is compiled quickly."""
    with quick.off():
        yield


COMPILED = list(zip(catalog.ACTIVATIONS, cycle(KINDS), cycle([257, 33, 1025, 3, 1]), strict=False))


@pytest.mark.parametrize(("act", "kind", "size"), COMPILED)
def test_compiled_for_training_the_gradients_are_still_the_oracles(act, kind, size):
    spec = subjects.network_spec(act, kind, hidden=(7, 6))
    program = Program(spec, SGD, size, probe=None)
    before, batch = subjects.state(program), subjects.block(size)
    rate = 2.0**12  # so large that the parameters' own rounding does not matter
    plan = subjects.plan(size, size, rate=rate)
    after, log, _ = engine.compiled_block(program, before, batch, KEY, plan)
    exact = oracle.run(spec, before.network.parameters, np.asarray(batch.x), np.asarray(batch.y))
    gradients = jax.tree.map(
        lambda b, a: (np.float64(b) - np.float64(a)) / rate,
        before.network.parameters,
        after.network.parameters,
    )
    assert_agree(log.losses, [exact.loss])
    assert_agree(gradients, exact.gradients)
    assert_agree(
        after.network.statistics, oracle.averaged(spec, before.network.statistics, exact.statistics)
    )


@pytest.fixture(scope="module")
def measured_always():
    return engine.compiled_block(
        subjects.busy(),
        subjects.state(subjects.busy()),
        subjects.block(64),
        KEY,
        subjects.plan(64, 8),
    )


def test_measuring_some_steps_takes_the_same_steps_and_gives_the_same_figures(measured_always):
    measured = [0, 1, 5]
    plan, program = subjects.plan(64, 8, measured), subjects.busy()
    after, log, stats = engine.compiled_block(
        program, subjects.state(program), subjects.block(64), KEY, plan
    )
    subjects.assert_same(after, measured_always[0])
    subjects.assert_same(log.losses, measured_always[1].losses)
    subjects.assert_same(log.clipped, measured_always[1].clipped)
    for some, every in zip(stats, measured_always[2], strict=True):
        np.testing.assert_allclose(some, every[np.array(measured)], rtol=1e-6, atol=1e-8)


def test_without_a_probe_training_takes_the_same_steps(measured_always):
    program = subjects.busy(None)
    after, log, stats = engine.compiled_block(
        program, subjects.state(program), subjects.block(64), KEY, subjects.plan(64, 8)
    )
    subjects.assert_same(after, measured_always[0])
    subjects.assert_same(log.losses, measured_always[1].losses)
    assert stats == ()


def test_blocks_one_after_the_other_are_one_longer_run(measured_always):
    program, train, order = subjects.busy(None), subjects.block(64), subjects.plan(64, 8).order
    state, losses = subjects.state(program), []
    for rows in (order[:32], order[32:]):
        plan = subjects.plan(len(rows), 8)._replace(order=np.arange(len(rows), dtype=np.int32))
        block = Block(train.x[rows], train.y[rows])
        state, log, _ = engine.compiled_block(program, state, block, KEY, plan)
        losses.append(log.losses)
    subjects.assert_same(state, measured_always[0])
    subjects.assert_same(np.concatenate(losses), measured_always[1].losses)


@pytest.mark.parametrize("offset", [0, 3])
def test_bytes_train_as_their_scaled_floats_do_to_the_bit(offset):
    values = np.random.default_rng(4).integers(0, 256, (64, 5)).astype(np.uint8)
    scaling = Scaling("unit", np.full(5, offset, np.float32), np.full(5, 255, np.float32))
    y = np.asarray(subjects.block(64).y)
    splits = (Split(scaled(values, scaling), y), Split(scaling.apply(values), y))
    program = subjects.busy(None)
    plan = subjects.plan(64, 8)
    ends = []
    for block in map(placement.block, splits):
        arguments = (subjects.state(program), block, block, KEY, plan)
        ends.append(subjects.compiled_epoch(program, *arguments))
    subjects.assert_same(*ends)


def test_a_block_smaller_than_a_batch_is_a_smaller_batch():
    arguments = (subjects.state(subjects.busy(None)), subjects.block(3), KEY, subjects.plan(3, 8))
    subjects.assert_same(
        *(engine.compiled_block(subjects.busy(None, batch), *arguments) for batch in (8, 3))
    )


@pytest.mark.parametrize("weight", [1.0, 2.0])
def test_equal_weights_are_no_weights_to_the_bit(weight):
    network_spec = subjects.network_spec("elu", "bn")
    program = Program(network_spec, SGD, 8, layer_stats.measure)
    state, plan = subjects.state(program), subjects.plan(20, 8)
    ends = []
    for weights in (None, jnp.full(20, weight, jnp.float32)):
        block = subjects.block(20)._replace(weights=weights)
        ends.append(engine.compiled_block(program, state, block, KEY, plan))
    for one, other in zip(*map(jax.tree.leaves, ends), strict=True):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()
