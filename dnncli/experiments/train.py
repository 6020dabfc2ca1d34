"""What `train` makes of a run: its result, its checkpoint, and how a stored one goes on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from dnncli import theory
from dnncli.data import Dataset
from dnncli.diagnosis import verdict
from dnncli.errors import SpecError
from dnncli.nn import network
from dnncli.records import Health, Seconds, TrainRecord
from dnncli.spec import RunSpec
from dnncli.storage import checkpoint
from dnncli.theory import Prediction
from dnncli.training.run import Progress, run, setting, start, test_score
from dnncli.training.snapshot import Snapshot, to_checkpoint

__all__ = [
    "Progress",
    "chosen_variances",
    "predict",
    "result",
    "resumed",
    "run",
    "save",
    "setting",
    "start",
]


def predict(spec: RunSpec, dataset: Dataset) -> Prediction:
    """Theory of the run's untrained network; raises SpecError where --init critical has no solution."""
    return setting(spec, dataset).predict()


def chosen_variances(spec: RunSpec, dataset: Dataset) -> str | None:
    """What a critical initialisation chose, in a line; None for another initialiser."""
    if not spec.network.init.startswith("critical"):
        return None
    return theory.critical(spec.network, dataset.train.second_moment).description


def save(snapshot: Snapshot, path: Path) -> None:
    """Write the run's checkpoint; raises CheckpointError where that fails."""
    checkpoint.write(path, to_checkpoint(snapshot))


def result(
    snapshot: Snapshot, progress: Progress | None, dataset: Dataset, *, interrupted: bool = False
) -> TrainRecord:
    """The run's record after its last progress (None: interrupted before the first epoch ended)."""
    stopped = "signal" if interrupted else progress.stopped if progress else None
    cause = progress.cause if progress else None
    diverged = (progress.record,) if progress and stopped == "diverged" else ()
    history = (*snapshot.history, *diverged)
    shown = snapshot.history[-1:] or history
    crash = cause if diverged else None
    judged = setting(snapshot.spec, dataset)
    health = (
        verdict.judge(judged, shown[-1].layers, snapshot.initial, crash)
        if shown
        else Health("unknown")
    )
    if stopped == "condition" and cause:  # the same finding, with the step that first earned it
        rest = tuple(finding for finding in health.findings if finding.rule != cause.rule)
        health = Health(cause.rule, (cause, *rest))
    return TrainRecord(
        config=snapshot.spec.options(),
        data=snapshot.data.record,
        parameters=network.count(snapshot.parameters),
        epochs=history,
        initial=snapshot.initial,
        best_epoch=snapshot.best_epoch,
        stopped=stopped or "epochs",
        test=None if interrupted else test_score(snapshot, dataset),
        health=health,
        prediction=None if snapshot.origin else judged.predict(),
        checkpoint=None,
        seconds=Seconds(
            total=0.0,
            compile=progress.compile_seconds if progress else 0.0,
            train=sum(record.seconds or 0.0 for record in history),
        ),
    )


def resumed(snapshot: Snapshot, dataset: Dataset, **changes: Any) -> Snapshot:
    """A stored run made ready to go on, with more epochs or another patience.

    Raises SpecError where the data are not those it was trained on.
    """
    if dataset.fingerprint != snapshot.data.record.fingerprint:
        raise SpecError("--resume: the data are not those of the checkpoint (another fingerprint).")
    schedule = replace(
        snapshot.spec.schedule, epochs=changes.get("epochs", snapshot.spec.schedule.epochs)
    )
    until = replace(
        snapshot.spec.stopping,
        **{k: v for k, v in changes.items() if k in ("patience", "min_delta")},
    )
    return replace(snapshot, spec=replace(snapshot.spec, schedule=schedule, stopping=until))
