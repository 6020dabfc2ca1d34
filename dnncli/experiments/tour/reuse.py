"""Stations about layers that are reused."""

from collections.abc import Iterator, Sequence

from dnncli.experiments.tour.figures import known, of_kind
from dnncli.records import InspectRecord, TransferRecord
from dnncli.records.observations.training import (
    FrozenIsNotEnough,
    NamesAreTaken,
    ReuseHelps,
)
from dnncli.records.tour import Observation


def names(records: Sequence[object]) -> Iterator[Observation]:
    """What a checkpoint lists, and a transfer that takes a layer by its name."""
    stored = of_kind(InspectRecord, records[1])
    transferred = of_kind(TransferRecord, records[2])
    listed = [part.layer for part in stored.layers]
    tensors = sum(len(part.tensors) for part in stored.layers)
    taken = bool(transferred.kept) and set(transferred.kept) <= set(listed)
    yield NamesAreTaken(taken, ", ".join(listed), tensors, ", ".join(transferred.kept))


def reuse(records: Sequence[object]) -> Iterator[Observation]:
    """Layers reused and trained on, and reused and frozen, each against from scratch."""
    trained = of_kind(TransferRecord, records[1])
    frozen = of_kind(TransferRecord, records[2])
    assert trained.difference is not None
    gain = trained.difference
    low = known(gain.low)
    ours = _mean(trained)
    yield ReuseHelps(
        low > 0,
        reused=ours,
        scratch=ours - gain.mean,
        difference=100 * gain.mean,
        low=100 * low,
        high=100 * known(gain.high),
        seeds=gain.pairs,
        examples=trained.data.train,
    )
    theirs = _mean(frozen)
    yield FrozenIsNotEnough(theirs < ours, theirs, ours, ", ".join(frozen.frozen))


def _mean(record: TransferRecord) -> float:
    """The mean test accuracy over seeds."""
    values = [known(run.test.accuracy) for run in record.seeds]
    return sum(values) / len(values)
