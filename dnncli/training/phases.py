"""Stretches of a run in which the same layers are trained.

What stands below the lowest trained layer is not part of the compiled epoch: the layers above it are
trained as a network of their own on its outputs. These are computed once where they stay the same from
epoch to epoch, and batch by batch where dropout acts on them; nothing flows back into frozen layers.
A run without frozen layers is one phase, with the whole network.
"""

from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import jax

from dnncli.nn import inference, layer_stats, optimizers
from dnncli.nn.inference import Base
from dnncli.nn.network import Parameters, TrainState
from dnncli.records import LayerRecord
from dnncli.spec import NetworkSpec, RunSpec
from dnncli.training import plan
from dnncli.training.engine import Block, Probe, Program
from dnncli.training.snapshot import Snapshot, optimizer_leaves


@dataclass(frozen=True)
class Phase:
    """A phase ready to train.

    part: the run of its trained part, whose layers have the names they have in the whole network.
    program: what trains that part; whole: the same for the whole network.
    base: figures of the frozen layers below that part; frozen: all layers that are.
    """

    part: RunSpec
    program: Program
    whole: Program
    train: Block
    validation: Block
    base: tuple[LayerRecord, ...]
    frozen: tuple[str, ...]


def program(
    spec: RunSpec, examples: int, epoch: int, measure: Probe = layer_stats.measure
) -> Program:
    """What is compiled for a run's epoch (counted from 0)."""
    shares = spec.freezing.factors(spec.network.layers(), epoch + 1)
    factors = None if shares is None else tuple(shares.values())
    return Program(spec.network, spec.update, plan.batch_size(spec, examples), measure, factors)


def enter(
    snapshot: Snapshot, train: Block, validation: Block, epoch: int, *, cache: bool = True
) -> Phase:
    """The phase of an epoch (counted from 0); without `cache` the frozen layers run in every step."""
    spec, frozen = snapshot.spec, snapshot.spec.freezing.frozen(epoch + 1)
    below = len(list(takewhile(frozen.__contains__, spec.network.layers())))
    part = replace(
        spec, network=replace(spec.network, hidden=spec.network.hidden[below:], below=below)
    )
    own, whole = program(part, len(train.y), epoch), program(spec, len(train.y), epoch)
    if not below:
        return Phase(part, own, whole, train, validation, (), frozen)
    base = jax.device_put(
        Base(snapshot.state.parameters[:below], snapshot.state.statistics[:below])
    )
    above, held_out = (_on_base(own, block, base, cache) for block in (train, validation))
    return Phase(part, own, whole, above, held_out, describe(spec, base, train), frozen)


def _on_base(compiled: Program, block: Block, base: Base, cache: bool) -> Block:
    if not cache or compiled.network.dropout:
        return block._replace(base=base)
    return Block(
        inference.compiled_outputs(compiled.network, base, block.x, compiled.batch_size), block.y
    )


def describe(spec: RunSpec, base: Base, train: Block) -> tuple[LayerRecord, ...]:
    """The figures of frozen layers over the whole training set."""
    size = plan.batch_size(spec, len(train.y))
    seen = jax.device_get(layer_stats.compiled_activity(spec.network, base, train.x, size))
    return layer_stats.frozen_records(spec.network, *seen)


def cut(phase: Phase, whole: TrainState) -> TrainState:
    """The trained part of a state; what just thawed starts with an optimizer's state of zeros."""
    if phase.program.factors is None:
        return whole
    below = phase.part.network.below
    parameters, statistics = whole.parameters[below:], whole.statistics[below:]
    optimizer = _carried(phase.program, parameters, phase.whole.network, whole.optimizer)
    return TrainState(parameters, statistics, optimizer, whole.step)


def join(phase: Phase, old: TrainState, new: TrainState) -> TrainState:
    """The whole state after its trained part has become `new`; frozen layers stay what they were."""
    if phase.program.factors is None:
        return new
    below = phase.part.network.below
    parameters = (*old.parameters[:below], *new.parameters)
    statistics = (*old.statistics[:below], *new.statistics)
    optimizer = _carried(phase.whole, parameters, phase.part.network, new.optimizer)
    return TrainState(parameters, statistics, optimizer, new.step)


def _carried(target: Program, parameters: Parameters, source: NetworkSpec, state: Any) -> Any:
    """The state of the target's rule: what the source's state has under the same name, zeros for the rest."""
    fresh = optimizers.initial_state(target.rule(), parameters)
    known = dict(optimizer_leaves(source.layers(), state))
    leaves = optimizer_leaves(target.network.layers(), fresh)
    return jax.tree.unflatten(
        jax.tree.structure(fresh), [known.get(name, leaf) for name, leaf in leaves]
    )


def layers(phase: Phase, records: tuple[LayerRecord, ...]) -> tuple[LayerRecord, ...]:
    """The figures of all layers from those of the trained part; frozen ones are marked."""
    marked = tuple(replace(record, frozen=record.layer in phase.frozen) for record in records)
    return (*phase.base, *marked)
