"""The compiled epoch: every step, every measurement and the validation in one program.

It knows one network on one block of data. The order of the examples, the learning rates and the steps
to measure come in as arguments, so one compilation serves every seed, rate and schedule; several blocks
follow each other by passing the state on; `vmap` outside gives several seeds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, UInt32

from dnncli import theory
from dnncli.nn import inference, initializers, network, optimizers, reductions
from dnncli.nn.inference import Base
from dnncli.nn.network import Observation, Parameters, Statistics, Trace, TrainState
from dnncli.spec import NetworkSpec, UpdateSpec
from dnncli.training.plan import Plan

BASE_STREAM = 1 << 20  # keeps the dropout of a network's base apart from its own, layer by layer


class Block(NamedTuple):
    """Examples and their classes, on the device; where there is a `base`, they go through it first.

    `shares` in a batch's mean: 0 for what only fills it up; None: all count alike.
    """

    x: Float[Array, "examples features"]
    y: Int[Array, " examples"]
    base: Base | None = None
    shares: reductions.Shares = None


class Log(NamedTuple):
    """What the steps of an epoch leave behind besides the state and the probe's measurements."""

    losses: Float[Array, " steps"]
    clipped: Bool[Array, "steps layers"]
    responding: Bool[Array, "hidden widest"]  # units that had a gradient at any step


class Score(NamedTuple):
    """Mean loss and accuracy over a block."""

    loss: Float[Array, ""]
    accuracy: Float[Array, ""]


class EpochInfo(NamedTuple):
    """What an epoch reports, to be copied to the host in one go."""

    log: Log
    stats: Any  # the probe's, each with a leading axis of measured steps
    validation: Score
    finite: Bool[Array, " layers"]  # whether all the state of a layer still is


Carry = tuple[TrainState, Log]
Probe = Callable[[NetworkSpec, Observation], Any]


@dataclass(frozen=True)
class Program:
    """What is compiled in, as opposed to data: a change of any of it compiles anew.

    `factors` are the layers' shares of the learning rate, 0 for frozen ones; None: all learn alike.
    """

    network: NetworkSpec
    update: UpdateSpec
    batch_size: int
    probe: Probe | None
    factors: tuple[float, ...] | None = None

    def rule(self) -> optax.GradientTransformation:
        """The update rule."""
        if self.factors is None:
            return optimizers.build(self.update)
        return optimizers.build(
            self.update, dict(zip(self.network.layers(), self.factors, strict=True))
        )

    def only_trained(self, new: tuple[Any, ...], old: tuple[Any, ...]) -> tuple[Any, ...]:
        """The new value of each layer that is trained, the old one of each that is frozen."""
        if self.factors is None:
            return new
        return tuple(
            n if factor else o for n, o, factor in zip(new, old, self.factors, strict=True)
        )


def initial_network(
    spec: NetworkSpec, features: int, classes: int, seed: int, second_moment: float = math.nan
) -> tuple[Parameters, Statistics]:
    """An untrained network as NumPy arrays.

    `second_moment` is the mean square of the inputs, to which a critical initialisation is fitted.
    Raises SpecError where that has no solution.
    """
    if spec.init not in initializers.CRITICAL:
        return network.init(spec, features, classes, seed)
    chosen = theory.critical(spec, second_moment).layers
    variances = [(layer.weight_variance, layer.bias_variance) for layer in chosen]
    return network.init(spec, features, classes, seed, variances)


def initial_state(
    program: Program, features: int, classes: int, seed: int, second_moment: float = math.nan
) -> TrainState:
    """The state before the first step, as NumPy arrays; arguments as of `initial_network`."""
    parameters, statistics = initial_network(
        program.network, features, classes, seed, second_moment
    )
    optimizer = optimizers.initial_state(program.rule(), parameters)
    return TrainState(parameters, statistics, optimizer, np.zeros((), np.int32))  # type: ignore[arg-type]


