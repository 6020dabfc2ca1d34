"""What `train` makes of a run: its result, its checkpoint, and how a stored run continues."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dnncli import data, theory
from dnncli.data import Dataset
from dnncli.data.blocks.store import Watch, known
from dnncli.errors import SpecError
from dnncli.experiments import alignment, evidence, final
from dnncli.experiments.metrics import classification, regression, temperature, threshold
from dnncli.experiments.metrics.held_out import headline, with_metrics
from dnncli.records import Finding, Health, Seconds, TrainRecord
from dnncli.records.diagnosis import Outcome, RegressionOutcome
from dnncli.spec import RunSpec, catalog, option
from dnncli.spec.run import UNSAID
from dnncli.stages import stage
from dnncli.storage import checkpoint
from dnncli.theory import Prediction
from dnncli.training import ensemble, regression_outcome, run
from dnncli.training.checkpointing import from_checkpoint, to_checkpoint
from dnncli.training.outcome import Measured, measure
from dnncli.training.run import Progress, network_context
from dnncli.training.snapshot import Snapshot

Pairs = tuple[tuple[float, float], ...]
RESUMABLE = ("data", "epochs", "patience", "min_delta")  # what a resumed run may be given anew


def predict(spec: RunSpec, dataset: Dataset) -> Prediction:
    """Theory of the untrained network. Raises SpecError where --init critical has no solution."""
    with stage(f"theory of {len(spec.network.layers())} layers"):
        return network_context(spec, dataset).predict()


def chosen_variances(spec: RunSpec, dataset: Dataset) -> str | None:
    """A line about the variances of a critical initialisation; None for other initialisers."""
    if not spec.network.init.startswith("critical"):
        return None
    with stage(f"critical variances of {len(spec.network.layers())} layers"):
        return theory.critical(spec.network, dataset.train.second_moment).description


def trained(spec: RunSpec, dataset: Dataset) -> tuple[Snapshot, Progress | None]:
    """Train to the end without a word: the run that was decided on, and its last progress.

    Raises SpecError for a run that these data do not allow.
    """
    temperature.check(spec, dataset)
    threshold.check(spec, dataset)
    kind = ensemble if spec.network.ensemble > 1 else run
    snapshot = kind.start(spec, dataset)
    progress = None
    for progress in kind.run(snapshot, dataset):
        snapshot = progress.snapshot
    return decided(snapshot, dataset), progress


def decided(snapshot: Snapshot, dataset: Dataset) -> Snapshot:
    """The run with what was asked for besides: the calibration, and by it the threshold.

    Both go by the validation examples.
    """
    with stage("deciding by the validation examples"):
        found = replace(snapshot, calibration=temperature.calibrate(snapshot, dataset))
        return replace(found, threshold=threshold.decide(found, dataset))


def save(snapshot: Snapshot, path: Path, keep: int = 1) -> None:
    """Write the run's checkpoint; keep: how many there are then, with those before it.

    Raises CheckpointError where that fails.
    """
    if keep > 1:
        checkpoint.keep(path, keep - 1)
    checkpoint.write(path, to_checkpoint(snapshot))


def result(
    snapshot: Snapshot,
    progress: Progress | None,
    dataset: Dataset,
    *,
    interrupted: bool = False,
    cut: bool = False,
    checkpoint_path: str | None = None,
    began: float | None = None,
) -> TrainRecord:
    """The record of a run that has ended.

    progress: the last one, None where the run was interrupted during its first epoch.
    interrupted, cut: whether it ended before its epochs were over; of one that was only cut, what
    its network makes of the examples is measured all the same.
    checkpoint_path: where it was saved; began: `time.perf_counter()` when the command began.
    """
    stopped = "signal" if interrupted or cut else _stopped(progress)
    epochs = snapshot.history.epochs
    if progress and stopped == "diverged":
        epochs = (*epochs, progress.record)
    measured = Measured() if interrupted else _measured(snapshot, dataset)
    # Theory is of untrained networks, which one with another network's layers is not.
    prediction = None if snapshot.origin else predict(snapshot.spec, dataset)
    compiled = progress.compile_seconds if progress else 0.0
    trained = sum(record.seconds or 0.0 for record in epochs)
    return TrainRecord(
        config=snapshot.spec.options(),
        data=snapshot.data.record,
        parameters=snapshot.parameters,
        epochs=epochs,
        initial=snapshot.history.initial,
        best_epoch=snapshot.history.best_epoch,
        stopped=stopped,
        test=with_metrics(measured, snapshot, dataset),
        predictions=_predictions(measured, dataset),
        health=_health(snapshot, progress, stopped, dataset, measured.outcome),
        prediction=prediction,
        checkpoint=checkpoint_path,
        seconds=Seconds(total=elapsed(began), compile=compiled, train=trained),
        headline=headline(dataset),
        positive=classification.positive(dataset.class_names),
        threshold=snapshot.threshold,
        calibration=snapshot.calibration,
    )


def _measured(snapshot: Snapshot, dataset: Dataset) -> Measured:
    """The test score, and what the best epoch's network makes of every example."""
    with stage("measuring the trained network"):
        if dataset.quantities is None:
            return measure(snapshot, dataset)
        return regression_outcome.measure(snapshot, dataset)


