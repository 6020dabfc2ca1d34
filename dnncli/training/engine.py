"""The compiled epoch: every step, every measurement and the validation in one program.

It knows one network on one block of data. The order of the examples, the learning rates and the
steps to measure come in as arguments, so one compilation serves every seed, rate and schedule;
several blocks follow each other by passing the state on; `vmap` outside gives several seeds.
"""

from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from dnncli.nn import examples, gradient_noise, inference, network, reductions, stacks
from dnncli.nn.network import Network, TrainState
from dnncli.nn.tasks import TASKS
from dnncli.spec import NetworkSpec
from dnncli.training.devices import Devices, rows_of
from dnncli.training.plan import Plan
from dnncli.training.program import Block, Program
from dnncli.training.step import Carry, Log, above_base, step


class Score(NamedTuple):
    """Mean loss over a block, and the task's metrics by name."""

    loss: Float[Array, ""]
    metrics: dict[str, Float[Array, "..."]]


class EpochInfo(NamedTuple):
    """What an epoch reports, to be copied to the host in one go."""

    log: Log
    stats: Any  # the probe's, each with a leading axis of measured steps
    validation: Score
    finite: Bool[Array, " layers"]  # whether all the state of a layer still is
    gradient_sums: Float[Array, " layers"] | None = None  # norms of `Log.gradients`
    distances: Float[Array, " layers"] | None = None  # from the start, relative


def train_block(
    program: Program, state: TrainState, block: Block, key: UInt32[Array, "2"], plan: Plan
) -> tuple[TrainState, Log, Any]:
    """Every step of a block in the plan's order; a last batch smaller than the others counts too.

    It is padded with examples that do not count: a second loop body would take as long to compile
    as the first. Measured and plain steps are two bodies rather than one with a branch: a branch
    that reads the parameters makes XLA copy them in every step, at 30 % of the time of a batch of
    50.
    """
    count = len(plan.order)
    steps = len(plan.learning_rates)
    size = min(program.batch_size, count)
    everything = len(plan.measured) >= count // size
    measured = jnp.arange(steps) if everything else jnp.asarray(plan.measured)
    order = jnp.pad(jnp.asarray(plan.order), (0, steps * size - count))

    def run(program: Program, carry: Carry, index: Int[Array, ""]) -> tuple[Carry, Any]:
        rows = jax.lax.dynamic_slice_in_dim(order, index * size, size)
        batch = _batch(program, block, rows, count - index * size)
        return step(program, carry, batch, key, plan.learning_rates[index], index)

    def segment(carry: Carry, bounds: tuple[Array, Array]) -> tuple[Carry, Any]:
        start, end = bounds
        carry, stats = run(program, carry, start)
        if not everything:
            plain = replace(program, probe=None)
            carry = jax.lax.fori_loop(start + 1, end, lambda i, c: run(plain, c, i)[0], carry)
        return carry, stats

    ends = jnp.append(measured, steps)[1:]
    began = (state, _empty_log(program, state, plan, program.probe is not None))
    carry, stats = jax.lax.scan(segment, began, (measured, ends))
    return *carry, stats


def _batch(
    program: Program, block: Block, rows: Int[Array, " batch"], left: Int[Array, ""]
) -> Block:
    """These rows as a batch, of which what is beyond the examples left does not count.

    Devices that share it get as many rows each: its last row comes again until they do.
    """
    size = len(rows)
    devices = program.devices
    if devices is None:
        return _take(block, rows)._replace(mask=_mask(size, left))
    batch = _take(block, devices.share(devices.filled(rows)))
    filled = jnp.pad(_mask(size, left), (0, devices.missing(size)))
    y, mask, weights = devices.share((batch.y, filled, batch.weights))
    x = examples.change(batch.x, devices.share)
    return batch._replace(x=x, y=y, mask=mask, weights=weights)


def _mask(size: int, left: Int[Array, ""]) -> Float[Array, " batch"]:
    """Equal weights for the examples that are left, at most a batch of them, and 0 for padding."""
    counts = (jnp.arange(size) < left).astype(jnp.float32)
    return counts / jnp.minimum(left, size).astype(jnp.float32)


def _take(block: Block, rows: Int[Array, " batch"]) -> Block:
    """A batch: these rows of a block."""

    def gather(values: Array) -> Array:
        return values.at[rows].get(mode="promise_in_bounds")

    weights = None if block.weights is None else gather(block.weights)
    x = examples.change(block.x, gather)
    return block._replace(x=x, y=gather(block.y), weights=weights)


