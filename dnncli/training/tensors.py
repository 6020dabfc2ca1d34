"""Tensors out of a checkpoint, each checked and taken once, and those of the features' scaling."""

from typing import Any

import numpy as np
from jaxtyping import Int32

from dnncli.data import Scaling
from dnncli.errors import CheckpointError
from dnncli.records import DataRecord
from dnncli.storage.decoding import decode
from dnncli.training import placement


def take(tensors: dict[str, np.ndarray], name: str, expected: Any) -> Any:
    """Remove and return a tensor, checked against the shape and dtype it must have.

    Raises CheckpointError where it is missing or does not fit.
    """
    if name not in tensors:
        raise CheckpointError(f"the tensor {name!r} is missing.")
    tensor = tensors.pop(name)
    if tensor.shape != expected.shape or tensor.dtype != expected.dtype:
        found = _shape_text(tensor)
        raise CheckpointError(f"the tensor {name!r} is {found}, not {_shape_text(expected)}.")
    return tensor


def _shape_text(tensor: Any) -> str:
    return f"{tensor.dtype} {tuple(tensor.shape)}"


def scaling_tensors(scaling: Scaling) -> dict[str, np.ndarray]:
    """A scaling's arrays by name; those that not every kind has only where there are some."""
    tensors = {"scaling/offset": scaling.offset, "scaling/scale": scaling.scale}
    if scaling.limit is not None:
        tensors["scaling/limit"] = scaling.limit
    if scaling.source is not None:
        tensors["scaling/source"] = scaling.source
    return tensors


def take_scaling(
    tensors: dict[str, np.ndarray], meta: dict[str, Any], record: DataRecord
) -> Scaling:
    """The scaling of the features. Raises CheckpointError as `take` does."""
    kind = decode(str, meta["scaling"], "scaling")
    expected = placement.shape((record.features,))
    offset = take(tensors, "scaling/offset", expected)
    scale = take(tensors, "scaling/scale", expected)
    limit = None
    if kind == "robust":
        limit = take(tensors, "scaling/limit", expected)
    source = None
    if kind == "piecewise":
        source = take(tensors, "scaling/source", placement.shape((record.features,), np.int32))
        _check_source(source)
    return Scaling(kind, offset, scale, limit, source)


def _check_source(source: Int32[np.ndarray, " features"]) -> None:
    """Raise CheckpointError unless every raw feature has pieces, in their order."""
    if source[:1].any() or not np.isin(np.diff(source), (0, 1)).all():
        raise CheckpointError("the tensor 'scaling/source' leaves out a feature.")