def losses(
    logits: Float[Array, "batch classes"], y: Int[Array, " batch"]
) -> Float[Array, " batch"]:
    """Cross entropy of each example."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, y)


def step(
    program: Program,
    carry: Carry,
    batch: Block,
    key: UInt32[Array, "2"],
    rate: Float[Array, ""],
    index: Int[Array, ""],
) -> tuple[Carry, Any]:
    """One update on one batch, logged as the epoch's step `index`; with the probe's measurement."""
    state, log = carry
    batch = _above_base(
        program, batch, _dropout_key(key, state.step) if program.network.dropout else None
    )
    loss, trace, deltas, gradients = backpropagate(program, state, batch, key)
    used = optimizers.penalise(program.update, gradients, state.parameters)
    used, clipped = optimizers.clip(program.update, program.only_trained(used, gradients))
    directions, optimizer = program.rule().update(used, state.optimizer, state.parameters)
    updates = jax.tree.map(lambda direction: -rate * direction, directions)
    stats, responding = _probe(
        program,
        Observation(state.parameters, trace, deltas, gradients, updates, optimizer, batch.shares),
    )
    moved = optimizers.project(program.update, optax.apply_updates(state.parameters, updates))
    parameters = program.only_trained(moved, state.parameters)
    averages = _moving_average(program.network, state.statistics, trace.statistics)
    statistics = program.only_trained(averages, state.statistics)
    log = Log(
        log.losses.at[index].set(loss),
        log.clipped.at[index].set(clipped),
        log.responding | responding,
    )
    return (TrainState(parameters, statistics, optimizer, state.step + 1), log), stats


def _above_base(program: Program, block: Block, dropout_key: PRNGKeyArray | None = None) -> Block:
    """The block with its base's outputs as examples."""
    if block.base is None:
        return block
    key = None if dropout_key is None else jax.random.fold_in(dropout_key, BASE_STREAM)
    x = inference.tiled_outputs(program.network, block.base, block.x, program.batch_size, key)
    return Block(x, block.y, None, block.shares)


def backpropagate(
    program: Program, state: TrainState, batch: Block, key: UInt32[Array, "2"]
) -> tuple[Float[Array, ""], Trace, tuple[Float[Array, "batch _"], ...], Parameters]:
    """Mean loss of a batch, trace, and its gradients by pre-activations and parameters, in one pass.

    Frozen layers have gradients of 0, and batch norm's stored moments rather than the batch's.
    """
    spec = program.network
    dropout_key = _dropout_key(key, state.step) if spec.dropout else None
    layers = len(state.statistics)
    stored = program.only_trained((None,) * layers, state.statistics) if program.factors else None

    def mean_loss(parameters: Parameters, taps: tuple[Array, ...]) -> tuple[Array, Trace]:
        learned = program.only_trained(parameters, jax.lax.stop_gradient(parameters))
        logits, trace = network.apply(
            spec,
            learned,
            batch.x,
            statistics=stored,
            taps=taps,
            dropout_key=dropout_key,
            shares=batch.shares,
        )
        return reductions.mean(losses(logits, batch.y), batch.shares), trace

    taps = tuple(jnp.zeros((len(batch.y), layer.kernel.shape[1])) for layer in state.parameters)
    differentiate = jax.value_and_grad(mean_loss, argnums=(0, 1), has_aux=True)
    (loss, trace), (gradients, deltas) = differentiate(state.parameters, taps)
    return loss, trace, deltas, gradients


def _dropout_key(key: UInt32[Array, "2"], step: Int[Array, ""]) -> PRNGKeyArray:
    return jax.random.fold_in(jax.random.wrap_key_data(key, impl="threefry2x32"), step)


def _probe(program: Program, seen: Observation) -> tuple[Any, Bool[Array, "hidden widest"]]:
    """The probe's measurement, and which units respond to some example.

    A unit's bias gradient is the sum of its deltas and costs nothing to look at: where it is not 0, phi'
    was not 0 for some example. The probe looks at phi' itself.
    """
    hidden = seen.gradients[:-1]
    moved = jnp.zeros((0, 0), bool)
    if hidden:
        moved = reductions.each(
            lambda bias: bias != 0, [g.bias if g.offset is None else g.offset for g in hidden]
        )
    if program.probe is None:
        return (), moved
    stats, responding = program.probe(program.network, seen)
    return stats, moved | responding


def _moving_average(spec: NetworkSpec, old: Statistics, new: Statistics) -> Statistics:
    """Momentum * old + (1 - momentum) * batch, as the chapter's batch norm keeps them."""
    m = spec.bn_momentum or 0.0
    return jax.tree.map(lambda o, n: m * o + (1 - m) * n, old, new)


