"""A run on examples that are larger than memory: block after block from the disk.

Every epoch reads the file's pages in another order, cuts what comes into blocks, and shuffles each
of them. All of it follows from the seed and the epoch. A set of a single block is trained on in the
very order of one that is in memory.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import accumulate, islice
from typing import Any

import jax
import numpy as np

from dnncli.data import Dataset, Split
from dnncli.data.blocks import reading
from dnncli.data.blocks.stored import Stored
from dnncli.errors import CheckpointError
from dnncli.nn.gradient_noise import Kernels
from dnncli.training import engine, epoch_record, packing, phases, placement
from dnncli.training.ahead import ahead
from dnncli.training.engine import EpochInfo
from dnncli.training.phases import Outcome, Parts, Phase, Pieces
from dnncli.training.plan import (
    Plan,
    block_plans,
    block_sizes,
    key,
    measured_sizes,
    page_order,
)
from dnncli.training.snapshot import Snapshot, Within
from dnncli.training.step import Log

# One part of --memory is a block: one is trained on, one waits, one is being read.
PARTS = 4


Left = tuple[Log, Any]  # what steps leave besides the state; the second is the probe's


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

    @property
    def blocks(self) -> int:
        """How many the training examples come in."""
        return len(self.sizes)

    def pieces(self, epoch: int, done: int = 0) -> Pieces:
        """The blocks of an epoch (counted from 0), read and copied ahead, with their plans.

        done: how many are left out.
        """
        return ahead(self._read(epoch, done))

    def _read(self, epoch: int, done: int) -> Pieces:
        """The same, read now."""
        assert self.split is not None
        assert isinstance(self.split.x, Stored)
        pages = page_order(self.part.seed, epoch, len(self.split.x.pages), self.sizes)
        plans = islice(block_plans(self.part, epoch, self.sizes), done, None)
        for split in reading.blocks(self.split, pages.tolist(), self.sizes, done):
            yield placement.block(split), next(plans)

    def parts(self, snapshot: Snapshot, epoch: int) -> Parts:
        """One epoch (counted from 0), yielded after each block but the last."""
        began = time.perf_counter()
        done = 0
        state = snapshot.state
        left: Left | None = None
        if snapshot.within:
            done, state, leaves = snapshot.within
            left = jax.tree.unflatten(self._structure(), leaves)
        state = packing.packed(self.program, state)
        with closing(self.pieces(epoch, done)) as pieces:
            for block, plan in pieces:
                assert self.programs is not None
                program = self.programs[len(plan.order)]
                state, *own = program(state, block, key(self.part.seed), plan)
                left = merged(left, placement.wait(tuple(own)))
                done += 1
                del block
                if done < len(self.sizes):
                    yield Within(done, packing.unpacked(state), tuple(jax.tree.leaves(left)))
        assert left is not None
        info = placement.wait(self.conclusion(state, *left, self.validation, self.start))
        seconds = time.perf_counter() - began
        return packing.unpacked(state), self._outcome(epoch, info, seconds)

    def _structure(self) -> Any:
        """The structure of what a block's steps leave."""
        assert self.programs is not None
        program = self.programs[self.sizes[0]]
        return jax.tree.structure(tuple(program.out_info[1:]))

    def _outcome(self, epoch: int, info: EpochInfo, seconds: float) -> Outcome:
        """The epoch's record."""
        size = self.program.batch_size
        plans = list(block_plans(self.part, epoch, self.sizes))
        own_sizes = [measured_sizes(plan, size) for plan in plans]
        whole = joined(plans, self.examples)
        record = epoch_record.record(
            self.part, epoch, whole, info, seconds, self.numbers, sizes=np.concatenate(own_sizes)
        )
        first = len(own_sizes[0])
        beginning = info._replace(stats=jax.tree.map(lambda leaf: leaf[:first], info.stats))
        initial = epoch_record.initial(self.part, beginning) if epoch == 0 else ()
        return Outcome(record, epoch_record.finite(info), initial)


def merged(before: Left | None, own: Left) -> Left:
    """What the steps of several blocks left, on the host, as if they were of one.

    before: of the blocks before; None: there is none.
    """
    if before is None:
        return own
    log, stats = own
    earlier, measured = before
    losses, clipped, hits = jax.tree.map(
        _joined,
        (earlier.losses, earlier.clipped, earlier.hits),
        (log.losses, log.clipped, log.hits),
    )
    active: Any = np.logical_or(earlier.active, log.active)
    gradients = jax.tree.map(np.add, earlier.gradients, log.gradients)
    return Log(losses, clipped, active, gradients, hits), jax.tree.map(_joined, measured, stats)


def _joined(one: Any, other: Any) -> Any:
    """The steps of two blocks after each other."""
    return np.concatenate((one, other))


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
    sizes = block_sizes(len(split), program.batch_size, block_rows(spec.data.memory, split.x))
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
        sizes=sizes,
    )
    return _compiled(phase, snapshot)


def block_rows(memory: int, x: Stored) -> int:
    """How many examples a block may have."""
    return memory // PARTS // (x.shape[1] * x.dtype.itemsize)


def _compiled(phase: StreamedPhase, snapshot: Snapshot) -> StreamedPhase:
    """The phase with its programs: of a block, of a last one of another size, and of the end."""
    state = packing.packed(phase.program, snapshot.state)
    plans = list(block_plans(phase.part, 0, phase.sizes))
    programs = {}
    left: dict[int, Left] = {}
    for plan in {len(plan.order): plan for plan in plans}.values():
        size = len(plan.order)
        block = placement.resized(phase.train, size)
        arguments = (phase.program, state, block, key(phase.part.seed), plan)
        programs[size] = engine.compiled_block.lower(*arguments).compile()
        left[size] = _zeros(tuple(programs[size].out_info[1:]))
    whole: list[Left] = list(accumulate((left[size] for size in phase.sizes), merged))
    if snapshot.within:
        _check(snapshot.within, whole)
    ending = (phase.program, state, *whole[-1], phase.validation, phase.start)
    conclusion = engine.compiled_conclusion.lower(*ending).compile()
    return replace(phase, programs=programs, conclusion=conclusion)


def _check(within: Within, whole: Sequence[Left]) -> None:
    """Raise CheckpointError where a stored epoch under way is not one of these blocks.

    whole: what is left after each block.
    """
    fits = 0 < within.blocks < len(whole)
    if fits:
        expected = jax.tree.leaves(whole[within.blocks - 1])
        fits = _kinds(within.left) == _kinds(expected)
    if not fits:
        raise CheckpointError(
            "the epoch under way in the checkpoint does not fit its data and --memory."
        )


def _kinds(leaves: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Shapes and dtypes of arrays."""
    return [(leaf.shape, leaf.dtype) for leaf in leaves]


def _zeros(shapes: Any) -> Any:
    """Arrays of these shapes, which take no memory."""
    return jax.tree.map(lambda leaf: np.broadcast_to(leaf.dtype.type(0), leaf.shape), shapes)
