"""The compiled epoch computes what the oracle, PyTorch and a hand loop of single steps compute."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
import subjects
from oracle import assert_agree
from subjects import KEY, RATE

from dnncli.nn import layer_stats
from dnncli.nn.network import kernels_of
from dnncli.records import LAYER_FIELDS
from dnncli.spec import UpdateSpec
from dnncli.training import engine
from dnncli.training.program import Program, initial_network, initial_state

SGD = UpdateSpec(optimizer="sgd")


@subjects.every_step
def test_a_steps_loss_and_every_gradient_are_the_oracles(act, kind, size):
    step = subjects.one_step(act, kind, size)
    assert_agree(step.log.losses[0], step.exact.loss, what="loss")
    assert_agree(step.seen.trace.preactivations, step.exact.preactivations, what="z")
    assert_agree(step.seen.trace.activations, step.exact.activations, what="a")
    assert_agree(step.seen.deltas, step.exact.deltas, what="delta")
    assert_agree(step.seen.gradients, step.exact.gradients, what="gradient")


@subjects.every_step
def test_a_step_moves_parameters_and_running_statistics_as_the_oracle_does(act, kind, size):
    step = subjects.one_step(act, kind, size)
    moved = jax.tree.map(
        lambda p, g: np.float64(p) - RATE * g,
        oracle.exact(step.before.network.parameters),
        step.exact.gradients,
    )
    assert_agree(step.after.network.parameters, moved, what="parameters")
    expected = oracle.averaged(step.spec, step.before.network.statistics, step.exact.statistics)
    assert_agree(step.after.network.statistics, expected, what="statistics")
    assert step.after.step == step.before.step + 1


def by_hand(spec, before, x, y, size):
    """Plain SGD in float64, batch after batch.

    Final parameters and statistics, losses, hits, figures, slopes, and the kernels' gradients, each
    times its number of examples, added up.
    """
    parameters, statistics = (
        oracle.exact(before.network.parameters),
        oracle.exact(before.network.statistics),
    )
    losses, hits, figures, slopes = [], [], [], []
    sums = [np.zeros(layer.kernel.shape) for layer in parameters]
    for start in range(0, len(y), size):
        rows = slice(start, min(start + size, len(y)))
        exact = oracle.run(spec, parameters, x[rows], y[rows])
        for total, layer in zip(sums, exact.gradients, strict=True):
            total += (rows.stop - start) * layer.kernel
        updates = jax.tree.map(lambda g: -RATE * g, exact.gradients)
        losses.append(exact.loss)
        hits.append(exact.accuracy)
        figures.append(oracle.figures(spec, parameters, exact, updates))
        slopes.append(exact.slopes)
        parameters = jax.tree.map(np.add, parameters, updates)
        statistics = oracle.averaged(spec, statistics, exact.statistics)
    return parameters, statistics, losses, hits, figures, slopes, sums


EPOCHS = [("relu", "plain", 33, 100), ("elu", "bn everywhere", 257, 517)]


@pytest.mark.parametrize(("act", "kind", "size", "examples"), EPOCHS)
def test_an_epoch_with_a_partial_last_batch_is_a_hand_loop_of_single_steps(
    act, kind, size, examples
):
    spec = subjects.network_spec(act, kind, hidden=(7, 6, 6))
    program = Program(spec, SGD, size, layer_stats.measure)
    before, train, validation = (
        subjects.state(program),
        subjects.block(examples),
        subjects.block(33, seed=9),
    )
    plan = subjects.plan(examples, size)
    # The run began elsewhere: this is not its first epoch.
    start = kernels_of(subjects.state(program, seed=5).network.parameters)
    after, info = subjects.compiled_epoch(program, before, train, validation, KEY, plan, start)

    x, y = (np.asarray(part)[plan.order] for part in train[:2])
    told = by_hand(spec, before, x, y, size)
    parameters, statistics, losses, hits, figures, slopes, sums = told
    assert_agree(after.network.parameters, parameters, what="parameters")
    assert_agree(after.network.statistics, statistics, what="statistics")
    assert_agree(info.log.losses, losses, what="losses")
    assert_agree(info.log.hits, hits, what="hits")
    for name in set(LAYER_FIELDS) - {"activation_mean"}:
        assert_agree(getattr(info.stats, name), [step[name] for step in figures], what=name)
    means = np.array([step["activation_mean"] for step in figures])
    np.testing.assert_allclose(info.stats.activation_mean, means, atol=1e-5)

    assert_agree(info.gradient_sums, [np.linalg.norm(total) for total in sums], what="sums")
    ways = [
        np.linalg.norm(layer.kernel - first) / np.linalg.norm(first)
        for layer, first in zip(parameters, map(np.float64, start), strict=True)
    ]
    assert_agree(info.distances, ways, what="distances")

    records = layer_stats.records(
        spec, *jax.device_get((info.stats, info.log.active, info.log.clipped))
    )
    for index, record in enumerate(records[:-1]):
        epoch = np.concatenate([step[index] for step in slopes])
        assert record.dead_fraction == pytest.approx((epoch == 0).all(axis=0).mean())

    score = oracle.run(spec, parameters, *map(np.asarray, validation[:2]), statistics)
    assert_agree(info.validation.loss, score.loss)
    assert info.validation.metrics["accuracy"] == pytest.approx(score.accuracy)
    assert info.finite.all()
    assert after.step == before.step + len(losses)


FULL = UpdateSpec(
    optimizer="momentum",
    momentum=0.8,
    l1=1e-3,
    l2=1e-2,
    weight_decay=0.02,
    max_norm=1.2,
    clip_norm=0.3,
)


def test_penalties_clipping_momentum_decay_and_max_norm_act_in_that_order():
    spec = subjects.network_spec("tanh", "bn")
    program = Program(spec, FULL, 16, probe=None)
    before, train = subjects.state(program), subjects.block(64)
    plan = subjects.plan(64, 16)
    after, log, _ = engine.compiled_block(program, before, train, KEY, plan)

    parameters, velocity, engaged = oracle.exact(before.network.parameters), None, []
    x, y = (np.asarray(part)[plan.order] for part in train[:2])
    for start in range(0, 64, 16):
        gradients = oracle.run(
            spec, parameters, x[start : start + 16], y[start : start + 16]
        ).gradients
        gradients = jax.tree.map(
            lambda g, p: g + (FULL.l1 * np.sign(p) + 2 * FULL.l2 * p if p.ndim == 2 else 0),
            gradients,
            parameters,
        )
        sizes = [
            np.sqrt(sum((leaf**2).sum() for leaf in jax.tree.leaves(layer))) for layer in gradients
        ]
        engaged.append([size > 0.3 for size in sizes])
        gradients = tuple(
            jax.tree.map(lambda g, s=size: g * min(1, 0.3 / s), layer)
            for layer, size in zip(gradients, sizes, strict=True)
        )
        velocity = (
            gradients
            if velocity is None
            else jax.tree.map(lambda v, g: 0.8 * v + g, velocity, gradients)
        )
        parameters = jax.tree.map(
            lambda p, v: p - RATE * (v + (0.02 * p if p.ndim == 2 else 0)), parameters, velocity
        )
        parameters = jax.tree.map(
            lambda p: p * np.minimum(1, 1.2 / np.linalg.norm(p, axis=0)) if p.ndim == 2 else p,
            parameters,
        )
    assert_agree(after.network.parameters, parameters)
    assert log.clipped.tolist() == engaged
    assert 0 < np.mean(engaged) < 1


def test_vmap_over_seeds_trains_each_as_if_it_were_alone():
    # Not Adam: it blows up the last bits of a gradient near 0 to whole steps.
    program, train = (
        replace(subjects.busy(), update=UpdateSpec(optimizer="momentum")),
        subjects.block(32),
    )
    states = [subjects.state(program, seed) for seed in range(3)]
    keys = [np.array([0, seed], np.uint32) for seed in range(3)]
    plans = [subjects.plan(32, 8, rate=RATE * (seed + 1)) for seed in range(3)]
    plans = [plan._replace(order=np.roll(plan.order, seed)) for seed, plan in enumerate(plans)]

    def stacked(trees):
        return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)

    many = jax.jit(jax.vmap(lambda s, k, p: engine.train_block(program, s, train, k, p)))
    together = many(stacked(states), stacked(keys), stacked(plans))
    for seed in range(3):
        alone = engine.compiled_block(program, states[seed], train, keys[seed], plans[seed])
        for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
            np.testing.assert_allclose(a[seed], b, rtol=1e-4, atol=1e-6)


def test_dropout_is_keyed_by_the_run_and_by_the_step():
    state, train, plan = (
        subjects.state(subjects.busy(None)),
        subjects.block(8),
        subjects.plan(8, 8, [0]),
    )

    def loss(key=KEY, step=3):
        at = state._replace(step=jnp.int32(step))
        return float(engine.compiled_block(subjects.busy(None), at, train, key, plan)[1].losses[0])

    assert loss() == loss()
    assert loss(step=4) != loss()
    assert loss(key=np.array([0, 12], np.uint32)) != loss()


def test_one_program_serves_every_seed_rate_order_and_epoch():
    def train(seed):
        plan = subjects.plan(8, 8, [0], rate=0.1 * seed)
        plan = plan._replace(order=np.roll(plan.order, seed))
        state = subjects.state(subjects.busy(None), seed)._replace(step=jnp.int32(seed))
        engine.compiled_block(
            subjects.busy(None),
            state,
            subjects.block(8, seed),
            np.array([0, seed], np.uint32),
            plan,
        )
        return engine.compiled_block._cache_size()

    first = train(0)
    assert [train(1), train(2)] == [first, first]


def test_a_rate_of_zero_moves_nothing_but_the_statistics():
    before, plan = subjects.state(subjects.busy(None)), subjects.plan(8, 8, [0], rate=0.0)
    after, _, _ = engine.compiled_block(subjects.busy(None), before, subjects.block(8), KEY, plan)
    subjects.assert_same(after.network.parameters, before.network.parameters)
    assert (
        np.asarray(after.network.statistics[0].mean)
        != np.asarray(before.network.statistics[0].mean)
    ).any()


def test_a_state_that_broke_names_its_layer():
    program = Program(subjects.network_spec("relu"), SGD, 8, None)
    before, plan = subjects.state(program), subjects.plan(8, 8)
    output = before.network.parameters[2]
    infinite = output._replace(bias=output.bias.at[0].set(np.inf))
    parameters = (*before.network.parameters[:2], infinite)
    broken = before._replace(network=before.network._replace(parameters=parameters))
    args = (subjects.block(8), subjects.block(8), KEY)
    _, fine = subjects.compiled_epoch(program, before, *args, plan)
    _, info = subjects.compiled_epoch(program, broken, *args, plan)
    assert fine.finite.all()
    assert not info.finite[2]
    assert not np.isfinite(info.log.losses).all()


def test_a_new_run_starts_at_step_0_with_the_networks_own_initialisation():
    program = Program(subjects.network_spec("elu", "bn"), UpdateSpec(), 8, None)
    state = initial_state(program, 5, 3, seed=4)
    assert state.step == 0
    subjects.assert_same(
        state.network,
        initial_network(program.network, 5, 3, seed=4),
    )
    assert not any(leaf.any() for leaf in jax.tree.leaves(state.optimizer))


def test_observing_measures_a_state_without_moving_it():
    program = Program(subjects.network_spec("elu", "bn"), SGD, 16, layer_stats.measure)
    state, train = subjects.state(program), subjects.block(48)
    plan = subjects.plan(48, 16, [0, 2])
    losses, active, stats = engine.compiled_observe(program, state, train, KEY, plan)
    assert active.shape == (2, 2, 6)
    for place, start in enumerate((0, 32)):
        rows = plan.order[start : start + 16]
        exact = oracle.run(
            program.network,
            state.network.parameters,
            np.asarray(train.x)[rows],
            np.asarray(train.y)[rows],
        )
        updates = jax.tree.map(lambda g: -RATE * g, exact.gradients)
        figures = oracle.figures(program.network, state.network.parameters, exact, updates)
        assert_agree(losses[place], exact.loss)
        assert_agree(stats.delta_rms[place], figures["delta_rms"])
        assert_agree(stats.update_ratio[place], figures["update_ratio"])
