"""What a comparison compiles: in the background, once for all that can share it, and timed by turns."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from dnncli.data import Dataset
from dnncli.nn import inference, network
from dnncli.records import Speed
from dnncli.spec import RunSpec
from dnncli.training import seeds as lockstep
from dnncli.training.engine import Block, Program

FORWARD_ROWS = 4096  # examples of a forward pass at most
FEWEST_ROUNDS, MOST_ROUNDS = 3, 10  # of timing, each over all programs …
TIMING_SECONDS = 1.5  # … and no new one after so long, once there were enough
PASSES = 5  # forward passes at each turn: they take milliseconds


@dataclass(frozen=True)
class Compiled:
    """The two programs of an activation: an epoch of all seeds, and one network's forward pass."""

    epoch: Any
    forward: Any
    rows: int  # examples that the forward pass takes
    seconds: float  # that compilation took


Pending = Mapping[Program, "Future[Compiled]"]


@contextmanager
def compiling(runs: Sequence[RunSpec], seeds: int, dataset: Dataset) -> Iterator[Pending]:
    """The runs' programs, in this order, on a thread of their own: XLA does not hold Python's lock.

    Initialisers, learning rates and other names of the same activation share one.
    """
    distinct: dict[Program, RunSpec] = {}
    for run in runs:
        distinct.setdefault(lockstep.program(run, len(dataset.train)), run)
    pool = ThreadPoolExecutor(1, thread_name_prefix="compile")
    try:
        yield {
            program: pool.submit(_compile, run, seeds, dataset) for program, run in distinct.items()
        }
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def get(pending: Pending, run: RunSpec, dataset: Dataset) -> Compiled:
    """A run's programs, once they are compiled."""
    return pending[lockstep.program(run, len(dataset.train))].result()


def _compile(run: RunSpec, seeds: int, dataset: Dataset) -> Compiled:
    began = time.perf_counter()
    spec = lockstep.program(run, len(dataset.train)).network
    epoch = lockstep.compile_epoch(run, seeds, dataset)
    rows = min(FORWARD_ROWS, len(dataset.train))
    x = jax.ShapeDtypeStruct((rows, dataset.features), np.float32)
    shapes = network.shapes(spec, dataset.features, dataset.classes)
    forward = inference.compiled_logits.lower(spec, *shapes, x).compile()
    return Compiled(epoch, forward, rows, time.perf_counter() - began)


def speeds(
    runs: Sequence[RunSpec],
    pending: Pending,
    seeds: int,
    train: Block,
    validation: Block,
    dataset: Dataset,
) -> list[Speed]:
    """Each run's speed from initial parameters, the best of several rounds.

    A round times an epoch of the program of all seeds (each seed's share of it counts) and some forward
    passes of one network, for every program in turn, and each round begins with another one: neither
    the order nor what else the machine did for a while decides. Nothing compiles meanwhile.
    """
    programs = [lockstep.program(run, len(dataset.train)) for run in runs]
    owners = dict(zip(programs, runs, strict=True))
    for program in owners:
        pending[program].result()
    convoys = {program: lockstep.start(run, seeds, dataset) for program, run in owners.items()}
    times = {program: np.full(2, np.inf) for program in owners}
    x, began = (
        jax.device_put(dataset.train.x[: min(FORWARD_ROWS, len(dataset.train))]),
        time.perf_counter(),
    )
    for turn in range(MOST_ROUNDS):
        if turn >= FEWEST_ROUNDS and time.perf_counter() - began > TIMING_SECONDS:
            break
        for program in _rotated(list(owners), turn):
            compiled, convoy = pending[program].result(), convoys[program]
            epoch = _epoch_seconds(compiled, convoy, train, validation) / seeds
            times[program] = np.minimum(
                times[program], (epoch, _forward_seconds(compiled, convoy, x))
            )
    return [Speed(float(times[p][0]), len(x) / float(times[p][1])) for p in programs]


def _rotated(items: list[Program], turn: int) -> list[Program]:
    place = turn % len(items)
    return items[place:] + items[:place]


def _epoch_seconds(
    compiled: Compiled, convoy: lockstep.Convoy, train: Block, validation: Block
) -> float:
    runs = tuple(lane.spec for lane in convoy.lanes)
    plan = jax.device_put(lockstep.plan(runs, 0, len(train.y)))
    state = jax.device_put(convoy.fleet.state)
    return _clock(compiled.epoch, state, train, validation, lockstep.keys(runs), plan)


def _forward_seconds(compiled: Compiled, convoy: lockstep.Convoy, x: Any) -> float:
    network = jax.device_put(
        lockstep.of_seed(0, (convoy.fleet.parameters, convoy.fleet.statistics))
    )
    return min(_clock(compiled.forward, *network, x) for _ in range(PASSES))


def _clock(program: Any, *arguments: Any) -> float:
    """Seconds until a compiled program's results are there."""
    jax.block_until_ready(arguments)
    began = time.perf_counter()
    jax.block_until_ready(program(*arguments))
    return time.perf_counter() - began
