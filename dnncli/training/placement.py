"""Between host and device: the only place that puts arrays on devices or describes their shapes."""

import time
from typing import Any, TypeVar

import jax
import numpy as np

from dnncli.data import Split
from dnncli.data.features import Features, Pixels
from dnncli.nn.examples import Bytes, Examples
from dnncli.training.program import Block

Tree = TypeVar("Tree")


def put(tree: Tree) -> Tree:
    """Arrays on the device. On CPU they may share memory with the host's: never change those."""
    return jax.device_put(tree)


def features(x: Features) -> Examples:
    """Features on the device, where bytes stay bytes."""
    if not isinstance(x, Pixels):
        return put(x)  # type: ignore[return-value]
    offset = x.scaling.offset if x.scaling.shifts else None
    return Bytes(*put((x.values, offset, x.scaling.scale)))  # type: ignore[arg-type]


def block(split: Split) -> Block:
    """A split's arrays on the device."""
    y, weights = put((split.y, split.weights))
    return Block(features(split.x), y, weights=weights)  # type: ignore[arg-type]


def shape(sizes: tuple[int, ...], dtype: Any = np.float32) -> Any:
    """An array by shape and dtype alone."""
    return jax.ShapeDtypeStruct(sizes, dtype)


def block_shapes(split: Split) -> Block:
    """The shapes of `block`; nothing is copied."""
    weights = None if split.weights is None else shape(split.weights.shape)
    return Block(_feature_shapes(split.x), shape(split.y.shape, split.y.dtype), weights=weights)


def _feature_shapes(x: Features) -> Any:
    """The shapes of `features`."""
    if not isinstance(x, Pixels):
        return shape(x.shape, x.dtype)
    of_each = shape(x.scaling.scale.shape)
    offset = of_each if x.scaling.shifts else None
    return Bytes(shape(x.shape, np.uint8), offset, of_each)


def stacked_shapes(tree: Tree, copies: int) -> Tree:
    """The shapes of a tree whose arrays have an axis of so many copies first."""
    return jax.tree.map(lambda leaf: shape((copies, *leaf.shape), leaf.dtype), tree)


def fetch(tree: Tree) -> Tree:
    """Arrays on the host, in NumPy."""
    return jax.device_get(tree)


def wait(info: Any) -> Any:
    """Copy an epoch's info to the host, waiting so that a signal is answered within 20 ms.

    A plain copy blocks in C++ until a long epoch ends; short ones are not slowed by the polling.
    """
    until = time.perf_counter() + 0.2
    leaf = jax.tree.leaves(info)[0]
    while not leaf.is_ready() and time.perf_counter() < until:
        time.sleep(0.0002)
    while not leaf.is_ready():
        time.sleep(0.02)
    return fetch(info)
