"""Reusing a trained network's layers on another task, and whether it helped: paired runs from scratch.

A generator of epochs: each seed's transferred network, then the same architecture from scratch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dnncli.data import Dataset
from dnncli.diagnosis import verdict
from dnncli.experiments import statistics
from dnncli.experiments.transfer import layers as surgery
from dnncli.nn import network
from dnncli.records import (
    BaselineRecord,
    Difference,
    EpochRecord,
    Health,
    ParentRecord,
    ProbeRecord,
    RunSummary,
    Score,
    Seconds,
    TransferRecord,
)
from dnncli.spec.freezing import FreezingSpec
from dnncli.spec.transfer import Layout, TransferSpec
from dnncli.training import run as runs
from dnncli.training.run import Progress
from dnncli.training.snapshot import Snapshot

TRANSFER, BASELINE = "transfer", "baseline"


@dataclass(frozen=True)
class Lane:
    """One of the runs: of the transferred network or of the baseline, with one seed."""

    kind: str
    seed: int


@dataclass(frozen=True)
class Step:
    """An epoch of one of the runs."""

    lane: Lane
    progress: Progress


@dataclass(frozen=True)
class Transfer:
    """A transfer with everything resolved: what is trained, on what, from which parent."""

    spec: TransferSpec
    layout: Layout
    parent: Snapshot
    told: ParentRecord
    dataset: Dataset
    probes: tuple[ProbeRecord, ...] = ()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The runs in their order: pair by pair, so that what is done can be compared at any time."""
        kinds = (TRANSFER, BASELINE) if self.spec.baseline else (TRANSFER,)
        first = self.layout.run.seed
        return tuple(Lane(kind, first + k) for k in range(self.spec.seeds) for kind in kinds)


Ends = Mapping[Lane, Progress]  # each run's last epoch


def start(task: Transfer, lane: Lane) -> Snapshot:
    """A run before its first epoch; raises SpecError where a critical initialisation has no solution."""
    run = replace(task.layout.run, seed=lane.seed)
    if lane.kind == BASELINE:
        return runs.start(replace(run, freezing=FreezingSpec()), task.dataset)
    return surgery.graft(task.layout, task.parent, task.told, runs.start(run, task.dataset))


def run(task: Transfer) -> Iterator[Step]:
    """Every epoch of every run; none follows where the network that is kept diverges."""
    for lane in task.lanes:
        for progress in runs.run(start(task, lane), task.dataset, cache=task.spec.cache):
            yield Step(lane, progress)
            if lane == task.lanes[0] and progress.stopped == "diverged":
                return


def result(task: Transfer, ends: Ends, *, finished: bool = True) -> TransferRecord:
    """What is known after the runs that `ends` tell of; those of a first seed that has begun."""
    first = Lane(TRANSFER, task.layout.run.seed)
    snapshot, stopped = ends[first].snapshot, ends[first].stopped
    done = {lane: end for lane, end in ends.items() if end.stopped}
    tests = {lane: runs.test_score(end.snapshot, task.dataset) for lane, end in done.items()}
    transferred = _summaries(done, tests, TRANSFER)
    layers = dict(zip(snapshot.spec.network.layers(), snapshot.parameters, strict=True))
    frozen = network.count(tuple(layers[name] for name in task.layout.frozen))
    return TransferRecord(
        config=_config(task),
        parent=task.told,
        data=task.dataset.record(),
        kept=task.layout.kept,
        frozen=task.layout.frozen,
        reinitialised=task.layout.reinitialised,
        probes=task.probes,
        parameters=network.count(snapshot.parameters),
        trained_parameters=network.count(snapshot.parameters) - frozen,
        frozen_parameters=frozen,
        epochs=_epochs(ends[first]),
        best_epoch=snapshot.best_epoch,
        stopped=stopped or "signal" if finished else "signal",
        test=tests.get(first),
        health=_health(task, ends[first]),
        seeds=transferred,
        baseline=_baseline(done, tests, replace(first, kind=BASELINE)),
        difference=_difference(done, tests),
        checkpoint=None,
        seconds=Seconds(
            total=0.0,
            compile=sum(end.compile_seconds for end in ends.values()),
            train=sum(_seconds(end) for end in ends.values()),
        ),
    )


def _config(task: Transfer) -> dict[str, object]:
    return {
        **task.layout.run.options(),
        **task.spec.config(),
        "freeze": list(task.layout.frozen),
        "checkpoint": task.told.path,
    }


def _epochs(end: Progress) -> tuple[EpochRecord, ...]:
    """The run's epochs, a last one that diverged included."""
    diverged = (end.record,) if end.stopped == "diverged" else ()
    return (*end.snapshot.history, *diverged)


def _seconds(end: Progress) -> float:
    return sum(record.seconds or 0.0 for record in _epochs(end))


def _health(task: Transfer, end: Progress) -> Health:
    crash = end.cause if end.stopped == "diverged" else None
    situation = runs.setting(task.layout.run, task.dataset)
    return verdict.judge(situation, _epochs(end)[-1].layers, (), crash)


def _summaries(done: Ends, tests: Mapping[Lane, Score], kind: str) -> tuple[RunSummary, ...]:
    return tuple(_summary(done, tests, lane) for lane in done if lane.kind == kind)


def _summary(done: Ends, tests: Mapping[Lane, Score], lane: Lane) -> RunSummary:
    end, rival = done[lane], done.get(replace(lane, kind=BASELINE))
    curve = [record.val_accuracy for record in end.snapshot.history]
    goal = max((r.val_accuracy for r in rival.snapshot.history), default=None) if rival else None
    return RunSummary(
        seed=lane.seed,
        test=tests[lane],
        best_epoch=end.snapshot.best_epoch,
        stopped=end.stopped or "",
        first_accuracy=curve[0] if curve else None,
        best_accuracy=max(curve, default=None),
        reached=_first(curve, goal),
        seconds=_seconds(end),
        val_accuracies=tuple(curve),
    )


def _first(curve: Sequence[float], goal: float | None) -> int | None:
    """The first epoch (from 1) at the goal."""
    if goal is None:
        return None
    return next((epoch for epoch, value in enumerate(curve, 1) if value >= goal), None)


def _baseline(done: Ends, tests: Mapping[Lane, Score], lane: Lane) -> BaselineRecord | None:
    if lane not in done:
        return None
    end = done[lane]
    return BaselineRecord(
        test=tests[lane],
        epochs=_epochs(end),
        best_epoch=end.snapshot.best_epoch,
        stopped=end.stopped or "",
        seeds=_summaries(done, tests, BASELINE),
    )


def _difference(done: Ends, tests: Mapping[Lane, Score]) -> Difference | None:
    """Test accuracies less the baseline's, over the seeds of which both are known and none diverged."""
    finite = [lane for lane, end in done.items() if end.stopped != "diverged"]
    rivals = [(lane, replace(lane, kind=BASELINE)) for lane in finite if lane.kind == TRANSFER]
    pairs = [
        (tests[one].accuracy, tests[other].accuracy) for one, other in rivals if other in finite
    ]
    if not pairs:
        return None
    mean, low, high, p = statistics.paired(*zip(*pairs, strict=True))
    return Difference(mean, low, high, p, len(pairs))
