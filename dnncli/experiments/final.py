"""The network of `train --final`: trained on all rows, for the epochs that cross-validation found.

No row is held out from it, so that no score of its own is honest: the folds' scores are those to
expect of it. Its checkpoint says so by having no validation and test examples.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from statistics import median

from dnncli.data import Dataset
from dnncli.errors import SpecError
from dnncli.records.folds import FinalRecord, FoldsRecord
from dnncli.spec import RunSpec
from dnncli.training import run
from dnncli.training.devices import Devices
from dnncli.training.run import Progress
from dnncli.training.snapshot import Snapshot


@dataclass(frozen=True)
class Final:
    """The network on all rows, and its record."""

    snapshot: Snapshot
    record: FinalRecord


def epochs(folds: FoldsRecord) -> int | None:
    """The median of the best epochs of the folds that have one, rounded up; None: none has."""
    found = [epoch for epoch in folds.best_epochs if epoch]
    return math.ceil(median(found)) if found else None


def train(
    spec: RunSpec, dataset: Dataset, last: int, devices: Devices | None = None
) -> Iterator[Progress]:
    """Train until epoch `last` at the rates that these epochs have in the whole run.

    dataset: as `Folds.everything` gives it. devices: those that share each batch.
    """
    steady = replace(spec, stopping=replace(spec.stopping, patience=None))
    return islice(run.run(run.start(steady, dataset), dataset, devices=devices), last)


def result(progress: Progress, examples: int, chosen: Snapshot, began: float) -> Final | None:
    """The network after its last epoch; None where it diverged.

    chosen: the run whose validation examples gave the threshold and the calibration, which this
    network cannot have of its own. began: `time.perf_counter()`.
    """
    if progress.stopped == "diverged":
        return None
    own = progress.snapshot
    count = own.history.epoch
    history = replace(own.history, best_epoch=count, stopped="epochs")
    data = replace(own.data, record=replace(own.data.record, validation=0, test=0))
    snapshot = replace(
        own,
        history=history,
        network=own.state.network,
        data=data,
        threshold=chosen.threshold,
        calibration=chosen.calibration,
    )
    seconds = time.perf_counter() - began
    return Final(snapshot, FinalRecord(count, examples, progress.record.train_loss, seconds))


def check_held_out(snapshot: Snapshot, path: str, option: str) -> None:
    """Raise SpecError, naming an option, for a network from which no row is held out."""
    if not snapshot.data.held_out:
        raise SpecError(
            f"{option}: {path} was trained on all rows (--final), so none of them can test it or"
            " validate; its scores are those of the folds. Give other rows with --data.",
            option=option,
        )
