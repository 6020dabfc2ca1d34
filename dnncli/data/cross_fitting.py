"""What models in closed form make of training examples that they have not seen.

Their errors say what is in the data, whatever becomes of the network.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int, Int32

from dnncli.data.dataset import Split
from dnncli.records.diagnosis import CrossFit

KEY = 0x63726F7373  # of the draws here: the same data always give the same
ROWS = 2000  # their accuracy is then known within 2 points
MOST_PERMUTED = 1 << 24  # of more rows some are drawn without a permutation of all
WIDEST = 1024  # features that the models take; more are projected at random
KINKS = 400  # random features of the second model
SUREST = 5  # one example in so many, those with the widest margin
ORDERED_ROWS = 1000  # in which giveaways are looked for
# Neighbours in a column's order have the same class in all but the few places where classes meet.
GIVEN_AWAY = 0.97
NEARLY = 0.95

Scores = Float32[np.ndarray, "examples classes"]


class _Sample(NamedTuple):
    """Standardised features and classes of some training examples."""

    x: Float32[np.ndarray, "examples features"]
    y: Int32[np.ndarray, " examples"]
    classes: int


def cross_fit(train: Split, classes: int) -> CrossFit | None:
    """The better of two models, least squares on the features and on random kinks of them.

    None where a half has fewer examples than there are classes.
    """
    rows = drawn(len(train), ROWS)
    if len(rows) < 2 * classes:
        return None
    sample = _Sample(_standardised(train.x[rows]), train.y[rows], classes)
    scores = [_scores(sample), _scores(sample._replace(x=_kinks(sample.x)))]
    accuracies = [float(np.mean(score.argmax(axis=1) == sample.y)) for score in scores]
    better = scores[int(accuracies[1] > accuracies[0])]
    order = np.argsort(better, axis=1)
    margins = np.take_along_axis(better, order[:, -2:], axis=1)
    surest = np.argsort(margins[:, 0] - margins[:, 1])[: max(1, len(rows) // SUREST)]
    wrong = surest[order[surest, -1] != sample.y[surest]]
    return CrossFit(
        examples=len(rows),
        linear=accuracies[0],
        kinked=accuracies[1],
        surest=len(surest),
        surest_wrong=len(wrong),
        surest_second=int(np.sum(order[wrong, -2] == sample.y[wrong])),
    )


def giveaways(
    x: Float32[np.ndarray, "examples columns"], y: Int32[np.ndarray, " examples"]
) -> list[int]:
    """The column in whose order the classes stand apart, where no other one's nearly does it.

    Of examples in a random order, so that ties tell nothing.
    """
    if len(y) < 2:
        return []
    order = np.argsort(x, axis=0, kind="stable")
    classes = y[order]
    same = (classes[1:] == classes[:-1]).mean(axis=0)
    told = np.flatnonzero(same > GIVEN_AWAY)
    if len(told) != 1 or np.delete(same, told).max(initial=0) > NEARLY:
        return []
    return [int(told[0])]


def _generator() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=KEY))


def drawn(rows: int, limit: int) -> Int[np.ndarray, " drawn"]:
    """Up to so many rows in a random order."""
    if rows > MOST_PERMUTED:
        return _generator().choice(rows, limit, replace=False)
    return _generator().permutation(rows)[:limit]


def _standardised(
    x: Float32[np.ndarray, "examples features"],
) -> Float32[np.ndarray, "examples _"]:
    """Features with mean 0 and deviation 1, cut off at 3, whatever the network's own scaling."""
    mean = x.mean(axis=0, dtype=np.float64)
    deviation = x.std(axis=0, dtype=np.float64)
    # What rounding to float32 makes of a constant is not variation.
    varies = deviation > np.abs(mean) * 2.0**-22
    divisor = np.where(varies, deviation, 1.0)
    scaled = np.clip((x - mean) / divisor, -3, 3).astype(np.float32)
    if x.shape[1] <= WIDEST:
        return scaled
    projection = _generator().standard_normal((x.shape[1], WIDEST), np.float32)
    return scaled @ projection / np.float32(np.sqrt(x.shape[1]))


def _kinks(x: Float32[np.ndarray, "examples features"]) -> Float32[np.ndarray, "examples kinks"]:
    """Rectified random projections: an untrained hidden layer (Rahimi & Recht 2008)."""
    rng = _generator()
    shape = (x.shape[1], KINKS)
    weights = rng.standard_normal(shape, np.float32) / np.float32(np.sqrt(x.shape[1]))
    biases = rng.standard_normal(KINKS, np.float32)
    return np.maximum(x @ weights + biases, 0)


def _scores(sample: _Sample) -> Scores:
    """Every example's scores from the half of the examples that it is not in."""
    half = np.arange(len(sample.y)) % 2 == 0
    scores = np.zeros((len(sample.y), sample.classes), np.float32)
    for fitted in (half, ~half):
        scores[~fitted] = _least_squares(sample, fitted)
    return scores


def _least_squares(
    sample: _Sample, fitted: Bool[np.ndarray, " examples"]
) -> Float32[np.ndarray, "others classes"]:
    """Ridge regression of the classes' indicators, with a penalty of one example a feature."""
    centre = sample.x[fitted].mean(axis=0)
    inside = sample.x[fitted] - centre
    targets = np.eye(sample.classes, dtype=np.float32)[sample.y[fitted]]
    share = targets.mean(axis=0)
    gram = inside.T @ inside + np.eye(inside.shape[1], dtype=np.float32)
    weights = np.linalg.solve(gram, inside.T @ (targets - share))
    return (sample.x[~fitted] - centre) @ weights + share
