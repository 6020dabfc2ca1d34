"""Several seeds of a run in one program: every epoch for all of them at once.

Parameters carry a leading axis of seeds, the data are shared, every seed has its own initialisation,
shuffles and dropout: seed k is the run that `training` makes of it. A seed that has stopped keeps its
state while the others go on.
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
from dnncli.nn import layer_stats
from dnncli.nn.network import Parameters, Statistics, TrainState
from dnncli.records import EpochRecord, LayerRecord
from dnncli.spec import RunSpec
from dnncli.spec.comparison import seeded
from dnncli.training import device, early_stopping, engine, epoch_record
from dnncli.training import plan as plans
from dnncli.training.engine import Block, EpochInfo, Program
from dnncli.training.plan import Plan
from dnncli.training.snapshot import DataSummary, Snapshot

# A fifth less time to compile; the epochs take the same, since matrix products are library calls.
LIGHT: Any = {"xla_backend_optimization_level": 1}
SHARED = Plan(order=0, learning_rates=None, measured=None)  # type: ignore[arg-type]  # axes for vmap


class Fleet(NamedTuple):
    """All seeds' states and best epochs' networks on the device, every array with an axis of seeds first."""

    state: TrainState
    parameters: Parameters
    statistics: Statistics


@dataclass(frozen=True)
class Lane:
    """One seed's run so far; `stopped` as in `SeedRecord`, None while it goes on."""

    spec: RunSpec
    best_epoch: int = 0
    history: tuple[EpochRecord, ...] = ()
    initial: tuple[LayerRecord, ...] = ()
    stopped: str | None = None


@dataclass(frozen=True)
class Convoy:
    """The runs after some epochs, and how long the last one took for all of them (seconds)."""

    lanes: tuple[Lane, ...]
    fleet: Fleet
    seconds: float = 0.0

    @property
    def epoch(self) -> int:
        """How many epochs the longest run has done."""
        return max(len(lane.history) + (lane.stopped == "diverged") for lane in self.lanes)

    @property
    def going(self) -> bool:
        """Whether some seed still trains."""
        return any(lane.stopped is None for lane in self.lanes)


def program(spec: RunSpec, examples: int) -> Program:
    """What is compiled for a run: initialisers change only what goes in, so they all share one."""
    network = replace(spec.network, init="normal")
    return Program(network, spec.update, plans.batch_size(spec, examples), layer_stats.measure)


def start(spec: RunSpec, seeds: int, dataset: Dataset) -> Convoy:
    """The runs of `spec`'s seed and those after it, before their first epoch.

    Raises SpecError where a critical initialisation has no solution.
    """
    compiled, moment = program(spec, len(dataset.train)), dataset.train.second_moment
    own = replace(compiled, network=spec.network)
    states = [
        engine.initial_state(own, dataset.features, dataset.classes, run.seed, moment)
        for run in seeded(spec, seeds)
    ]
    state = jax.tree.map(lambda *leaves: np.stack(leaves), *states)
    return Convoy(
        tuple(map(Lane, seeded(spec, seeds))), Fleet(state, state.parameters, state.statistics)
    )


def keys(runs: tuple[RunSpec, ...]) -> UInt32[np.ndarray, "seeds 2"]:
    """Each seed's key, as a single run has it."""
    return np.array([[0, run.seed] for run in runs], np.uint32)


def plan(runs: tuple[RunSpec, ...], epoch: int, examples: int) -> Plan:
    """An epoch's plan for all seeds: an order each, learning rates and measured steps in common."""
    each = [plans.plan(run, epoch, examples) for run in runs]
    return each[0]._replace(order=np.stack([one.order for one in each]))


def epoch(
    program: Program,
    state: TrainState,
    train: Block,
    validation: Block,
    keys: UInt32[Array, "seeds 2"],
    plan: Any,  # a Plan whose orders have an axis of seeds
) -> tuple[TrainState, EpochInfo]:
    """`engine.epoch` of every seed."""
    every = jax.vmap(partial(engine.epoch, program), in_axes=(0, None, None, 0, SHARED))
    return every(state, train, validation, keys, plan)


