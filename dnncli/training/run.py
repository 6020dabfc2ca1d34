"""A run as a generator of epochs over the compiled program of `engine`: what every experiment iterates."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from dnncli.data import Dataset, Split
from dnncli.diagnosis.context import NetworkContext
from dnncli.diagnosis.first_step import attribute_divergence
from dnncli.diagnosis.verdict import diagnose
from dnncli.nn.network import TrainState
from dnncli.records import EpochRecord, Finding, Score, StepRecord
from dnncli.spec import RunSpec
from dnncli.training import device, early_stopping, engine, epoch_record, phases, replay
from dnncli.training import plan as plans
from dnncli.training.engine import Block
from dnncli.training.phases import Phase
from dnncli.training.snapshot import Snapshot, summary


@dataclass(frozen=True)
class Progress:
    """What the generator yields: an epoch's record and the run after it.

    `stopped` says why this epoch was the last (epochs, patience, diverged, condition), else it is None.
    After a divergence the snapshot is of the last finite epoch; `cause` says what broke first, or which
    condition was met.
    """

    record: EpochRecord
    snapshot: Snapshot
    compile_seconds: float
    stopped: str | None = None
    cause: Finding | None = None


def start(spec: RunSpec, dataset: Dataset) -> Snapshot:
    """The run before its first epoch."""
    program, moment = phases.program(spec, len(dataset.train), 0), dataset.train.second_moment
    state = engine.initial_state(program, dataset.features, dataset.classes, spec.seed, moment)
    return Snapshot(spec, summary(dataset), state, state.parameters, state.statistics, best_epoch=0)


def run(
    snapshot: Snapshot, dataset: Dataset, stop_on: Sequence[str] = (), *, cache: bool = True
) -> Iterator[Progress]:
    """Train from a snapshot to the spec's last epoch, or until it stops improving or diverges.

    `stop_on` are verdicts that end the run at the epoch that earns them. With `cache` what frozen layers
    put out is computed once a phase; the results are the same without.
    """
    spec, key = snapshot.spec, np.array([0, snapshot.spec.seed], np.uint32)
    blocks, context = _blocks(dataset), network_context(spec, dataset)
    phase: Phase | None = None
    compiled: Any = None
    compiling = 0.0
    for epoch in range(snapshot.epoch, spec.schedule.epochs):
        began = time.perf_counter()
        if phase is None or spec.freezing.frozen(epoch + 1) != phase.frozen:
            phase = phases.enter(snapshot, *blocks, epoch, cache=cache)
            compiled = compile_epoch(phase, phases.cut(phase, snapshot.state), key)
            compiling += time.perf_counter() - began
            began = time.perf_counter()
        plan, before = (
            plans.plan(spec, epoch, len(dataset.train)),
            phases.cut(phase, snapshot.state),
        )
        after, device_info = compiled(before, phase.train, phase.validation, key, plan)
        info = device.wait(device_info)
        record = _record(phase, epoch, plan, info, time.perf_counter() - began)
        replayed = (phase.part, before, phase.train, key, epoch)
        if not epoch_record.finite(info):
            crash, steps = replay.crash(*replayed)
            if steps[0].epoch == steps[0].step == 1:
                crash = attribute_divergence(context, crash, steps[0].layers)
            broken = replace(snapshot, flight=_whole(phase, steps))
            yield Progress(record, broken, compiling, "diverged", crash)
            return
        snapshot = _advance(snapshot, phases.join(phase, snapshot.state, after), record, info)
        stopped = early_stopping.reason(spec, snapshot.epoch, snapshot.best_epoch)
        findings = diagnose(context, record.layers).findings if stop_on else ()
        cause = next((finding for finding in findings if finding.rule in stop_on), None)
        if cause:
            step, steps = replay.collapse(context, *replayed, cause.rule)
            cause = replace(
                cause, evidence=f"{cause.evidence}, since epoch {record.epoch}, step {step}"
            )
            snapshot, stopped = replace(snapshot, flight=_whole(phase, steps)), "condition"
        yield Progress(record, snapshot, compiling, stopped, cause)
        if stopped:
            return


def network_context(spec: RunSpec, dataset: Dataset) -> NetworkContext:
    """What theory needs to know of a run."""
    moment = dataset.train.second_moment
    return NetworkContext(spec.network, dataset.features, dataset.classes, moment, spec)


def compile_epoch(phase: Phase, state: TrainState, key: Any) -> Any:
    """A phase's one program, compiled ahead so that its time can be told apart."""
    plan = plans.plan(phase.part, 0, len(phase.train.y))
    return engine.compiled_epoch.lower(
        phase.program, state, phase.train, phase.validation, key, plan
    ).compile()


def _blocks(dataset: Dataset) -> tuple[Block, Block]:
    """Training and validation examples on the device."""
    return block(dataset.train), block(dataset.validation)


def block(split: Split) -> Block:
    """A split's arrays on the device."""
    return Block(*jax.device_put((split.x, split.y)))


def _record(phase: Phase, epoch: int, plan: plans.Plan, info: Any, seconds: float) -> EpochRecord:
    record = epoch_record.record(phase.part, epoch, plan, info, seconds)
    return replace(record, layers=phases.layers(phase, record.layers)) if phase.frozen else record


def _whole(phase: Phase, steps: Sequence[StepRecord]) -> tuple[StepRecord, ...]:
    return tuple(replace(step, layers=phases.layers(phase, step.layers)) for step in steps)


def _advance(snapshot: Snapshot, state: TrainState, record: EpochRecord, info: Any) -> Snapshot:
    """The run one epoch on; the first epoch of an untrained network also leaves its figures behind."""
    history = (*snapshot.history, record)
    best = early_stopping.best_epoch(history, snapshot.spec.stopping)
    after = replace(snapshot, state=state, history=history, best_epoch=best)
    if not (snapshot.history or snapshot.origin or snapshot.spec.freezing.freeze):
        after = replace(after, initial=epoch_record.initial(snapshot.spec, info))
    if best == record.epoch:
        return replace(after, parameters=state.parameters, statistics=state.statistics)
    return after


def test_score(snapshot: Snapshot, dataset: Dataset) -> Score:
    """The best epoch's loss and accuracy on the test set."""
    spec, test = snapshot.spec.network, block(dataset.test)
    score = jax.device_get(
        engine.compiled_evaluate(spec, snapshot.parameters, snapshot.statistics, test)
    )
    return Score(float(score.loss), float(score.accuracy))
