"""Networks with their hidden layers stacked and looped over.

The engine unrolls a network, which is fastest to run, but a program of a thousand unrolled layers is too
large to compile. Here one small program serves an activation at every initialisation, and depth 1000
compiles as fast as depth 3.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from dnncli.nn import network
from dnncli.nn.network import Layer, Parameters
from dnncli.spec import NetworkSpec
from dnncli.training import engine


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


def compiled(spec: NetworkSpec, features: int, classes: int, batch: int) -> Any:
    """`propagate` for a network, compiled from shapes alone."""
    parameters, _ = network.shapes(spec, features, classes)
    x = jax.ShapeDtypeStruct((batch, features), np.float32)
    y = jax.ShapeDtypeStruct((batch,), np.int32)

    def join(*leaves: Any) -> Any:
        return jax.ShapeDtypeStruct((len(leaves), *leaves[0].shape), np.float32)

    return jax.jit(propagate, static_argnums=0).lower(spec, stack(parameters, join), x, y).compile()


def stack(parameters: Parameters, join: Any = None) -> Stack:
    """Stack hidden2 … hiddenN, which must have one shape; an empty stack where there is none."""
    first, *upper, output = parameters
    if upper:
        return Stack(first, jax.tree.map(join or _join, *upper), output)
    units = first.kernel.shape[1]
    square = first._replace(kernel=np.zeros((units, units), np.float32))  # type: ignore[arg-type]
    return Stack(
        first, jax.tree.map(lambda leaf: np.zeros((0, *leaf.shape), np.float32), square), output
    )


def _join(*leaves: Any) -> Any:
    return np.stack(leaves)


def propagate(
    spec: NetworkSpec, stacked: Stack, x: Float[Array, "batch features"], y: Int[Array, " batch"]
) -> Pass:
    """Forward and backward through an untrained network; batch norm uses the batch."""
    upper = stacked.upper.kernel.shape[0]
    units, classes = stacked.first.kernel.shape[1], stacked.output.kernel.shape[1]
    taps = (
        jnp.zeros((len(y), units)),
        jnp.zeros((upper, len(y), units)),
        jnp.zeros((len(y), classes)),
    )

    def mean_loss(stacked: Stack, taps: Any) -> tuple[Array, Any]:
        def layer(a: Array, row: tuple[Layer, Array]) -> tuple[Array, tuple[Array, Array]]:
            part, tap = row
            z = network.preactivate(part, a, None)[0] + tap
            a = network.activate(spec, part, z)
            return a, (z, a)

        a, (z1, a1) = layer(x, (stacked.first, taps[0]))
        a, (zs, outputs) = jax.lax.scan(layer, a, (stacked.upper, taps[1]))
        logits = network.preactivate(stacked.output, a, None)[0] + taps[2]
        trace = (jnp.concatenate([z1[None], zs]), jnp.concatenate([a1[None], outputs]), logits)
        return jnp.mean(engine.losses(logits, y)), trace

    differentiate = jax.grad(mean_loss, argnums=(0, 1), has_aux=True)
    (gradients, (first, rest, output)), trace = differentiate(stacked, taps)
    deltas = jnp.concatenate([first[None], rest]) * len(y)
    z, outputs, logits = trace
    return Pass(z, outputs, logits, deltas, output * len(y), gradients)
