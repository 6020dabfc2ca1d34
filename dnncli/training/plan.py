"""An epoch's plan: the order of the examples, the learning rates, the steps to measure."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float, Float32, Int, Int32, UInt32

from dnncli.nn import initializers, schedules
from dnncli.spec import RunSpec

MEASURED_STEPS = 32  # of an epoch, evenly spread; every step where there are fewer
SHUFFLE_STREAM = 2  # keeps the shuffles' random numbers apart from the initialisers'
PAGE_STREAM = 3  # and those of the order of pages


class Plan(NamedTuple):
    """One epoch's data besides the examples, as arguments of the compiled program.

    `measured` lists the full batches to measure, ascending from 0. Where it has as many as there
    are full batches, a smaller last batch is measured too.
    """

    order: Int[Array | np.ndarray, " examples"]
    learning_rates: Float[Array | np.ndarray, " steps"]
    measured: Int[Array | np.ndarray, " measured"]


def key(seed: int) -> UInt32[np.ndarray, "2"]:
    """The key of a run's dropout."""
    return np.array([0, seed], np.uint32)


def batch_size(spec: RunSpec, examples: int) -> int:
    """A batch holds no more examples than there are."""
    return spec.schedule.batch(examples)


def epoch_plan(spec: RunSpec, epoch: int, examples: int) -> Plan:
    """The plan of an epoch (counted from 0): the same for the same seed and epoch."""
    batch = batch_size(spec, examples)
    steps = -(-examples // batch)
    rates = schedules.learning_rates(spec.schedule, epoch, steps)
    return Plan(shuffle(spec.seed, epoch, examples), rates, spread(examples // batch))


def block_sizes(examples: int, batch: int, most: int) -> tuple[int, ...]:
    """How many examples each block of an epoch has: whole batches, but for the last block.

    most: examples that a block may have; it has a batch in any case. What is less than a batch goes
    with the block before it.
    """
    size = max(1, most // batch) * batch
    count = max(1, (examples + size - batch) // size)
    return (*[size] * (count - 1), examples - size * (count - 1))


def block_plans(spec: RunSpec, epoch: int, sizes: tuple[int, ...]) -> Iterator[Plan]:
    """The plan of each block of an epoch; of a single one it is `epoch_plan`."""
    batch = batch_size(spec, sum(sizes))
    steps = [-(-size // batch) for size in sizes]
    rates = schedules.learning_rates(spec.schedule, epoch, sum(steps))
    measured = -(-MEASURED_STEPS // len(sizes))
    ends = np.cumsum(steps).tolist()
    for number, size in enumerate(sizes):
        own = rates[ends[number] - steps[number] : ends[number]]
        key = () if len(sizes) == 1 else (number,)
        order = shuffle(spec.seed, epoch, size, *key)
        yield Plan(order, own, spread(size // batch, measured))


def page_order(
    seed: int, epoch: int, pages: int, sizes: tuple[int, ...]
) -> Int[np.ndarray, " pages"]:
    """The order in which an epoch reads pages of the disk; for a single block as they stand.

    A block then has rows from everywhere in the file, also where that is sorted.
    """
    if len(sizes) == 1:
        return np.arange(pages)
    return initializers.generator(seed, PAGE_STREAM, epoch).permutation(pages)


def measured_sizes(plan: Plan, batch: int) -> Float[np.ndarray, " batches"]:
    """How many examples the measured batches have: the last one is measured where all are."""
    examples = len(plan.order)
    full = np.full(len(plan.measured), float(batch))
    left = examples % batch
    everything = len(full) == examples // batch
    return np.append(full, float(left)) if left and everything else full


def shuffle(seed: int, epoch: int, examples: int, *block: int) -> Int32[np.ndarray, " examples"]:
    """The order of an epoch's examples, or of a block's: of seed, epoch and the block's number.

    Of nothing else, so that resuming is exact.
    """
    rng = initializers.generator(seed, SHUFFLE_STREAM, epoch, *block)
    return rng.permutation(examples).astype(np.int32)


def spread(full: int, most: int = MEASURED_STEPS) -> Int32[np.ndarray, " measured"]:
    """The measured steps: evenly spread from the first, all of them where there are few."""
    count = min(full, most)
    return (np.arange(count) * full // max(count, 1)).astype(np.int32)


def over_examples(means: Float32[np.ndarray, " steps"], examples: int, batch: int) -> float:
    """The steps' mean losses or hits averaged over examples: the last batch may be smaller."""
    sizes = np.full(len(means), batch)
    sizes[-1] = examples - batch * (len(means) - 1)
    return float(np.average(means.astype(np.float64), weights=sizes))
