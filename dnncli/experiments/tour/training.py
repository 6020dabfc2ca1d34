"""Stations about clipping, and going on from a stored network."""

from collections.abc import Iterator, Sequence

from dnncli.experiments.tour.figures import accuracy, known, last_epoch, learns, of_kind
from dnncli.experiments.tour.gradients import clipping_saves
from dnncli.records import TrainRecord
from dnncli.records.observations.gradients import (
    RunBreaks,
)
from dnncli.records.observations.training import (
    ClippedLayers,
    ClippingFades,
    ClippingSlows,
    HighFromFirst,
)
from dnncli.records.tour import Observation


def clipping(records: Sequence[object]) -> Iterator[Observation]:
    """A rate that is far too large and one that is not, each without clipping and with it."""
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
    yield _slows(of_kind(TrainRecord, records[2]), of_kind(TrainRecord, records[3]))


def _slows(calm: TrainRecord, slowed: TrainRecord) -> ClippingSlows:
    """A run that needs no clipping, and the same run with it."""
    told = clipping_saves(slowed)
    plain = last_epoch(calm).train_loss
    loss = last_epoch(slowed).train_loss
    return ClippingSlows(
        learns(calm) and loss > plain,
        option=told.option,
        rate=float(calm.config["lr"]),
        clipped=told.clipped,
        plain=plain,
        slowed=loss,
        epochs=len(slowed.epochs),
    )


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
