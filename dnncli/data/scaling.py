"""How features are scaled: what `--scale` means for a source's training examples."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from dnncli.data.blocks.stored import Stored
from dnncli.data.features import Scaling
from dnncli.data.source import DataSource

BLOCK = 4096  # examples whose float64 copies are in memory at a time
ROWS = 20_000  # evenly spread examples that quartiles are taken of, where there are more
PIECES = 48  # of a feature under piecewise scaling, at most, …
PER_PIECE = 64  # … with so many examples in each, …
WIDEST = 1024  # … and so many pieces of all features together, …
FEWEST = 2  # … but at least so many of each
# From so many examples on, and for at most so many features, pieces do better than robust scaling.
ENOUGH = 1_000
FEATURES = 100
LIMIT = 3.0  # of robust scaling: what no feature leaves (Holzmüller et al. 2024)


Raw = Float32[np.ndarray, "examples features"] | UInt8[np.ndarray, "examples features"] | Stored


def fit(kind: str, source: DataSource, x: Raw) -> Scaling:
    """The scaling called `kind` for the training examples x.

    auto: unit for images, else standard. unit: divided by the largest value a pixel can have, or
    else by the largest magnitude in x. standard: each feature to mean 0 and standard deviation 1; a
    constant one to 0. robust: its median to 0, the distance between its quartiles to 1, and far
    values bent to stay within LIMIT. piecewise: see `_piecewise`. A table's 0/1 features stay 0 and
    1 in every case. tabular: piecewise where that pays, by their numbers, else robust.
    """
    if kind == "auto":
        kind = "unit" if source.peak or source.image_shape else "standard"
    if kind == "tabular":
        kind = "piecewise" if _pieces_pay(source, x) else "robust"
    if kind == "piecewise":
        return _piecewise(np.asarray(x), _numeric(source, x))  # never of what is on the disk
    scaling = _fit(kind, source, x)
    if source.encoding:
        numeric = source.encoding.numeric
        scaling.offset[~numeric] = 0
        scaling.scale[~numeric] = 1
        if scaling.limit is not None:
            scaling.limit[~numeric] = np.inf
    return scaling


def _numeric(source: DataSource, x: Raw) -> Bool[np.ndarray, " features"]:
    """Which features are numbers: all but a table's 0/1 features."""
    return source.encoding.numeric if source.encoding else np.ones(x.shape[1], bool)


def _pieces(x: Raw, size: int | None = None) -> Iterator[Any]:
    """The examples as arrays that are in memory: of so many rows; None: as they come."""
    if isinstance(x, Stored):
        yield from (rows for _, rows in x.pieces())
        return
    step = size or len(x)
    yield from (x[start : start + step] for start in range(0, len(x), step))


def _extremes(x: Raw) -> tuple[Any, Any]:
    """Each feature's least and greatest value."""
    if not isinstance(x, Stored):
        return x.min(axis=0), x.max(axis=0)
    found = [(rows.min(axis=0), rows.max(axis=0)) for rows in _pieces(x) if len(rows)]
    low = np.min([low for low, _ in found], axis=0)
    return low, np.max([high for _, high in found], axis=0)


def pieces_pay(examples: int, numbers: int) -> bool:
    """Whether pieces do better than robust scaling, for so many training examples and features."""
    return examples >= ENOUGH and 0 < numbers <= FEATURES


