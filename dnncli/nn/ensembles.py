"""Several networks as one: their layers side by side, and the mean of their outputs.

A hidden layer of the merged network holds every member's units, whose kernels are blocks on a
diagonal of zeros; its output layer averages. So it is a network like any other: what evaluates,
predicts with or exports one takes it as it is.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32

from dnncli.nn.network import Layer, Moments, Network

Kernel = Float32[np.ndarray, "_ _"]


def merge(members: Sequence[Network]) -> Network:
    """The network whose outputs are the members' means, in NumPy.

    Members have the same layers, and no batch norm on their outputs, whose mean would not be one.
    """
    if len(members) == 1:
        return members[0]
    layers = _by_place([member.parameters for member in members])
    moments = _by_place([member.statistics for member in members])
    assert not any(moments[-1])
    merged = [_side_by_side(own, first=index == 0) for index, own in enumerate(layers[:-1])]
    statistics = [_joined(Moments, own) for own in moments[:-1]]
    return Network((*merged, _average(layers[-1])), (*statistics, None))


def _by_place(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """What all members have at the same place, place by place."""
    return list(zip(*rows, strict=True))


def _side_by_side(layers: Sequence[Layer], *, first: bool) -> Layer:
    """A hidden layer of all members' units; the first one's inputs are common to all."""
    kernels = [np.asarray(layer.kernel) for layer in layers]
    kernel = np.concatenate(kernels, axis=1) if first else _diagonal(kernels)
    rest: Layer = _joined(Layer, [layer._replace(kernel=layer.kernel[0]) for layer in layers])
    return rest._replace(kernel=kernel)  # type: ignore[arg-type]


def _average(layers: Sequence[Layer]) -> Layer:
    """The output layer above all members' last hidden units."""
    kernels = np.concatenate([np.asarray(layer.kernel) for layer in layers])
    biases = np.stack([np.asarray(layer.bias) for layer in layers])
    bias = biases.mean(axis=0, dtype=np.float64).astype(np.float32)
    return Layer(kernels / np.float32(len(layers)), bias)  # type: ignore[arg-type]


def _joined(kind: Any, parts: Sequence[Any]) -> Any:
    """Members' parts as one, by their fields; None where members have no such part."""
    if parts[0] is None:
        return None
    return kind(*map(_concatenated, _by_place(parts)))


def _concatenated(vectors: Sequence[Any]) -> Any:
    """One vector after the other; None where members have none."""
    if vectors[0] is None:
        return None
    return np.concatenate([np.asarray(vector) for vector in vectors])


def _diagonal(kernels: Sequence[Kernel]) -> Kernel:
    """The kernels as blocks on a diagonal of zeros."""
    rows, units = kernels[0].shape
    whole = np.zeros((rows * len(kernels), units * len(kernels)), np.float32)
    for index, kernel in enumerate(kernels):
        whole[index * rows : (index + 1) * rows, index * units : (index + 1) * units] = kernel
    return whole
