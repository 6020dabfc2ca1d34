"""A stored run trained again from its options, and compared with its checkpoint bit for bit."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from dnncli import data
from dnncli.data import Dataset
from dnncli.data.blocks.store import known
from dnncli.errors import SpecError
from dnncli.records.verification import TensorDifference, VerificationRecord
from dnncli.storage import checkpoint
from dnncli.storage.checkpoint import Checkpoint
from dnncli.training import ensemble, run, within
from dnncli.training.checkpointing import from_checkpoint, to_checkpoint
from dnncli.training.devices import Devices
from dnncli.training.run import Progress
from dnncli.training.snapshot import Snapshot
from dnncli.training.versions import differences

Tensor = Shaped[np.ndarray, "..."]


@dataclass(frozen=True)
class Repetition:
    """A stored run, its data, and the same run before its first epoch."""

    path: Path
    stored: Checkpoint
    epochs: int
    versions: Mapping[str, str]
    dataset: Dataset
    start: Snapshot

    def run(self, devices: Devices | None = None) -> Iterator[Progress]:
        """As many epochs as the stored run has, however it was stopped, on these devices."""
        one = self.start.spec.network.ensemble == 1
        training = run.run if one else ensemble.run
        return islice(training(self.start, self.dataset, devices=devices), self.epochs)

    def compare(self, again: Snapshot) -> VerificationRecord:
        """What differs between the checkpoint and what has been trained now."""
        made = to_checkpoint(again)
        # An epoch under way has none to be compared with: whole epochs are trained again.
        stored = within.left_out(self.stored.tensors)
        differing = tuple(_differing(stored, made.tensors))
        first = _first_epoch(_history(self.stored), _history(made))
        return VerificationRecord(
            checkpoint=str(self.path),
            same=not differing and first is None,
            tensors=len(stored),
            epochs=self.epochs,
            differing=differing,
            first_epoch=first,
            versions=differences(self.versions, again.devices),
        )


def load(path: Path, name: str | None) -> Repetition:
    """A stored run and its data, ready to be trained again; name: of data that have moved.

    Raises CheckpointError or DataError for files that cannot be read, SpecError for a run that its
    options alone do not give again.
    """
    stored = checkpoint.read(path)
    snapshot = from_checkpoint(stored, path)
    if snapshot.origin:
        raise SpecError(
            f"--verify {path}: it holds layers of another network, which its options do not give"
            " again.",
            option="--verify",
        )
    if not snapshot.history.epochs:
        raise SpecError(f"--verify {path}: it has no epochs to train again.", option="--verify")
    if not snapshot.data.record.validation:
        raise SpecError(
            f"--verify {path}: it was trained on all rows (--final), for epochs that folds chose.",
            option="--verify",
        )
    spec = snapshot.spec
    source = spec.data if name is None else replace(spec.data, data=name)
    dataset = data.load(source, store=known(source.memory))
    if dataset.fingerprint != snapshot.data.record.fingerprint:
        raise SpecError(
            f"--verify {path}: the data are not those it was trained on (another fingerprint).",
            option="--verify",
        )
    begin = run.start if spec.network.ensemble == 1 else ensemble.start
    epochs = snapshot.history.epoch
    return Repetition(path, stored, epochs, snapshot.versions, dataset, begin(spec, dataset))


def _history(held: Checkpoint) -> list[Any]:
    """The epochs' records as JSON has them."""
    values = held.metadata | held.records
    return list(json.loads(json.dumps(values["history"])))


def _first_epoch(stored: list[Any], again: list[Any]) -> int | None:
    """The first epoch (from 1) whose record differs."""
    pairs = enumerate(zip_longest(stored, again), 1)
    return next((epoch for epoch, (one, other) in pairs if one != other), None)


def _differing(
    stored: Mapping[str, Tensor], again: Mapping[str, Tensor]
) -> Iterator[TensorDifference]:
    """Tensors that are not the same bit for bit."""
    for name in sorted({*stored, *again}):
        if name not in stored or name not in again or stored[name].shape != again[name].shape:
            yield TensorDifference(name, None, None)
        elif stored[name].tobytes() != again[name].tobytes():
            apart = np.abs(stored[name].astype(np.float64) - again[name])
            yield TensorDifference(name, float(apart.max()), float((apart > 0).mean()))
