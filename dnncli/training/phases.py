"""Stretches of a run in which the same layers are trained.

What stands below the lowest trained layer is not part of the compiled epoch: the layers above it
are trained as a network of their own on its outputs. These are computed once where they stay the
same from epoch to epoch, and batch by batch where dropout acts on them; nothing flows back into
frozen layers. A run without frozen layers is one phase, with the whole network.
"""

import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, UInt32

from dnncli.data.quantities import Quantities
from dnncli.nn import inference, layer_stats, optimizers
from dnncli.nn.gradient_noise import Kernels
from dnncli.nn.network import Network, Parameters, TrainState
from dnncli.records import EpochRecord, LayerRecord
from dnncli.spec import NetworkSpec, RunSpec
from dnncli.training import engine, epoch_record, packing, placement, traced_programs
from dnncli.training.devices import Devices
from dnncli.training.plan import Plan, batch_size, epoch_plan, key
from dnncli.training.program import Block, Probe, Program
from dnncli.training.snapshot import Snapshot, Within
from dnncli.training.tensor_names import optimizer_leaves

Pieces = Generator[tuple[Block, Plan]]


@dataclass(frozen=True)
class Outcome:
    """What a step of a phase, one epoch, gave besides the state.

    initial: the figures of the run's first step, where this epoch began with it.
    """

    record: EpochRecord
    finite: bool
    initial: tuple[LayerRecord, ...]


# Returns the whole network's state after an epoch, and the epoch's record.
Parts = Generator[Within, None, tuple[TrainState, Outcome]]


@dataclass(frozen=True)
class Phase:
    """A phase ready to train.

    part: the RunSpec restricted to the trained upper layers; layer names are unchanged.
    program: what trains that part; whole: the same for the whole network.
    base: figures of the frozen layers below that part; frozen: all frozen layers.
    numbers: the targets of a regression.
    start: the kernels of that part before the run's first step; None where they are not at hand.
    compiled: the program of an epoch; None until `begin` has compiled it.
    """

    part: RunSpec
    program: Program
    whole: Program
    train: Block
    validation: Block
    base: tuple[LayerRecord, ...]
    frozen: tuple[str, ...]
    compiled: Any = None
    numbers: Quantities | None = None
    start: Kernels | None = None

    @property
    def examples(self) -> int:
        """How many train."""
        return len(self.train.y)

    @property
    def blocks(self) -> int:
        """How many the training examples come in."""
        return 1

    def pieces(self, epoch: int) -> Pieces:
        """What an epoch (counted from 0) trains on, one after the other, with its plans."""
        yield self.train, epoch_plan(self.part, epoch, self.examples)

    def parts(self, snapshot: Snapshot, epoch: int) -> Parts:
        """The epoch (counted from 0) that follows, yielded under way where it comes in parts."""
        yield from ()
        return self.step(snapshot.state, epoch)

    def step(self, state: TrainState, epoch: int) -> tuple[TrainState, Outcome]:
        """One epoch (counted from 0): the whole network's state after it, and its record."""
        began = time.perf_counter()
        plan = epoch_plan(self.part, epoch, self.examples)
        blocks = (self.train, self.validation)
        before, own_key, placed_plan = arguments(self, state, plan)
        after, device_info = self.compiled(before, *blocks, own_key, placed_plan, self.start)
        devices = self.program.devices
        timeout = devices.timeout if devices else None
        info = placement.wait(device_info, timeout)
        after = packing.unpacked(placement.here(after, devices))
        seconds = time.perf_counter() - began
        record = epoch_record.record(self.part, epoch, plan, info, seconds, self.numbers)
        whole = replace(record, layers=all_layers(self, record.layers))
        initial = epoch_record.initial(self.part, info) if epoch == 0 else ()
        outcome = Outcome(whole, epoch_record.finite(info), initial)
        return merge(self, state, after), outcome


def program(
    spec: RunSpec,
    examples: int,
    epoch: int,
    measure: Probe = layer_stats.measure,
    devices: Devices | None = None,
) -> Program:
    """What is compiled for a run's epoch (counted from 0)."""
    by_layer = spec.freezing.multipliers(spec.network.layers(), epoch + 1)
    multipliers = None if by_layer is None else tuple(by_layer.values())
    size = batch_size(spec, examples)
    asked = spec.stopping.measured
    return Program(spec.network, spec.update, size, measure, multipliers, spec.loss, asked, devices)


