"""Frozen layers stay what they are to the bit, cost no gradient, and thaw as if training began there."""

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import quick
from problems import dataset, spec

from dnncli.nn import optimizers
from dnncli.storage import checkpoint
from dnncli.training import (
    checkpointing,
    compilation_cache,
    engine,
    phases,
    placement,
    tensor_names,
)
from dnncli.training import run as runs
from dnncli.training.plan import epoch_plan
from dnncli.training.program import Block
from dnncli.training.step import backpropagate

DATA = dataset(train=70, validation=20)
BOTTOM = {"freeze": ("hidden1", "hidden2")}
MIDDLE = {"freeze": ("hidden2",)}
GRADUAL = {
    "hidden": (6, 5),
    "freeze": ("hidden1", "hidden2"),
    "unfreeze": ((2, ("hidden2",)), (3, ("all",))),
    "lr_decay": 0.5,
}
# Every phase of every case is a program to compile: few cases, with everything on in one or
# another.
CASES = {
    "gradual": {"act": "elu", "bn": True, "bn_output": True, "batch_size": 33, **GRADUAL},
    "bottom": {
        "act": "relu",
        "bn": True,
        "l2": 1e-3,
        "clip_value": 0.5,
        "batch_size": 13,
        **BOTTOM,
    },
    "middle": {
        "act": "prelu",
        "bn": True,
        "optimizer": "lamb",
        "weight_decay": 0.1,
        "l1": 1e-3,
        "max_norm": 2.0,
        "clip_global_norm": 1.0,
        **MIDDLE,
    },
}
every_case = pytest.mark.parametrize("case", CASES)


@pytest.fixture(autouse=True, scope="module")
def compiled_once():
    compilation_cache.enable()


def parent(**options):
    """A run with parameters and moments that no initialiser gives."""
    run = runs.start(spec(**{"hidden": (6, 5, 4), "epochs": 4} | options), DATA)
    rng = np.random.default_rng(5)
    moved = jax.tree.map(
        lambda leaf: (leaf + 0.1 * np.abs(rng.standard_normal(leaf.shape))).astype(np.float32),
        run.network,
    )
    return replace(run, state=run.state._replace(network=moved), network=moved)


def with_spec(run, run_spec):
    return replace(run, history=replace(run.history, spec=run_spec))


def train(run, **options):
    return list(runs.run(run, DATA, **options))


def bits(tree):
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(tree)]


def untimed(history):
    return [replace(record, seconds=None) for record in history]


def test_caching_frozen_layers_changes_no_bit_of_any_epoch():
    # Two programs compared to the bit: as users' are, not as quickly compiled ones.
    with quick.off():
        compare_with_and_without_a_cache()


def compare_with_and_without_a_cache():
    start = parent(**CASES["bottom"])
    cached, uncached = train(start), train(start, cache=False)
    assert len(cached) == 4
    for one, other in zip(cached, uncached, strict=True):
        assert bits(one.snapshot.state) == bits(other.snapshot.state)
        assert untimed([one.record]) == untimed([other.record])


@every_case
def test_frozen_layers_and_their_moments_stay_to_the_bit(case):
    start = parent(**CASES[case])
    for progress in train(start):
        state, names = progress.snapshot.state, start.spec.network.layers()
        frozen = start.spec.freezing.frozen(progress.record.epoch)
        for place, name in enumerate(names):
            now = (state.network.parameters[place], state.network.statistics[place])
            before = (start.network.parameters[place], start.network.statistics[place])
            if name in frozen:
                assert bits(now) == bits(before)
            elif name in start.spec.freezing.frozen(1) or name not in start.spec.freezing.freeze:
                assert bits(now[0]) != bits(before[0])
        marked = [layer.layer for layer in progress.record.layers if layer.frozen]
        assert tuple(marked) == frozen


def test_a_run_goes_on_exactly_across_a_thaw(tmp_path):
    straight = train(parent(**CASES["gradual"]))
    for stop in (1, 2, 3):
        path = tmp_path / "stopped.ckpt"
        checkpoint.write(path, checkpointing.to_checkpoint(straight[stop - 1].snapshot))
        resumed = train(checkpointing.from_checkpoint(checkpoint.read(path), path))
        assert as_bytes(resumed[-1].snapshot, tmp_path) == as_bytes(straight[-1].snapshot, tmp_path)


def as_bytes(snapshot, folder: Path):
    checkpoint.write(folder / "end.ckpt", checkpointing.to_checkpoint(snapshot))
    return (folder / "end.ckpt").read_bytes()


