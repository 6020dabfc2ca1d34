"""Networks whose hidden layers are stacked and looped over.

The engine unrolls a network, which runs fastest, but a program of a thousand unrolled layers is too
large to compile. Here one small program serves an activation at every initialisation, and depth
1000 compiles as fast as depth 3.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.stages import Compiled
from jaxtyping import Array, Float, Int

from dnncli.nn import network, tasks
from dnncli.nn.network import Layer, Parameters
from dnncli.spec import NetworkSpec


class Stack(NamedTuple):
    """A network whose hidden layers above the first are stacked along a leading axis."""

    first: Layer
    upper: Layer
    output: Layer


class Pass(NamedTuple):
    """One forward and backward pass: hidden layers stacked, then the output layer's."""

    z: Float[Array, "hidden batch units"]
    a: Float[Array, "hidden batch units"]
    logits: Float[Array, "batch classes"]
    deltas: Float[Array, "hidden batch units"]  # of one example's loss
    output_delta: Float[Array, "batch classes"]
    gradients: Stack


class Taps(NamedTuple):
    """Zeros added to the pre-activations: the loss's gradients by them are the deltas."""

    first: Float[Array, "batch units"]
    upper: Float[Array, "upper batch units"]
    output: Float[Array, "batch classes"]


class Trace(NamedTuple):
    """What a forward pass leaves behind for the measurements."""

    z: Float[Array, "hidden batch units"]
    a: Float[Array, "hidden batch units"]
    logits: Float[Array, "batch classes"]


def compiled(spec: NetworkSpec, features: int, classes: int, batch: int) -> Compiled:
    """`propagate` for a network, compiled from shapes alone."""
    parameters, _ = network.shapes(spec, features, classes)
    shapes = stack(parameters, _stacked_shape)
    x = jax.ShapeDtypeStruct((batch, features), np.float32)
    y = jax.ShapeDtypeStruct((batch,), np.int32)
    return jax.jit(propagate, static_argnums=0).lower(spec, shapes, x, y).compile()


def _stacked_shape(*leaves: Any) -> Any:
    return jax.ShapeDtypeStruct((len(leaves), *leaves[0].shape), np.float32)


def _stacked_arrays(*leaves: Any) -> Any:
    return np.stack(leaves)


def stack(parameters: Parameters, join: Callable[..., Any] = _stacked_arrays) -> Stack:
    """Stack hidden2 … hiddenN, which must have the same shape; without them the stack is empty.

    join: makes one stacked leaf of the layers' leaves.
    """
    first, *upper, output = parameters
    if upper:
        return Stack(first, jax.tree.map(join, *upper), output)
    units = first.kernel.shape[1]
    square = first._replace(kernel=np.zeros((units, units), np.float32))
    empty = jax.tree.map(lambda leaf: np.zeros((0, *leaf.shape), np.float32), square)
    return Stack(first, empty, output)


def propagate(
    spec: NetworkSpec, stacked: Stack, x: Float[Array, "batch features"], y: Int[Array, " batch"]
) -> Pass:
    """Forward and backward through an untrained network; batch norm uses the batch's moments."""

    def mean_loss(stacked: Stack, taps: Taps) -> tuple[Array, Trace]:
        trace = _forward(spec, stacked, taps, x)
        return jnp.mean(tasks.cross_entropy(trace.logits, y)), trace

    differentiate = jax.grad(mean_loss, argnums=(0, 1), has_aux=True)
    (gradients, by_taps), trace = differentiate(stacked, _zeros(stacked, len(y)))
    # Of one example's loss: the mean's gradients are divided by the batch's size.
    deltas = jnp.concatenate([by_taps.first[None], by_taps.upper]) * len(y)
    return Pass(trace.z, trace.a, trace.logits, deltas, by_taps.output * len(y), gradients)


def _zeros(stacked: Stack, batch: int) -> Taps:
    """Taps for a batch of this size."""
    units = stacked.first.kernel.shape[1]
    return Taps(
        first=jnp.zeros((batch, units)),
        upper=jnp.zeros((stacked.upper.kernel.shape[0], batch, units)),
        output=jnp.zeros((batch, stacked.output.kernel.shape[1])),
    )


def _forward(
    spec: NetworkSpec, stacked: Stack, taps: Taps, x: Float[Array, "batch features"]
) -> Trace:
    """Every layer's pre-activations and outputs, with the taps added."""

    def layer(a: Array, row: tuple[Layer, Array]) -> tuple[Array, tuple[Array, Array]]:
        parameters, tap = row
        z = network.preactivate(parameters, a, None)[0] + tap
        a = network.activate(spec, parameters, z)
        return a, (z, a)

    a, (z1, a1) = layer(x, (stacked.first, taps.first))
    a, (upper_z, upper_a) = jax.lax.scan(layer, a, (stacked.upper, taps.upper))
    logits = network.preactivate(stacked.output, a, None)[0] + taps.output
    z = jnp.concatenate([z1[None], upper_z])
    return Trace(z, jnp.concatenate([a1[None], upper_a]), logits)