def train_block(
    program: Program, state: TrainState, block: Block, key: UInt32[Array, "2"], plan: Plan
) -> tuple[TrainState, Log, Any]:
    """Every step of a block in the plan's order; a last batch smaller than the others counts too.

    It is filled up with examples that do not count: a second loop body would take as long to compile as
    the first. Measured and plain steps are two bodies rather than one with a branch: a branch that reads
    the parameters makes XLA copy them in every step, at 30 % of the time of a batch of 50.
    """
    examples, steps = len(plan.order), len(plan.learning_rates)
    size = min(program.batch_size, examples)
    everything = len(plan.measured) >= examples // size
    measured = jnp.arange(steps) if everything else jnp.asarray(plan.measured)
    order = jnp.pad(jnp.asarray(plan.order), (0, steps * size - examples))

    def run(program: Program, carry: Carry, index: Int[Array, ""]) -> tuple[Carry, Any]:
        rows = jax.lax.dynamic_slice_in_dim(order, index * size, size)
        batch = _take(block, rows)._replace(shares=_shares(size, examples - index * size))
        return step(program, carry, batch, key, plan.learning_rates[index], index)

    def segment(carry: Carry, bounds: tuple[Array, Array]) -> tuple[Carry, Any]:
        start, end = bounds
        carry, stats = run(program, carry, start)
        if not everything:
            plain = replace(program, probe=None)
            carry = jax.lax.fori_loop(
                start + 1, end, lambda i, carry: run(plain, carry, i)[0], carry
            )
        return carry, stats

    ends = jnp.append(measured, steps)[1:]
    carry, stats = jax.lax.scan(segment, (state, _empty_log(state, plan)), (measured, ends))
    return *carry, stats


def _shares(size: int, left: Int[Array, ""]) -> Float[Array, " batch"]:
    """Equal shares for the examples that are left, at most a batch of them."""
    counts = (jnp.arange(size) < left).astype(jnp.float32)
    return counts / jnp.minimum(left, size).astype(jnp.float32)


def _take(block: Block, rows: Int[Array, " batch"]) -> Block:
    x, y = (a.at[rows].get(mode="promise_in_bounds") for a in (block.x, block.y))
    return block._replace(x=x, y=y)


def _empty_log(state: TrainState, plan: Plan) -> Log:
    steps, layers = len(plan.learning_rates), len(state.parameters)
    widest = max((layer.kernel.shape[1] for layer in state.parameters[:-1]), default=0)
    quiet = jnp.zeros((layers - 1, widest), bool)
    return Log(jnp.zeros(steps), jnp.zeros((steps, layers), bool), quiet)


def evaluate(
    spec: NetworkSpec, parameters: Parameters, statistics: Statistics, block: Block
) -> Score:
    """Mean loss and accuracy with stored batch-norm statistics and no dropout."""
    outputs = inference.logits(spec, parameters, statistics, block.x)
    hits = jnp.argmax(outputs, axis=1) == block.y
    return Score(jnp.mean(losses(outputs, block.y)), jnp.mean(hits, dtype=jnp.float32))


def epoch(
    program: Program,
    state: TrainState,
    train: Block,
    validation: Block,
    key: UInt32[Array, "2"],
    plan: Plan,
) -> tuple[TrainState, EpochInfo]:
    """A block of training and the validation after it."""
    state, log, stats = train_block(program, state, train, key, plan)
    score = evaluate(
        program.network, state.parameters, state.statistics, _above_base(program, validation)
    )
    return state, EpochInfo(log, stats, score, network.finite(state))


def observe(
    program: Program, state: TrainState, block: Block, key: UInt32[Array, "2"], plan: Plan
) -> Any:
    """The probe's measurement of the plan's measured batches, every one from the same state."""
    size = program.batch_size

    def one(nothing: Any, index: Any) -> tuple[Any, Any]:
        rows = jax.lax.dynamic_slice_in_dim(plan.order, index * size, size)
        carry = (state, _empty_log(state, plan))
        (_after, log), stats = step(
            program, carry, _take(block, rows), key, plan.learning_rates[index], index
        )
        return None, (log.losses[index], log.responding, stats)

    return jax.lax.scan(one, None, jnp.asarray(plan.measured))[1]


compiled_epoch = jax.jit(epoch, static_argnums=0)
compiled_block = jax.jit(train_block, static_argnums=0)
compiled_evaluate = jax.jit(evaluate, static_argnums=0)
compiled_observe = jax.jit(observe, static_argnums=0)
