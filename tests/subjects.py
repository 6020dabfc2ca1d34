"""Small networks with nothing at its default, and one training step of each, for tests."""

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
import quick

from dnncli.nn import layer_stats, network, optimizers
from dnncli.nn.network import Observation, TrainState
from dnncli.spec import NetworkSpec, UpdateSpec, catalog
from dnncli.training import engine
from dnncli.training.plan import Plan
from dnncli.training.program import Block, Program
from dnncli.training.step import Log
from dnncli.training.step import step as take_step

FEATURES = 5
CLASSES = 6  # as many classes as hidden units: fewer shapes to compile for
SIZES = (1, 3, 33, 257, 1025)  # of a batch
KINDS = {
    "plain": {},
    "bn": {"bn": True, "bn_momentum": 0.7},
    "bn everywhere": {"bn": True, "bn_output": True, "bn_momentum": 0.8},
}
KEY = np.array([0, 11], np.uint32)
RATE = 0.05
BUSY = UpdateSpec(optimizer="adam", weight_decay=0.01, clip_global_norm=0.5)

# Every activation at every size, the kinds of network in turn: each meets every size and
# activation.
STEPS = [
    (act, list(KINDS)[(i + j) % len(KINDS)], size)
    for i, act in enumerate(catalog.ACTIVATIONS)
    for j, size in enumerate(SIZES)
]
every_step = pytest.mark.parametrize(("act", "kind", "size"), STEPS)

compiled_epoch = engine.on_devices(engine.epoch, None)


class Step(NamedTuple):
    """One step: what it started from, what came out, and the same by the oracle."""

    spec: NetworkSpec
    before: TrainState
    batch: Block
    after: TrainState
    log: Log
    stats: layer_stats.LayerStats
    seen: Observation
    exact: oracle.Pass


def network_spec(act: str, kind: str = "plain", **options: Any) -> NetworkSpec:
    """A small network of one of the kinds; layers of one shape are measured together."""
    return NetworkSpec(**{"hidden": (6, 6), "act": act} | KINDS[kind] | options)


def state(program: Program, seed: int = 0) -> TrainState:
    """Random parameters and statistics, the optimizer at its start, some steps into a run."""
    spec = program.network
    # Where the activation is flat; elsewhere it would put a large mean in the way of batch norm's
    # accuracy.
    low = -7.0 if abs(oracle.ACTIVATIONS[spec.act][1](np.float64(-7), spec.alpha)) < 0.1 else -1.0
    shapes = network.shapes(spec, FEATURES, CLASSES)
    drawn = oracle.random_network(shapes, seed, low)
    rule = optimizers.build(program.update)
    optimizer = optimizers.initial_state(rule, drawn.parameters)
    parts = TrainState(drawn, optimizer, np.int32(3))
    return jax.tree.map(jnp.asarray, parts)


def block(examples: int, seed: int = 1) -> Block:
    """Random examples."""
    return Block(*map(jnp.asarray, oracle.examples(examples, FEATURES, CLASSES, seed)))


def plan(examples: int, batch: int, measured: Any = None, rate: float = RATE) -> Plan:
    """Examples backwards, a constant rate, and by default every step measured."""
    batch = min(batch, examples)
    measured = np.arange(examples // batch) if measured is None else np.asarray(measured)
    order = np.arange(examples, dtype=np.int32)[::-1].copy()
    return Plan(order, np.full(-(-examples // batch), rate, np.float32), measured.astype(np.int32))


def busy(probe: Any = layer_stats.measure, batch: int = 8) -> Program:
    """A program with all that keeps state between steps: Adam, batch norm, dropout."""
    return Program(network_spec("selu", "bn", hidden=(6,), dropout=0.2), BUSY, batch, probe)


def assert_same(one: Any, other: Any) -> None:
    """Two trees hold the same bits."""
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)


def everything(spec: NetworkSpec, seen: Observation) -> tuple[Any, Any]:
    """A probe that also hands out what it was shown."""
    stats, active = layer_stats.measure(spec, seen)
    return (stats, seen), active


@cache
def one_step(act: str, kind: str, size: int) -> Step:
    """A step of plain SGD, operation by operation, so that little is compiled, and that quickly."""
    spec = network_spec(act, kind)
    program = Program(spec, UpdateSpec(optimizer="sgd"), size, everything)
    before = state(program)
    batch = block(size)
    log = engine._empty_log(program, before, plan(size, size))
    with quick.compilation(), jax.disable_jit():
        (after, log), (stats, seen) = take_step(
            program, (before, log), batch, jnp.asarray(KEY), jnp.float32(RATE), jnp.int32(0)
        )
    exact = oracle.run(spec, before.network.parameters, np.asarray(batch.x), np.asarray(batch.y))
    return Step(spec, before, batch, after, log, stats, seen, exact)