def counts(snapshot):
    """How many steps each layer's optimizer has counted."""
    layers = snapshot.spec.network.layers()
    leaves = dict(tensor_names.optimizer_leaves(layers, snapshot.state.optimizer))
    return {
        name.split("/")[1]: int(leaf) for name, leaf in leaves.items() if name.endswith("count")
    }


def test_a_thawed_layers_optimizer_starts_at_zero_and_the_others_keep_theirs():
    told = [
        counts(progress.snapshot) for progress in train(parent(**CASES["gradual"]))
    ]  # 3 steps an epoch
    assert told[0] == {"output": 3}
    assert told[1] == {"output": 6, "hidden2": 3}
    assert told[2] == {"output": 9, "hidden2": 6, "hidden1": 3}
    assert told[3] == {"output": 12, "hidden2": 9, "hidden1": 6}


def test_momenta_of_a_thawed_layer_start_at_zero_and_the_others_go_on():
    before = train(parent(**CASES["gradual"]))[0].snapshot
    phase = phases.begin(before, placement.block(DATA.train), placement.block(DATA.validation), 1)
    state = phases.trainable_part(phase, before.state)
    kept = dict(tensor_names.optimizer_leaves(before.spec.network.layers(), before.state.optimizer))
    for name, leaf in tensor_names.optimizer_leaves(phase.part.network.layers(), state.optimizer):
        assert "hidden2" in name or "output" in name
        expected = kept[name] if "output" in name else np.zeros(leaf.shape)
        np.testing.assert_array_equal(leaf, expected)


def shapes_of(jaxpr):
    """The shapes of everything a program computes, loops and calls included."""
    for equation in jaxpr.eqns:
        for value in equation.outvars:
            yield value.aval.shape
        for inner in jax.tree.leaves(
            equation.params, is_leaf=lambda p: hasattr(p, "jaxpr") or hasattr(p, "eqns")
        ):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                yield from shapes_of(inner)


@pytest.mark.parametrize("cache", [True, False])
def test_nothing_of_a_frozen_layers_gradient_is_computed(cache):
    start = parent(**BOTTOM)
    blocks = placement.block(DATA.train), placement.block(DATA.validation)
    phase = phases.begin(start, *blocks, 0, cache=cache)
    state, key = phases.trainable_part(phase, start.state), np.array([0, 0], np.uint32)
    plan = epoch_plan(phase.part, 0, len(DATA.train))
    program = jax.make_jaxpr(engine.epoch, static_argnums=0)(
        phase.program, state, phase.train, phase.validation, key, plan
    )
    computed = set(shapes_of(program.jaxpr))
    assert (5, 4) in computed  # hidden3's kernel has a gradient
    assert not computed & {(6, 6), (6, 5)}  # hidden1's and hidden2's have none


def test_without_a_cache_the_block_holds_the_examples_and_with_it_the_outputs():
    start = parent(**BOTTOM)
    blocks = placement.block(DATA.train), placement.block(DATA.validation)
    cached, uncached = (phases.begin(start, *blocks, 0, cache=cache) for cache in (True, False))
    assert cached.train.x.shape == (70, 5)
    assert cached.train.base is None
    assert uncached.train.x.shape == (70, 6)
    assert uncached.train.base is not None


def test_dropout_acts_on_frozen_layers_so_their_outputs_are_not_cached():
    start = parent(**BOTTOM, dropout=0.3)
    phase = phases.begin(start, placement.block(DATA.train), placement.block(DATA.validation), 0)
    assert phase.train.base is not None
    assert bits(train(start)[-1].snapshot.state) == bits(
        train(start, cache=False)[-1].snapshot.state
    )
    other = train(with_spec(start, replace(start.spec, seed=1)))
    assert bits(other[-1].snapshot.state) != bits(train(start)[-1].snapshot.state)


def test_frozen_layers_put_out_what_the_network_in_use_does():
    start = parent(act="tanh", bn=True, **BOTTOM)
    phase = phases.begin(start, placement.block(DATA.train), placement.block(DATA.validation), 0)
    a = DATA.train.x.astype(np.float64)
    for layer, moments in zip(
        start.network.parameters[:2], start.network.statistics[:2], strict=True
    ):
        z = (a @ layer.kernel - moments.mean) / np.sqrt(
            moments.variance + 1e-3
        ) * layer.scale + layer.offset
        a = np.tanh(z)
    np.testing.assert_allclose(phase.train.x, a, rtol=1e-5, atol=1e-6)


