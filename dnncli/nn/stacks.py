"""Runs of equal layers as one: deep networks compile in the time of a shallow one.

A compiled program that has each of 1,000 layers by itself takes minutes to compile. Where
successive layers have equal shapes, a Stack stands in their place in the tuples of layers, with an
axis of layers first in every array; the forward pass scans over it, what is measured of a layer is
mapped over it. Between epochs, in checkpoints and in records there are layers alone.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import jax
import numpy as np

UNROLLED = 100  # layers up to which each is compiled by itself: the program is faster, by a little


class Stack(NamedTuple):
    """Successive layers, or what belongs to each of them, with an axis of layers first."""

    rows: Any


def is_stack(entry: Any) -> bool:
    """Whether an entry stands for several layers."""
    return isinstance(entry, Stack)


def count(entry: Any) -> int:
    """How many layers an entry stands for."""
    return len(jax.tree.leaves(entry)[0]) if isinstance(entry, Stack) else 1


def mapped(f: Callable[..., Any], *entries: Any) -> Any:
    """`f` of a layer's values; of each layer's, where they are a stack's."""
    if not isinstance(entries[0], Stack):
        return f(*entries)
    return Stack(jax.vmap(f)(*(entry.rows for entry in entries)))


def part(f: Callable[[Any], Any], entry: Any) -> Any:
    """What `f` picks of a layer; of a stack all at once."""
    return Stack(f(entry.rows)) if isinstance(entry, Stack) else f(entry)


def places(entry: Any, first: int) -> Any:
    """The places of an entry's layers, of which the first has the place `first`."""
    return Stack(first + jax.numpy.arange(count(entry))) if is_stack(entry) else first


def carried(f: Callable[[Any, Any], tuple[Any, Any]], carry: Any, parts: Any) -> tuple[Any, Any]:
    """`f(carry, parts)` of a layer; of a stack's layers one after the other, as `lax.scan` has it.

    parts: a NamedTuple, of which each part belongs to one layer or is a stack. Returns the carry,
    and of each value that `f` returns besides one a layer: a stack.
    """
    if not any(map(is_stack, parts)):
        return f(carry, parts)
    rows = type(parts)(*map(_rows, parts))
    carry, seen = jax.lax.scan(f, carry, rows)
    return carry, tuple(map(Stack, seen))


def runs(layers: Sequence[Any]) -> tuple[int, ...]:
    """How many layers each entry is to stand for: more than 1 for equal ones of a deep network.

    The last layer stands alone, as it has no activation.
    """
    if len(layers) <= UNROLLED:
        return (1,) * len(layers)
    return (*(len(list(group)) for _, group in groupby(layers[:-1], _kind)), 1)


def packed(entries: tuple[Any, ...], lengths: Sequence[int]) -> tuple[Any, ...]:
    """Entries of layers, on the host, with a stack for each run of several."""
    found: list[Any] = []
    place = 0
    for length in lengths:
        alike = entries[place : place + length]
        if length > 1:
            found.append(Stack(jax.tree.map(_stacked, *alike)))
        else:
            found.extend(alike)
        place += length
    return tuple(found)


def unpacked(entries: tuple[Any, ...], lengths: Sequence[int]) -> tuple[Any, ...]:
    """Entries of layers alone, as views of arrays on the host; lengths: layers of each entry."""
    found: list[Any] = []
    for entry, length in zip(entries, lengths, strict=True):
        if isinstance(entry, Stack):
            found.extend(_layers(entry, length))
        else:
            found.append(entry)
    return tuple(found)


def offsets(entries: Sequence[Any]) -> list[int]:
    """The place of each entry's first layer, and the number of layers."""
    return [0, *np.cumsum([count(entry) for entry in entries]).tolist()]


def divided(numbers: Any, entries: Sequence[Any]) -> list[Any]:
    """A number of each layer, entry by entry."""
    found: list[Any] = []
    for place, entry in zip(offsets(entries), entries, strict=False):
        if is_stack(entry):
            found.append(Stack(numbers[place : place + count(entry)]))
        else:
            found.append(numbers[place])
    return found


def _rows(entry: Any) -> Any:
    """What a scan goes over, row by row: a stack's arrays; None stays None."""
    return entry.rows if isinstance(entry, Stack) else entry


def _layers(stack: Stack, length: int) -> list[Any]:
    """The layers of a stack, which may have nothing of each of them."""
    leaves, structure = jax.tree.flatten(jax.device_get(stack.rows))

    def layer(place: int) -> Any:
        return jax.tree.unflatten(structure, [leaf[place] for leaf in leaves])

    return [layer(place) for place in range(length)]


def _kind(entry: Any) -> tuple[Any, ...]:
    """What entries of one stack have in common."""
    leaves, structure = jax.tree.flatten(entry)
    return structure, *((leaf.shape, leaf.dtype) for leaf in leaves)


def _stacked(*leaves: Any) -> Any:
    """Arrays of equal shapes as one, on the host."""
    return np.stack(jax.device_get(leaves))
