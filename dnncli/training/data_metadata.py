"""What a checkpoint's metadata tell of its data: a regression's targets, the shape of images."""

import math
from typing import Any

import numpy as np

from dnncli.data.quantities import Quantities
from dnncli.errors import CheckpointError
from dnncli.records import DataRecord
from dnncli.storage.decoding import decode
from dnncli.training.snapshot import DataSummary


def particulars(data: DataSummary) -> dict[str, Any]:
    """What only some data have, as JSON: a table's columns, targets, the shape of images."""
    values: dict[str, Any] = {}
    if data.encoding:
        values["encoding"] = data.encoding.json()
    if data.numbers:
        values["targets"] = targets_json(data.numbers)
    if data.image:
        values["image"] = list(data.image)
    return values


def targets_json(numbers: Quantities) -> dict[str, Any]:
    """Exact numbers: JSON's shortest decimals give the same float64 again."""
    return {
        "names": list(numbers.names),
        "offset": numbers.offset.tolist(),
        "scale": numbers.scale.tolist(),
    }


def targets_from(metadata: dict[str, Any], record: DataRecord) -> Quantities | None:
    """The targets of the run; None for classes.

    Raises CheckpointError where they are not those of the data, or cannot be standardised.
    """
    values = decode(dict[str, Any], metadata.get("targets", {}), "targets")
    if not values and not record.targets:
        return None
    names = decode(tuple[str, ...], values["names"], "targets.names")
    offset = np.array(decode(tuple[float, ...], values["offset"], "targets.offset"))
    scale = np.array(decode(tuple[float, ...], values["scale"], "targets.scale"))
    sizes = {len(names), len(offset), len(scale)}
    sound = np.isfinite(offset).all() and np.isfinite(scale).all() and (scale > 0).all()
    if names != record.targets or len(sizes) > 1 or not sound or record.classes:
        raise CheckpointError("its targets are not those of its data.")
    return Quantities(names, offset, scale)


def image_from(metadata: dict[str, Any], record: DataRecord) -> tuple[int, int] | None:
    """Rows and columns of the images; None where examples are not, or an older dnncli wrote it.

    Raises CheckpointError where they do not have as many pixels as there are features.
    """
    shape = decode(tuple[int, int] | None, metadata.get("image"), "image")
    if shape is not None and (min(shape) < 1 or math.prod(shape) != record.features):
        raise CheckpointError(f"its images do not have {record.features} pixels.")
    return shape
