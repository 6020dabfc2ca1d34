"""Stations about batch normalisation, clipping and going on from a stored network."""

from collections.abc import Iterator, Sequence

from dnncli.experiments.tour.figures import (
    accuracy,
    away,
    delta_ratio,
    first_step,
    known,
    last_epoch,
    of_kind,
)
from dnncli.experiments.tour.gradients import clipping_saves
from dnncli.records import EvalRecord, TrainRecord
from dnncli.records.observations.gradients import (
    RunBreaks,
)
from dnncli.records.observations.training import (
    ClippedLayers,
    ClippingFades,
    HighFromFirst,
    MeansAgree,
    NormLearns,
    NormLevels,
    PriceOfVariance,
    TrainingLevels,
    VarianceOff,
)
from dnncli.records.tour import Observation

AGREE = 0.05  # standard deviations between means that agree
OFF = 0.02  # of a ratio of variances from 1, that counts


def batch_norm(records: Sequence[object]) -> Iterator[Observation]:
    """The same deep run without batch norm and with it."""
    plain = of_kind(TrainRecord, records[0])
    normed = of_kind(TrainRecord, records[1])
    without = delta_ratio(first_step(plain))
    before = delta_ratio(first_step(normed))
    depth = len(plain.config["hidden"])
    yield NormLevels(away(before) < away(without), depth, without, before)
    after = delta_ratio(last_epoch(normed).layers)
    epochs = len(normed.epochs)
    yield TrainingLevels(away(after) < away(before), before, after, epochs)
    lower, _, lower_end = accuracy(plain)
    higher, higher_start, _ = accuracy(normed)
    clear = higher_start > lower_end
    yield NormLearns(clear, epochs, lower, lower_end, higher, higher_start)


def moving_variance(records: Sequence[object]) -> Iterator[Observation]:
    """A run in small batches, and its statistics beside the training set's exact ones."""
    run = of_kind(TrainRecord, records[0])
    measured = of_kind(EvalRecord, records[1])
    assert measured.bn is not None
    furthest = max(measured.bn.layers, key=lambda layer: layer.batch_mean)
    yield MeansAgree(furthest.batch_mean < AGREE, furthest.layer, furthest.batch_mean)
    first = measured.bn.layers[0]
    batch = int(run.config["batch_size"])
    ratio = first.batch_variance
    yield VarianceOff(
        abs(ratio - 1) > OFF,
        layer=first.layer,
        ratio=ratio,
        batch=batch,
        expected=(batch - 1) / batch,
        corrected=ratio * batch / (batch - 1),
    )
    scores = {name: splits["test"] for name, splits in measured.bn.scores.items()}
    moving = known(scores["moving"].accuracy)
    exact = known(scores["population"].accuracy)
    yield PriceOfVariance(moving != exact, moving, exact, measured.data.test)


def clipping(records: Sequence[object]) -> Iterator[Observation]:
    """A rate that is far too large, without clipping and with it."""
    wild = of_kind(TrainRecord, records[0])
    clipped = of_kind(TrainRecord, records[1])
    layer = ""
    if wild.stopped == "diverged":
        layer = wild.health.divergence().layer or ""
    yield RunBreaks(wild.stopped == "diverged", len(wild.epochs), 0, layer, accuracy(wild)[0])
    yield clipping_saves(clipped)
    shares = {name: _clipped(clipped, name) for name in _names(clipped)}
    most = max(shares, key=shares.__getitem__)
    least = min(shares, key=shares.__getitem__)
    differ = shares[most] > shares[least]
    yield ClippedLayers(differ, most, shares[most], least, shares[least])
    first = clipped.epochs[0].clipped_fraction
    last = last_epoch(clipped).clipped_fraction
    yield ClippingFades(last < first, first, last, len(clipped.epochs))


def _names(run: TrainRecord) -> list[str]:
    return [layer.layer for layer in last_epoch(run).layers]


def _clipped(run: TrainRecord, name: str) -> float:
    """The share of steps in which a layer was clipped, over all epochs."""
    layers = [layer for epoch in run.epochs for layer in epoch.layers if layer.layer == name]
    return sum(layer.clipped_fraction for layer in layers) / len(layers)


def resume(records: Sequence[object]) -> Iterator[Observation]:
    """A run, and the same run going on from its checkpoint."""
    first = of_kind(TrainRecord, records[0])
    more = of_kind(TrainRecord, records[1])
    fresh = known(first.epochs[0].val_accuracy)
    before = known(last_epoch(first).val_accuracy)
    resumed = known(more.epochs[len(first.epochs)].val_accuracy)
    yield HighFromFirst(resumed > fresh, fresh, before, resumed)
