"""Which cases learn: each is trained for some epochs, all seeds at once."""

from collections import deque

import numpy as np

from dnncli.data import Dataset
from dnncli.records import TrainingOutcome
from dnncli.spec import NetworkSpec, RunSpec, ScheduleSpec, StoppingSpec, UpdateSpec
from dnncli.spec.vanishing import Case
from dnncli.training import placement, seeds
from dnncli.training.history import RunHistory

CLIP = 1.0  # global norm, for the cases with +clip


def train(
    case: Case, network: NetworkSpec, dataset: Dataset, epochs: int, seed_count: int
) -> TrainingOutcome:
    """Adam at its default rate. A seed that diverges is None and not part of the mean."""
    update = UpdateSpec(clip_global_norm=CLIP) if case.clip else UpdateSpec()
    schedule = ScheduleSpec(epochs=epochs)
    every_epoch = StoppingSpec(patience=None)
    spec = RunSpec(network=network, update=update, schedule=schedule, stopping=every_epoch)
    runs = _trained(spec, dataset, seed_count)
    values = tuple(map(_last_accuracy, runs))
    known = [value for value in values if value is not None]
    mean = float(np.mean(known)) if known else None
    return TrainingOutcome(epochs, mean, values)


def _trained(spec: RunSpec, dataset: Dataset, seed_count: int) -> tuple[RunHistory, ...]:
    """The runs of all seeds after their last epoch."""
    # Without a probe: nobody looks at the layers, and the program is half as large.
    compiled = seeds.compile_epoch(spec, seed_count, dataset, probe=None)
    untrained = seeds.start(spec, seed_count, dataset)
    train = placement.block(dataset.train)
    validation = placement.block(dataset.validation)
    (last,) = deque(seeds.run(untrained, train, validation, compiled), maxlen=1)
    return last.runs


def _last_accuracy(run: RunHistory) -> float | None:
    """Validation accuracy after the last epoch; None where the run diverged."""
    return None if run.stopped == "diverged" else run.epochs[-1].val_accuracy
