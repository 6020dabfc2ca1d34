"""Programs of runs over several seeds: compiled in the background, shared where they can be."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from jax.stages import Compiled

from dnncli.data import Dataset
from dnncli.nn import inference, network
from dnncli.spec import RunSpec
from dnncli.training import placement, seeds
from dnncli.training.devices import Devices
from dnncli.training.program import Program

FORWARD_ROWS = 4096  # the most examples of a forward pass


@dataclass(frozen=True)
class CompiledPrograms:
    """What runs need: an epoch of all seeds, and one network's forward pass (None: not wanted)."""

    epoch: Callable[..., Any]
    forward: Compiled | None
    rows: int  # examples that the forward pass takes
    seconds: float  # of compilation


@dataclass(frozen=True)
class CompilationPool:
    """The programs that a background thread compiles, in order, and who shares which."""

    pending: Mapping[Program, "Future[CompiledPrograms]"]
    examples: int  # of the training set

    def program(self, run: RunSpec) -> Program:
        """What is compiled for a run: a key that runs with the same programs share."""
        return seeds.program(run, self.examples)

    def ready(self, run: RunSpec) -> bool:
        """Whether the run's programs are compiled."""
        return self.pending[self.program(run)].done()

    def get(self, run: RunSpec) -> CompiledPrograms:
        """The run's programs; waits until they are compiled."""
        return self.pending[self.program(run)].result()


@contextmanager
def compiling(
    runs: Sequence[RunSpec],
    seed_count: int,
    dataset: Dataset,
    *,
    forward: bool = True,
    workers: int = 1,
    devices: Devices | None = None,
) -> Iterator[CompilationPool]:
    """Compile the runs' programs in this order on threads of their own.

    XLA releases Python's lock, so training goes on meanwhile. Who watches stages watches these too.
    Runs that differ only in initialiser, learning rate or seed share a program. forward: whether
    forward passes are wanted as well. devices: those that share the seeds.
    """
    examples = len(dataset.train)
    distinct: dict[Program, RunSpec] = {}
    for run in runs:
        distinct.setdefault(seeds.program(run, examples), run)
    threads = ThreadPoolExecutor(workers, thread_name_prefix="compile")
    try:
        pending = {
            program: threads.submit(
                copy_context().run, _compile, run, seed_count, dataset, forward, devices
            )
            for program, run in distinct.items()
        }
        yield CompilationPool(pending, examples)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def _compile(
    run: RunSpec,
    seed_count: int,
    dataset: Dataset,
    forward: bool = True,
    devices: Devices | None = None,
) -> CompiledPrograms:
    """The programs of a run, from shapes alone."""
    began = time.perf_counter()
    epoch = seeds.compile_epoch(run, seed_count, dataset, devices=devices)
    rows = min(FORWARD_ROWS, len(dataset.train))
    logits = _compile_forward(run, rows, dataset) if forward else None
    return CompiledPrograms(epoch, logits, rows, time.perf_counter() - began)


def _compile_forward(run: RunSpec, rows: int, dataset: Dataset) -> Compiled:
    """The forward pass of one network over so many examples."""
    spec = seeds.program(run, len(dataset.train)).network
    x = placement.shape((rows, dataset.features))
    shapes = network.shapes(spec, dataset.features, dataset.outputs)
    return inference.compiled_logits.lower(spec, shapes, x).compile()
