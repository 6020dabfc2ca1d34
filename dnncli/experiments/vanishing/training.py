"""Which cases learn: each is trained for some epochs, one seed after the other, in the engine."""

from collections.abc import Iterator
from dataclasses import replace

import jax
import numpy as np

from dnncli.data import Dataset
from dnncli.records import TrainingOutcome
from dnncli.spec import NetworkSpec, RunSpec, ScheduleSpec, UpdateSpec
from dnncli.spec.vanishing import Case
from dnncli.training import engine, epoch_record
from dnncli.training.engine import Program
from dnncli.training.plan import batch_size, plan
from dnncli.training.run import block

CLIP = 1.0  # global norm, for the cases with +clip


def train(
    case: Case, network: NetworkSpec, dataset: Dataset, epochs: int, seed_count: int
) -> TrainingOutcome:
    """Adam at its default rate. A seed that diverges is None and not part of the mean."""
    update = UpdateSpec(clip_global_norm=CLIP) if case.clip else UpdateSpec()
    spec = RunSpec(network=network, update=update, schedule=ScheduleSpec(epochs=epochs))
    values = tuple(_accuracies(spec, dataset, seed_count))
    known = [value for value in values if value is not None]
    mean = float(np.mean(known)) if known else None
    return TrainingOutcome(epochs, mean, values)


def _accuracies(spec: RunSpec, dataset: Dataset, seed_count: int) -> Iterator[float | None]:
    """Each seed's validation accuracy after the last epoch; None where it diverged."""
    examples = len(dataset.train)
    # Without a probe: nobody looks at the layers, and the program is half as large.
    program = Program(spec.network, spec.update, batch_size(spec, examples), None)
    train = block(dataset.train)
    validation = block(dataset.validation)
    moment = dataset.train.second_moment
    for seed in range(seed_count):
        key = np.array([0, seed], np.uint32)
        run = replace(spec, seed=seed)
        state = engine.initial_state(program, dataset.features, dataset.classes, seed, moment)
        info = None
        for epoch in range(spec.schedule.epochs):
            order = plan(run, epoch, examples)
            state, info = engine.compiled_epoch(program, state, train, validation, key, order)
        last = jax.device_get(info)
        if epoch_record.finite(last):
            yield float(last.validation.accuracy)
        else:
            yield None