def test_frozen_layers_figures_are_over_all_training_examples():
    start = parent(act="relu", **BOTTOM)
    phase = phases.begin(start, placement.block(DATA.train), placement.block(DATA.validation), 0)
    layer, told = start.network.parameters[0], phase.base[0]
    z = DATA.train.x @ layer.kernel + layer.bias
    assert (told.layer, told.frozen) == ("hidden1", True)
    assert (told.delta_rms, told.gradient_norm, told.update_ratio) == (0.0, 0.0, 0.0)
    assert told.weight_norm == pytest.approx(np.linalg.norm(layer.kernel), rel=1e-5)
    assert told.dead_fraction == pytest.approx((z <= 0).all(axis=0).mean())
    # The last of 5 batches of 16 overlaps the one before: 10 of its examples are counted twice.
    batches = [np.arange(first, first + 16) for first in (0, 16, 32, 48, 54)]
    means = [np.maximum(z[rows], 0).mean() for rows in batches]
    assert told.activation_mean == pytest.approx(np.mean(means), rel=1e-5)


def loss_by_hand(parameters, statistics, x, y):
    """Mean cross entropy in float64: hidden2 is frozen, so its batch norm has stored moments."""
    a = x.astype(np.float64)
    for place, (layer, moments) in enumerate(zip(parameters, statistics, strict=True)):
        z = a @ np.float64(layer.kernel)
        if moments is None:
            a = z + np.float64(layer.bias)
            continue
        mean, variance = (
            (moments.mean, moments.variance) if place == 1 else (z.mean(axis=0), z.var(axis=0))
        )
        a = np.tanh(
            (z - mean) / np.sqrt(variance + 1e-3) * np.float64(layer.scale)
            + np.float64(layer.offset)
        )
    return float((np.log(np.exp(a).sum(axis=1)) - a[np.arange(len(y)), y]).mean())


def test_gradients_below_a_frozen_layer_flow_through_its_stored_moments():
    start = parent(act="tanh", bn=True, **MIDDLE)
    program = phases.program(start.spec, len(DATA.train), 0)
    state = jax.tree.map(jnp.asarray, start.state)
    batch = Block(jnp.asarray(DATA.train.x[:16]), jnp.asarray(DATA.train.y[:16]))
    differentiate = jax.jit(backpropagate, static_argnums=0)
    gradients = differentiate(program, state, batch, jnp.zeros(2, jnp.uint32)).parameters
    assert not np.asarray(gradients[1].kernel).any()
    x, y = np.asarray(batch.x), np.asarray(batch.y)
    for place in ((0, 0), (3, 2), (5, 5)):
        nudged = [
            loss_by_hand(
                (moved(start.network.parameters[0], place, by), *start.network.parameters[1:]),
                start.network.statistics,
                x,
                y,
            )
            for by in (1e-4, -1e-4)
        ]
        expected = (nudged[0] - nudged[1]) / 2e-4
        assert float(gradients[0].kernel[place]) == pytest.approx(expected, rel=1e-3, abs=1e-6)


def moved(layer, place, by):
    kernel = np.float64(layer.kernel)
    kernel[place] += by
    return layer._replace(kernel=kernel)


def test_a_crash_above_frozen_layers_names_the_layer_of_the_whole_network():
    *_, last = train(parent(**CASES["bottom"], lr=1e30))
    assert last.stopped == "diverged"
    assert last.cause.layer in ("hidden3", "output")
    names = last.snapshot.spec.network.layers()
    assert all(tuple(layer.layer for layer in step.layers) == names for step in last.snapshot.steps)


def test_a_rule_with_multipliers_is_optaxs_rule_for_each_layer():
    run = parent(optimizer="adam")
    multipliers = dict(zip(run.spec.network.layers(), (0.0, 0.5, 1.0, 1.0), strict=True))
    whole, apart = optimizers.build(run.spec.update), optimizers.build(run.spec.update, multipliers)
    gradients = jax.tree.map(lambda leaf: jnp.asarray(leaf) * 3, run.network.parameters)
    expected, found = (
        jax.jit(rule.update)(
            gradients,
            optimizers.initial_state(rule, run.network.parameters),
            run.network.parameters,
        )[0]
        for rule in (whole, apart)
    )
    for place, multiplier in enumerate(multipliers.values()):
        np.testing.assert_allclose(
            found[place].kernel, multiplier * expected[place].kernel, rtol=1e-6
        )
