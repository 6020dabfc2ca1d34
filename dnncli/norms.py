"""Norms of arrays: safe where squares leave float32, fast on CPU, and quick to compile for many arrays.

Squares of numbers below 1e-19 or above 1e19 are lost in float32, and vanishing and exploding gradients
are there: everything is divided by its largest magnitude first. XLA adds up a whole array to a scalar in
order, one element at a time, but sums down the columns at full speed: reduce by column first. Each kernel
costs about 15 ms to compile: arrays of one shape are stacked and measured by the same kernels.
"""

from collections.abc import Callable, Hashable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PyTree

Vector = Float[Array, " units"]


def columns(x: Float[Array, "*rows units"]) -> tuple[Vector, Vector]:
    """Each column's largest magnitude, and the sum of its squares in units of that one's."""
    x = x.reshape(-1, x.shape[-1])
    peaks = jnp.max(jnp.abs(x), axis=0)
    return peaks, jnp.sum(jnp.square(x / _divisor(peaks)), axis=0)


def _divisor(peaks: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """What to divide by: not zero, and not an infinity that would hide itself."""
    return jnp.where((peaks > 0) & jnp.isfinite(peaks), peaks, 1.0)


def combine(peaks: Float[Array, "*any units"], squares: Float[Array, "*any units"]) -> Float[Array, "*any"]:
    """The norm of arrays whose `columns` these are; padding with zeros changes nothing."""
    largest = jnp.max(peaks, axis=-1, keepdims=True)
    total = jnp.sum(jnp.square(_divisor(peaks) / _divisor(largest)) * squares, axis=-1)
    return _divisor(largest)[..., 0] * jnp.sqrt(total)


def frobenius(x: Float[Array, "*rows units"]) -> Float[Array, ""]:
    """sqrt(sum x^2) wherever that is in float32's range."""
    return combine(*columns(x))


def frobenius_rows(x: Float[Array, "rows units"]) -> Float[Array, " rows"]:
    """The norm of each row."""
    peaks = jnp.max(jnp.abs(x), axis=1, keepdims=True)
    return _divisor(peaks)[:, 0] * jnp.sqrt(jnp.sum(jnp.square(x / _divisor(peaks)), axis=1))


def frobenius_each(arrays: Sequence[Float[Array, "..."]]) -> Float[Array, " arrays"]:
    """The norm of each of many arrays."""
    return combine(*by_column(columns, arrays))


def joint(tree: PyTree[Float[Array, "..."]]) -> Float[Array, ""]:
    """The norm of all leaves together as one vector."""
    return frobenius(frobenius_each(jax.tree.leaves(tree)))


def largest(tree: PyTree[Float[Array, "..."]]) -> Float[Array, ""]:
    """The largest magnitude among all leaves."""
    return jnp.max(by_column(columns, jax.tree.leaves(tree))[0])


def finite_each(rows: Sequence[PyTree]) -> Bool[Array, " rows"]:
    """For each row whether every float in it is finite."""
    leaves = [(index, leaf) for index, row in enumerate(rows) for leaf in jax.tree.leaves(row)]
    broken = jnp.any(by_column(_broken_columns, [leaf for _, leaf in leaves]), axis=1)
    owners = np.array([index for index, _ in leaves])
    return ~jnp.any(broken[None, :] & (owners[None, :] == np.arange(len(rows))[:, None]), axis=1)


def _broken_columns(x: Float[Array, "*rows units"]) -> Bool[Array, " units"]:
    return jnp.any(~jnp.isfinite(x.reshape(-1, x.shape[-1])), axis=0)


def by_column(f: Callable[..., PyTree], *arguments: Sequence[PyTree]) -> PyTree:
    """`f` of every row of the arguments, stacked; traced once for all rows of the same shapes.

    `f` gives vectors, one entry a column; they are filled up with zeros to the widest row's length.
    """
    rows = list(zip(*arguments, strict=True))
    groups = _alike(rows)
    parts = [jax.vmap(f)(*jax.tree.map(_stack, *(rows[place] for place in places))) for places in groups]
    order = np.argsort(np.concatenate(groups))
    return jax.tree.map(lambda *values: _filled_up(values)[order], *parts)


def _stack(*leaves: Array) -> Array:
    return jnp.stack(leaves)


def _filled_up(matrices: Sequence[Array]) -> Array:
    """Matrices of several widths under each other, zeros at the right."""
    widest = max(matrix.shape[1] for matrix in matrices)
    return jnp.concatenate([jnp.pad(m, ((0, 0), (0, widest - m.shape[1]))) for m in matrices])


def _alike(rows: Sequence[PyTree]) -> list[list[int]]:
    """The places of rows of the same structure and shapes."""
    kinds: dict[Hashable, list[int]] = {}
    for place, row in enumerate(rows):
        shapes = tuple((leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(row))
        kinds.setdefault((jax.tree.structure(row), shapes), []).append(place)
    return list(kinds.values())
