"""A checkpoint's run told anew: its history, and what its data say of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from dnncli import data
from dnncli.data import Dataset
from dnncli.data.blocks.store import known
from dnncli.data.description import counted
from dnncli.data.quantities import summaries
from dnncli.data.tables.encoding import Column
from dnncli.errors import SpecError
from dnncli.experiments import alignment, evaluate, models, train
from dnncli.records import ClassCount, Health, Seconds, TargetRecord
from dnncli.records.story import ColumnStory, Known, RunStory
from dnncli.records.training import TrainRecord
from dnncli.storage import checkpoint, files, tensorfile
from dnncli.training import early_stopping, run
from dnncli.training.run import Progress
from dnncli.training.snapshot import Snapshot

SPLITS = ("validation", "test")


def tell(
    path: Path, place: str | None = None, *, read_data: bool = True, importance: bool = False
) -> RunStory:
    """What a checkpoint holds and, unless `read_data` is false, what its data say of it.

    place: where the training data are now; None: where they were. importance: every column's.
    Raises CheckpointError or DataError for files that cannot be read, SpecError for other data.
    """
    snapshot = models.load_checkpoint(path)
    encoding = snapshot.data.encoding
    columns = map(_column, encoding.columns) if encoding else ()
    story = RunStory(
        run=_stored(snapshot, str(path)),
        steps=snapshot.steps,
        columns=tuple(columns),
        scaling=snapshot.data.scaling.kind,
        origin=snapshot.origin,
        versions=checkpoint.read(path).metadata.get("versions", {}),
        sha256=tensorfile.sha256(path),
    )
    if not read_data:
        return story
    dataset = _training_data(snapshot, place)
    scored = evaluate.evaluate(snapshot, dataset, SPLITS, str(path), importance=importance)
    known = Known(
        splits=scored.splits,
        classes=_class_counts(dataset),
        targets=_targets(dataset),
        notices=dataset.notices,
    )
    return replace(story, run=_judged(snapshot, dataset, str(path)), known=known)


def _stored(snapshot: Snapshot, path: str) -> TrainRecord:
    """The run without what only its data can tell."""
    return TrainRecord(
        config=snapshot.spec.options(),
        data=snapshot.data.record,
        parameters=snapshot.parameters,
        epochs=snapshot.history.epochs,
        initial=snapshot.history.initial,
        best_epoch=snapshot.history.best_epoch,
        stopped=_stopped(snapshot),
        test=None,
        health=Health("unknown"),
        prediction=None,
        checkpoint=path,
        seconds=Seconds(total=0.0, compile=0.0, train=0.0),
        threshold=snapshot.threshold,
        calibration=snapshot.calibration,
    )


def _judged(snapshot: Snapshot, dataset: Dataset, path: str) -> TrainRecord:
    """The run with its test score, its diagnosis and theory."""
    stopped = _stopped(snapshot)
    progress = _crash(snapshot, dataset) if stopped == "diverged" else None
    record = train.result(snapshot, progress, dataset, checkpoint_path=path)
    return replace(record, stopped=stopped)


def _stopped(snapshot: Snapshot) -> str:
    """Why the run ended, which a checkpoint does not say: it follows from the rest."""
    history = snapshot.history
    if snapshot.steps:
        # Steps of an epoch that has no record: it was never finished.
        return "diverged" if snapshot.steps[-1].epoch > history.epoch else "condition"
    return early_stopping.reason(snapshot.spec, history.epoch, history.best_epoch) or "signal"


def _crash(snapshot: Snapshot, dataset: Dataset) -> Progress:
    """The epoch in which the run broke, trained once more: it breaks as it did."""
    return next(run.run(snapshot, dataset))


def _column(column: Column) -> ColumnStory:
    """A column as people are told of it."""
    median = None if column.categorical else column.median
    return ColumnStory(
        name=column.name,
        kind=column.kind,
        levels=column.levels,
        median=median,
        missing=column.missing,
        features=len(column.features),
        effects_on=column.outputs,
    )


def _training_data(snapshot: Snapshot, place: str | None) -> Dataset:
    """What the network was trained on. Raises SpecError for other data."""
    source = replace(
        snapshot.spec.data,
        data=place or snapshot.spec.data.data,
        scale="none",
        task=alignment.task(snapshot.data),
    )
    store = known(source.memory)
    about = snapshot.data
    loaded = data.load(source, about.encoding, numbers=about.numbers, store=store)
    if loaded.fingerprint != snapshot.data.record.fingerprint:
        raise SpecError(
            f"--data {files.shown(Path(source.data))}: not the data that the network was trained on"
            " (another fingerprint); say where those are, or give --no-data.",
            option="--data",
        )
    return alignment.align(loaded, snapshot.data)


def _class_counts(dataset: Dataset) -> tuple[ClassCount, ...]:
    """How many training examples each class has; nothing for a regression."""
    if dataset.quantities is not None:
        return ()
    counts = np.bincount(dataset.train.y, minlength=dataset.classes)
    return counted(dataset.class_names, counts)


def _targets(dataset: Dataset) -> tuple[TargetRecord, ...]:
    """A regression's targets in the training examples."""
    if dataset.quantities is None:
        return ()
    return summaries(dataset.quantities.names, dataset.quantities.restore(dataset.train.y))
