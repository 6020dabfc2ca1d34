"""Sums, means and norms: safe beyond float32's squares, fast on CPU and quick to compile.

Squares of numbers below 1e-19 or above 1e19 leave float32's range. Vanishing and exploding
gradients are that small and large, so norms divide everything by its mean magnitude first. Sums are
products with vectors of ones: XLA adds up a whole array one element at a time (267 us for 784 x 300
on one machine, against 33 us), and a reduction takes three times as long to compile as a product,
which is a library call.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PyTree

from dnncli.nn import stacks

TINY = float(np.finfo(np.float32).tiny)
EXACT = jax.lax.Precision.HIGHEST  # float32 where the hardware would multiply in less
Weights = Float[Array, " rows"] | None  # of each row in an average, summing to 1; None: uniform


def total(x: Float[Array, "..."]) -> Float[Array, ""]:
    """The sum of all entries."""
    for size in reversed(x.shape):
        x = jnp.dot(x, jnp.ones(size, x.dtype), precision=EXACT)
    return x


def mean(x: Float[Array, "..."], weights: Weights = None) -> Float[Array, ""]:
    """The mean of all entries; `weights` are those of the rows."""
    if weights is None:
        return total(x) / x.size
    return jnp.dot(weights, _row_means(x), precision=EXACT)


def _row_means(x: Float[Array, "rows *columns"]) -> Float[Array, " rows"]:
    """Each row's mean; the rows of a vector are numbers."""
    if x.ndim == 1:
        return x
    return jax.lax.dot(x, jnp.ones(x.shape[1]), precision=EXACT) / x.shape[1]


def root_mean_square(x: Float[Array, "..."], weights: Weights = None) -> Float[Array, ""]:
    """sqrt(mean x^2) wherever x itself is in float32's range."""
    size = mean(jnp.abs(x), weights)
    # XLA treats subnormals as zeros in some operations and not in others: that could give 0/0.
    unit = jnp.where((size >= TINY) & jnp.isfinite(size), size, 1.0)
    return unit * jnp.sqrt(mean(jnp.square(x / unit), weights))


def frobenius(x: Float[Array, "..."]) -> Float[Array, ""]:
    """sqrt(sum x^2) wherever that is in float32's range."""
    return root_mean_square(x) * np.float32(np.sqrt(x.size))


def joint(tree: PyTree[Float[Array, "..."]]) -> Float[Array, ""]:
    """The norm of all leaves together as one vector."""
    return frobenius(each(frobenius, jax.tree.leaves(tree)))


def largest(tree: PyTree[Float[Array, "..."]]) -> Float[Array, ""]:
    """The largest magnitude among all leaves."""
    # Down the columns first: XLA does not vectorise a maximum over a whole array.
    rows = [leaf.reshape(-1, leaf.shape[-1]) for leaf in jax.tree.leaves(tree)]
    return jnp.max(each(lambda x: jnp.max(jnp.abs(x), axis=0), rows))


def finite_each(rows: Sequence[PyTree]) -> Bool[Array, " rows"]:
    """For each row whether every float in it is finite; a row of stacks is one a layer."""
    leaves: list[Any] = []
    owners: list[int] = []
    place = 0
    for row in rows:
        own = jax.tree.leaves(row)
        layers = 1
        if any(map(stacks.is_stack, jax.tree.leaves(row, is_leaf=stacks.is_stack))):
            layers = len(own[0])
            own = [stacks.Stack(leaf) for leaf in own]
        leaves.extend(own)
        owners.extend([*range(place, place + layers)] * len(own))
        place += layers
    broken = each(_broken, leaves)
    if place > len(rows):
        # A table of layers and leaves would be a constant of megabytes.
        return ~jnp.zeros(place, bool).at[np.array(owners)].max(broken)
    return ~jnp.any(broken[None] & (np.array(owners) == np.arange(place)[:, None]), axis=1)


def _broken(x: Float[Array, "..."]) -> Bool[Array, ""]:
    return total((~jnp.isfinite(x)).astype(jnp.float32)) > 0


def examples(rows: int, mask: Weights) -> Float[Array, ""] | int:
    """How many of a batch's rows are not padding, which a mask gives a weight of 0."""
    return rows if mask is None else 1 / jnp.max(mask)


def each(f: Callable[..., PyTree], *arguments: Sequence[PyTree]) -> PyTree:
    """`f` of every row of the arguments, stacked; traced once for all rows of the same shapes.

    An entry that is a stack is several rows. `f` returns scalars or vectors; zeros fill up vectors
    to the length of the longest.
    """
    rows = list(zip(*arguments, strict=True))
    places = stacks.offsets(arguments[0])
    parts = []
    order: list[int] = []
    for group in _alike(rows):
        alike = [rows[place] for place in group]
        if stacks.is_stack(alike[0][0]):
            parts.append(jax.vmap(f)(*(stack.rows for stack in alike[0])))
            order.extend(range(places[group[0]], places[group[0] + 1]))
        else:
            parts.append(jax.vmap(f)(*jax.tree.map(_stack, *alike)))
            order.extend(places[place] for place in group)
    # The results come group by group: this puts them back into the order of the rows.
    back = np.argsort(order)
    return jax.tree.map(lambda *values: _joined(values)[back], *parts)


def by_layer(f: Callable[[PyTree], Array], layers: Sequence[PyTree]) -> Float[Array, " layers"]:
    """A number of each layer; of a stack's, all at once."""
    return jnp.concatenate([_each_number(f, layer) for layer in layers])


def _each_number(f: Callable[[PyTree], Array], layer: PyTree) -> Float[Array, " _"]:
    return jax.vmap(f)(layer.rows) if stacks.is_stack(layer) else f(layer)[None]


def _alike(rows: Sequence[PyTree]) -> list[list[int]]:
    """The places of rows of the same structure and shapes; a stack's row is a group by itself."""
    kinds: dict[Hashable, list[int]] = {}
    for place, row in enumerate(rows):
        shapes: tuple[Hashable, ...] = (place,)
        if not stacks.is_stack(row[0]):
            shapes = tuple((leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(row))
        kinds.setdefault((jax.tree.structure(row), shapes), []).append(place)
    return list(kinds.values())


def _stack(*leaves: Array) -> Array:
    return jnp.stack(leaves)


def _joined(values: Sequence[Array]) -> Array:
    """Groups of scalars, or of vectors of several lengths, as one array."""
    if values[0].ndim == 1:
        return jnp.concatenate(values)
    longest = max(value.shape[1] for value in values)
    return jnp.concatenate(
        [jnp.pad(value, ((0, 0), (0, longest - value.shape[1]))) for value in values]
    )
