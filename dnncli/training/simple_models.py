"""Models that need no training, for comparison: ridge regression and nearest neighbours."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from dnncli.data import Split

NEIGHBOURS = 5
RIDGE = 1e-2  # times the number of examples, on standardised features

Asked = Float64[np.ndarray, "asked features"]
Answers = Float64[np.ndarray, "asked outputs"]


class Fitted(NamedTuple):
    """Standardised examples, targets (one-hot classes or numbers) and weights to fit models to."""

    x: Float64[np.ndarray, "rows features"]
    targets: Float64[np.ndarray, "rows outputs"]
    weights: Float64[np.ndarray, " rows"]


def relative(
    weights: Float32[np.ndarray, " rows"] | None, rows: int
) -> Float64[np.ndarray, " rows"]:
    """Weights with mean 1; all 1 where examples count alike."""
    if weights is None:
        return np.ones(rows)
    return weights / weights.mean(dtype=np.float64)


def standardised_pair(
    fit: Split, asked: Split
) -> tuple[Float64[np.ndarray, "rows varying"], Float64[np.ndarray, "asked varying"]] | None:
    """The features that vary, standardised as the first split's are; None where there are none."""
    x = np.asarray(fit.x, np.float64)
    mean = x.mean(axis=0)
    spread = x.std(axis=0)
    varies = spread > np.abs(mean) * 2.0**-22
    if not varies.any() or not len(asked):
        return None
    scaled = (x[:, varies] - mean[varies]) / spread[varies]
    new = (np.asarray(asked.x)[:, varies].astype(np.float64) - mean[varies]) / spread[varies]
    return scaled, new


def ridge(known: Fitted, new: Asked) -> Answers:
    """Weighted least squares with an intercept, which is not penalised."""
    middle = np.average(known.x, axis=0, weights=known.weights)
    centre = np.average(known.targets, axis=0, weights=known.weights)
    inside = known.x - middle
    weighted = inside * known.weights[:, None]
    gram = inside.T @ weighted + RIDGE * len(inside) * np.eye(inside.shape[1])
    slopes = np.linalg.solve(gram, weighted.T @ (known.targets - centre))
    return (new - middle) @ slopes + centre


def neighbours(known: Fitted, new: Asked) -> Answers:
    """The nearest training examples' targets, a mean by their weights."""
    count = min(NEIGHBOURS, len(known.x))
    # |a - b|^2 but for |a|^2, which is the same for all of b.
    distances = np.square(known.x).sum(axis=1) - 2 * (new @ known.x.T)
    nearest = np.argpartition(distances, count - 1, axis=1)[:, :count]
    weights = known.weights[nearest]
    # Neighbours that all weigh nothing say as much as each other.
    weights = np.where(weights.sum(axis=1, keepdims=True) > 0, weights, 1.0)
    votes = (known.targets[nearest] * weights[:, :, None]).sum(axis=1)
    return votes / weights.sum(axis=1, keepdims=True)
