"""How features are scaled: what `--scale` means for a source's training examples."""

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from dnncli.data.features import Scaling
from dnncli.data.source import DataSource

BLOCK = 4096  # examples whose float64 copies are in memory at a time
ROWS = 20_000  # evenly spread examples that quartiles are taken of, where there are more
LIMIT = 3.0  # of robust scaling: what no feature leaves (Holzmüller et al. 2024)


def fit(
    kind: str,
    source: DataSource,
    x: Float32[np.ndarray, "examples features"] | UInt8[np.ndarray, "examples features"],
) -> Scaling:
    """The scaling called `kind` for the training examples x.

    auto: unit for images, else standard. unit: divided by the largest value a pixel can have, or
    else by the largest magnitude in x. standard: each feature to mean 0 and standard deviation 1; a
    constant one to 0. robust: its median to 0, the distance between its quartiles to 1, and far
    values bent to stay within LIMIT. A table's 0/1 features stay 0 and 1 in every case.
    """
    if kind == "auto":
        kind = "unit" if source.peak or source.image_shape else "standard"
    scaling = _fit(kind, source, x)
    if source.encoding:
        numeric = source.encoding.numeric
        scaling.offset[~numeric] = 0
        scaling.scale[~numeric] = 1
        if scaling.limit is not None:
            scaling.limit[~numeric] = np.inf
    return scaling


def _fit(
    kind: str,
    source: DataSource,
    x: Float32[np.ndarray, "examples features"] | UInt8[np.ndarray, "examples features"],
) -> Scaling:
    zeros = np.zeros(x.shape[1], np.float32)
    ones = np.ones(x.shape[1], np.float32)
    match kind:
        case "unit":
            peak = source.peak or max(float(x.max()), -float(x.min())) or 1.0
            return Scaling(kind, zeros, np.full_like(ones, peak))
        case "standard":
            return Scaling(kind, *_standard(x))
        case "robust":
            return Scaling(kind, *_robust(x), np.full_like(ones, LIMIT))
    return Scaling(kind, zeros, ones)


def _standard(
    x: Float32[np.ndarray, "examples features"] | UInt8[np.ndarray, "examples features"],
) -> tuple[Float32[np.ndarray, " features"], Float32[np.ndarray, " features"]]:
    mean = x.mean(axis=0, dtype=np.float64)
    deviation = np.sqrt(_variance(x, mean)).astype(np.float32)
    # Rounding of the mean gives a constant feature a deviation that is tiny, not 0.
    constant = (x.max(axis=0) == x.min(axis=0)) | (deviation == 0)
    return mean.astype(np.float32), np.where(constant, np.float32(1), deviation)


def _variance(
    x: Float32[np.ndarray, "examples features"] | UInt8[np.ndarray, "examples features"],
    mean: Float64[np.ndarray, " features"],
) -> Float64[np.ndarray, " features"]:
    total = np.zeros_like(mean)
    for start in range(0, len(x), BLOCK):
        total += np.square(x[start : start + BLOCK] - mean).sum(axis=0)
    return total / len(x)


def _robust(
    x: Float32[np.ndarray, "examples features"] | UInt8[np.ndarray, "examples features"],
) -> tuple[Float32[np.ndarray, " features"], Float32[np.ndarray, " features"]]:
    """Medians, and distances between quartiles; where those coincide half the values' range."""
    seen = x[:: -(-len(x) // ROWS)]
    lower, median, upper = np.quantile(seen, [0.25, 0.5, 0.75], axis=0).astype(np.float32)
    half = x.max(axis=0) / np.float32(2) - x.min(axis=0) / np.float32(2)
    spread = np.where(upper > lower, upper - lower, half)
    return median, np.where(spread > 0, spread, np.float32(1))
