"""One candidate of a race on the new task: all its seeds in one program, phase by phase.

Kept layers are the same for every seed, so that what frozen ones put out is computed once.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np

from dnncli.training import phases, seeds
from dnncli.training.history import RunHistory
from dnncli.training.phases import Phase
from dnncli.training.program import Block
from dnncli.training.seeds import SeedBatch, SeedStates
from dnncli.training.snapshot import Snapshot

WORKERS = 2  # programs compiled at once


@dataclass
class Programs:
    """Compiled programs, each once, on threads of their own; candidates share them."""

    threads: ThreadPoolExecutor
    pending: dict[Any, "Future[Any]"] = field(default_factory=dict)

    def get(self, phase: Phase, batch: SeedBatch) -> "Future[Any]":
        """The program of a phase's epoch for all seeds."""
        # Frozen layers below that are not cached are part of the program.
        key = (phase.program, phase.train.x.shape, phase.train.base is None)
        if key not in self.pending:
            runs = tuple(run.spec for run in batch.runs)
            self.pending[key] = self.threads.submit(
                copy_context().run,
                seeds.compiled_program,
                phase.program,
                runs,
                batch.states.state,
                phase.train,
                phase.validation,
            )
        return self.pending[key]


@contextmanager
def compiling() -> Iterator[Programs]:
    """Programs that are compiled in the background until the context ends."""
    threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="compile")
    try:
        yield Programs(threads)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


@dataclass
class ReuseTrial:
    """A candidate's runs so far.

    snapshots: every seed's, before the phase; phase: its layers that are trained, whose runs are
    `batch`; None before the first epoch.
    """

    snapshots: tuple[Snapshot, ...]
    blocks: tuple[Block, Block]
    cache: bool
    phase: Phase | None = None
    batch: SeedBatch | None = None

    @property
    def runs(self) -> tuple[RunHistory, ...]:
        """One run a seed."""
        if self.batch is None:
            return tuple(snapshot.history for snapshot in self.snapshots)
        return self.batch.runs

    @property
    def epochs(self) -> int:
        """How many epochs the longest run has done."""
        return 0 if self.batch is None else self.batch.epoch

    @property
    def diverged(self) -> int:
        """How many seeds have diverged."""
        return sum(run.stopped == "diverged" for run in self.runs)

    def prepare(self, programs: Programs) -> "Future[Any]":
        """Enter the phase of the next epoch; its program."""
        frozen = self.snapshots[0].spec.freezing.frozen(self.epochs + 1)
        if self.phase is None or self.batch is None:
            self._enter()
        elif frozen != self.phase.frozen:
            self._leave()
            self._enter()
        assert self.phase is not None
        assert self.batch is not None
        return programs.get(self.phase, self.batch)

    def advance(self, epochs: int, programs: Programs) -> Iterator[int]:
        """Train until the longest run has done so many epochs; yields the epoch after each."""
        while self.epochs < epochs and any(run.stopped is None for run in self.runs):
            compiled = self.prepare(programs).result()
            assert self.phase is not None
            assert self.batch is not None
            steps = seeds.run(self.batch, self.phase.train, self.phase.validation, compiled)
            self.batch = next(steps)
            yield self.epochs

    def _enter(self) -> None:
        """Begin the phase of the next epoch from the snapshots."""
        epoch = self.epochs
        histories = self.runs
        first = self.snapshots[0]
        phase = phases.begin(first, *self.blocks, epoch, cache=self.cache)
        states = [phases.trainable_part(phase, snapshot.state) for snapshot in self.snapshots]
        runs = tuple(
            replace(history, spec=replace(phase.part, seed=history.spec.seed))
            for history in histories
        )
        state = jax.tree.map(_stacked, *states)
        self.phase = phase
        starts = [snapshot.start for snapshot in self.snapshots]
        below = phase.part.network.below
        start = tuple(jax.tree.map(_stacked, *starts)[below:])
        self.batch = SeedBatch(runs, SeedStates(state, state.network), start)

    def _leave(self) -> None:
        """Bring what the phase has learned back into the snapshots."""
        assert self.phase is not None
        assert self.batch is not None
        states = jax.device_get(self.batch.states.state)
        self.snapshots = tuple(
            replace(
                snapshot,
                state=phases.merge(self.phase, snapshot.state, seeds.seed_slice(place, states)),
            )
            for place, snapshot in enumerate(self.snapshots)
        )


def _stacked(*leaves: Any) -> np.ndarray:
    return np.stack([np.asarray(leaf) for leaf in leaves])
