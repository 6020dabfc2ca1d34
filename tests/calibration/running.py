"""Runs of `dnncli train`, many in one process: what they reach, and what their diagnosis is given.

A process for each run would spend most of its time on importing JAX, reading the same table again
and compiling the same programs. Here a table is read once, and programs are kept: a run of 40
epochs takes a quarter of a second once its program is there. Rules are pure functions of what is
measured, so what they are given is kept, and they can be changed without training anything again.
"""

import gc
import os
import pickle
from contextlib import chdir
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock

import click
import jax
from calibration.cases import Options, Run
from calibration.tables import Recipe, write

from dnncli import data
from dnncli.cli import options as cli_options
from dnncli.cli.commands.train import command
from dnncli.data import Dataset
from dnncli.diagnosis.verdict import diagnose
from dnncli.errors import DnncliError, ExitCode
from dnncli.experiments import evidence
from dnncli.experiments import train as experiment
from dnncli.records import Health
from dnncli.spec import DataSpec, RunSpec, from_options
from dnncli.training import compilation_cache, phases, placement
from dnncli.training import run as training
from dnncli.training.history import advance
from dnncli.training.snapshot import Snapshot

NOT_SPEC = (
    *("out", "plot", "tensorboard", "save_config", "overwrite", "resume", "fail_on", "stop_on"),
    *("format_", "json_file", "all_layers", "quiet", "config", "help", "folds", "final"),
    *("verify", "keep", "save_every", "devices", "distributed", "coordinator", "processes"),
    *("process", "timeout"),
)
MAPPED = Path("/proc/self/maps")
MOST_MAPPED = 32_000


@dataclass(frozen=True)
class Measured:
    """How a run ended: exit code, test accuracy (0 where nothing finite is left), what was wrong.

    situation: what `diagnose` was given; None where only the accuracy was asked for.
    """

    code: int
    accuracy: float = 0.0
    error: str = ""
    situation: tuple[Any, ...] | None = None


def arguments(options: Options, seed: int) -> list[str]:
    """Options of `dnncli train`, on train.csv and test.csv.

    Faults and controls are made of the plain preset's options, whatever is the default of tables.
    """
    line = ["--data", "train.csv", "--test", "test.csv", "--seed", str(seed), "--preset", "plain"]
    for name, value in options.items():
        line.append(f"--{name}")
        if value:
            line.append(value)
    return line


def spec_of(run: Run, seed: int) -> RunSpec:
    """The run that a command line describes. Raises SpecError or click.UsageError."""
    line = arguments(dict(run.options), seed)
    context = command.make_context("train", line, auto_envvar_prefix="DNNCLI_TRAIN")
    given = {name: value for name, value in context.params.items() if name not in NOT_SPEC}
    return from_options(cli_options.run_options(given))


def relieve() -> None:
    """Drop compiled programs where there are many.

    Each is mapped in dozens of pieces; where a process has 65,530, Linux gives no more and LLVM
    ends it.
    """
    if MAPPED.exists() and MAPPED.read_bytes().count(b"\n") > MOST_MAPPED:
        jax.clear_caches()
        gc.collect()


def measure(run: Run, seed: int, judged: bool, folder: Path) -> Measured:
    """Train; `judged`: measure also what a diagnosis is given. Tables are kept in the folder."""
    relieve()
    try:
        spec = spec_of(run, seed)
        dataset = dataset_of(run.recipe, spec.data, folder)
        return _trained(spec, dataset, judged)
    except click.UsageError as error:
        return Measured(ExitCode.USAGE, error=error.format_message())
    except DnncliError as error:
        return Measured(error.exit_code, error=str(error))


@lru_cache(maxsize=64)
def dataset_of(recipe: Recipe, spec: DataSpec, folder: Path) -> Dataset:
    """The recipe's table as `train` loads it."""
    place = folder / "tables" / recipe.digest
    place.mkdir(parents=True, exist_ok=True)
    write(recipe, place)
    with chdir(place):
        return data.load(spec)


def _trained(spec: RunSpec, dataset: Dataset, judged: bool) -> Measured:
    snapshot = training.start(spec, dataset)
    if not judged:
        return _reached(snapshot, dataset)
    progress = None
    for progress in training.run(snapshot, dataset):
        snapshot = progress.snapshot
    assert progress is not None
    code = ExitCode.DIVERGED if progress.stopped == "diverged" else ExitCode.DONE
    with mock.patch.object(evidence, "diagnose", wraps=diagnose) as asked:
        record = experiment.result(snapshot, progress, dataset)
    assert record.test is not None
    return Measured(code, record.test.accuracy, situation=asked.call_args.args)


def validated(run: Run, seed: int, folder: Path) -> float:
    """The best epoch's validation accuracy; 0 where nothing finite is left or it cannot be run."""
    try:
        spec = spec_of(run, seed)
        dataset = dataset_of(run.recipe, spec.data, folder)
        _, snapshot = _to_the_end(training.start(spec, dataset), dataset)
    except (click.UsageError, DnncliError):
        return 0.0
    history = snapshot.history
    return history.epochs[history.best_epoch - 1].merit if history.best_epoch else 0.0


def _reached(snapshot: Snapshot, dataset: Dataset) -> Measured:
    """What a run reaches, without anything else."""
    code, last = _to_the_end(snapshot, dataset)
    return Measured(code, training.test_score(last, dataset).accuracy)


def _to_the_end(snapshot: Snapshot, dataset: Dataset) -> tuple[ExitCode, Snapshot]:
    """As `training.run`, without explaining a divergence: that compiles a program of its own."""
    blocks = (placement.block(dataset.train), placement.block(dataset.validation))
    phase = phases.compiled(phases.begin(snapshot, *blocks, 0), snapshot.state)
    for epoch in range(snapshot.spec.schedule.epochs):
        after, outcome = phase.step(snapshot.state, epoch)
        if not outcome.finite:
            return ExitCode.DIVERGED, snapshot
        snapshot = snapshot.after(after, advance(snapshot.history, outcome.record))
        if snapshot.history.stopped:
            break
    return ExitCode.DONE, snapshot


def judge(measured: Measured) -> Health | None:
    """The verdict of `train`; None where the loss's curvature is wanted and was not measured.

    As `train` does, curvature is looked at only where a first verdict is about the rate.
    """
    assert measured.situation is not None
    *others, known = measured.situation
    if known.sharpness is None:
        found = diagnose(*others, known)
        return None if _wants_curvature(found, others[0].run) else found
    found = diagnose(*others, replace(known, sharpness=None, initial_loss=None))
    return diagnose(*others, known) if _wants_curvature(found, others[0].run) else found


def _wants_curvature(found: Health, run: RunSpec) -> bool:
    about_rate = found.verdict in evidence.ABOUT_RATE
    return about_rate and run.update.optimizer in evidence.BY_CURVATURE


def keep(measured: Measured, place: Path) -> None:
    """Write it; whole or not at all."""
    partial = place.with_suffix(f".{os.getpid()}")
    partial.write_bytes(pickle.dumps(measured))
    partial.replace(place)


def kept(place: Path) -> Measured:
    """What was written."""
    measured = pickle.loads(place.read_bytes())
    assert isinstance(measured, Measured)
    return measured


def begin() -> None:
    """Keep compiled programs on disk, as `dnncli` does."""
    compilation_cache.enable()
