"""Examples on the device: floats, or raw values that are scaled where a few of them are used.

Bytes take a quarter of the memory and of the time that gathering a batch takes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32, Int32, UInt8


class Raw(NamedTuple):
    """Examples as raw values v, which stand for (v - offset) / scale.

    offset: None where nothing is subtracted. source: which raw value each feature is made of, which
    then stays from 0 to 1; None: each of its own.
    """

    values: UInt8[Array, "examples raw"] | Float32[Array, "examples raw"]
    offset: Float32[Array, " features"] | None
    scale: Float32[Array, " features"]
    source: Int32[Array, " features"] | None = None
    limit: Float32[Array, " features"] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Examples and features."""
        return len(self.values), len(self.scale)


Examples = Float[Array, "_ _"] | Raw


def scaled(x: Examples) -> Float[Array, "examples features"]:
    """The examples as floats, to the bit as `data.Scaling` has them.

    Of a batch, not of a whole set: it is to be in the cache, and the set in memory once.
    """
    if not isinstance(x, Raw):
        return x
    values = x.values.astype(jnp.float32)
    if x.source is not None:
        values = values[:, x.source]
    if x.offset is not None:
        values = values - x.offset[None]
    # XLA turns a division by a broadcast array into a product with its reciprocals, which rounds
    # differently. A divisor that seems to depend on the values is divided by.
    found = values / (x.scale[None] + 0.0 * values)
    if x.source is None:
        return found
    if x.limit is None:
        return jnp.clip(found, 0, 1)
    return jnp.clip(found, -x.limit[None], x.limit[None])


def stored(x: Examples) -> Array:
    """The array that holds the examples, which may be raw."""
    return x.values if isinstance(x, Raw) else x


def change(x: Examples, moved: Callable[[Array], Array]) -> Examples:
    """The examples that `moved` makes of the array that holds them: some rows, or another order."""
    return x._replace(values=moved(x.values)) if isinstance(x, Raw) else moved(x)


def joined(parts: list[Examples]) -> Examples:
    """Several blocks as one; raw where all are raw, which then have the same scaling."""
    if all(isinstance(part, Raw) for part in parts):
        return change(parts[0], lambda _: jnp.concatenate([stored(part) for part in parts]))
    return jnp.concatenate([scaled(part) for part in parts])


def tiled(forward: Callable[[Any], Any], x: Examples, size: int) -> Any:
    """`forward` of `size` floats' rows at a time; `size` divides the number of examples."""
    rows = stored(x)
    tiles = rows.reshape(len(rows) // size, size, -1)
    return jax.lax.map(lambda tile: forward(scaled(change(x, lambda _: tile))), tiles)
