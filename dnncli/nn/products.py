"""A layer's product X W in the precision that a run asks for."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dnncli.spec.network import FLOAT32


def product(
    x: Float[Array, "batch fan_in"], kernel: Float[Array, "fan_in units"], precision: str = FLOAT32
) -> Float[Array, "batch units"]:
    """X W in float32, or of factors rounded to bfloat16 and added up in float32.

    So are then the two products that its gradient takes; everything else stays float32.
    """
    return x @ kernel if precision == FLOAT32 else _rounded(x, kernel)


def _multiply(a: Float[Array, "_ inner"], b: Float[Array, "inner _"]) -> Float[Array, "_ _"]:
    """The product of factors rounded to bfloat16, in float32."""
    return jax.lax.dot(
        a.astype(jnp.bfloat16), b.astype(jnp.bfloat16), preferred_element_type=jnp.float32
    )


@jax.custom_vjp
def _rounded(
    x: Float[Array, "batch fan_in"], kernel: Float[Array, "fan_in units"]
) -> Float[Array, "batch units"]:
    """`_multiply`, whose own derivative would round the gradients to bfloat16 as well."""
    return _multiply(x, kernel)


def _forward(
    x: Float[Array, "batch fan_in"], kernel: Float[Array, "fan_in units"]
) -> tuple[Float[Array, "batch units"], tuple[Array, Array]]:
    return _multiply(x, kernel), (x, kernel)


def _backward(
    factors: tuple[Array, Array], delta: Float[Array, "batch units"]
) -> tuple[Float[Array, "batch fan_in"], Float[Array, "fan_in units"]]:
    x, kernel = factors
    return _multiply(delta, kernel.T), _multiply(x.T, delta)


_rounded.defvjp(_forward, _backward)
