"""From one seed's finished run to its record in a comparison: scores, gradient flow, verdict."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float32

from dnncli.data import Dataset, Split
from dnncli.diagnosis.context import delta_ratio
from dnncli.diagnosis.verdict import diagnose
from dnncli.records import LayerRecord, SeedRecord
from dnncli.spec import RunSpec
from dnncli.training.history import RunHistory
from dnncli.training.regression_outcome import r2
from dnncli.training.run import network_context
from dnncli.training.snapshot import Snapshot

Rows = Float32[np.ndarray, "rows features"]
Forward = Callable[..., Any]  # (network, rows) to logits


def seed_record(
    run: RunHistory, end: Snapshot, forward: Forward, rows: int, dataset: Dataset
) -> SeedRecord:
    """One seed's results. `forward` is compiled for `rows` examples."""
    record = _without_scores(run)
    if run.stopped == "diverged":
        return record
    best = run.epochs[run.best_epoch - 1]
    layers = best.layers
    health = diagnose(network_context(run.spec, dataset), layers, run.initial)
    return replace(
        record,
        verdict=health.verdict,
        train_accuracy=accuracy(forward, end, dataset.train, rows),
        val_accuracy=best.merit,
        test_accuracy=accuracy(forward, end, dataset.test, rows),
        val_loss=best.val_loss,
        best_delta_ratio=delta_ratio(layers),
        dead_fraction=_mean_over_units(run.spec, [layer.dead_fraction for layer in layers]),
        saturated_fraction=_mean_over_units(
            run.spec, [layer.saturated_fraction for layer in layers]
        ),
        activation_mean=_mean_over_units(run.spec, [layer.activation_mean for layer in layers]),
        best_delta=_deltas(layers),
    )


def _without_scores(run: RunHistory) -> SeedRecord:
    """The record of a run that diverged: its curves and its first step, and no scores."""
    assert run.stopped is not None
    ratio = delta_ratio(run.initial) if run.initial else None
    return SeedRecord(
        seed=run.spec.seed,
        stopped=run.stopped,
        best_epoch=run.best_epoch,
        verdict="diverged",
        train_accuracy=None,
        val_accuracy=None,
        test_accuracy=None,
        val_loss=None,
        initial_delta_ratio=ratio,
        best_delta_ratio=None,
        dead_fraction=None,
        saturated_fraction=None,
        activation_mean=None,
        train_losses=tuple(epoch.train_loss for epoch in run.epochs),
        val_losses=tuple(epoch.val_loss for epoch in run.epochs),
        val_accuracies=tuple(epoch.merit for epoch in run.epochs),
        initial_delta=_deltas(run.initial),
        best_delta=(),
    )


def _deltas(layers: Sequence[LayerRecord]) -> tuple[float, ...]:
    return tuple(layer.delta_rms for layer in layers)


def _mean_over_units(spec: RunSpec, values: Sequence[float]) -> float:
    """The mean over all hidden units of a statistic of each layer; the output's is left out."""
    return float(np.average(values[:-1], weights=spec.network.hidden))


def accuracy(forward: Forward, end: Snapshot, split: Split, rows: int) -> float:
    """The share of examples that the best epoch's network classifies correctly; or its R²."""
    outputs = []
    for start in range(0, len(split), rows):
        part = split.x[start : start + rows]
        answered = np.asarray(forward(end.network, _padded(part, rows)))
        outputs.append(answered[: len(part)])
    if split.y.ndim > 1:
        return r2(split.y.astype(np.float64), np.concatenate(outputs).astype(np.float64))
    hits = int((np.concatenate(outputs).argmax(axis=1) == split.y).sum())
    return hits / len(split)


def _padded(x: Float32[np.ndarray, "some features"], rows: int) -> Rows:
    """The examples with rows of zeros below, so that one compiled shape serves all."""
    return x if len(x) == rows else np.pad(x, ((0, rows - len(x)), (0, 0)))
