"""Who learns: each case trained for some epochs, one seed after the other, in the engine."""

from collections.abc import Iterator
from dataclasses import replace

import jax
import numpy as np

from dnncli.data import Dataset
from dnncli.records import Trained
from dnncli.spec import NetworkSpec, RunSpec, ScheduleSpec, UpdateSpec
from dnncli.spec.vanishing import Case
from dnncli.training import engine, epoch_record
from dnncli.training import plan as plans
from dnncli.training.engine import Block, Program

CLIP = 1.0  # global norm, for the cases with +clip


def train(case: Case, network: NetworkSpec, dataset: Dataset, count: int, seeds: int) -> Trained:
    """Adam at its default rate; a seed that diverges is None, and no part of the mean."""
    update = UpdateSpec(clip_global_norm=CLIP if case.clip else None)
    spec = RunSpec(network=network, update=update, schedule=ScheduleSpec(epochs=count))
    program = Program(spec.network, spec.update, plans.batch_size(spec, len(dataset.train)), None)
    values = tuple(_accuracies(program, replace(spec, seed=0), dataset, seeds))
    known = [value for value in values if value is not None]
    return Trained(count, float(np.mean(known)) if known else None, values)


def _accuracies(
    program: Program, spec: RunSpec, dataset: Dataset, seeds: int
) -> Iterator[float | None]:
    train, validation = (
        Block(*jax.device_put((s.x, s.y))) for s in (dataset.train, dataset.validation)
    )
    moment = dataset.train.second_moment
    for seed in range(seeds):
        key, own = np.array([0, seed], np.uint32), replace(spec, seed=seed)
        state = engine.initial_state(program, dataset.features, dataset.classes, seed, moment)
        info = None
        for epoch in range(spec.schedule.epochs):
            plan = plans.plan(own, epoch, len(dataset.train))
            state, info = engine.compiled_epoch(program, state, train, validation, key, plan)
        last = jax.device_get(info)
        yield float(last.validation.accuracy) if epoch_record.finite(last) else None
