"""Trained networks from files, with data that are scaled, encoded and labelled for them.

A file is one of dnncli's checkpoints, or an external model: an ONNX file, or one whose activation
--act gives.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from dnncli import data, interop
from dnncli.data import Dataset
from dnncli.data.blocks.store import known
from dnncli.errors import SpecError
from dnncli.experiments import alignment, final
from dnncli.experiments.transfer import layers
from dnncli.interop import Model
from dnncli.nn import optimizers
from dnncli.nn.network import TrainState
from dnncli.records import ParentRecord
from dnncli.spec import DataSpec, RunSpec
from dnncli.spec import transfer as transfer_spec
from dnncli.storage import checkpoint, pickled, tensorfile
from dnncli.training import checkpointing
from dnncli.training.history import RunHistory
from dnncli.training.snapshot import DataSummary, Snapshot


def load(path: Path, act: str | None, alpha: float | None) -> Snapshot | Model:
    """Read the run in a checkpoint, or an external model: an ONNX file, or one given with `act`.

    Raises CheckpointError for a file that cannot be read, SpecError where `act` is missing or
    `alpha` has no use.
    """
    pickled.refuse(path)
    if act is not None or interop.knows_its_activation(path):
        return interop.read(path, act, alpha)
    return load_checkpoint(path, alpha)


def load_checkpoint(path: Path, alpha: float | None = None, *, salvage: bool = False) -> Snapshot:
    """Read the run in a checkpoint; salvage: of a damaged one at least the network.

    Raises CheckpointError for a file that cannot be read, SpecError for an external model.
    """
    if alpha is not None:
        raise SpecError(
            f"--alpha {alpha:g}: it belongs to --act, for a model from PyTorch or Keras; a"
            " checkpoint knows its own.",
            option="--alpha",
        )
    pickled.refuse(path)
    if interop.knows_its_activation(path):
        raise SpecError(
            f"{path} is an ONNX file, which inspect, eval and transfer take; give a checkpoint."
        )
    if tensorfile.elsewhere(path):
        raise SpecError(
            f"--act: {path} was not written by dnncli; for a model from PyTorch or Keras say"
            " which activation it was trained with, as in --act relu.",
            option="--act",
        )
    return checkpointing.from_checkpoint(checkpoint.read(path, salvage=salvage), path)


def for_evaluation(
    path: Path,
    options: Mapping[str, Any],
    act: str | None,
    alpha: float | None,
    *,
    salvage: bool = False,
) -> tuple[Snapshot, Dataset]:
    """A trained network and the data to measure it on, prepared as the network's inputs were.

    options: `data`, `label_strip`, `header`; None stands for what the network was trained on.
    Raises CheckpointError, DataError or SpecError where file, data and options do not fit.
    """
    if act or interop.knows_its_activation(path):
        given = {name: value for name, value in options.items() if value is not None}
        snapshot, dataset, _ = for_new_task(path, given, act, alpha)
        _check_classes(snapshot, dataset, path)
        return snapshot, dataset
    snapshot = load_checkpoint(path, alpha, salvage=salvage)
    return snapshot, _known_data(snapshot, str(path), options)


def _check_classes(snapshot: Snapshot, dataset: Dataset, path: Path) -> None:
    """Raise SpecError for data of another number of classes than an external model has outputs."""
    outputs = snapshot.data.record.classes
    if dataset.classes != outputs:
        raise SpecError(
            f"--data: {dataset.name} has {dataset.classes} classes, but {path} has {outputs}"
            " outputs: only data of the network's own classes measure it.",
            option="--data",
        )


def _known_data(snapshot: Snapshot, path: str, options: Mapping[str, Any]) -> Dataset:
    """The data a network was trained on, or other data of which every row counts."""
    name = options.get("data")
    if name is None:
        final.check_held_out(snapshot, path, "--data")
    trained_on = snapshot.spec.data
    strip = options.get("label_strip") or trained_on.label_strip
    source = replace(trained_on, scale="none", label_strip=strip)
    if name:
        # Tables of validation and test rows belong to the training data and not to others.
        test = None if isinstance(source.test, str) else source.test
        validation = None if isinstance(source.validation, str) else source.validation
        source = replace(source, data=name, validation=validation, test=test)
        source = replace(source, header=options.get("header"))
    source = replace(source, task=alignment.task(snapshot.data))
    about = snapshot.data
    store = None if name else known(source.memory)
    raw = data.load(source, about.encoding, whole=bool(name), numbers=about.numbers, store=store)
    return alignment.align(raw, snapshot.data)


def for_new_task(
    path: Path, options: Mapping[str, Any], act: str | None, alpha: float | None
) -> tuple[Snapshot, Dataset, ParentRecord]:
    """A trained network and the data of a new task, scaled and encoded as its inputs were.

    options: the run options that were given. The classes may be others than the network's.
    An external model has no data and mostly no scaling of its own: it takes those of the new task.
    """
    loaded = load(path, act, alpha)
    if isinstance(loaded, Model):
        source = external_data(path, options)
        dataset = _scaled_for(loaded, source)
        _refuse_numbers(dataset, f"{path} is a model from elsewhere, whose outputs are classes")
        parent = external_snapshot(loaded, source, dataset)
        record = layers.parent_record(str(path), loaded.sha256, parent, external=True)
        return parent, dataset, record
    if loaded.spec.network.ensemble > 1:
        raise SpecError(
            f"{path} is an ensemble of {loaded.spec.network.ensemble} networks, and layers are"
            " those of one: train one without --ensemble."
        )
    if "data" not in options:
        final.check_held_out(loaded, str(path), "--data")
    source = transfer_spec.data_spec(loaded.spec.data, options, loaded.data.scaling.kind)
    raw = data.load(replace(source, scale="none"), loaded.data.encoding, relabel=True)
    record = layers.parent_record(str(path), tensorfile.sha256(path), loaded)
    return loaded, alignment.for_new_task(raw, loaded.data), record


def _scaled_for(model: Model, source: DataSpec) -> Dataset:
    """Data for an external model, scaled as it scales its inputs, or else as the data say."""
    if model.scaling is None:
        return data.load(source)
    raw = data.load(replace(source, scale="none"))
    _check_features(model, source, raw)
    return alignment.scaled_by(raw, model.scaling)


def _check_features(model: Model, source: DataSpec, dataset: Dataset) -> None:
    """Raise SpecError for data of another number of features than the model takes."""
    if dataset.features != model.features:
        raise SpecError(
            f"--data {source.data}: it has {dataset.features} features,"
            f" but the network takes {model.features}.",
            option="--data",
        )


def _refuse_numbers(dataset: Dataset, why: str) -> None:
    """Raise SpecError for data whose target is a number."""
    if dataset.quantities is not None:
        names = ", ".join(dataset.quantities.names)
        raise SpecError(
            f"--task: {names} is a number to predict, and {why}; choose another --target, or give"
            " --task classification.",
            option="--task",
        )


def external_data(path: Path, options: Mapping[str, Any]) -> DataSpec:
    """The data given for an external model. Raises SpecError where none are given."""
    if options.get("data") is None:
        raise SpecError(
            f"--data: {path} does not say what it was trained on; give the data.", option="--data"
        )
    names = [field.name for field in fields(DataSpec)]
    return DataSpec(**{name: options[name] for name in names if name in options})


def external_snapshot(model: Model, source: DataSpec, dataset: Dataset) -> Snapshot:
    """An external model as a run without history, whose scaling is the dataset's.

    Raises SpecError where the model takes another number of features.
    """
    _check_features(model, source, dataset)
    spec = RunSpec(data=source, network=model.spec)
    names = dataset.class_names
    if len(names) != model.classes:
        names = tuple(f"output {index + 1}" for index in range(model.classes))
    summary = DataSummary(replace(dataset.record(), classes=model.classes), names, dataset.scaling)
    rule = optimizers.build(spec.update)
    optimizer = optimizers.initial_state(rule, model.network.parameters)
    step: Any = np.zeros((), np.int32)
    state = TrainState(model.network, optimizer, step)
    return Snapshot(RunHistory(spec), model.network, state, summary)
