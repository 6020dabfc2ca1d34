"""One training run: a generator of epochs over the compiled program of `engine`."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from dnncli import checkpoint, engine, network, plans, probe, verdict
from dnncli.data import Dataset, Split
from dnncli.engine import Block, Program
from dnncli.errors import SpecError
from dnncli.network import TrainState
from dnncli.records import (
    EpochRecord,
    Finding,
    Health,
    LayerRecord,
    Score,
    Seconds,
    TrainRecord,
)
from dnncli.snapshots import Snapshot, summary, to_checkpoint
from dnncli.spec import RunSpec, StoppingSpec


@dataclass(frozen=True)
class Progress:
    """What the generator yields: an epoch's record and the run after it.

    `stopped` says why this epoch was the last (epochs, patience, diverged), else it is None. After a
    divergence the snapshot is of the last finite epoch and `crash` says what broke first.
    """

    record: EpochRecord
    snapshot: Snapshot
    compile_seconds: float
    stopped: str | None = None
    crash: Finding | None = None


def start(spec: RunSpec, dataset: Dataset) -> Snapshot:
    """The run before its first epoch."""
    state = engine.initial_state(
        _program(spec, len(dataset.train)), dataset.features, dataset.classes, spec.seed
    )
    return Snapshot(spec, summary(dataset), state, state.parameters, state.statistics, best_epoch=0)


def run(snapshot: Snapshot, dataset: Dataset) -> Iterator[Progress]:
    """Train from a snapshot to the spec's last epoch, or until it stops improving or diverges."""
    spec, program = snapshot.spec, _program(snapshot.spec, len(dataset.train))
    train, validation = block(dataset.train), block(dataset.validation)
    key = np.array([0, spec.seed], np.uint32)
    began = time.perf_counter()
    compiled = compile_epoch(program, snapshot.state, train, validation, key, spec)
    compiling = time.perf_counter() - began
    for epoch in range(snapshot.epoch, spec.schedule.epochs):
        began = time.perf_counter()
        plan = plans.plan(spec, epoch, len(dataset.train))
        state, device_info = compiled(snapshot.state, train, validation, key, plan)
        info = wait(device_info)
        record = _record(spec, epoch, plan, info, time.perf_counter() - began)
        if not _is_finite(info):
            yield Progress(record, snapshot, compiling, "diverged", _crash(snapshot, train, key, epoch))
            return
        snapshot = _advance(snapshot, state, record, info)
        stopped = _stopped(spec, snapshot)
        yield Progress(record, snapshot, compiling, stopped)
        if stopped:
            return


def wait(info: Any) -> Any:
    """Copy an epoch's info to the host, waiting so that a signal is answered within 20 ms.

    A plain copy blocks in C++ until a long epoch ends; short ones are not slowed by the polling.
    """
    until = time.perf_counter() + 0.2
    leaf = jax.tree.leaves(info)[0]
    while not leaf.is_ready() and time.perf_counter() < until:
        time.sleep(0.0002)
    while not leaf.is_ready():
        time.sleep(0.02)
    return jax.device_get(info)


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


def _is_finite(info: Any) -> bool:
    return bool(
        info.finite.all() and np.isfinite(info.log.losses).all() and np.isfinite(info.validation.loss)
    )


def _record(spec: RunSpec, epoch: int, plan: plans.Plan, info: Any, seconds: float) -> EpochRecord:
    clipped = info.log.clipped
    return EpochRecord(
        epoch=epoch + 1,
        train_loss=plans.mean_loss(info.log.losses, len(plan.order), plans.batch_size(spec, len(plan.order))),
        val_loss=float(info.validation.loss),
        val_accuracy=float(info.validation.accuracy),
        learning_rate=float(plan.learning_rates[-1]),
        clipped_fraction=float(clipped.any(axis=1).mean()),
        seconds=seconds,
        layers=probe.records(spec.network, info.stats, info.log.responding, clipped),
    )


def _advance(snapshot: Snapshot, state: TrainState, record: EpochRecord, info: Any) -> Snapshot:
    """The run one epoch on; the first epoch also leaves the untrained network's figures behind."""
    history = (*snapshot.history, record)
    best = best_epoch(history, snapshot.spec.stopping)
    after = replace(snapshot, state=state, history=history, best_epoch=best)
    if not snapshot.history:
        after = replace(after, initial=_initial(snapshot.spec, info))
    if best == record.epoch:
        return replace(after, parameters=state.parameters, statistics=state.statistics)
    return after


