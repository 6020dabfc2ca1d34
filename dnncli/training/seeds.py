"""Several seeds of a run in one program: every epoch for all of them at once.

Parameters carry a leading axis of seeds, the data are shared, every seed has its own
initialisation, shuffles and dropout: seed k is the run that `training.run` makes of it. A seed that
has stopped keeps its state while the others go on.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, UInt32

from dnncli.data import Dataset
from dnncli.data.quantities import Quantities
from dnncli.nn import layer_stats
from dnncli.nn.gradient_noise import Kernels
from dnncli.nn.network import Network, TrainState, kernels_of
from dnncli.spec import RunSpec
from dnncli.spec.comparison import seeded
from dnncli.training import (
    early_stopping,
    engine,
    epoch_record,
    memory,
    placement,
    traced_programs,
)
from dnncli.training.devices import Devices
from dnncli.training.engine import EpochInfo
from dnncli.training.history import RunHistory, advance
from dnncli.training.plan import Plan, batch_size, epoch_plan, key
from dnncli.training.program import Block, Probe, Program, initial_state
from dnncli.training.snapshot import DataSummary, Snapshot

# A fifth less time to compile; the epochs take the same, since matrix products are library calls.
COMPILER_OPTIONS: Any = {"xla_backend_optimization_level": 1}
# Every seed has its own order; learning rates and measured steps are common to all.
PLAN_AXES = Plan(order=0, learning_rates=None, measured=None)  # type: ignore[arg-type]


class SeedStates(NamedTuple):
    """All seeds' states and best epochs' networks, every array with an axis of seeds first."""

    state: TrainState
    best: Network


@dataclass(frozen=True)
class SeedBatch:
    """The runs of all seeds after some epochs, and the last one's wall time for all (seconds).

    start: every seed's kernels before its first step, with an axis of seeds first.
    numbers: the targets of a regression.
    """

    runs: tuple[RunHistory, ...]
    states: SeedStates
    start: Kernels
    seconds: float = 0.0
    numbers: Quantities | None = None

    @property
    def epoch(self) -> int:
        """How many epochs the longest run has done."""
        return max(run.epoch + (run.stopped == "diverged") for run in self.runs)

    @property
    def running(self) -> bool:
        """Whether some seed still trains."""
        return any(run.stopped is None for run in self.runs)


def program(spec: RunSpec, examples: int, probe: Probe | None = layer_stats.measure) -> Program:
    """What is compiled for a run, without its initialiser: that changes only the first state."""
    network = replace(spec.network, init="normal")
    size = batch_size(spec, examples)
    asked = spec.stopping.measured
    return Program(network, spec.update, size, probe, loss=spec.loss, measured=asked)


def start(spec: RunSpec, seeds: int, dataset: Dataset) -> SeedBatch:
    """The runs of `spec`'s seed and those after it, before their first epoch.

    Raises SpecError where a critical initialisation has no solution, and as `RunSpec.resolved`;
    DnncliError where the runs do not fit into memory.
    """
    spec = spec.resolved(dataset.task)
    memory.check(spec, dataset.features, dataset.outputs, len(dataset.train), seeds)
    early_stopping.check(spec, dataset)
    own = replace(program(spec, len(dataset.train)), network=spec.network)
    moment = dataset.train.second_moment
    runs = seeded(spec, seeds)
    drawn = [
        initial_state(own, dataset.features, dataset.outputs, run.seed, moment) for run in runs
    ]
    state = jax.tree.map(lambda *leaves: np.stack(leaves), *drawn)
    histories = tuple(map(RunHistory, runs))
    start = kernels_of(state.network.parameters)
    states = SeedStates(state, state.network)
    return SeedBatch(histories, states, start, numbers=dataset.quantities)


def joined(one: SeedBatch, other: SeedBatch) -> SeedBatch:
    """Both batches' seeds as one, of runs that have ended: no program is compiled for so many."""
    states = jax.tree.map(_stacked, one.states, other.states)
    start = jax.tree.map(_stacked, one.start, other.start)
    return replace(other, runs=one.runs + other.runs, states=states, start=start)


def _stacked(one: Any, other: Any) -> np.ndarray:
    return np.concatenate([np.asarray(one), np.asarray(other)])


def keys(runs: tuple[RunSpec, ...]) -> UInt32[np.ndarray, "seeds 2"]:
    """Each seed's key, as a single run has it."""
    return np.stack([key(run.seed) for run in runs])


def plan(runs: tuple[RunSpec, ...], epoch: int, examples: int) -> Plan:
    """An epoch's plan for all seeds: an order each, learning rates and measured steps in common."""
    each = [epoch_plan(run, epoch, examples) for run in runs]
    return each[0]._replace(order=np.stack([one.order for one in each]))


def epoch(
    program: Program,
    state: TrainState,
    train: Block,
    validation: Block,
    keys: UInt32[Array, "seeds 2"],
    plan: Any,  # a Plan whose orders have an axis of seeds
    start: Kernels,
) -> tuple[TrainState, EpochInfo]:
    """`engine.epoch` of every seed."""
    every = jax.vmap(partial(engine.epoch, program), in_axes=(0, None, None, 0, PLAN_AXES, 0))
    return every(state, train, validation, keys, plan, start)


