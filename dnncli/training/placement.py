"""Between host and device: the only place that puts arrays on devices or describes their shapes.

Where several devices share a run, `devices` says which; None: there is one, JAX's default.
"""

import time
from typing import Any, TypeVar

import jax
import numpy as np

from dnncli.data import Split
from dnncli.data.blocks.stored import Stored
from dnncli.data.features import Features, Unscaled
from dnncli.errors import LostProcessError
from dnncli.nn.examples import Examples, Raw
from dnncli.training.devices import Devices
from dnncli.training.program import Block

Tree = TypeVar("Tree")


def put(tree: Tree) -> Tree:
    """Arrays on the device. On CPU they may share memory with the host's: never change those."""
    return jax.device_put(tree)


def features(x: Features, devices: Devices | None = None) -> Examples:
    """Features on the devices, where those that are unscaled stay so.

    Of several, each process holds its part of the rows.
    """
    if isinstance(x, Stored):
        return np.asarray(x)  # type: ignore[return-value]  # which says that it does not fit
    if not isinstance(x, Unscaled):
        return _held(x, devices)
    scaling = everywhere(_scaling(x), devices)
    return Raw(_held(x.values, devices), *scaling)  # type: ignore[arg-type]


def _scaling(x: Unscaled) -> tuple[np.ndarray | None, ...]:
    """A scaling's arrays; no offset where it subtracts nothing."""
    scaling = x.scaling
    offset = scaling.offset if scaling.shifts else None
    return offset, scaling.scale, scaling.source, scaling.limit


def block(split: Split, devices: Devices | None = None) -> Block:
    """A split's arrays on the devices.

    Of several, each has the targets whole and its process's part of the rows of features; rows of
    zeros fill up the last part.
    """
    y, weights = everywhere((split.y, split.weights), devices)
    return Block(features(split.x, devices), y, weights=weights)  # type: ignore[arg-type]


def _held(values: np.ndarray, devices: Devices | None) -> Any:
    """Rows of which each process holds its part, filled up with zeros; all on one device."""
    if devices is None:
        return put(values)
    rows, columns = values.shape

    def part(index: Any) -> np.ndarray:
        start, stop, _ = index[0].indices(filled)
        own = values[start:stop]
        missing = stop - start - len(own)
        return np.pad(own, ((0, missing), (0, 0))) if missing else own

    filled = rows
    if devices.processes > 1:
        filled += devices.missing(rows)
    return jax.make_array_from_callback((filled, columns), devices.held, part)


def everywhere(tree: Tree, devices: Devices | None) -> Tree:
    """Arrays on each of the devices."""
    if devices is None:
        return put(tree)
    return jax.tree.map(lambda leaf: _copied(leaf, devices), tree)


def _copied(leaf: Any, devices: Devices) -> Any:
    """An array on each device. Processes do not ask each other whether theirs is the same."""
    layout = devices.everywhere
    copies = [jax.device_put(leaf, device) for device in layout.addressable_devices]
    return jax.make_array_from_single_device_arrays(np.shape(leaf), layout, copies)


def here(tree: Tree, devices: Devices | None) -> Tree:
    """Arrays that every device has, as arrays of this process's first device; nothing is copied."""
    if devices is None:
        return tree
    return jax.tree.map(lambda leaf: leaf.addressable_data(0), tree)


def shape(sizes: tuple[int, ...], dtype: Any = np.float32) -> Any:
    """An array by shape and dtype alone."""
    return jax.ShapeDtypeStruct(sizes, dtype)


def block_shapes(split: Split) -> Block:
    """The shapes of `block`; nothing is copied."""
    weights = None if split.weights is None else shape(split.weights.shape)
    return Block(_feature_shapes(split.x), shape(split.y.shape, split.y.dtype), weights=weights)


def _feature_shapes(x: Features) -> Any:
    """The shapes of `features`."""
    if not isinstance(x, Unscaled):
        return shape(x.shape, x.dtype)
    parts = jax.tree.map(lambda part: shape(part.shape, part.dtype), (x.values, *_scaling(x)))
    return Raw(*parts)


def resized(block: Block, examples: int) -> Block:
    """The shapes of a block of floats with another number of examples."""
    return jax.tree.map(lambda leaf: shape((examples, *leaf.shape[1:]), leaf.dtype), block)


def stacked_shapes(tree: Tree, copies: int) -> Tree:
    """The shapes of a tree whose arrays have an axis of so many copies first."""
    return jax.tree.map(lambda leaf: shape((copies, *leaf.shape), leaf.dtype), tree)


def shapes_everywhere(tree: Tree, devices: Devices) -> Tree:
    """The shapes of arrays that each of the devices has whole."""

    def described(leaf: Any) -> Any:
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=devices.everywhere)

    return jax.tree.map(described, tree)


def fetch(tree: Tree) -> Tree:
    """Arrays on the host, in NumPy."""
    return jax.device_get(tree)


def wait(info: Any, timeout: float | None = None) -> Any:
    """Copy an epoch's info to the host, waiting so that a signal is answered within 20 ms.

    A plain copy blocks in C++ until a long epoch ends; short ones are not slowed by the polling.
    timeout: seconds that other processes may take; with one, raises LostProcessError.
    """
    began = time.perf_counter()
    leaf = jax.tree.leaves(info)[0]
    while not leaf.is_ready() and time.perf_counter() < began + 0.2:
        time.sleep(0.0002)
    while not leaf.is_ready():
        if timeout is not None and time.perf_counter() > began + timeout:
            raise LostProcessError(
                f"no epoch ended within {timeout:g} s: a process is stuck, or --timeout too short."
            )
        time.sleep(0.02)
    try:
        return fetch(info)
    # JAX raises either, by the collective that failed.
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        if timeout is None:
            raise
        reason = str(error).splitlines()[0].rpartition("] ")[2]
        raise LostProcessError(f"another process was lost ({reason}).") from error
