"""Small networks with everything off its default, and one training step of each, as tests look at them."""

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import oracle

from dnncli import engine, optimizers, probe
from dnncli.engine import Block, Program
from dnncli.network import Observation, TrainState
from dnncli.plans import Plan
from dnncli.spec import NetworkSpec, UpdateSpec

FEATURES, HIDDEN, CLASSES = 5, (7, 6), 3
SIZES = (1, 3, 33, 257, 1025)
KEY = np.array([0, 11], np.uint32)
RATE = 0.05


class Step(NamedTuple):
    """One step: what it started from, what came out, and the same by the oracle."""

    spec: NetworkSpec
    before: TrainState
    batch: Block
    after: TrainState
    log: engine.Log
    stats: probe.LayerStats
    seen: Observation
    exact: oracle.Pass


def network_spec(act: str, bn: bool = False, **options: Any) -> NetworkSpec:
    """A small network; `bn` normalises the hidden layers and the logits."""
    momentum = {"bn_momentum": 0.7} if bn else {}
    return NetworkSpec(hidden=HIDDEN, act=act, bn=bn, bn_output=bn, **momentum, **options)


def state(program: Program, seed: int = 0) -> TrainState:
    """Random parameters and statistics, the optimizer at its start, some steps into a run."""
    parameters, statistics = oracle.parameters(program.network, FEATURES, CLASSES, seed)
    rule = optimizers.build(program.update)
    parts = TrainState(parameters, statistics, optimizers.initial_state(rule, parameters), np.int32(3))
    return jax.tree.map(jnp.asarray, parts)


def block(examples: int, seed: int = 1) -> Block:
    """Random examples."""
    return Block(*map(jnp.asarray, oracle.examples(examples, FEATURES, CLASSES, seed)))


def plan(examples: int, batch: int, measured: Any = None, rate: float = RATE) -> Plan:
    """Examples in their order, a constant rate, and by default every step measured."""
    full, steps = examples // batch, -(-examples // batch)
    measured = np.arange(full) if measured is None else np.asarray(measured)
    return Plan(
        np.arange(examples, dtype=np.int32), np.full(steps, rate, np.float32), measured.astype(np.int32)
    )


def everything(spec: NetworkSpec, seen: Observation) -> tuple[Any, Any]:
    """A probe that also hands out what it was shown."""
    stats, responding = probe.measure(spec, seen)
    return (stats, seen), responding


@cache
def one_step(act: str, bn: bool, examples: int) -> Step:
    """A step of plain SGD, operation by operation: nothing to compile but the operations themselves."""
    spec = network_spec(act, bn)
    program = Program(spec, UpdateSpec(optimizer="sgd"), examples, everything)
    before, batch = state(program), block(examples)
    log = engine._empty_log(before, plan(examples, examples))
    with jax.disable_jit():
        (after, log), (stats, seen) = engine.step(
            program, (before, log), batch, jnp.asarray(KEY), jnp.float32(RATE), jnp.int32(0)
        )
    return Step(
        spec, before, batch, after, log, stats, seen, oracle.run(spec, before.parameters, *map(np.asarray, batch))
    )
