"""The runs of a transfer, epoch by epoch.

For each seed first the network with reused layers, then the same architecture from scratch.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dnncli.experiments.transfer.layers import reuse_layers
from dnncli.experiments.transfer.task import TRANSFER, Run, Transfer
from dnncli.spec.transfer import Layout
from dnncli.training import run as training
from dnncli.training.devices import Devices
from dnncli.training.run import Progress
from dnncli.training.snapshot import Snapshot


@dataclass(frozen=True)
class RunProgress:
    """An epoch of one of the runs."""

    run: Run
    progress: Progress


def start(task: Transfer, which: Run) -> Snapshot:
    """One of the runs before its first epoch. Raises SpecError as `begin` does."""
    layout = task.layout if which.kind == TRANSFER else task.baseline
    return begin(task, layout, which.seed)


def begin(task: Transfer, layout: Layout, seed: int) -> Snapshot:
    """A layout's run before its first epoch: with the parent's layers unless all are drawn anew.

    Raises SpecError where a critical initialisation has no solution.
    """
    fresh = training.start(replace(layout.run, seed=seed), task.dataset)
    if not layout.reuses:
        return fresh
    return reuse_layers(layout, task.parent, task.parent_record, fresh)


def run(task: Transfer, devices: Devices | None = None) -> Iterator[RunProgress]:
    """Every epoch of every run, until the network that is kept (the first run's) diverges.

    devices: those that share each batch.
    """
    for which in task.runs:
        snapshot = start(task, which)
        cache = task.spec.cache
        for progress in training.run(snapshot, task.dataset, cache=cache, devices=devices):
            yield RunProgress(which, progress)
            if which == task.runs[0] and progress.stopped == "diverged":
                return
