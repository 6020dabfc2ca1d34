"""From a seed's finished run to its line in a comparison: scores, gradient flow, verdict."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32

from dnncli.data import Dataset, Split
from dnncli.diagnosis import verdict
from dnncli.diagnosis.verdict import Setting
from dnncli.records import EpochRecord, LayerRecord, SeedRecord
from dnncli.spec import RunSpec
from dnncli.training.seeds import Lane
from dnncli.training.snapshot import Snapshot

Rows = Float32[np.ndarray, "rows features"]
Forward = Callable[..., Any]  # (parameters, statistics, rows) to logits


def setting(spec: RunSpec, dataset: Dataset) -> Setting:
    """What theory needs to know of a run."""
    return Setting(spec.network, dataset.features, dataset.classes, dataset.train.second_moment)


def seed_record(
    lane: Lane, end: Snapshot, forward: Forward, rows: int, dataset: Dataset
) -> SeedRecord:
    """One seed's results; `forward` is compiled for `rows` examples."""
    assert lane.stopped is not None
    best = lane.history[lane.best_epoch - 1] if lane.stopped != "diverged" else None
    judged = (
        verdict.judge(setting(lane.spec, dataset), best.layers, lane.initial).verdict
        if best
        else None
    )
    train, test = (
        accuracy(forward, end, split, rows) if best else None
        for split in (dataset.train, dataset.test)
    )
    return SeedRecord(
        seed=lane.spec.seed,
        stopped=lane.stopped,
        best_epoch=lane.best_epoch,
        verdict=judged or "diverged",
        train_accuracy=train,
        val_accuracy=best.val_accuracy if best else None,
        test_accuracy=test,
        val_loss=best.val_loss if best else None,
        **_flow(lane, best),
        train_losses=tuple(record.train_loss for record in lane.history),
        val_losses=tuple(record.val_loss for record in lane.history),
        val_accuracies=tuple(record.val_accuracy for record in lane.history),
    )


def _flow(lane: Lane, best: EpochRecord | None) -> dict[str, Any]:
    layers = best.layers if best else ()
    return {
        "initial_delta_ratio": verdict.delta_ratio(lane.initial) if lane.initial else None,
        "best_delta_ratio": verdict.delta_ratio(layers) if layers else None,
        **{name: _over_units(lane.spec, layers, name) for name in SHARES},
        "initial_delta": tuple(layer.delta_rms for layer in lane.initial),
        "best_delta": tuple(layer.delta_rms for layer in layers),
    }


SHARES = ("dead_fraction", "saturated_fraction", "activation_mean")


def _over_units(run: RunSpec, layers: Sequence[LayerRecord], name: str) -> float | None:
    """A figure's mean over all hidden units: each layer's counts by its size."""
    if not layers:
        return None
    values = [getattr(layer, name) for layer in layers[:-1]]
    return float(np.average(values, weights=run.network.hidden))


def accuracy(forward: Forward, end: Snapshot, split: Split, rows: int) -> float:
    """Share of examples that the best epoch's network gets right."""
    hits = 0
    for start in range(0, len(split), rows):
        y = split.y[start : start + rows]
        logits = forward(
            end.parameters, end.statistics, _filled_up(split.x[start : start + rows], rows)
        )
        hits += int((np.asarray(logits)[: len(y)].argmax(axis=1) == y).sum())
    return hits / len(split)


def _filled_up(x: Float32[np.ndarray, "some features"], rows: int) -> Rows:
    """The examples with zeros below them, so that one compiled shape serves all."""
    return x if len(x) == rows else np.pad(x, ((0, rows - len(x)), (0, 0)))