def most_pieces(examples: int, numbers: int) -> int:
    """How many pieces one of so many features has at most, for so many training examples."""
    return max(FEWEST, min(PIECES, examples // PER_PIECE, WIDEST // max(1, numbers)))


def piece_count(values: Float32[np.ndarray, " examples"], most: int) -> int:
    """How many pieces a feature with these values has."""
    return len(_edges(values, most)) - 1


def _pieces_pay(source: DataSource, x: Raw) -> bool:
    """Whether pieces do better for these examples; what is on the disk is never cut into them."""
    images = source.peak is not None or source.image_shape is not None
    in_memory = not isinstance(x, Stored)
    return in_memory and not images and pieces_pay(len(x), int(_numeric(source, x).sum()))


def _fit(
    kind: str,
    source: DataSource,
    x: Raw,
) -> Scaling:
    zeros = np.zeros(x.shape[1], np.float32)
    ones = np.ones(x.shape[1], np.float32)
    match kind:
        case "unit":
            peak = source.peak or _largest(x) or 1.0
            return Scaling(kind, zeros, np.full_like(ones, peak))
        case "standard":
            return Scaling(kind, *_standard(x))
        case "robust":
            return Scaling(kind, *_robust(x), np.full_like(ones, LIMIT))
    return Scaling(kind, zeros, ones)


def _largest(x: Raw) -> float:
    """The largest magnitude."""
    low, high = _extremes(x)
    return max(float(high.max()), -float(low.min()))


def _standard(x: Raw) -> tuple[Float32[np.ndarray, " _"], Float32[np.ndarray, " _"]]:
    """Means and standard deviations; of a constant feature 1."""
    mean = sum(rows.sum(axis=0, dtype=np.float64) for rows in _pieces(x)) / len(x)
    deviation = np.sqrt(_variance(x, mean)).astype(np.float32)
    low, high = _extremes(x)
    # Rounding of the mean gives a constant feature a deviation that is tiny, not 0.
    constant = (high == low) | (deviation == 0)
    return mean.astype(np.float32), np.where(constant, np.float32(1), deviation)


def _variance(x: Raw, mean: Float64[np.ndarray, " features"]) -> Float64[np.ndarray, " features"]:
    total = np.zeros_like(mean)
    for rows in _pieces(x, BLOCK):
        total += np.square(rows - mean).sum(axis=0)
    return total / len(x)


def _robust(x: Raw) -> tuple[Float32[np.ndarray, " features"], Float32[np.ndarray, " features"]]:
    """Medians, and distances between quartiles; where those coincide half the values' range."""
    seen = x[:: -(-len(x) // ROWS)]
    lower, median, upper = np.quantile(seen, [0.25, 0.5, 0.75], axis=0).astype(np.float32)
    spread = upper - lower
    if not (upper > lower).all():
        low, high = _extremes(x)
        half = high / np.float32(2) - low / np.float32(2)
        spread = np.where(upper > lower, spread, half)
    return median, np.where(spread > 0, spread, np.float32(1))


def _piecewise(
    x: Float32[np.ndarray, "examples features"] | UInt8[np.ndarray, "examples features"],
    numeric: Bool[np.ndarray, " features"],
) -> Scaling:
    """Numbers as pieces between their quantiles, each from -1/2 below it to 1/2 above it.

    It is the piecewise linear encoding of Gorishniy et al. 2022: a first layer then bends where
    examples are, instead of having to learn where. Its pieces are from 0 to 1; around 0 they train
    faster, since hundreds of inputs with a mean of 1/2 move together at every step. Features that
    are 0 or 1 stay so.
    """
    pieces = most_pieces(len(x), int(numeric.sum()))
    seen = x[:: -(-len(x) // ROWS)]
    sources = []
    offsets = []
    scales = []
    for place in range(x.shape[1]):
        offset = np.zeros(1)
        scale = np.ones(1)
        if numeric[place]:
            offset, scale = _middles(_edges(seen[:, place].astype(np.float32), pieces))
        sources.append(np.full(len(offset), place, np.int32))
        offsets.append(offset)
        scales.append(scale)
    source = np.concatenate(sources)
    limit = np.where(numeric[source], np.float32(0.5), np.float32(1))
    parts = [np.concatenate(found).astype(np.float32) for found in (offsets, scales)]
    return Scaling("piecewise", parts[0], parts[1], limit, source)


def _middles(
    edges: Float32[np.ndarray, " edges"],
) -> tuple[Float64[np.ndarray, " pieces"], Float64[np.ndarray, " pieces"]]:
    """Pieces' middles and widths; a piece without end has its start for a middle."""
    low = edges[:-1].astype(np.float64)
    high = edges[1:].astype(np.float64)
    middles = np.where(np.isfinite(high), (low + high) / 2, low)
    return middles, np.minimum(high - low, np.finfo(np.float32).max)


def _edges(values: Float32[np.ndarray, " examples"], pieces: int) -> Float32[np.ndarray, " edges"]:
    """Where a feature's pieces meet: at every value of a feature with few, else at quantiles."""
    edges = np.unique(values)
    if len(edges) > pieces + 1:
        shares = np.linspace(0, 1, pieces + 1)
        edges = np.unique(np.quantile(values, shares, method="inverted_cdf"))
    if len(edges) > 1:
        return edges
    return np.append(edges, np.float32(np.inf))  # a constant is 0
