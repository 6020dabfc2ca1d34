"""One training step: forward and backward, measurement, clipping, update."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, UInt32

from dnncli.nn import (
    examples,
    gradient_noise,
    inference,
    network,
    optimizers,
    penalties,
    reductions,
    stacks,
)
from dnncli.nn.network import (
    Layer,
    Mask,
    Network,
    Observation,
    Parameters,
    Statistics,
    Trace,
    TrainState,
    Values,
)
from dnncli.nn.penalties import Pull
from dnncli.spec import NetworkSpec
from dnncli.training.program import Block, Program

BASE_STREAM = 1 << 20  # keeps the dropout of the frozen base apart from the layers' above it


class Log(NamedTuple):
    """What the steps of an epoch leave behind besides the state and the probe's measurements.

    hits: of classes, the share of each step's batch that was answered rightly before the update.
    gradients: the measured steps' kernel gradients, each times its number of examples, added up;
    empty where they are not wanted.
    """

    losses: Float[Array, " steps"]
    clipped: Bool[Array, "steps layers"]
    active: Bool[Array, "hidden widest"]  # units that had a gradient in any step
    gradients: gradient_noise.Kernels = ()
    hits: Float[Array, " steps"] | None = None


class Gradients(NamedTuple):
    """A batch's mean loss, its forward pass, and the loss's gradients."""

    loss: Float[Array, ""]
    trace: Trace
    deltas: Values  # by pre-activations
    parameters: Parameters


Carry = tuple[TrainState, Log]


def step(
    program: Program,
    carry: Carry,
    batch: Block,
    key: UInt32[Array, "2"],
    rate: Float[Array, ""],
    index: Int[Array, ""],
) -> tuple[Carry, Any]:
    """One update on one batch, logged as the epoch's step `index`, and the probe's measurement."""
    state, log = carry
    before = state.network
    batch = above_base(program, batch, _step_key(program, key, state.step))
    found = backpropagate(program, state, batch, key)
    gradients = optimizers.penalise(program.update, found.parameters, before.parameters)
    gradients = program.only_trained(gradients, found.parameters)
    gradients, clipped = optimizers.clip(program.update, gradients)
    directions, optimizer = program.rule().update(gradients, state.optimizer, before.parameters)
    updates = jax.tree.map(lambda direction: -rate * direction, directions)
    seen = Observation(
        parameters=before.parameters,
        trace=found.trace,
        deltas=found.deltas,
        gradients=found.parameters,
        updates=updates,
        optimizer=optimizer,
        mask=batch.mask,
        pull=_pull(program, rate),
    )
    stats, active = _measure(program, seen)
    after = _updated(program, before, updates, found.trace)
    log = Log(
        log.losses.at[index].set(found.loss),
        log.clipped.at[index].set(clipped),
        log.active | active,
        _added(program, log, found.parameters, batch),
        _hits(program, log, found.trace.activations[-1], batch, index),
    )
    return (TrainState(after, optimizer, state.step + 1), log), stats


def _pull(program: Program, rate: Float[Array, ""]) -> Pull | None:
    """What penalties and decay do to each layer in a step."""
    layers = len(program.network.layers())
    return penalties.pull(program.update, rate * jnp.array(program.multipliers or (1.0,) * layers))


def _hits(
    program: Program,
    log: Log,
    outputs: Float[Array, "batch outputs"],
    batch: Block,
    index: Int[Array, ""],
) -> Float[Array, " steps"] | None:
    """The log's shares with that of a step; every example counts alike, whatever its weight."""
    counted = program.objective().hits
    if log.hits is None or counted is None:
        return None
    return log.hits.at[index].set(reductions.mean(counted(outputs, batch.y), batch.mask))


def _added(
    program: Program, log: Log, gradients: Parameters, batch: Block
) -> gradient_noise.Kernels:
    """The log's gradients with those of a measured step."""
    if program.probe is None or not log.gradients:
        return log.gradients
    return gradient_noise.add(log.gradients, gradients, len(batch.y), batch.mask)


