"""The last steps before a run broke, measured afterwards.

An epoch is a function of its arguments, so replaying it from the state before it takes the very
same steps. The replay measures every one of them; runs that go well pay nothing.
"""

from contextlib import closing
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from dnncli.diagnosis.context import NetworkContext
from dnncli.diagnosis.verdict import diagnose
from dnncli.nn import layer_stats
from dnncli.nn.layer_stats import LayerStats, StepStatistics
from dnncli.nn.network import TrainState
from dnncli.records import Finding, LayerRecord, StepRecord
from dnncli.spec import RunSpec
from dnncli.training import engine, phases, placement
from dnncli.training.epoch_record import LOST_LOSS
from dnncli.training.phases import Phase
from dnncli.training.step import Log

KEPT_STEPS = 32

Steps = tuple[StepRecord, ...]


def replay(phase: Phase, state: TrainState, epoch: int) -> tuple[StepStatistics, Steps]:
    """Every step of an epoch (counted from 0) from the whole network's state before it.

    Where examples come in several blocks, those of the first block that breaks, or of the last one.
    """
    spec = phase.part
    devices = phase.program.devices
    program = phases.program(spec, phase.examples, epoch, layer_stats.measure_step, devices)
    train_block = engine.on_devices(engine.train_block, devices)
    done = 0
    found: tuple[StepStatistics, Steps] | None = None
    with closing(phase.pieces(epoch)) as pieces:
        for block, plan in pieces:
            full = len(plan.order) // program.batch_size
            every = plan._replace(measured=np.arange(full, dtype=np.int32))
            before, own_key, placed_plan = phases.arguments(phase, state, every)
            state, *ran = train_block(program, before, block, own_key, placed_plan)
            log, measured = placement.fetch(ran)
            found = measured, _steps(spec, epoch, measured.stats, log, done)
            done += len(log.losses)
            if not _fine(measured, log):
                break
    assert found is not None
    return found


def _steps(spec: RunSpec, epoch: int, stats: LayerStats, log: Log, done: int) -> Steps:
    """The figures of a block's steps; done: steps of the epoch before them."""
    indices = range(len(log.losses))
    return tuple(_step(spec, epoch, index, stats, log, done) for index in indices)


def _fine(measured: StepStatistics, log: Log) -> bool:
    """Whether a block's steps left all numbers finite, and losses that still say something."""
    finite = measured.activations & measured.gradients & measured.state
    return bool(finite.all() and np.asarray(log.losses).max() < LOST_LOSS)


def _step(
    spec: RunSpec, epoch: int, index: int, stats: LayerStats, log: Log, done: int
) -> StepRecord:
    """The figures of one step; done: steps of the epoch before the first of these."""
    one: Any = jax.tree.map(lambda values: values[index : index + 1], stats)
    clipped: Any = log.clipped[index : index + 1]
    layers = layer_stats.records(spec.network, one, log.active, clipped)  # type: ignore[arg-type]
    plain = tuple(replace(layer, dead_fraction=0.0, ranges={}) for layer in layers)
    return StepRecord(epoch + 1, done + index + 1, float(log.losses[index]), plain)


def of_all_layers(phase: Phase, steps: Steps) -> Steps:
    """The steps of a phase's trained part with the figures of the frozen layers below."""
    return tuple(replace(step, layers=phases.all_layers(phase, step.layers)) for step in steps)


def first_nonfinite_step(phase: Phase, state: TrainState, epoch: int) -> tuple[Finding, Steps]:
    """What broke first in an epoch that left the finite numbers, and the steps up to there."""
    measured, steps = replay(phase, state, epoch)
    fine = measured.activations & measured.gradients & measured.state
    broken = ~fine.all(axis=1)
    if not broken.any():
        return _lost_loss(steps)
    first = int(np.argmax(broken))
    where = f"at epoch {epoch + 1}, step {steps[0].step + first}"
    return _break(phase.part, where, measured, first), steps[: first + 1][-KEPT_STEPS:]


def _lost_loss(steps: Steps) -> tuple[Finding, Steps]:
    """The layer and step of the largest update up to a loss beyond float32's resolution."""
    if steps[0].loss >= LOST_LOSS:
        evidence = f"the loss is {steps[0].loss:.1e} at the first step of epoch {steps[0].epoch}"
        return _divergence("output", evidence), steps[:1]
    lost = next((i for i, step in enumerate(steps) if step.loss >= LOST_LOSS), len(steps) - 1)
    step = max(steps[: lost + 1], key=_largest_update)
    layer = max(step.layers, key=lambda layer: layer.update_ratio)
    evidence = (
        f"a step {layer.update_ratio:.1e} times as large as its weights at epoch {step.epoch},"
        f" step {step.step} took the loss beyond float32's resolution ({steps[lost].loss:.1e})"
    )
    return _divergence(layer.layer, evidence), steps[: lost + 1][-KEPT_STEPS:]


def _largest_update(step: StepRecord) -> float:
    """The largest ratio of a step's update to its layer's weights."""
    return max(layer.update_ratio for layer in step.layers)


def _break(spec: RunSpec, where: str, measured: StepStatistics, step: int) -> Finding:
    """The layer that left the finite numbers first in a step, and with what."""
    # Activations break from the input up, gradients and updates from the output down.
    parts = (
        ("activations", measured.activations, 0),
        ("gradients", measured.gradients, -1),
        ("parameters or optimizer state", measured.state, -1),
    )
    for what, fine, first in parts:
        broken = np.flatnonzero(~np.asarray(fine)[step])
        if len(broken):
            return _divergence(spec.network.layers()[broken[first]], f"{what} not finite {where}")
    return _divergence("output", f"loss not finite {where}")


def _divergence(layer: str, evidence: str) -> Finding:
    advice = "lower --lr, add --clip-global-norm 1, or try --warmup 1"
    return Finding("diverged", layer, evidence, advice)


def first_step_meeting(
    phase: Phase, state: TrainState, epoch: int, setting: NetworkContext, rule: str
) -> tuple[int, Steps]:
    """The first step (from 1) of an epoch at which a rule is met, and the steps up to there."""
    _, steps = replay(phase, state, epoch)
    met = [step.step for step in steps if _meets(setting, step.layers, rule)]
    first = met[0] if met else len(steps)
    return first, steps[:first][-KEPT_STEPS:]


def _meets(context: NetworkContext, layers: tuple[LayerRecord, ...], rule: str) -> bool:
    return any(finding.rule == rule for finding in diagnose(context, layers).findings)
