"""The flight recorder: the last steps before a run broke, read afterwards.

An epoch is a function of its arguments, so replaying it from the state before it takes the very same
steps. The replay measures every one of them; runs that go well pay nothing.
"""

from dataclasses import replace
from typing import Any

import jax
import numpy as np

from dnncli.diagnosis.context import NetworkContext
from dnncli.diagnosis.verdict import diagnose
from dnncli.nn import layer_stats
from dnncli.nn.layer_stats import FlightStats
from dnncli.nn.network import TrainState
from dnncli.records import Finding, LayerRecord, StepRecord
from dnncli.spec import RunSpec
from dnncli.training import engine, phases
from dnncli.training import plan as plans
from dnncli.training.engine import Block
from dnncli.training.epoch_record import LOST_LOSS

KEPT_STEPS = 32


def replay(
    spec: RunSpec, state: TrainState, train: Block, key: Any, epoch: int
) -> tuple[FlightStats, tuple[StepRecord, ...]]:
    """Every step of an epoch (counted from 0), measured: what stayed finite, and the figures."""
    program = phases.program(spec, len(train.y), epoch, layer_stats.record_flight)
    every = np.arange(len(train.y) // program.batch_size, dtype=np.int32)
    plan = plans.plan(spec, epoch, len(train.y))._replace(measured=every)
    _, log, flight = jax.device_get(engine.compiled_block(program, state, train, key, plan))
    return flight, tuple(_step(spec, epoch, i, flight.stats, log) for i in range(len(log.losses)))


def _step(spec: RunSpec, epoch: int, index: int, stats: Any, log: Any) -> StepRecord:
    one = jax.tree.map(lambda values: values[index : index + 1], stats)
    layers = layer_stats.records(spec.network, one, log.responding, log.clipped[index : index + 1])
    plain = tuple(replace(layer, dead_fraction=0.0, ranges={}) for layer in layers)
    return StepRecord(epoch + 1, index + 1, float(log.losses[index]), plain)


def crash(
    spec: RunSpec, state: TrainState, train: Block, key: Any, epoch: int
) -> tuple[Finding, tuple[StepRecord, ...]]:
    """What broke first in an epoch that left the finite numbers, and the steps up to there."""
    flight, steps = replay(spec, state, train, key, epoch)
    broken = ~(flight.activations & flight.gradients & flight.state).all(axis=1)
    if not broken.any():
        return _blow_up(steps)
    first = int(np.argmax(broken))
    return _break(spec, epoch, flight, first), steps[: first + 1][-KEPT_STEPS:]


def _blow_up(steps: tuple[StepRecord, ...]) -> tuple[Finding, tuple[StepRecord, ...]]:
    """The layer and step with the largest update, where the loss got lost and nothing became infinite."""
    if steps[0].loss >= LOST_LOSS:
        evidence = f"the loss is {steps[0].loss:.1e} at the first step of epoch {steps[0].epoch}"
        return _divergence("output", evidence), steps[:1]
    lost = next((i for i, step in enumerate(steps) if step.loss >= LOST_LOSS), len(steps) - 1)
    step = max(steps[: lost + 1], key=lambda step: max(layer.update_ratio for layer in step.layers))
    layer = max(step.layers, key=lambda layer: layer.update_ratio)
    evidence = (
        f"a step {layer.update_ratio:.1e} times as large as its weights at epoch {step.epoch},"
        f" step {step.step} took the loss beyond float32's resolution ({steps[lost].loss:.1e})"
    )
    return _divergence(layer.layer, evidence), steps[: lost + 1][-KEPT_STEPS:]


def _break(spec: RunSpec, epoch: int, flight: FlightStats, step: int) -> Finding:
    where = f"at epoch {epoch + 1}, step {step + 1}"
    # Activations break from the input up, gradients and updates from the output down.
    for what, fine, first in (
        ("activations", flight.activations, 0),
        ("gradients", flight.gradients, -1),
        ("parameters or optimizer state", flight.state, -1),
    ):
        broken = np.flatnonzero(~fine[step])
        if len(broken):
            return _divergence(spec.network.layers()[broken[first]], f"{what} not finite {where}")
    return _divergence("output", f"loss not finite in epoch {epoch + 1}")


def _divergence(layer: str, evidence: str) -> Finding:
    return Finding(
        "diverged", layer, evidence, "lower --lr, add --clip-global-norm 1, or try --warmup 1"
    )


def collapse(
    context: NetworkContext,
    spec: RunSpec,
    state: TrainState,
    train: Block,
    key: Any,
    epoch: int,
    rule: str,
) -> tuple[int, tuple[StepRecord, ...]]:
    """The first step (from 1) of an epoch at which a rule is met, and the steps up to there."""
    _, steps = replay(spec, state, train, key, epoch)
    met = [step.step for step in steps if _meets(context, step.layers, rule)]
    first = met[0] if met else len(steps)
    return first, steps[:first][-KEPT_STEPS:]


def _meets(context: NetworkContext, layers: tuple[LayerRecord, ...], rule: str) -> bool:
    return any(finding.rule == rule for finding in diagnose(context, layers).findings)
