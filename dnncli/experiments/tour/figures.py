"""Figures that several stations read from records."""

import math
from collections.abc import Sequence
from typing import TypeVar

from dnncli.records import EpochRecord, LayerRecord, TrainRecord

RecordT = TypeVar("RecordT")
DECADE = 10.0  # a gradient within this factor counts as level


def of_kind(kind: type[RecordT], record: object) -> RecordT:
    """A record that a station's command has made, which is of this kind."""
    assert isinstance(record, kind), f"{type(record).__name__} is not a {kind.__name__}"
    return record


def known(value: float | None) -> float:
    """A figure; NaN where there is none because a run diverged."""
    return math.nan if value is None else value


def delta_ratio(layers: Sequence[LayerRecord]) -> float:
    """delta_rms of hidden1 over that of the last hidden layer; the output layer stands last."""
    above = layers[-2].delta_rms
    return layers[0].delta_rms / above if above else math.nan


def size(layer: LayerRecord) -> float:
    """The root mean square of a layer's outputs."""
    return math.hypot(layer.activation_mean, layer.activation_std)


def away(ratio: float) -> float:
    """How far a ratio is from 1, by its logarithm; infinite for what has none."""
    return abs(math.log(ratio)) if 0 < ratio < math.inf else math.inf


def first_step(run: TrainRecord) -> Sequence[LayerRecord]:
    """The layers before any update, or in the epoch in which the run broke."""
    return run.initial or run.epochs[0].layers


def last_epoch(run: TrainRecord) -> EpochRecord:
    """The last epoch."""
    return run.epochs[-1]


def accuracy(run: TrainRecord) -> tuple[float, float, float]:
    """The test accuracy and its 95 % interval."""
    assert run.test is not None
    metric = run.test.metrics["accuracy"]
    return known(metric.value), known(metric.low), known(metric.high)


def baseline(run: TrainRecord) -> float:
    """The accuracy of always answering the largest class."""
    assert run.test is not None
    return known(run.test.metrics["accuracy"].baseline)


def learns(run: TrainRecord) -> bool:
    """Whether a run ended without diverging, and is better than the largest class alone."""
    _, low, _ = accuracy(run)
    return run.stopped != "diverged" and low > baseline(run)
