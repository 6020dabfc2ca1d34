"""Records of a run as a checkpoint's JSON."""

import math
from typing import Any

from dnncli.records import EpochRecord, LayerRecord, StepRecord


def epoch(record: EpochRecord) -> dict[str, Any]:
    """An epoch without its wall time, so that straight and interrupted runs give the same bytes."""
    values = {key: value for key, value in vars(record).items() if key != "seconds"}
    if record.val_accuracy is not None:  # it stands by itself
        more = {name: value for name, value in record.metrics.items() if name != "accuracy"}
        del values["metrics"]
        if more:
            values["metrics"] = more
    return _plain({**values, "layers": [_layer_json(one) for one in record.layers]})


def step(record: StepRecord) -> Any:
    """A replayed step."""
    return _plain({**vars(record), "layers": [_layer_json(one) for one in record.layers]})


def layer(record: LayerRecord) -> Any:
    """A layer's statistics."""
    return _plain(_layer_json(record))


def _layer_json(record: LayerRecord) -> dict[str, Any]:
    """A layer's statistics; `frozen` only where it is true, as older checkpoints have it."""
    return {key: value for key, value in vars(record).items() if key != "frozen" or value}


def _plain(value: Any) -> Any:
    """Strict JSON: NaN and infinities as strings, since JSON has no numbers for them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