def shared_epoch(
    asked: tuple[Devices, Program],
    state: TrainState,
    train: Block,
    validation: Block,
    keys: UInt32[Array, "seeds 2"],
    plan: Any,
    start: Kernels,
) -> tuple[TrainState, EpochInfo]:
    """`epoch` on several devices, each with seeds of its own, so that none waits for another.

    Where seeds do not divide, the last one is trained more than once and counts once.
    """
    devices, program = asked
    whole = (train, validation, plan._replace(order=None))
    shared = devices.filled((state, keys, plan.order, start))

    def of_each(whole: tuple[Block, Block, Any], own: tuple[Any, ...]) -> Any:
        train, validation, plan = whole
        state, keys, order, start = own
        return epoch(program, state, train, validation, keys, plan._replace(order=order), start)

    ended = devices.by_parts(of_each)(whole, shared)
    return jax.tree.map(lambda leaf: leaf[: len(keys)], ended)


def compile_epoch(
    spec: RunSpec,
    seeds: int,
    dataset: Dataset,
    probe: Probe | None = layer_stats.measure,
    devices: Devices | None = None,
) -> Any:
    """The program of an epoch of all seeds; it serves every initialiser, rate and first seed.

    devices: those that share the seeds. Raises DnncliError where the runs do not fit into memory.
    """
    spec = spec.resolved(dataset.task)
    memory.check(spec, dataset.features, dataset.outputs, len(dataset.train), seeds)
    runs = seeded(spec, seeds)
    examples = len(dataset.train)
    compiled = program(spec, examples, probe)
    one = initial_state(compiled, dataset.features, dataset.outputs, spec.seed)
    state = placement.stacked_shapes(one, seeds)
    train = placement.block_shapes(dataset.train)
    validation = placement.block_shapes(dataset.validation)
    return compiled_program(compiled, runs, state, train, validation, devices)


def compiled_program(
    program: Program,
    runs: tuple[RunSpec, ...],
    state: TrainState,
    train: Block,
    validation: Block,
    devices: Devices | None = None,
) -> Any:
    """The program of an epoch of all seeds, from arrays or their shapes alone.

    state: with an axis of seeds first. devices: those that share the seeds.
    """
    first = plan(runs, 0, train.y.shape[0])
    start = kernels_of(state.network.parameters)
    options = COMPILER_OPTIONS if jax.default_backend() == "cpu" else None
    arguments = (state, train, validation, keys(runs), first, start)
    if devices is None:
        return traced_programs.compiled(epoch, (program,), *arguments, options=options)
    shapes = placement.shapes_everywhere(arguments, devices)
    lowered = engine.on_devices(shared_epoch, devices).lower((devices, program), *shapes)
    return lowered.compile(options)


def select(
    states: SeedStates,
    state: TrainState,
    kept: Bool[Array, " seeds"],
    improved: Bool[Array, " seeds"],
) -> SeedStates:
    """Seeds in `kept` take their new state, seeds in `improved` also its network as their best."""
    return SeedStates(
        jax.tree.map(partial(_choose, kept), state, states.state),
        jax.tree.map(partial(_choose, improved), state.network, states.best),
    )


def _choose(flags: Bool[Array, " seeds"], new: Array, old: Array) -> Array:
    return jnp.where(flags.reshape(-1, *[1] * (new.ndim - 1)), new, old)


_select = jax.jit(select)


def run(batch: SeedBatch, train: Block, validation: Block, compiled: Any) -> Iterator[SeedBatch]:
    """Train until every seed has stopped; yields after each epoch."""
    specs = tuple(history.spec for history in batch.runs)
    examples = len(train.y)
    while batch.running:
        began = time.perf_counter()
        epoch = batch.epoch
        plans = plan(specs, epoch, examples)
        arguments = (train, validation, keys(specs), plans, batch.start)
        state, device_info = compiled(batch.states.state, *arguments)
        info = placement.wait(device_info)
        seconds = time.perf_counter() - began
        share = seconds / len(specs)
        runs = tuple(
            _advanced(
                history, epoch, seed_slice(k, plans), seed_slice(k, info), share, batch.numbers
            )
            for k, history in enumerate(batch.runs)
        )
        pairs = list(zip(batch.runs, runs, strict=True))
        kept = np.array([after.epoch > before.epoch for before, after in pairs])
        improved = kept & np.array([history.improved for history in runs])
        states = _select(batch.states, state, kept, improved)
        batch = replace(batch, runs=runs, states=states, seconds=seconds)
        yield batch


def seed_slice(k: int, values: Any) -> Any:
    """One seed's part of a plan or an epoch's info."""
    if isinstance(values, Plan):
        return values._replace(order=values.order[k])
    return jax.tree.map(lambda leaf: leaf[k], values)


def _advanced(
    history: RunHistory,
    epoch: int,
    plan: Plan,
    info: EpochInfo,
    seconds: float,
    numbers: Quantities | None,
) -> RunHistory:
    """A seed's run after the epoch that `info` reports; unchanged where it had stopped before."""
    if history.stopped:
        return history
    if not epoch_record.finite(info):
        return replace(history, stopped="diverged")
    record = epoch_record.record(history.spec, epoch, plan, info, seconds, numbers)
    after = advance(history, record)
    if history.epochs or not info.stats:
        return after
    return replace(after, initial=epoch_record.initial(history.spec, info))


def snapshots(batch: SeedBatch, summary: DataSummary) -> tuple[Snapshot, ...]:
    """Every seed's run as `training.run` would leave it, in NumPy."""
    states = placement.fetch(batch.states)
    slices = [seed_slice(k, states) for k in range(len(batch.runs))]
    return tuple(
        Snapshot(history, own.best, own.state, summary)
        for history, own in zip(batch.runs, slices, strict=True)
    )
