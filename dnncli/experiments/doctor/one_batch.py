"""Can the network fit one batch? If so, its fault is in the steps, the penalties or the data."""

import math
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np

from dnncli.data import Dataset, Split
from dnncli.nn.tasks import TASKS
from dnncli.records import OneBatchRecord
from dnncli.spec import NetworkSpec, RunSpec, UpdateSpec
from dnncli.training import engine
from dnncli.training.placement import block, fetch
from dnncli.training.plan import Plan, key, shuffle
from dnncli.training.program import Program, initial_state
from dnncli.training.regression_outcome import r2

EXAMPLES = 64
STEPS = 300
# Adam's default, ten times more and less, and one for networks that are hard to train.
RATES = (1e-2, 3e-3, 1e-3, 1e-4)
# Of the achievable accuracy: a batch that is all but learned by heart.
TOLERANCE = 0.05


def fit_one_batch(spec: RunSpec, dataset: Dataset) -> OneBatchRecord:
    """Train the run's untrained network on one batch alone, with Adam at several rates at once.

    Penalties, clipping, dropout and schedules are left out: it is about the network, its
    initialisation and its inputs. Raises SpecError where a critical initialisation has no solution.
    """
    batch = _batch(spec, dataset)
    network = _plain(spec.network)
    program = Program(network, UpdateSpec(), len(batch), None, loss=spec.loss)
    moment = dataset.train.second_moment
    state = initial_state(program, dataset.features, dataset.outputs, spec.seed, moment)
    examples = block(batch)
    _, info = _fit(program, state, examples, examples, key(spec.seed), _plan(len(batch)))
    info = fetch(info)
    losses = info.log.losses[:, -1]
    finite = info.finite.all(axis=1) & np.isfinite(losses) & np.isfinite(info.validation.loss)
    merits = info.validation.metrics[TASKS[spec.loss].primary]
    if dataset.quantities is not None:  # of each target, at every rate
        merits = merits.mean(axis=1)
    return _record(batch, losses, merits, finite)


def _batch(spec: RunSpec, dataset: Dataset) -> Split:
    """The first examples of the first epoch, whatever the run's own batch size is."""
    rows = shuffle(spec.seed, 0, len(dataset.train))[:EXAMPLES]
    return dataset.train.take(rows)


def _plain(network: NetworkSpec) -> NetworkSpec:
    """The network without dropout, its moving averages fast enough to settle in the test."""
    momentum = None if network.bn_momentum is None else 0.9
    return replace(network, dropout=0.0, bn_momentum=momentum)


def _plan(size: int) -> Plan:
    """The same batch in every step, at every rate."""
    order = np.tile(np.arange(size, dtype=np.int32), STEPS)
    rates = np.repeat(np.array(RATES, np.float32)[:, None], STEPS, axis=1)
    return Plan(order, rates, np.zeros(1, np.int32))


def _at_every_rate(program: Program, *arguments: Any) -> Any:
    """`engine.epoch` at every learning rate of the plan."""
    rates = Plan(None, 0, None)  # type: ignore[arg-type]  # axes for vmap
    each = jax.vmap(partial(engine.epoch, program), in_axes=(None, None, None, None, rates))
    return each(*arguments)


_fit = jax.jit(_at_every_rate, static_argnums=0)


def _record(
    batch: Split, losses: np.ndarray, accuracies: np.ndarray, finite: np.ndarray
) -> OneBatchRecord:
    """The record of the last steps at every rate."""
    achievable = achievable_accuracy(batch)
    known = np.where(finite, accuracies, -math.inf)
    best = int(known.argmax())
    best_rate = RATES[best] if finite.any() else None
    return OneBatchRecord(
        examples=len(batch),
        steps=STEPS,
        rates=RATES,
        losses=_where(losses, finite),
        accuracies=_where(accuracies, finite),
        best_rate=best_rate,
        achievable=achievable,
        fits=bool(known[best] >= achievable - TOLERANCE),
    )


def _where(values: np.ndarray, finite: np.ndarray) -> tuple[float | None, ...]:
    """The values, None for those of rates that diverged."""
    known: list[float | None] = values.tolist()
    for index in np.flatnonzero(~finite):
        known[index] = None
    return tuple(known)


def achievable_accuracy(split: Split) -> float:
    """The best accuracy of any classifier: rows with the same features get the same answer.

    Of a regression the best R².
    """
    if split.y.ndim > 1:
        return _achievable_r2(split)
    labels: dict[bytes, Counter[int]] = {}
    for row, label in zip(np.asarray(split.x), split.y.tolist(), strict=True):
        labels.setdefault(row.tobytes(), Counter())[label] += 1
    right = sum(max(counts.values()) for counts in labels.values())
    return right / len(split)


def _achievable_r2(split: Split) -> float:
    """The R² of answering, for rows with the same features, their targets' mean."""
    groups: dict[bytes, list[int]] = {}
    for index, row in enumerate(np.asarray(split.x)):
        groups.setdefault(row.tobytes(), []).append(index)
    y = split.y.astype(np.float64)
    answers = np.empty_like(y)
    for rows in groups.values():
        answers[rows] = y[rows].mean(axis=0)
    return r2(y, answers)
