"""Trained networks from files: checkpoints of our own, and models from elsewhere where --act says so."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dnncli import catalog, transfer_spec
from dnncli.cli.command import section
from dnncli.cli.options import option
from dnncli.cli.types import Name, Number
from dnncli.errors import SpecError
from dnncli.spec import DataSpec

if TYPE_CHECKING:
    from dnncli.data import Dataset
    from dnncli.foreign import Model
    from dnncli.records import ParentRecord
    from dnncli.snapshots import Snapshot

elsewhere_options = section(
    "Models from elsewhere",
    click.option(
        "--act",
        type=Name(catalog.ACTIVATIONS, "activation"),
        help="CKPT is a safetensors file from PyTorch or Keras, trained with this activation.",
    ),
    option("--alpha", type=Number(), default="by activation", help="The activation's slope or scale."),
)


def load(path: Path, act: str | None, alpha: float | None) -> "Snapshot | Model":
    """The run in a checkpoint, or the model in a file from elsewhere.

    Raises CheckpointError for what cannot be read, SpecError for an activation that is missing or needless.
    """
    if act is None and alpha is not None:
        raise SpecError(f"--alpha {alpha:g}: only --act uses it.")
    from dnncli import tensorfile

    if act is not None:
        from dnncli import foreign

        return foreign.read(path, act, alpha)
    if tensorfile.elsewhere(path):
        raise SpecError(
            f"--act: {path} is no checkpoint of dnncli's; for a model from PyTorch or Keras say which"
            " activation it was trained with, as in --act relu."
        )
    from dnncli import checkpoint, snapshots

    return snapshots.from_checkpoint(checkpoint.read(path), path)


def with_data(
    path: Path, given: Mapping[str, Any], act: str | None, alpha: float | None
) -> tuple["Snapshot", "Dataset", "ParentRecord"]:
    """A network and the data of a new task, scaled as it knows its inputs; `given` are options of a run.

    A model from elsewhere has no data of its own, and no scaling: it takes theirs.
    """
    loaded = load(path, act, alpha)
    from dnncli import adoption, data, foreign, surgery, tensorfile

    if isinstance(loaded, foreign.Model):
        source = elsewhere_data(path, given)
        dataset = data.load(source)
        parent = foreign.snapshot(loaded, source, dataset)
        return parent, dataset, surgery.parent_record(str(path), loaded.sha256, parent, elsewhere=True)
    source = transfer_spec.data_spec(loaded.spec.data, given, loaded.data.scaling.kind)
    raw = data.load(replace(source, scale="none"), loaded.data.encoding, relabel=True)
    told = surgery.parent_record(str(path), tensorfile.sha256(path), loaded)
    return loaded, adoption.rescale(raw, loaded.data), told


def elsewhere_data(path: Path, given: Mapping[str, Any]) -> DataSpec:
    """The data for a model from elsewhere. Raises SpecError where none are given."""
    if given.get("data") is None:
        raise SpecError(f"--data: {path} does not say what it was trained on; give the data.")
    return DataSpec(**{f.name: given[f.name] for f in fields(DataSpec) if f.name in given})