def compile_epoch(spec: RunSpec, seeds: int, dataset: Dataset) -> Any:
    """The program that trains all seeds for an epoch, for every initialiser, rate and first seed."""
    runs, examples = seeded(spec, seeds), len(dataset.train)
    compiled = program(spec, examples)
    one = engine.initial_state(compiled, dataset.features, dataset.classes, spec.seed)
    state = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((seeds, *leaf.shape), leaf.dtype), one)
    blocks = [
        Block(*(jax.ShapeDtypeStruct(a.shape, a.dtype) for a in (split.x, split.y)))  # type: ignore[arg-type]
        for split in (dataset.train, dataset.validation)
    ]
    lowered = _epoch.lower(compiled, state, *blocks, keys(runs), plan(runs, 0, examples))
    return lowered.compile(LIGHT if jax.default_backend() == "cpu" else None)


def settle(
    fleet: Fleet, state: TrainState, kept: Bool[Array, " seeds"], improved: Bool[Array, " seeds"]
) -> Fleet:
    """The fleet after an epoch: states of seeds that are `kept` go on, those that `improved` are the best."""
    best = (fleet.parameters, fleet.statistics)
    return Fleet(
        jax.tree.map(partial(_choose, kept), state, fleet.state),
        *jax.tree.map(partial(_choose, improved), (state.parameters, state.statistics), best),
    )


def _choose(flags: Bool[Array, " seeds"], new: Array, old: Array) -> Array:
    return jnp.where(flags.reshape(-1, *[1] * (new.ndim - 1)), new, old)


_epoch = jax.jit(epoch, static_argnums=0)
_settle = jax.jit(settle)


def run(convoy: Convoy, train: Block, validation: Block, compiled: Any) -> Iterator[Convoy]:
    """Train until every seed has stopped; yields after each epoch."""
    runs, examples = tuple(lane.spec for lane in convoy.lanes), len(train.y)
    while convoy.going:
        began = time.perf_counter()
        todo = plan(runs, convoy.epoch, examples)
        state, device_info = compiled(convoy.fleet.state, train, validation, keys(runs), todo)
        info = device.wait(device_info)
        seconds = time.perf_counter() - began
        lanes = tuple(
            _advance(lane, convoy.epoch, of_seed(k, todo), of_seed(k, info), seconds / len(runs))
            for k, lane in enumerate(convoy.lanes)
        )
        pairs = list(zip(convoy.lanes, lanes, strict=True))
        kept = np.array([len(after.history) > len(before.history) for before, after in pairs])
        improved = kept & np.array([lane.best_epoch == convoy.epoch + 1 for lane in lanes])
        fleet = _settle(convoy.fleet, state, kept, improved)
        convoy = Convoy(lanes, fleet, seconds)
        yield convoy


def of_seed(k: int, values: Any) -> Any:
    """One seed's part of a plan or an epoch's info."""
    if isinstance(values, Plan):
        return values._replace(order=values.order[k])
    return jax.tree.map(lambda leaf: leaf[k], values)


def _advance(lane: Lane, epoch: int, plan: Plan, info: Any, seconds: float) -> Lane:
    """A seed's run after the epoch that `info` reports; as it was where it had stopped before."""
    if lane.stopped:
        return lane
    if not epoch_record.finite(info):
        return replace(lane, stopped="diverged")
    history = (*lane.history, epoch_record.record(lane.spec, epoch, plan, info, seconds))
    best = early_stopping.best_epoch(history, lane.spec.stopping)
    return replace(
        lane,
        history=history,
        best_epoch=best,
        initial=lane.initial or epoch_record.initial(lane.spec, info),
        stopped=early_stopping.reason(lane.spec, len(history), best),
    )


def snapshots(convoy: Convoy, summary: DataSummary) -> tuple[Snapshot, ...]:
    """Every seed's run as `training` would leave it, in NumPy."""
    fleet = jax.device_get(convoy.fleet)

    def one(k: int, lane: Lane) -> Snapshot:
        own: Fleet = of_seed(k, fleet)
        best = (own.parameters, own.statistics, lane.best_epoch)
        return Snapshot(lane.spec, summary, own.state, *best, lane.history, lane.initial)

    return tuple(one(k, lane) for k, lane in enumerate(convoy.lanes))
