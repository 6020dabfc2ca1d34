"""Which cases learn: each is trained for some epochs, all seeds at once."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from dnncli.data import Dataset
from dnncli.experiments.vanishing.layer_figures import quadratic_mean
from dnncli.nn import layer_stats
from dnncli.records import LayerRecord, TrainingOutcome
from dnncli.spec import NetworkSpec, RunSpec, ScheduleSpec, StoppingSpec, UpdateSpec
from dnncli.spec.vanishing import Case
from dnncli.training import placement, seeds
from dnncli.training.history import RunHistory
from dnncli.training.seeds import SeedBatch

CLIP = 1.0  # global norm, for the cases with +clip


def train(
    case: Case, network: NetworkSpec, dataset: Dataset, epochs: int, seed_count: int
) -> TrainingOutcome:
    """`outcome` of `trained`."""
    return outcome(trained(case, network, dataset, epochs, seed_count), dataset)


def trained(
    case: Case,
    network: NetworkSpec,
    dataset: Dataset,
    epochs: int,
    seed_count: int,
    *,
    watched: bool = False,
) -> SeedBatch:
    """Every seed's run after its last epoch: Adam at its default rate. watched: layer by layer."""
    update = UpdateSpec(clip_global_norm=CLIP) if case.clip else UpdateSpec()
    schedule = ScheduleSpec(epochs=epochs)
    every_epoch = StoppingSpec(patience=None)
    spec = RunSpec(network=network, update=update, schedule=schedule, stopping=every_epoch)
    # Where nobody looks at the layers the program is half as large.
    probe = layer_stats.measure if watched else None
    compiled = seeds.compile_epoch(spec, seed_count, dataset, probe=probe)
    untrained = seeds.start(spec, seed_count, dataset)
    train = placement.block(dataset.train)
    validation = placement.block(dataset.validation)
    (last,) = deque(seeds.run(untrained, train, validation, compiled), maxlen=1)
    return last


def outcome(batch: SeedBatch, dataset: Dataset) -> TrainingOutcome:
    """How the runs have ended. A seed that diverges is None and not part of the mean."""
    values = tuple(map(_last_accuracy, batch.runs))
    known = [value for value in values if value is not None]
    mean = float(np.mean(known)) if known else None
    epochs = batch.runs[0].spec.schedule.epochs
    largest = np.bincount(dataset.train.y).argmax()
    majority = float((dataset.validation.y == largest).mean())
    return TrainingOutcome(epochs, mean, values, majority=majority, deltas=_deltas(batch))


def _deltas(batch: SeedBatch) -> tuple[tuple[float, ...], ...]:
    """Every layer's delta after each epoch, over the seeds that were trained so far."""
    runs = list(map(_measured, batch.runs))
    longest = max(map(len, runs))
    return tuple(_over_seeds(runs, place) for place in range(longest))


def _measured(run: RunHistory) -> list[tuple[LayerRecord, ...]]:
    """A run's layers by epoch; none where nobody looked at them."""
    return [epoch.layers for epoch in run.epochs if epoch.layers]


def _over_seeds(runs: Sequence[list[tuple[LayerRecord, ...]]], place: int) -> tuple[float, ...]:
    """Quadratic means after an epoch, layer by layer."""
    by_layer = zip(*(run[place] for run in runs if place < len(run)), strict=True)
    return tuple(map(_mean_delta, by_layer))


def _mean_delta(layers: Sequence[LayerRecord]) -> float:
    """The quadratic mean of one layer's delta over seeds."""
    return quadratic_mean([layer.delta_rms for layer in layers])


def _last_accuracy(run: RunHistory) -> float | None:
    """Validation accuracy after the last epoch; None where the run diverged."""
    return None if run.stopped == "diverged" else run.epochs[-1].val_accuracy
