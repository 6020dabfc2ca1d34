"""Activation functions, elementwise, from `jax.nn` where it has them.

Each takes the pre-activations and its parameter alpha (ignored by most): a float, or for PReLU the
learned slopes, one a unit. Sources stand in the catalog.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Alpha = Any  # a float, or for PReLU an array of one slope a unit; None for most
Activation = Callable[[Float[Array, "*batch units"], Alpha], Float[Array, "*batch units"]]


def leaky_relu(z: Float[Array, "*batch units"], alpha: Alpha) -> Float[Array, "*batch units"]:
    """Z where it is positive, alpha z elsewhere."""
    return jnp.where(z > 0, z, alpha * z)


def mish(z: Float[Array, "*batch units"], alpha: Alpha = None) -> Float[Array, "*batch units"]:
    """Z tanh(softplus(z))."""
    return z * jnp.tanh(jax.nn.softplus(z))


def derivative(
    name: str, z: Float[Array, "*batch units"], alpha: Alpha
) -> Float[Array, "*batch units"]:
    """phi'(z), by forward differentiation."""
    return jax.jvp(lambda z: ACTIVATIONS[name](z, alpha), (z,), (jnp.ones_like(z),))[1]


ACTIVATIONS: dict[str, Activation] = {
    "identity": lambda z, alpha: z,
    "sigmoid": lambda z, alpha: jax.nn.sigmoid(z),
    "tanh": lambda z, alpha: jnp.tanh(z),
    "softsign": lambda z, alpha: jax.nn.soft_sign(z),
    "softplus": lambda z, alpha: jax.nn.softplus(z),
    "relu": lambda z, alpha: jax.nn.relu(z),
    "leaky-relu": leaky_relu,
    "prelu": leaky_relu,
    "elu": lambda z, alpha: jax.nn.elu(z, alpha),
    "celu": lambda z, alpha: jax.nn.celu(z, alpha),
    "selu": lambda z, alpha: jax.nn.selu(z),
    # The exact form: the tanh approximation is off by up to 5e-4.
    "gelu": lambda z, alpha: jax.nn.gelu(z, approximate=False),
    "swish": lambda z, alpha: jax.nn.swish(z),
    "mish": mish,
    "hard-swish": lambda z, alpha: jax.nn.hard_swish(z),
}