def _predictions(measured: Measured, dataset: Dataset) -> Pairs:
    """Some of a regression's predictions, to be drawn."""
    if measured.outputs is None or dataset.quantities is None:
        return ()
    return regression.sample_of_predictions(measured.outputs, dataset.test, dataset.quantities)


def elapsed(began: float | None) -> float:
    """Seconds since `began`; 0 where nobody counts."""
    return 0.0 if began is None else time.perf_counter() - began


def _stopped(progress: Progress | None) -> str:
    """Why a run that nobody interrupted has ended."""
    stopped = progress.stopped if progress else None
    return stopped or "epochs"


def health_of_layers(snapshot: Snapshot, progress: Progress | None, dataset: Dataset) -> Health:
    """The verdict on a run by its layers alone, without what its network makes of the examples."""
    return _health(snapshot, progress, _stopped(progress), dataset, None)


def _health(
    snapshot: Snapshot,
    progress: Progress | None,
    stopped: str,
    dataset: Dataset,
    outcome: Outcome | RegressionOutcome | None,
) -> Health:
    """The verdict on the last finite epoch, or on the first one where that diverged."""
    crash = progress.cause if progress and stopped == "diverged" else None
    if snapshot.history.epochs:
        layers = snapshot.history.epochs[-1].layers
    elif progress and stopped == "diverged":
        layers = progress.record.layers
    else:
        return Health("unknown")
    health = evidence.health(snapshot, stopped, dataset, layers, crash, outcome)
    if progress and progress.cause and stopped == "condition":
        return _led_by(progress.cause, health)
    return health


def _led_by(cause: Finding, health: Health) -> Health:
    """The health with the condition that ended the run first, as it was met in its first step."""
    others = tuple(finding for finding in health.findings if finding.rule != cause.rule)
    return Health(cause.rule, (cause, *others), health.learned, health.notes)


def resume(
    path: Path, options: Mapping[str, Any], watch: Watch | None = None
) -> tuple[Snapshot, Dataset]:
    """A stored run and its data, ready to train on, with the options given anew.

    watch: told of examples that are encoded on the disk.
    Raises CheckpointError or DataError for files that cannot be read, SpecError for options that a
    resumed run must keep, for other data, and for a run that has done all its epochs.
    """
    stored = from_checkpoint(checkpoint.read(path), path)
    if stored.spec.network.ensemble > 1:
        raise SpecError(
            f"--resume {path}: an ensemble's networks cannot be trained on; train it anew.",
            option="--resume",
        )
    final.check_held_out(stored, str(path), "--resume")
    _check_kept(stored.spec.options(), options)
    changes = {name: options[name] for name in RESUMABLE if name in options}
    # Unscaled: the network's own scaling is applied, which may come from another network's data.
    name = changes.pop("data", stored.spec.data.data)
    task = alignment.task(stored.data)
    source = replace(stored.spec.data, data=name, scale="none", task=task)
    store = known(source.memory, watch)
    loaded = data.load(source, stored.data.encoding, numbers=stored.data.numbers, store=store)
    snapshot = resumed(stored, loaded, **changes)
    dataset = alignment.align(loaded, stored.data)
    if snapshot.history.epoch >= snapshot.spec.schedule.epochs:
        raise SpecError(
            f"--resume {path}: it has done {snapshot.history.epoch} epochs already;"
            " give --epochs a larger number.",
            option="--resume",
        )
    return snapshot, dataset


def _check_kept(own: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Raise SpecError for an option that differs from the run's own and cannot be given anew."""
    own = {**UNSAID, **own}
    for name in sorted(set(options) - set(RESUMABLE)):
        if _as_stored(name, options[name], own) != own.get(name):
            allowed = ", ".join(map(option, RESUMABLE))
            raise SpecError(
                f"{option(name)}: a resumed run keeps its own; --resume goes with {allowed}.",
                option=option(name),
            )


def _as_stored(name: str, value: Any, own: Mapping[str, Any]) -> Any:
    """An option's value as a run stores it: resolved, and with lists for tuples."""
    if name in ("task", "loss") and value == "auto":
        return own[name]
    if name == "init" and value == "auto":
        return catalog.ACTIVATIONS[own["act"]].init
    return list(value) if isinstance(value, tuple) else value


def resumed(snapshot: Snapshot, dataset: Dataset, **changes: Any) -> Snapshot:
    """A stored run with other epochs, patience or min_delta.

    Raises SpecError where the data are not those it was trained on.
    """
    if dataset.fingerprint != snapshot.data.record.fingerprint:
        raise SpecError(
            "--resume: the data are not those of the checkpoint (another fingerprint).",
            option="--resume",
        )
    schedule = snapshot.spec.schedule
    if "epochs" in changes:
        schedule = replace(schedule, epochs=changes["epochs"])
    limits = {name: changes[name] for name in ("patience", "min_delta") if name in changes}
    stopping = replace(snapshot.spec.stopping, **limits)
    spec = replace(snapshot.spec, schedule=schedule, stopping=stopping)
    # Until it has ended, a run that goes on has no calibration: its best network may be another.
    return replace(snapshot, history=replace(snapshot.history, spec=spec), calibration=None)