def _empty_log(program: Program, state: TrainState, plan: Plan, summing: bool = False) -> Log:
    """A log of an epoch's steps, none of which is done. summing: whether gradients are added up."""
    steps = len(plan.learning_rates)
    parameters = state.network.parameters
    kernels = network.kernels_of(parameters)
    layers = stacks.offsets(kernels)[-1]
    widest = max((leaf.shape[-1] for leaf in jax.tree.leaves(kernels[:-1])), default=0)
    inactive = jnp.zeros((layers - 1, widest), bool)
    unclipped = jnp.zeros((steps, layers), bool)
    sums = jax.tree.map(jnp.zeros_like, kernels) if summing else ()
    hits = None if program.objective().hits is None else jnp.zeros(steps)
    return Log(jnp.zeros(steps), unclipped, inactive, sums, hits)


def evaluate(program: Program, trained: Network, block: Block) -> Score:
    """Mean loss and its metrics, with stored batch-norm statistics and no dropout."""
    forward = partial(inference.logits, program.network)
    devices = program.devices
    if devices is None:
        outputs = forward(trained, block.x)
    else:
        rows = examples.change(block.x, devices.filled)
        outputs = devices.by_parts(forward, rows_of(rows))(trained, rows)[: len(block.y)]
    return score(program.loss, outputs, block, program.measured)


def answer(
    spec: NetworkSpec, loss: str, trained: Network, block: Block
) -> tuple[Score, Float[Array, "examples outputs"]]:
    """Mean loss and the task's own metrics, and the network's outputs for each example."""
    outputs = inference.logits(spec, trained, block.x)
    return score(loss, outputs, block), outputs


def score(
    loss: str,
    outputs: Float[Array, "examples outputs"],
    block: Block,
    measured: tuple[str, ...] = (),
) -> Score:
    """Mean loss, by the examples' weights, and its metrics of a network's outputs on a block.

    measured: metrics besides the task's own.
    """
    objective = TASKS[loss]
    losses = objective.losses(outputs, block.y)
    weights = block.weights
    mean = jnp.mean(losses) if weights is None else jnp.vdot(weights, losses) / jnp.sum(weights)
    metrics = {name: metric(outputs, block.y) for name, metric in objective.asked(measured).items()}
    return Score(mean, metrics)


def epoch(
    program: Program,
    state: TrainState,
    train: Block,
    validation: Block,
    key: UInt32[Array, "2"],
    plan: Plan,
    start: gradient_noise.Kernels | None = None,
) -> tuple[TrainState, EpochInfo]:
    """A block of training and the validation after it.

    start: the kernels that the run began with, to measure how far they are by now.
    """
    state, log, stats = train_block(program, state, train, key, plan)
    return state, conclude(program, state, log, stats, validation, start)


def conclude(
    program: Program,
    state: TrainState,
    log: Log,
    stats: Any,
    validation: Block,
    start: gradient_noise.Kernels | None = None,
) -> EpochInfo:
    """What an epoch reports, from its last state and what its steps left; arguments as above."""
    held_out = above_base(program, validation)
    validated = evaluate(program, state.network, held_out)
    sums = gradient_noise.norms(log.gradients) if log.gradients else None
    distances = None
    if start is not None and program.probe is not None:
        distances = reductions.each(_distance, network.kernels_of(state.network.parameters), start)
    log = log._replace(gradients=())
    return EpochInfo(log, stats, validated, network.finite(state), sums, distances)


def _distance(
    now: Float[Array, "fan_in units"], start: Float[Array, "fan_in units"]
) -> Float[Array, ""]:
    """How far a kernel is from where it began, over its norm there."""
    return reductions.frobenius(now - start) / reductions.frobenius(start)


def observe(
    program: Program, state: TrainState, block: Block, key: UInt32[Array, "2"], plan: Plan
) -> Any:
    """The probe's measurement of the plan's measured batches, every one from the same state."""
    size = program.batch_size

    def one(nothing: Any, index: Any) -> tuple[Any, Any]:
        rows = jax.lax.dynamic_slice_in_dim(plan.order, index * size, size)
        carry = (state, _empty_log(program, state, plan))
        rate = plan.learning_rates[index]
        (_after, log), stats = step(program, carry, _take(block, rows), key, rate, index)
        return nothing, (log.losses[index], log.active, stats)

    _, seen = jax.lax.scan(one, None, jnp.asarray(plan.measured))
    return seen


@cache
def on_devices(function: Any, devices: Devices | None) -> Any:
    """`function(program, …)` compiled; its arguments and results are whole on each device."""
    if devices is None:
        return jax.jit(function, static_argnums=0)
    return jax.jit(function, static_argnums=0, out_shardings=devices.everywhere)


compiled_block = on_devices(train_block, None)
compiled_conclusion = on_devices(conclude, None)
compiled_answer = jax.jit(answer, static_argnums=(0, 1))
compiled_observe = jax.jit(observe, static_argnums=0)
