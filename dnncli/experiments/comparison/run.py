"""Comparing activations: every combination trained on the same seeds, splits and batches.

A generator of events: an epoch of all seeds, a combination done, and at the end how fast each one is.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax

from dnncli.data import Dataset, Split
from dnncli.errors import CheckpointError, SpecError
from dnncli.experiments import statistics
from dnncli.experiments.comparison import programs, seed_results, table
from dnncli.experiments.comparison import state as archive
from dnncli.experiments.comparison.programs import Compiled
from dnncli.records import ComparisonRecord, Seconds, SeedRecord, Speed, TrialRecord
from dnncli.spec import RunSpec
from dnncli.spec.comparison import Combination, GridSpec
from dnncli.storage import checkpoint
from dnncli.theory import Prediction
from dnncli.training import seeds
from dnncli.training import snapshot as snapshots
from dnncli.training.engine import Block
from dnncli.training.seeds import Convoy
from dnncli.training.snapshot import Snapshot


@dataclass(frozen=True)
class Tick:
    """One epoch of a combination's seeds (None: of one that had stopped), and its wall time for all."""

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
    """A combination at one learning rate is done; the snapshots are what its checkpoints hold."""

    trial: TrialRecord
    snapshots: tuple[Snapshot, ...]
    compile_seconds: float  # of its program, wherever that was compiled


@dataclass(frozen=True)
class Timed:
    """Every combination's speed, by name."""

    speeds: dict[str, Speed]


Todo = list[tuple[Combination, RunSpec]]


def predictions(grid: GridSpec, dataset: Dataset) -> dict[str, Prediction]:
    """Theory of every combination, by name. Raises SpecError where --init critical has none."""
    return {
        row.name: seed_results.setting(row.runs[0], dataset).predict()
        for row in grid.combinations()
    }


def remaining(grid: GridSpec, done: Sequence[TrialRecord]) -> Todo:
    """What is yet to be trained, in order: every combination at every rate that is not done."""
    known = {(trial.name, trial.lr) for trial in done}
    everything = [(row, run) for row in grid.combinations() for run in row.runs]
    return [(row, run) for row, run in everything if (row.name, run.schedule.lr) not in known]


def run(
    grid: GridSpec, dataset: Dataset, done: Sequence[TrialRecord] = ()
) -> Iterator[Tick | Finished | Timed]:
    """Train what is not `done` yet, then time every combination.

    The programs of what comes later are compiled while earlier ones train. Raises SpecError where a
    critical initialisation has no solution, before anything trains.
    """
    todo, firsts = remaining(grid, done), [row.runs[0] for row in grid.combinations()]
    for _, spec in todo:
        seeds.start(spec, 1, dataset)
    train, validation = _block(dataset.train), _block(dataset.validation)
    with programs.compiling([*(run for _, run in todo), *firsts], grid.seeds, dataset) as pending:
        for row, spec in todo:
            begin = convoy = seeds.start(spec, grid.seeds, dataset)
            compiled = programs.get(pending, spec, dataset)
            began = time.perf_counter()
            for convoy in seeds.run(begin, train, validation, compiled.epoch):
                yield _tick(row, spec, convoy)
            yield _finish(row, convoy, compiled, dataset, time.perf_counter() - began)
        speeds = programs.speeds(firsts, pending, grid.seeds, train, validation, dataset)
    yield Timed({row.name: speed for row, speed in zip(grid.combinations(), speeds, strict=True)})


def _block(split: Split) -> Block:
    return Block(*jax.device_put((split.x, split.y)))


def _rate(run: RunSpec) -> float:
    assert run.schedule.lr is not None
    return run.schedule.lr


def _tick(row: Combination, run: RunSpec, convoy: Convoy) -> Tick:
    last = [
        lane.history[-1] if len(lane.history) == convoy.epoch else None for lane in convoy.lanes
    ]
    losses = tuple(record.val_loss if record else None for record in last)
    accuracies = tuple(record.val_accuracy if record else None for record in last)
    return Tick(
        row.name, row.act, row.init, _rate(run), convoy.epoch, losses, accuracies, convoy.seconds
    )


def _finish(
    row: Combination, convoy: Convoy, compiled: Compiled, dataset: Dataset, seconds: float
) -> Finished:
    ends = seeds.snapshots(convoy, snapshots.summary(dataset))
    runs = tuple(
        seed_results.seed_record(lane, end, compiled.forward, compiled.rows, dataset)
        for lane, end in zip(convoy.lanes, ends, strict=True)
    )
    trial = TrialRecord(row.name, row.act, row.init, _rate(ends[0].spec), runs, seconds)
    return Finished(trial, ends, compiled.seconds)


def result(
    grid: GridSpec,
    dataset: Dataset,
    trials: Sequence[TrialRecord],
    theory: Mapping[str, Prediction],
    speeds: Mapping[str, Speed],
    *,
    folder: Path | None = None,
    seconds: Seconds,
) -> ComparisonRecord:
    """The table of what is finished so far."""
    rows = table.rows(trials, theory, speeds)
    done = not remaining(grid, trials)
    baseline = grid.baseline or table.choose_baseline(rows)
    rows = table.compared(rows, baseline)
    return ComparisonRecord(
        config=grid.config(),
        data=dataset.record(),
        rows=rows,
        baseline=baseline if any(row.name == baseline for row in rows) else None,
        baseline_chosen=grid.baseline is None,
        test=statistics.TEST,
        correction="holm",
        note=table.note(rows),
        finished=done,
        folder=str(folder) if folder else None,
        seconds=seconds,
    )


def save(finished: Finished, folder: Path) -> None:
    """Write the checkpoints of a combination's seeds, each of its best epoch."""
    trial = finished.trial
    for snapshot in finished.snapshots:
        name = archive.name(trial.act, trial.init, trial.lr, snapshot.spec.seed)
        checkpoint.write(folder / name, snapshots.to_checkpoint(snapshot))


def save_state(
    grid: GridSpec, dataset: Dataset, trials: Sequence[TrialRecord], folder: Path
) -> None:
    """Write what `resume` goes on from."""
    state = {
        "grid": asdict(grid),
        "fingerprint": dataset.fingerprint,
        "trials": [asdict(t) for t in trials],
    }
    archive.save(folder, state)


def resume(folder: Path) -> tuple[GridSpec, str, tuple[TrialRecord, ...]]:
    """The comparison in a folder: what it is, its data's fingerprint, and what is finished.

    Raises CheckpointError where there is none.
    """
    state = archive.load(folder)
    try:
        trials = tuple(_trial(values) for values in state["trials"])
        return _grid(state["grid"]), str(state["fingerprint"]), trials
    except (KeyError, TypeError, ValueError, SpecError) as error:
        raise CheckpointError(f"--resume {folder}: its state is no comparison's: {error}") from None


def _grid(values: Mapping[str, Any]) -> GridSpec:
    return GridSpec(**_tuples(values))


def _trial(values: Mapping[str, Any]) -> TrialRecord:
    runs = tuple(SeedRecord(**_tuples(run)) for run in values["runs"])
    return TrialRecord(**{**values, "runs": runs})


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """Lists, which JSON makes of tuples, as tuples again."""
    return {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
