"""Comparing activations: every combination trained on the same seeds, splits and batches.

A generator of events: an epoch of all seeds, a finished combination, and at the end all speeds.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dnncli.data import Dataset
from dnncli.experiments import compilation_pool, statistics, train
from dnncli.experiments.comparison import seed_results, speed, state, table
from dnncli.experiments.compilation_pool import CompiledPrograms
from dnncli.records import ComparisonRecord, Seconds, Speed, TrialRecord
from dnncli.spec import RunSpec
from dnncli.spec.comparison import Combination, ComparisonSpec
from dnncli.theory import Prediction
from dnncli.training import seeds
from dnncli.training.devices import Devices
from dnncli.training.history import RunHistory
from dnncli.training.placement import block
from dnncli.training.seeds import SeedBatch
from dnncli.training.snapshot import Snapshot, summary


@dataclass(frozen=True)
class Tick:
    """One epoch of a combination's seeds, and its wall time for all of them.

    A value is None where that seed had stopped before.
    """

    name: str
    act: str
    init: str
    lr: float
    epoch: int
    val_loss: tuple[float | None, ...]
    val_accuracy: tuple[float | None, ...]
    seconds: float


@dataclass(frozen=True)
class Finished:
    """A combination at one learning rate is done; its checkpoints will hold the snapshots."""

    trial: TrialRecord
    snapshots: tuple[Snapshot, ...]
    compile_seconds: float  # of its programs, whichever combination they were compiled for


@dataclass(frozen=True)
class Timed:
    """Every combination's speed, by name."""

    speeds: dict[str, Speed]


Todo = list[tuple[Combination, RunSpec]]


def predictions(grid: ComparisonSpec, dataset: Dataset) -> dict[str, Prediction]:
    """Theory of every combination, by name. Raises SpecError where --init critical has none."""
    return {row.name: train.predict(row.runs[0], dataset) for row in grid.combinations()}


def remaining(grid: ComparisonSpec, done: Sequence[TrialRecord]) -> Todo:
    """What is still to be trained, in order: every combination at every rate that is not done."""
    known = {(trial.name, trial.lr) for trial in done}
    return [
        (row, run)
        for row in grid.combinations()
        for run in row.runs
        if (row.name, run.schedule.lr) not in known
    ]


def run(
    grid: ComparisonSpec,
    dataset: Dataset,
    done: Sequence[TrialRecord] = (),
    devices: Devices | None = None,
) -> Iterator[Tick | Finished | Timed]:
    """Train what is not `done` yet, then time every combination.

    The programs of later combinations are compiled while earlier ones train. devices: those that
    share the seeds. Raises SpecError where a critical initialisation has no solution, before
    anything trains.
    """
    todo = remaining(grid, done)
    names = [row.name for row in grid.combinations()]
    first_runs = [row.runs[0] for row in grid.combinations()]
    for spec in first_runs:
        train.chosen_variances(spec, dataset)
    train_block = block(dataset.train, devices)
    validation = block(dataset.validation, devices)
    programs = [*(spec for _, spec in todo), *first_runs]
    with compilation_pool.compiling(programs, grid.seeds, dataset, devices=devices) as pool:
        for row, spec in todo:
            untrained = seeds.start(spec, grid.seeds, dataset)
            compiled = pool.get(spec)
            began = time.perf_counter()
            batch = untrained
            for batch in seeds.run(untrained, train_block, validation, compiled.epoch):
                yield _tick(row, spec, batch)
            seconds = time.perf_counter() - began
            yield _finished(row, batch, compiled, dataset, seconds)
        blocks = (train_block, validation)
        measured = speed.speeds(first_runs, pool, grid.seeds, *blocks, dataset, devices)
    yield Timed(dict(zip(names, measured, strict=True)))


def _rate(run: RunSpec) -> float:
    assert run.schedule.lr is not None
    return run.schedule.lr


def _tick(row: Combination, run: RunSpec, batch: SeedBatch) -> Tick:
    """The event of the epoch that all seeds have just done."""
    values = [_last_values(seed, batch.epoch) for seed in batch.runs]
    return Tick(
        name=row.name,
        act=row.act,
        init=row.init,
        lr=_rate(run),
        epoch=batch.epoch,
        val_loss=tuple(loss for loss, _ in values),
        val_accuracy=tuple(accuracy for _, accuracy in values),
        seconds=batch.seconds,
    )


def _last_values(run: RunHistory, epoch: int) -> tuple[float | None, float | None]:
    """Validation loss and accuracy (or R²) of a seed after this epoch.

    None where it had stopped before or diverged in it.
    """
    if len(run.epochs) < epoch:
        return None, None
    return run.epochs[-1].val_loss, run.epochs[-1].merit


def _finished(
    row: Combination,
    batch: SeedBatch,
    compiled: CompiledPrograms,
    dataset: Dataset,
    seconds: float,
) -> Finished:
    """The event of a finished combination; `seconds` is the wall time of its training."""
    ends = seeds.snapshots(batch, summary(dataset))
    forward = compiled.forward
    assert forward is not None  # a comparison asks for it
    runs = tuple(
        seed_results.seed_record(run, end, forward, compiled.rows, dataset)
        for run, end in zip(batch.runs, ends, strict=True)
    )
    trial = TrialRecord(row.name, row.act, row.init, _rate(ends[0].spec), runs, seconds)
    return Finished(trial, ends, compiled.seconds)


def result(
    grid: ComparisonSpec,
    dataset: Dataset,
    trials: Sequence[TrialRecord],
    theory: Mapping[str, Prediction],
    speeds: Mapping[str, Speed],
    *,
    folder: Path | None = None,
    seconds: Seconds,
) -> ComparisonRecord:
    """The results table of the trials that are finished so far."""
    rows = table.rows(trials, theory, speeds)
    baseline = grid.baseline or table.choose_baseline(rows)
    names = [row.name for row in rows]
    compared = table.compared(rows, baseline)
    path = None if folder is None else str(folder)
    return ComparisonRecord(
        config=grid.config(),
        data=dataset.record(),
        rows=compared,
        baseline=_found(baseline, names),
        baseline_chosen=grid.baseline is None,
        test=statistics.TEST,
        correction="holm",
        note=table.note(compared),
        finished=not remaining(grid, trials),
        folder=path,
        seconds=seconds,
    )


def _found(baseline: str | None, names: Sequence[str]) -> str | None:
    """The baseline's name; None where its row is not finished yet."""
    return baseline if baseline in names else None


def save(finished: Finished, folder: Path) -> None:
    """Write the checkpoints of a combination's seeds, each of its best epoch."""
    trial = finished.trial
    for snapshot in finished.snapshots:
        name = state.checkpoint_name(trial.act, trial.init, trial.lr, snapshot.spec.seed)
        train.save(snapshot, folder / name)
