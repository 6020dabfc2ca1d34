"""What is done with a network's outputs, in a checkpoint: the threshold and the calibration."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from dnncli.errors import CheckpointError
from dnncli.records.calibration import CalibrationRecord
from dnncli.storage.decoding import decode
from dnncli.training.snapshot import Snapshot

Decision = tuple[float | None, CalibrationRecord | None]


def decision_json(snapshot: Snapshot) -> dict[str, Any]:
    """Both, where there are any."""
    values: dict[str, Any] = {}
    if snapshot.threshold is not None:
        values["threshold"] = snapshot.threshold
    if snapshot.calibration is not None:
        values["calibration"] = asdict(snapshot.calibration)
    return values


def decision_from(meta: Mapping[str, Any], classes: int) -> Decision:
    """The threshold and the calibration. Raises CheckpointError for those that cannot be."""
    threshold = decode(float | None, meta.get("threshold"), "threshold")
    if threshold is not None and not (0 < threshold < 1 and classes == 2):
        raise CheckpointError(f"its threshold is {threshold} for {classes} classes.")
    calibration = decode(CalibrationRecord | None, meta.get("calibration"), "calibration")
    if calibration is not None and not (classes and 0 < calibration.temperature < math.inf):
        raise CheckpointError(
            f"its temperature is {calibration.temperature} for {classes} classes."
        )
    return threshold, calibration
