"""One training run: a generator of epochs over the compiled program of `engine`."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from dnncli import (
    checkpoint,
    device,
    engine,
    epochs,
    flight,
    meanfield,
    network,
    plans,
    probe,
    stopping,
    verdict,
)
from dnncli.data import Dataset, Split
from dnncli.engine import Block, Program
from dnncli.errors import SpecError
from dnncli.meanfield import Prediction
from dnncli.network import TrainState
from dnncli.records import (
    EpochRecord,
    Finding,
    Health,
    Score,
    Seconds,
    TrainRecord,
)
from dnncli.snapshots import Snapshot, summary, to_checkpoint
from dnncli.spec import RunSpec
from dnncli.verdict import Setting


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
    program, moment = _program(spec, len(dataset.train)), dataset.train.second_moment
    state = engine.initial_state(program, dataset.features, dataset.classes, spec.seed, moment)
    return Snapshot(spec, summary(dataset), state, state.parameters, state.statistics, best_epoch=0)


def run(snapshot: Snapshot, dataset: Dataset, stop_on: Sequence[str] = ()) -> Iterator[Progress]:
    """Train from a snapshot to the spec's last epoch, or until it stops improving or diverges.

    `stop_on` are verdicts that end the run at the epoch that earns them.
    """
    spec, program = snapshot.spec, _program(snapshot.spec, len(dataset.train))
    train, validation = block(dataset.train), block(dataset.validation)
    key = np.array([0, spec.seed], np.uint32)
    began = time.perf_counter()
    compiled = compile_epoch(program, snapshot.state, train, validation, key, spec)
    compiling = time.perf_counter() - began
    situation = setting(spec, dataset)
    for epoch in range(snapshot.epoch, spec.schedule.epochs):
        began = time.perf_counter()
        plan = plans.plan(spec, epoch, len(dataset.train))
        state, device_info = compiled(snapshot.state, train, validation, key, plan)
        info = device.wait(device_info)
        record = epochs.record(spec, epoch, plan, info, time.perf_counter() - began)
        replayed = (spec, snapshot.state, train, key, epoch)
        if not epochs.finite(info):
            crash, steps = flight.crash(*replayed)
            yield Progress(record, replace(snapshot, flight=steps), compiling, "diverged", crash)
            return
        snapshot = _advance(snapshot, state, record, info)
        stopped = stopping.reason(spec, snapshot.epoch, snapshot.best_epoch)
        findings = verdict.judge(situation, record.layers).findings if stop_on else ()
        cause = next((finding for finding in findings if finding.rule in stop_on), None)
        if cause:
            step, steps = flight.collapse(situation, *replayed, cause.rule)
            cause = replace(cause, evidence=f"{cause.evidence}, since epoch {record.epoch}, step {step}")
            snapshot, stopped = replace(snapshot, flight=steps), "condition"
        yield Progress(record, snapshot, compiling, stopped, cause)
        if stopped:
            return


def setting(spec: RunSpec, dataset: Dataset) -> Setting:
    """What theory needs to know of a run."""
    return Setting(spec.network, dataset.features, dataset.classes, dataset.train.second_moment)


def predict(spec: RunSpec, dataset: Dataset) -> Prediction:
    """Theory of the run's untrained network; raises SpecError where --init critical has no solution."""
    return setting(spec, dataset).predict()


def chosen_variances(spec: RunSpec, dataset: Dataset) -> str | None:
    """What a critical initialisation chose, in a line; None for another initialiser."""
    if not spec.network.init.startswith("critical"):
        return None
    return meanfield.critical(spec.network, dataset.train.second_moment).description


def _program(spec: RunSpec, examples: int) -> Program:
    return Program(spec.network, spec.update, plans.batch_size(spec, examples), probe.measure)


def compile_epoch(
    program: Program, state: TrainState, train: Block, validation: Block, key: Any, spec: RunSpec
) -> Any:
    """The one program of a run, compiled ahead so that its time can be told apart."""
    plan = plans.plan(spec, 0, len(train.y))
    return engine.compiled_epoch.lower(program, state, train, validation, key, plan).compile()


def block(split: Split) -> Block:
    """A split's arrays on the device."""
    return Block(*jax.device_put((split.x, split.y)))


def _advance(snapshot: Snapshot, state: TrainState, record: EpochRecord, info: Any) -> Snapshot:
    """The run one epoch on; the first epoch also leaves the untrained network's figures behind."""
    history = (*snapshot.history, record)
    best = stopping.best_epoch(history, snapshot.spec.stopping)
    after = replace(snapshot, state=state, history=history, best_epoch=best)
    if not snapshot.history:
        after = replace(after, initial=epochs.initial(snapshot.spec, info))
    if best == record.epoch:
        return replace(after, parameters=state.parameters, statistics=state.statistics)
    return after


def test_score(snapshot: Snapshot, dataset: Dataset) -> Score:
    """The best epoch's loss and accuracy on the test set."""
    spec, test = snapshot.spec.network, block(dataset.test)
    score = jax.device_get(engine.compiled_evaluate(spec, snapshot.parameters, snapshot.statistics, test))
    return Score(float(score.loss), float(score.accuracy))


def save(snapshot: Snapshot, path: Path) -> None:
    """Write the run's checkpoint; raises CheckpointError where that fails."""
    checkpoint.write(path, to_checkpoint(snapshot))


def result(
    snapshot: Snapshot, progress: Progress | None, dataset: Dataset, *, interrupted: bool = False
) -> TrainRecord:
    """The run's record after its last progress (None: interrupted before the first epoch ended)."""
    stopped = "signal" if interrupted else progress.stopped if progress else None
    cause = progress.cause if progress else None
    diverged = (progress.record,) if progress and stopped == "diverged" else ()
    history = (*snapshot.history, *diverged)
    shown = snapshot.history[-1:] or history
    crash = cause if diverged else None
    judged = setting(snapshot.spec, dataset)
    health = verdict.judge(judged, shown[-1].layers, snapshot.initial, crash) if shown else Health("unknown")
    if stopped == "condition" and cause:  # the same finding, with the step that first earned it
        rest = tuple(finding for finding in health.findings if finding.rule != cause.rule)
        health = Health(cause.rule, (cause, *rest))
    return TrainRecord(
        config=snapshot.spec.options(),
        data=snapshot.data.record,
        parameters=network.count(snapshot.parameters),
        epochs=history,
        initial=snapshot.initial,
        best_epoch=snapshot.best_epoch,
        stopped=stopped or "epochs",
        test=None if interrupted else test_score(snapshot, dataset),
        health=health,
        prediction=judged.predict(),
        checkpoint=None,
        seconds=Seconds(
            total=0.0,
            compile=progress.compile_seconds if progress else 0.0,
            train=sum(record.seconds or 0.0 for record in history),
        ),
    )


def resumed(snapshot: Snapshot, dataset: Dataset, **changes: Any) -> Snapshot:
    """A stored run made ready to go on, with more epochs or another patience.

    Raises SpecError where the data are not those it was trained on.
    """
    if dataset.fingerprint != snapshot.data.record.fingerprint:
        raise SpecError("--resume: the data are not those of the checkpoint (another fingerprint).")
    schedule = replace(snapshot.spec.schedule, epochs=changes.get("epochs", snapshot.spec.schedule.epochs))
    until = replace(
        snapshot.spec.stopping, **{k: v for k, v in changes.items() if k in ("patience", "min_delta")}
    )
    return replace(snapshot, spec=replace(snapshot.spec, schedule=schedule, stopping=until))
