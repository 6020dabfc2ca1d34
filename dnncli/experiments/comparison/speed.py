"""How fast each combination trains and predicts, measured in turns."""

import time
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float64

from dnncli.data import Dataset
from dnncli.experiments.compilation_pool import CompilationPool, CompiledPrograms
from dnncli.records import Speed
from dnncli.spec import RunSpec
from dnncli.training import placement, seeds
from dnncli.training.devices import Devices
from dnncli.training.program import Block, Program
from dnncli.training.seeds import SeedBatch

FEWEST_ROUNDS = 3  # of timing, each over all programs …
MOST_ROUNDS = 10
TIMING_SECONDS = 1.5  # … and no new one after so long, once there were enough
FORWARD_PASSES = 5  # at each turn: they take milliseconds


def speeds(
    runs: Sequence[RunSpec],
    pool: CompilationPool,
    seed_count: int,
    train: Block,
    validation: Block,
    dataset: Dataset,
    devices: Devices | None = None,
) -> list[Speed]:
    """Each run's speed from its initial parameters, the best of several rounds.

    A round times, for every program in turn, an epoch of all seeds (a seed's share of it counts)
    and some forward passes of one network. Each round begins with another program, so that neither
    the order nor a machine that was busy for a while decides. Nothing compiles meanwhile.
    devices: those that share the seeds.
    """
    first_runs: dict[Program, RunSpec] = {}
    for run in runs:
        first_runs.setdefault(pool.program(run), run)
    compiled = {program: pool.get(run) for program, run in first_runs.items()}
    states = {program: seeds.start(run, seed_count, dataset) for program, run in first_runs.items()}
    fastest = {program: np.full(2, np.inf) for program in compiled}
    rows = next(iter(compiled.values())).rows
    x = placement.put(dataset.train.x[:rows])
    began = time.perf_counter()
    for turn in range(MOST_ROUNDS):
        if turn >= FEWEST_ROUNDS and time.perf_counter() - began > TIMING_SECONDS:
            break
        for program in rotated(list(compiled), turn):
            seconds = _turn(compiled[program], states[program], (train, validation), x, devices)
            fastest[program] = np.minimum(fastest[program], seconds)
    return [_speed(fastest[pool.program(run)], seed_count, rows) for run in runs]


def rotated(programs: list[Program], turn: int) -> list[Program]:
    """The programs in their order, starting with another one each turn."""
    first = turn % len(programs)
    return programs[first:] + programs[:first]


def _turn(
    compiled: CompiledPrograms,
    batch: SeedBatch,
    blocks: tuple[Block, Block],
    x: Any,
    devices: Devices | None,
) -> tuple[float, float]:
    """Seconds of an epoch of all seeds, and of the fastest forward pass of one network."""
    runs = tuple(run.spec for run in batch.runs)
    plan = seeds.plan(runs, 0, len(blocks[0].y))
    own = (batch.states.state, seeds.keys(runs), plan, batch.start)
    state, keys, placed_plan, start = placement.everywhere(own, devices)
    epoch = _clock(compiled.epoch, state, *blocks, keys, placed_plan, start)
    first_seed = placement.put(seeds.seed_slice(0, batch.states.best))
    forward = min(_clock(compiled.forward, first_seed, x) for _ in range(FORWARD_PASSES))
    return epoch, forward


def _clock(program: Any, *arguments: Any) -> float:
    """Seconds until a compiled program's results are there."""
    jax.block_until_ready(arguments)
    began = time.perf_counter()
    jax.block_until_ready(program(*arguments))
    return time.perf_counter() - began


def _speed(seconds: Float64[np.ndarray, "2"], seed_count: int, rows: int) -> Speed:
    epoch, forward = map(float, seconds)
    return Speed(epoch / seed_count, rows / forward)