def begin(
    snapshot: Snapshot,
    train: Block,
    validation: Block,
    epoch: int,
    *,
    cache: bool = True,
    devices: Devices | None = None,
) -> Phase:
    """The phase of an epoch (counted from 0), not compiled yet.

    Without `cache` the frozen layers run in every step. devices: those that hold the blocks.
    """
    spec = snapshot.spec
    frozen = spec.freezing.frozen(epoch + 1)
    below = len(list(takewhile(frozen.__contains__, spec.network.layers())))
    upper = replace(spec.network, hidden=spec.network.hidden[below:], below=below)
    part = replace(spec, network=upper)
    own = program(part, len(train.y), epoch, devices=devices)
    whole = program(spec, len(train.y), epoch)
    numbers = snapshot.data.numbers
    start = None
    if snapshot.start is not None:
        kernels = packing.packed_kernels(own, snapshot.start[below:])
        start = placement.everywhere(kernels, devices)
    known: dict[str, Any] = {"numbers": numbers, "start": start}
    if not below:
        return Phase(part, own, whole, train, validation, (), frozen, **known)
    base = placement.everywhere(snapshot.state.network.part(0, below), devices)
    above = _on_base(own, train, base, cache)
    held_out = _on_base(own, validation, base, cache)
    records = base_records(spec, base, train)
    return Phase(part, own, whole, above, held_out, records, frozen, **known)


def compiled(phase: Phase, state: TrainState) -> Phase:
    """The phase with its one program, compiled ahead so that its time can be told apart."""
    plan = epoch_plan(phase.part, 0, len(phase.train.y))
    before, own_key, placed_plan = arguments(phase, state, plan)
    blocks = (phase.train, phase.validation)
    given = (before, *blocks, own_key, placed_plan, phase.start)
    if phase.program.devices is None:
        program = traced_programs.compiled(engine.epoch, (phase.program,), *given)
        return replace(phase, compiled=program)
    epoch = engine.on_devices(engine.epoch, phase.program.devices)
    return replace(phase, compiled=epoch.lower(phase.program, *given).compile())


def arguments(
    phase: Phase, state: TrainState, plan: Plan
) -> tuple[TrainState, UInt32[Array | np.ndarray, "2"], Plan]:
    """What an epoch takes besides the data, from the whole network's state: where it is needed."""
    part = packing.packed(phase.program, trainable_part(phase, state))
    own = (part, key(phase.part.seed), plan)
    devices = phase.program.devices
    return own if devices is None else placement.everywhere(own, devices)


def _on_base(program: Program, block: Block, base: Network, cache: bool) -> Block:
    """The block above its frozen base: with the base's outputs, or with the base itself."""
    if not cache or program.network.dropout:
        return block._replace(base=base)
    size = program.batch_size
    return block._replace(x=inference.compiled_outputs(program.network, base, block.x, size))


def base_records(spec: RunSpec, base: Network, train: Block) -> tuple[LayerRecord, ...]:
    """The figures of frozen layers over the whole training set."""
    size = batch_size(spec, len(train.y))
    seen = layer_stats.compiled_activity(spec.network, base, train.x, size)
    return layer_stats.frozen_records(spec.network, *placement.fetch(seen))


def trainable_part(phase: Phase, whole: TrainState) -> TrainState:
    """The trained part of a state; the optimizer state of a layer just unfrozen is zeros."""
    if phase.program.multipliers is None:
        return whole
    network = whole.network.part(phase.part.network.below)
    source = phase.whole.network
    optimizer = _carried(phase.program, network.parameters, source, whole.optimizer)
    return TrainState(network, optimizer, whole.step)


def merge(phase: Phase, old: TrainState, new: TrainState) -> TrainState:
    """The whole state after its trained part has become `new`; frozen layers stay the same."""
    if phase.program.multipliers is None:
        return new
    base = old.network.part(0, phase.part.network.below)
    network = Network(
        (*base.parameters, *new.network.parameters),
        (*base.statistics, *new.network.statistics),
    )
    source = phase.part.network
    optimizer = _carried(phase.whole, network.parameters, source, new.optimizer)
    return TrainState(network, optimizer, new.step)


def _carried(target: Program, parameters: Parameters, source: NetworkSpec, state: Any) -> Any:
    """The optimizer state of the target's rule: the source's leaves by name, else zeros."""
    fresh = optimizers.initial_state(target.rule(), parameters)
    known = dict(optimizer_leaves(source.layers(), state))
    leaves = optimizer_leaves(target.network.layers(), fresh)
    carried = [known.get(name, leaf) for name, leaf in leaves]
    return jax.tree.unflatten(jax.tree.structure(fresh), carried)


def all_layers(phase: Phase, records: tuple[LayerRecord, ...]) -> tuple[LayerRecord, ...]:
    """The figures of all layers from those of the trained part; frozen ones are marked."""
    if not phase.frozen:
        return records
    marked = [replace(record, frozen=record.layer in phase.frozen) for record in records]
    return (*phase.base, *marked)
