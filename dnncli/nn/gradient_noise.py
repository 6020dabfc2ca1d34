"""Signal to noise of a layer's gradient: how large its mean is against its scatter over batches.

Inside the epoch the measured batches' gradients of a kernel are added up, each times its number of
examples: one addition a step. Their norms are measured anyway. From both follow the mean and the
scatter, as in an analysis of variance (McCandlish et al. 2018, appendix A, with batches in the
place of examples). What a network learns within the epoch changes the gradient too and counts as
scatter.
"""

import math
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from dnncli.nn import reductions, stacks
from dnncli.nn.network import Layer, Mask, Parameters

# One a layer; of several seeds with an axis of them first.
Kernels = tuple[Any, ...]


def add(sums: Kernels, gradients: Parameters, rows: int, mask: Mask) -> Kernels:
    """The sums with a batch's mean gradients, times the number of its examples.

    rows: how many the batch has, padding included.
    """
    examples = reductions.examples(rows, mask)

    def added(total: Float[Array, "_ _"], layer: Layer) -> Float[Array, "_ _"]:
        return total + examples * layer.kernel

    pairs = zip(sums, gradients, strict=True)
    return tuple(stacks.mapped(added, total, layer) for total, layer in pairs)


def norms(sums: Kernels) -> Float[Array, " layers"]:
    """The norm of each layer's sum."""
    return reductions.each(reductions.frobenius, sums)


def signal_to_noise(
    total: Float[np.ndarray, " layers"],
    each: Float[np.ndarray, "batches layers"],
    sizes: Float[np.ndarray, " batches"],
) -> list[float | None]:
    """Of each layer, ||E g|| / sqrt(E ||g - E g||^2), g the gradient of a batch as the first one.

    total: norm of the sum of all batches' mean gradients times their sizes; each: norms of the
    batches' mean gradients; sizes: their numbers of examples. Both parts are unbiased; where chance
    alone makes the mean as large as it is, the ratio is 0. None for fewer than two batches.
    """
    if len(sizes) < 2:
        return [None] * len(total)
    # An epoch that left the finite numbers is told by the ratio too, and not by a warning.
    with np.errstate(over="ignore", invalid="ignore"):
        signal, noise = _moments(total, each, sizes)
    return [_ratio(*pair) for pair in zip(signal, noise, strict=True)]


def _moments(
    total: Float[np.ndarray, " layers"],
    each: Float[np.ndarray, "batches layers"],
    sizes: Float[np.ndarray, " batches"],
) -> tuple[Float[np.ndarray, " layers"], Float[np.ndarray, " layers"]]:
    """Signal and noise in a unit of each layer's own."""
    weights = sizes / sizes.sum()
    largest = each.max(axis=0)
    unit = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
    mean_square = (total / sizes.sum() / unit) ** 2
    between = weights @ (each / unit) ** 2 - mean_square
    # A batch of n examples scatters by var / n: this is var, from all batches.
    variance = np.maximum(between, 0.0) * sizes.sum() / (len(sizes) - 1)
    signal = np.sqrt(np.maximum(mean_square - variance / sizes.sum(), 0.0))
    return signal, np.sqrt(variance / sizes[0])


def _ratio(signal: float, noise: float) -> float | None:
    """None where there is neither, as in a layer whose gradients are 0, or only a signal."""
    if not (noise > 0 and math.isfinite(signal) and math.isfinite(noise)):
        return None
    return float(signal / noise)
