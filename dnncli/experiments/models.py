"""Trained networks from files: checkpoints of our own, and models from elsewhere where --act says so."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from dnncli import data, interop
from dnncli.data import Dataset
from dnncli.errors import SpecError
from dnncli.experiments import alignment
from dnncli.experiments.transfer import layers
from dnncli.interop import Model
from dnncli.nn import optimizers
from dnncli.nn.network import TrainState
from dnncli.records import ParentRecord
from dnncli.spec import DataSpec, RunSpec
from dnncli.spec import transfer as transfer_spec
from dnncli.storage import checkpoint, tensorfile
from dnncli.training import snapshot as snapshots
from dnncli.training.snapshot import DataSummary, Snapshot


def load(path: Path, act: str | None, alpha: float | None) -> "Snapshot | Model":
    """The run in a checkpoint, or the model in a file from elsewhere.

    Raises CheckpointError for what cannot be read, SpecError for an activation that is missing or needless.
    """
    if act is None and alpha is not None:
        raise SpecError(f"--alpha {alpha:g}: only --act uses it.")

    if act is not None:
        return interop.read(path, act, alpha)
    if tensorfile.elsewhere(path):
        raise SpecError(
            f"--act: {path} is no checkpoint of dnncli's; for a model from PyTorch or Keras say which"
            " activation it was trained with, as in --act relu."
        )
    return snapshots.from_checkpoint(checkpoint.read(path), path)


def with_data(
    path: Path, given: Mapping[str, Any], act: str | None, alpha: float | None
) -> tuple["Snapshot", "Dataset", "ParentRecord"]:
    """A network and the data of a new task, scaled as it knows its inputs; `given` are options of a run.

    A model from elsewhere has no data of its own, and no scaling: it takes theirs.
    """
    loaded = load(path, act, alpha)
    if isinstance(loaded, interop.Model):
        source = elsewhere_data(path, given)
        dataset = data.load(source)
        parent = interop_snapshot(loaded, source, dataset)
        return (
            parent,
            dataset,
            layers.parent_record(str(path), loaded.sha256, parent, elsewhere=True),
        )
    source = transfer_spec.data_spec(loaded.spec.data, given, loaded.data.scaling.kind)
    raw = data.load(replace(source, scale="none"), loaded.data.encoding, relabel=True)
    told = layers.parent_record(str(path), tensorfile.sha256(path), loaded)
    return loaded, alignment.rescale(raw, loaded.data), told


def elsewhere_data(path: Path, given: Mapping[str, Any]) -> DataSpec:
    """The data for a model from elsewhere. Raises SpecError where none are given."""
    if given.get("data") is None:
        raise SpecError(f"--data: {path} does not say what it was trained on; give the data.")
    return DataSpec(**{f.name: given[f.name] for f in fields(DataSpec) if f.name in given})


def interop_snapshot(model: Model, source: DataSpec, dataset: Dataset) -> Snapshot:
    """The model as a run that has no history, on data that it fits; their scaling becomes its own.

    Raises SpecError where it takes other features or tells apart another number of classes.
    """
    if dataset.features != model.features:
        raise SpecError(
            f"--data {source.data}: it has {dataset.features} features, but the network takes {model.features}."
        )
    spec = RunSpec(data=source, network=model.spec)
    names = dataset.class_names
    if len(names) != model.classes:
        names = tuple(f"output {index + 1}" for index in range(model.classes))
    summary = DataSummary(replace(dataset.record(), classes=model.classes), names, dataset.scaling)
    optimizer = optimizers.initial_state(optimizers.build(spec.update), model.parameters)
    step: Any = np.zeros((), np.int32)
    state = TrainState(model.parameters, model.statistics, optimizer, step)
    return Snapshot(spec, summary, state, model.parameters, model.statistics, best_epoch=0)
