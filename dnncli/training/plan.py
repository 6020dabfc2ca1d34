"""An epoch's plan: the order of the examples, the learning rates, the steps to measure."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float, Float32, Int, Int32, UInt32

from dnncli.nn import initializers, schedules
from dnncli.spec import RunSpec

MEASURED_STEPS = 32  # of an epoch, evenly spread; every step where there are fewer
SHUFFLE_STREAM = 2  # keeps the shuffles' random numbers apart from the initialisers'


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
    return min(spec.schedule.batch_size, examples)


def epoch_plan(spec: RunSpec, epoch: int, examples: int) -> Plan:
    """The plan of an epoch (counted from 0): the same for the same seed and epoch."""
    batch = batch_size(spec, examples)
    steps = -(-examples // batch)
    rates = schedules.learning_rates(spec.schedule, epoch, steps)
    return Plan(shuffle(spec.seed, epoch, examples), rates, spread(examples // batch))


def shuffle(seed: int, epoch: int, examples: int) -> Int32[np.ndarray, " examples"]:
    """The order of an epoch's examples: of seed and epoch alone, so that resuming is exact."""
    rng = initializers.generator(seed, SHUFFLE_STREAM, epoch)
    return rng.permutation(examples).astype(np.int32)


def spread(full: int) -> Int32[np.ndarray, " measured"]:
    """The measured steps: evenly spread from the first, all of them where there are few."""
    count = min(full, MEASURED_STEPS)
    return (np.arange(count) * full // max(count, 1)).astype(np.int32)


def over_examples(means: Float32[np.ndarray, " steps"], examples: int, batch: int) -> float:
    """The steps' mean losses or hits averaged over examples: the last batch may be smaller."""
    sizes = np.full(len(means), batch)
    sizes[-1] = examples - batch * (len(means) - 1)
    return float(np.average(means.astype(np.float64), weights=sizes))
