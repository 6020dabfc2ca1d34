"""The runs of a transfer, epoch by epoch.

For each seed first the network with reused layers, then the same architecture from scratch.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dnncli.experiments.transfer.layers import reuse_layers
from dnncli.experiments.transfer.task import BASELINE, Run, Transfer
from dnncli.spec.freezing import FreezingSpec
from dnncli.training import run as training
from dnncli.training.run import Progress
from dnncli.training.snapshot import Snapshot


@dataclass(frozen=True)
class RunProgress:
    """An epoch of one of the runs."""

    run: Run
    progress: Progress


def start(task: Transfer, which: Run) -> Snapshot:
    """A run before its first epoch.

    Raises SpecError where a critical initialisation has no solution.
    """
    spec = replace(task.layout.run, seed=which.seed)
    if which.kind == BASELINE:
        return training.start(replace(spec, freezing=FreezingSpec()), task.dataset)
    fresh = training.start(spec, task.dataset)
    return reuse_layers(task.layout, task.parent, task.parent_record, fresh)


def run(task: Transfer) -> Iterator[RunProgress]:
    """Every epoch of every run, until the network that is kept (the first run's) diverges."""
    for which in task.runs:
        for progress in training.run(start(task, which), task.dataset, cache=task.spec.cache):
            yield RunProgress(which, progress)
            if which == task.runs[0] and progress.stopped == "diverged":
                return
