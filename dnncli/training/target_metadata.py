"""The targets of a regression in a checkpoint's metadata: names, and how they are standardised."""

from typing import Any

import numpy as np

from dnncli.data.quantities import Quantities
from dnncli.errors import CheckpointError
from dnncli.records import DataRecord
from dnncli.storage.decoding import decode


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