def _updated(program: Program, before: Network, updates: Parameters, trace: Trace) -> Network:
    """The network after a step; frozen layers stay as they are."""
    moved = optax.apply_updates(before.parameters, updates)
    moved = optimizers.project(program.update, moved)
    averages = _moving_average(program.network, before.statistics, trace.statistics)
    return Network(
        program.only_trained(moved, before.parameters),
        program.only_trained(averages, before.statistics),
    )


def above_base(program: Program, block: Block, dropout_key: PRNGKeyArray | None = None) -> Block:
    """The block with the outputs of its base as examples."""
    if block.base is None:
        return block
    key = None
    if dropout_key is not None:
        key = jax.random.fold_in(dropout_key, BASE_STREAM)
    x = inference.tiled_outputs(program.network, block.base, block.x, program.batch_size, key)
    return block._replace(x=x, base=None)


def backpropagate(
    program: Program, state: TrainState, batch: Block, key: UInt32[Array, "2"]
) -> Gradients:
    """A batch's loss and all its gradients, in one pass.

    Frozen layers have gradients of 0, and batch norm's stored moments rather than the batch's.
    """
    parameters, statistics = state.network
    stored: Statistics | None = None
    if program.multipliers:
        stored = program.only_trained((None,) * len(statistics), statistics)

    def mean_loss(parameters: Parameters, taps: Values) -> tuple[Array, Trace]:
        learned = program.only_trained(parameters, jax.lax.stop_gradient(parameters))
        outputs, trace = network.apply(
            program.network,
            learned,
            examples.scaled(batch.x),
            statistics=stored,
            taps=taps,
            dropout_key=_step_key(program, key, state.step),
            mask=batch.mask,
        )
        losses = program.objective().losses(outputs, batch.y)
        return reductions.mean(losses, _loss_weights(batch.mask, batch.weights)), trace

    tap = partial(_tap, len(batch.y))
    taps = tuple(stacks.mapped(tap, layer) for layer in parameters)
    differentiate = jax.value_and_grad(mean_loss, argnums=(0, 1), has_aux=True)
    (loss, trace), (gradients, deltas) = differentiate(parameters, taps)
    return Gradients(loss, trace, deltas, gradients)


def _tap(rows: int, layer: Layer) -> Float[Array, "batch units"]:
    """Zeros to be added to a layer's pre-activations."""
    return jnp.zeros((rows, layer.kernel.shape[1]))


def _loss_weights(mask: Mask, weights: Float[Array, " batch"] | None) -> reductions.Weights:
    """Each row's weight in the batch's mean loss; they sum to 1, and padding has none."""
    if weights is None:
        return mask
    present = weights if mask is None else mask * weights
    return present / jnp.sum(present)


def _step_key(
    program: Program, key: UInt32[Array, "2"], step: Int[Array, ""]
) -> PRNGKeyArray | None:
    """The step's key for dropout; None without dropout."""
    if not program.network.dropout:
        return None
    return jax.random.fold_in(jax.random.wrap_key_data(key, impl="threefry2x32"), step)


def _measure(program: Program, seen: Observation) -> tuple[Any, Bool[Array, "hidden widest"]]:
    """The probe's measurement, and which units are active for some example.

    Steps without a probe count too: a unit's bias gradient is the sum of its deltas, so where it is
    not 0, phi' was not 0 for some example. The probe looks at phi' itself.
    """
    hidden = seen.gradients[:-1]
    moved = jnp.zeros((0, 0), bool)
    if hidden:
        shifts = [stacks.mapped(_shift, layer) for layer in hidden]
        moved = reductions.each(lambda shift: shift != 0, shifts)
    if program.probe is None:
        return (), moved
    stats, active = program.probe(program.network, seen)
    return stats, moved | active


def _shift(layer: Layer) -> Float[Array, " units"] | None:
    """What is added to every example's pre-activations: the bias, or batch norm's offset."""
    return layer.bias if layer.offset is None else layer.offset


def _moving_average(spec: NetworkSpec, old: Statistics, new: Statistics) -> Statistics:
    """Batch norm's moving averages: momentum * old + (1 - momentum) * batch."""
    m = spec.bn_momentum or 0.0
    return jax.tree.map(lambda o, n: m * o + (1 - m) * n, old, new)
