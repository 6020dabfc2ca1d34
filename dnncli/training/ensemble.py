"""An ensemble: networks of successive seeds, trained in one program and merged into one network."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from dnncli.data import Dataset
from dnncli.errors import DnncliError
from dnncli.nn import ensembles, optimizers
from dnncli.nn.network import Network, TrainState
from dnncli.records import EpochRecord
from dnncli.spec import RunSpec
from dnncli.training import placement, seeds
from dnncli.training.devices import Devices
from dnncli.training.history import RunHistory, advance
from dnncli.training.run import Progress
from dnncli.training.seeds import SeedBatch
from dnncli.training.snapshot import Snapshot, summary

STOPPED = (None, "patience", "epochs")  # of several networks' reasons the later one counts


def member(spec: RunSpec) -> RunSpec:
    """The run of an ensemble's first member; the others have the seeds after its own."""
    return replace(spec, network=replace(spec.network, ensemble=1))


def start(spec: RunSpec, dataset: Dataset) -> Snapshot:
    """The ensemble before its first epoch. Raises SpecError as `run.start`."""
    spec = spec.resolved(dataset.task)
    batch = seeds.start(member(spec), spec.network.ensemble, dataset)
    untrained = _merged(batch)
    history = RunHistory(spec)
    return Snapshot(history, untrained, _state(spec, untrained), summary(dataset))


def run(snapshot: Snapshot, dataset: Dataset, devices: Devices | None = None) -> Iterator[Progress]:
    """Train all members, each until it stops by itself; yields after each epoch.

    An epoch's record is that of the first member that still trains. devices: those that share the
    members. Raises DnncliError where a
    member diverges.
    """
    spec = snapshot.spec
    size = spec.network.ensemble
    batch = seeds.start(member(spec), size, dataset)
    train = placement.block(dataset.train, devices)
    validation = placement.block(dataset.validation, devices)
    began = time.perf_counter()
    compiled = seeds.compile_epoch(member(spec), size, dataset, devices=devices)
    compiling = time.perf_counter() - began
    for after in seeds.run(batch, train, validation, compiled):
        snapshot = _after(snapshot, batch, after)
        batch = after
        yield Progress(snapshot.history.epochs[-1], snapshot, compiling, snapshot.history.stopped)


def _after(snapshot: Snapshot, before: SeedBatch, batch: SeedBatch) -> Snapshot:
    """The ensemble one epoch on."""
    _refuse_diverged(batch)
    pairs = zip(before.runs, batch.runs, strict=True)
    trained = next(after for earlier, after in pairs if not earlier.stopped)
    history = advance(snapshot.history, _whole(trained.epochs[-1], batch))
    history = replace(history, stopped=None)
    if not snapshot.history.epochs:
        history = replace(history, initial=trained.initial)
    if not batch.running:
        reasons = [one.stopped for one in batch.runs]
        history = replace(history, stopped=max(reasons, key=STOPPED.index))
    merged = _merged(batch)
    return replace(snapshot, history=history, network=merged, state=_state(snapshot.spec, merged))


def _whole(record: EpochRecord, batch: SeedBatch) -> EpochRecord:
    """A member's record with the time that all took."""
    return replace(record, seconds=batch.seconds)


def _refuse_diverged(batch: SeedBatch) -> None:
    """Raise DnncliError for a member whose numbers are no longer finite."""
    for one in batch.runs:
        if one.stopped == "diverged":
            seed = one.spec.seed
            raise DnncliError(
                f"the ensemble's network of seed {seed} diverged in epoch {one.epoch + 1}: look at"
                f" it alone, with --seed {seed} and without --ensemble, or lower --lr."
            )


def _merged(batch: SeedBatch) -> Network:
    """The best epochs' networks of all members as one."""
    best = placement.fetch(batch.states.best)
    return ensembles.merge([seeds.seed_slice(k, best) for k in range(len(batch.runs))])


def _state(spec: RunSpec, merged: Network) -> TrainState:
    """A state that a checkpoint can hold; members are never trained on."""
    optimizer = optimizers.initial_state(optimizers.build(spec.update), merged.parameters)
    step: Any = np.zeros((), np.int32)
    return TrainState(merged, optimizer, step)
