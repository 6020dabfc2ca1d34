"""The looped pass of the demonstration is the engine's unrolled one, and both are float64's."""

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
from oracle import assert_agree
from problems import CLASSES, FEATURES, split

from dnncli.experiments.vanishing import layer_figures, stacked
from dnncli.nn import layer_stats, network, optimizers
from dnncli.nn.network import Network, TrainState
from dnncli.records import LAYER_FIELDS
from dnncli.spec import NetworkSpec, UpdateSpec
from dnncli.training import engine
from dnncli.training.plan import Plan
from dnncli.training.program import Block, Program

EXAMPLES = 33
DATA = split(EXAMPLES)


def network_of(act, hidden=(6, 6, 6, 6), **options):
    """A network and parameters for it, nothing at its default; learned slopes all alike."""
    spec = NetworkSpec(hidden=hidden, act=act, **options)
    shapes = network.shapes(spec, FEATURES, CLASSES)
    parameters = oracle.random_network(shapes, low=-1).parameters
    if act == "prelu":
        parameters = tuple(
            p if p.slope is None else p._replace(slope=np.full_like(p.slope, spec.alpha))
            for p in parameters
        )
    return spec, parameters


def assert_is_the_oracles(seen, spec, parameters):
    exact = oracle.run(spec, parameters, DATA.x, DATA.y)
    assert_agree(list(seen.z), exact.preactivations[:-1], what="z")
    assert_agree(list(seen.a), exact.activations[:-1], what="a")
    assert_agree(seen.logits, exact.activations[-1], what="logits")
    deltas = [delta * EXAMPLES for delta in exact.deltas]  # of one example's loss
    assert_agree(list(seen.deltas), deltas[:-1], what="deltas")
    assert_agree(seen.output_delta, deltas[-1], what="output delta")
    first, *upper, output = exact.gradients
    assert_agree(seen.gradients.first, first, what="gradient")
    assert_agree(seen.gradients.output, output, what="gradient")
    for index, layer in enumerate(upper):
        found = jax.tree.map(lambda leaf, i=index: leaf[i], seen.gradients.upper)
        assert_agree(found, layer, what=f"gradient of hidden{index + 2}")


@pytest.mark.parametrize(
    ("act", "bn"),
    [("sigmoid", False), ("relu", True), ("prelu", False), ("selu", True), ("gelu", False)],
)
def test_a_pass_is_the_oracles(act, bn):
    spec, parameters = network_of(act, bn=bn)
    with jax.disable_jit():
        arguments = jax.tree.map(jnp.asarray, (stacked.stack(parameters), DATA.x, DATA.y))
        seen = stacked.propagate(spec, *arguments)
    assert_is_the_oracles(seen, spec, parameters)


@pytest.mark.parametrize(("hidden", "bn"), [(1, False), (2, True), (9, False)])
def test_a_compiled_pass_is_the_oracles_at_every_depth(hidden, bn):
    spec, parameters = network_of("elu", (6,) * hidden, bn=bn)
    program = stacked.compiled(spec, FEATURES, CLASSES, EXAMPLES)
    seen = jax.device_get(program(stacked.stack(parameters), DATA.x, DATA.y))
    assert seen.z.shape == (hidden, EXAMPLES, 6)
    assert_is_the_oracles(seen, spec, parameters)


@pytest.mark.parametrize(("act", "bn"), [("sigmoid", False), ("relu", True)])
def test_its_figures_are_those_the_engine_measures_in_training(act, bn):
    spec, parameters = network_of(act, bn=bn)
    program = stacked.compiled(spec, FEATURES, CLASSES, EXAMPLES)
    found = layer_figures.layer_statistics(
        spec, parameters, jax.device_get(program(stacked.stack(parameters), DATA.x, DATA.y))
    )

    step = Program(spec, UpdateSpec(optimizer="adam"), EXAMPLES, layer_stats.measure)
    _, statistics = network.init(spec, FEATURES, CLASSES, 0)
    optimizer = optimizers.initial_state(optimizers.build(step.update), parameters)
    state = TrainState(Network(parameters, statistics), optimizer, np.zeros((), np.int32))
    plan = Plan(
        np.arange(EXAMPLES, dtype=np.int32),
        np.full(1, layer_figures.ADAM_RATE, np.float32),
        np.zeros(1, np.int32),
    )
    seen = engine.compiled_observe(step, state, Block(DATA.x, DATA.y), np.zeros(2, np.uint32), plan)
    _, active, stats = jax.device_get(seen)
    for name in set(LAYER_FIELDS) - {"penalty_share"}:
        assert_agree(getattr(stats, name)[0], found[name], 2e-5, name)
    dead = 1 - active[0].mean(axis=1)
    assert found["dead_fraction"][:-1] == pytest.approx(dead)
