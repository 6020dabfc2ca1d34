"""Norms of arrays, fast on CPU and safe where squares leave float32.

XLA adds up a whole array to a scalar in order, one element at a time (157 us for 784 x 300 float32); a
product with a vector of ones runs at full speed (11 us). Squares of numbers below 1e-19 or above 1e19
are lost in float32, and vanishing and exploding gradients are there: divide by the largest first.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree


def total(x: Float[Array, "..."]) -> Float[Array, ""]:
    """The sum of all entries."""
    if x.ndim < 2:
        return jnp.sum(x)
    columns = jnp.ones((x.shape[-1],), x.dtype)
    return jnp.sum(jnp.dot(x, columns, precision=jax.lax.Precision.HIGHEST))


def largest(x: Float[Array, "..."]) -> Float[Array, ""]:
    """The largest magnitude; the barrier keeps XLA from merging two fast reductions into a slow one."""
    if x.ndim < 2:
        return jnp.max(jnp.abs(x))
    return jnp.max(jax.lax.optimization_barrier(jnp.max(jnp.abs(x), axis=0)))


def root_mean_square(x: Float[Array, "..."]) -> Float[Array, ""]:
    """sqrt(mean x^2) wherever x itself is in float32's range."""
    peak = largest(x)
    scale = jnp.where((peak > 0) & jnp.isfinite(peak), peak, 1.0)
    scaled = x / scale
    return scale * jnp.sqrt(total(scaled * scaled) / x.size)


def frobenius(x: Float[Array, "..."]) -> Float[Array, ""]:
    """sqrt(sum x^2) wherever that is in float32's range."""
    return root_mean_square(x) * jnp.sqrt(jnp.float32(x.size))


def joint(tree: PyTree[Float[Array, "..."]]) -> Float[Array, ""]:
    """The norm of all leaves together as one vector."""
    return frobenius(jnp.stack([frobenius(leaf) for leaf in jax.tree.leaves(tree)]))


def finite(tree: PyTree) -> Array:
    """Whether every float in the tree is finite."""
    leaves = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    # 0 x is 0 for finite x only, and adding up is the fast reduction.
    return jnp.stack([total(leaf * 0) == 0 for leaf in leaves]).all()
