"""A run on examples that are larger than memory: block after block from the disk.

Every epoch reads the file's pages in another order, cuts what comes into blocks, and shuffles each
of them. All of it follows from the seed and the epoch. A set of a single block is trained on in the
very order of one that is in memory.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from dnncli.data import Dataset, Split
from dnncli.data.blocks import reading
from dnncli.data.blocks.stored import Stored
from dnncli.nn.gradient_noise import Kernels
from dnncli.nn.network import TrainState
from dnncli.training import engine, epoch_record, packing, phases, placement
from dnncli.training.ahead import ahead
from dnncli.training.engine import EpochInfo
from dnncli.training.phases import Outcome, Phase, Pieces
from dnncli.training.plan import (
    Plan,
    block_plans,
    block_sizes,
    key,
    measured_sizes,
    page_order,
)
from dnncli.training.snapshot import Snapshot
from dnncli.training.step import Log

# One part of --memory is a block: one is trained on, one waits, one is being read.
PARTS = 4


@dataclass(frozen=True)
class StreamedPhase(Phase):
    """A phase whose training examples are on the disk.

    split: the examples. sizes: of the blocks of an epoch. programs: of a block, by its size.
    conclusion: the program that ends an epoch.
    """

    split: Split | None = None
    sizes: tuple[int, ...] = ()
    programs: Mapping[int, Any] | None = None
    conclusion: Any = None

    @property
    def examples(self) -> int:
        """How many train."""
        return sum(self.sizes)

    def pieces(self, epoch: int) -> Pieces:
        """The blocks of an epoch (counted from 0), read and copied ahead, with their plans."""
        return ahead(self._read(epoch))

    def _read(self, epoch: int) -> Pieces:
        """The same, read now."""
        assert self.split is not None
        assert isinstance(self.split.x, Stored)
        pages = page_order(self.part.seed, epoch, len(self.split.x.pages), self.sizes)
        plans = block_plans(self.part, epoch, self.sizes)
        for split in reading.blocks(self.split, pages.tolist(), self.sizes):
            yield placement.block(split), next(plans)

    def step(self, state: TrainState, epoch: int) -> tuple[TrainState, Outcome]:
        """One epoch (counted from 0): the state after it, and its record."""
        began = time.perf_counter()
        state = packing.packed(self.program, state)
        logs = []
        plans = []
        with closing(self.pieces(epoch)) as pieces:
            for block, plan in pieces:
                assert self.programs is not None
                program = self.programs[len(plan.order)]
                state, *left = program(state, block, key(self.part.seed), plan)
                logs.append(placement.wait(tuple(left)))
                plans.append(plan)
                del block
        log, stats = merged([log for log, _ in logs], [stats for _, stats in logs])
        info = placement.wait(self.conclusion(state, log, stats, self.validation, self.start))
        seconds = time.perf_counter() - began
        first = logs[0][1]
        return packing.unpacked(state), self._outcome(epoch, plans, info, seconds, first)

    def _outcome(
        self, epoch: int, plans: Sequence[Plan], info: EpochInfo, seconds: float, first: Any
    ) -> Outcome:
        """The epoch's record; first: what was measured of the first block."""
        size = self.program.batch_size
        sizes = np.concatenate([measured_sizes(plan, size) for plan in plans])
        whole = joined(plans, self.examples)
        record = epoch_record.record(
            self.part, epoch, whole, info, seconds, self.numbers, sizes=sizes
        )
        beginning = info._replace(stats=first)
        initial = epoch_record.initial(self.part, beginning) if epoch == 0 else ()
        return Outcome(record, epoch_record.finite(info), initial)


def merged(logs: Sequence[Log], stats: Sequence[Any]) -> tuple[Log, Any]:
    """What the steps of several blocks left, on the host, as if they were of one."""
    columns: Any = zip(*logs, strict=True)
    losses, clipped, active, gradients, hits = columns
    answered = None if hits[0] is None else np.concatenate(hits)
    log: Any = Log(
        losses=np.concatenate(losses),  # type: ignore[arg-type]
        clipped=np.concatenate(clipped),  # type: ignore[arg-type]
        active=np.logical_or.reduce(active),
        gradients=jax.tree.map(_sum, *gradients),
        hits=answered,  # type: ignore[arg-type]
    )
    return log, jax.tree.map(lambda *parts: np.concatenate(parts), *stats)


def _sum(*parts: Any) -> Any:
    """Arrays of the same shape, added up in their order."""
    return sum(parts[1:], parts[0])


def joined(plans: Sequence[Plan], examples: int) -> Plan:
    """The plans of an epoch's blocks as one, whose order nobody asks for."""
    return Plan(
        order=np.broadcast_to(np.int32(0), (examples,)),  # one number, however long it is
        learning_rates=np.concatenate([plan.learning_rates for plan in plans]),
        measured=np.concatenate([plan.measured for plan in plans]),
    )


def begin(snapshot: Snapshot, dataset: Dataset) -> StreamedPhase:
    """The phase of a whole run, compiled."""
    spec = snapshot.spec
    split = dataset.train
    assert isinstance(split.x, Stored)
    assert spec.data.memory
    program = phases.program(spec, len(split), 0)
    start: Kernels | None = None
    if snapshot.start is not None:
        start = placement.put(packing.packed_kernels(program, snapshot.start))
    phase = StreamedPhase(
        part=spec,
        program=program,
        whole=program,
        train=placement.block_shapes(split),
        validation=placement.block(dataset.validation),
        base=(),
        frozen=(),
        numbers=snapshot.data.numbers,
        start=start,
        split=split,
        sizes=block_sizes(len(split), program.batch_size, block_rows(spec.data.memory, split.x)),
    )
    return _compiled(phase, snapshot.state)


def block_rows(memory: int, x: Stored) -> int:
    """How many examples a block may have."""
    return memory // PARTS // (x.shape[1] * x.dtype.itemsize)


def _compiled(phase: StreamedPhase, state: TrainState) -> StreamedPhase:
    """The phase with its programs: of a block, of a last one of another size, and of the end."""
    state = packing.packed(phase.program, state)
    plans = list(block_plans(phase.part, 0, phase.sizes))
    programs = {}
    left = {}
    for plan in {len(plan.order): plan for plan in plans}.values():
        size = len(plan.order)
        block = placement.resized(phase.train, size)
        arguments = (phase.program, state, block, key(phase.part.seed), plan)
        programs[size] = engine.compiled_block.lower(*arguments).compile()
        left[size] = _zeros(programs[size].out_info[1:])
    logs = [left[size] for size in phase.sizes]
    log, stats = merged([log for log, _ in logs], [stats for _, stats in logs])
    ending = (phase.program, state, log, stats, phase.validation, phase.start)
    conclusion = engine.compiled_conclusion.lower(*ending).compile()
    return replace(phase, programs=programs, conclusion=conclusion)


def _zeros(shapes: Any) -> Any:
    """Arrays of these shapes, which take no memory."""
    return jax.tree.map(lambda leaf: np.broadcast_to(leaf.dtype.type(0), leaf.shape), shapes)