def _initial(spec: RunSpec, info: Any) -> tuple[LayerRecord, ...]:
    """The figures of the run's first step; which units are dead, one batch cannot tell."""
    first = jax.tree.map(lambda values: values[:1], info.stats)
    alive = np.arange(info.log.responding.shape[1]) < np.array(spec.network.hidden)[:, None]
    return probe.records(spec.network, first, alive, info.log.clipped[:1])


def figure_of_merit(record: EpochRecord, stopping: StoppingSpec) -> float:
    """What early stopping maximises."""
    return record.val_accuracy if stopping.monitor == "val-accuracy" else -record.val_loss


def best_epoch(history: tuple[EpochRecord, ...], stopping: StoppingSpec) -> int:
    """The last epoch (from 1) that beat the best before it by more than min_delta."""
    best, merit = 0, -math.inf
    for record in history:
        if figure_of_merit(record, stopping) > merit + (stopping.min_delta if best else 0.0):
            best, merit = record.epoch, figure_of_merit(record, stopping)
    return best


def _stopped(spec: RunSpec, snapshot: Snapshot) -> str | None:
    patience = spec.stopping.patience
    if snapshot.epoch == spec.schedule.epochs:
        return "epochs"
    if patience is not None and snapshot.epoch - snapshot.best_epoch >= patience:
        return "patience"
    return None


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
    crash = progress.crash if progress else None
    diverged = (progress.record,) if progress and crash else ()
    epochs = (*snapshot.history, *diverged)
    shown = snapshot.history[-1:] or epochs
    health = verdict.judge(snapshot.spec.network, shown[-1].layers, crash) if shown else Health("unknown")
    stopped = progress.stopped if progress and progress.stopped else None
    return TrainRecord(
        config=snapshot.spec.options(),
        data=snapshot.data.record,
        parameters=network.count(snapshot.parameters),
        epochs=epochs,
        initial=snapshot.initial,
        best_epoch=snapshot.best_epoch,
        stopped=stopped or ("signal" if interrupted else "epochs"),
        test=None if interrupted else test_score(snapshot, dataset),
        health=health,
        checkpoint=None,
        seconds=Seconds(
            total=0.0,
            compile=progress.compile_seconds if progress else 0.0,
            train=sum(record.seconds or 0.0 for record in epochs),
        ),
    )


def resumed(snapshot: Snapshot, dataset: Dataset, **changes: Any) -> Snapshot:
    """A stored run made ready to go on, with more epochs or another patience.

    Raises SpecError where the data are not those it was trained on.
    """
    if dataset.fingerprint != snapshot.data.record.fingerprint:
        raise SpecError("--resume: the data are not those of the checkpoint (another fingerprint).")
    schedule = replace(snapshot.spec.schedule, epochs=changes.get("epochs", snapshot.spec.schedule.epochs))
    stopping = replace(
        snapshot.spec.stopping, **{k: v for k, v in changes.items() if k in ("patience", "min_delta")}
    )
    return replace(snapshot, spec=replace(snapshot.spec, schedule=schedule, stopping=stopping))


def _crash(snapshot: Snapshot, train: Block, key: Any, epoch: int) -> Finding:
    """Replay the diverged epoch with every step recorded, and name what broke first.

    The epoch is a function of its arguments, so the replay takes the same steps; recording costs
    nothing in the runs that go well.
    """
    spec = snapshot.spec
    program = replace(_program(spec, len(train.y)), probe=probe.record_flight)
    plan = plans.plan(spec, epoch, len(train.y))
    full = len(train.y) // program.batch_size
    plan = plan._replace(measured=np.arange(full, dtype=np.int32))
    _, log, flight = jax.device_get(engine.compiled_block(program, snapshot.state, train, key, plan))
    return _first_break(spec, epoch, flight, log)


def _first_break(spec: RunSpec, epoch: int, flight: probe.FlightStats, log: engine.Log) -> Finding:
    names = spec.network.layers()
    whole = flight.activations & flight.gradients & flight.state
    bad = ~whole.all(axis=1)
    step = int(np.argmax(bad)) if bad.any() else len(log.losses) - 1
    # Forward things break from the input up, backward things from the output down.
    for what, fine, top_down in (
        ("activations", flight.activations, False),
        ("gradient", flight.gradients, True),
        ("parameters or optimizer state", flight.state, True),
    ):
        broken: Any = np.flatnonzero(~fine[min(step, len(fine) - 1)]) if len(fine) else []
        if len(broken):
            layer = names[broken[-1 if top_down else 0]]
            return _divergence(layer, f"{what} not finite at epoch {epoch + 1}, step {step + 1}")
    return _divergence("output", f"loss not finite in epoch {epoch + 1}")


def _divergence(layer: str, evidence: str) -> Finding:
    return Finding("diverged", layer, evidence, "lower --lr, add --clip-global-norm 1, or try --warmup 1")
