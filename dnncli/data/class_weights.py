"""`--class-weight`: how much an example of each class counts in the loss."""

import csv
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from dnncli.data.labels import listed
from dnncli.errors import SpecError, suggestion

OPTION = "--class-weight"
BALANCED = "balanced"


def class_weights(
    text: str, class_names: Sequence[str], y: Int32[np.ndarray, " examples"]
) -> Float32[np.ndarray, " classes"]:
    """Each class's weight; y: the classes of the training examples.

    `balanced`: n / (K n_k) for n examples of K classes and n_k of class k, so that every class
    counts alike and an example counts 1 on average (King & Zeng 2001). Otherwise a list such as
    `yes=5,no=1`; classes that are not named have 1. Raises SpecError for anything else.
    """
    if text.strip().lower() == BALANCED:
        counts = np.maximum(np.bincount(y, minlength=len(class_names)), 1)
        return (len(y) / (len(class_names) * counts)).astype(np.float32)
    weights = np.ones(len(class_names), np.float32)
    for pair in next(csv.reader([text], skipinitialspace=True)):
        name, weight = _pair(pair)
        weights[_index(name, class_names)] = weight
    return weights


def _pair(text: str) -> tuple[str, float]:
    """The name and the weight in NAME=W."""
    name, equals, number = text.strip().rpartition("=")
    try:
        weight = float(number)
    except ValueError:
        weight = math.nan
    if not equals or not name:
        raise SpecError(f"{OPTION} {text}: write balanced, or NAME=WEIGHT,….", option=OPTION)
    if not (1e-6 <= weight <= 1e6):
        raise SpecError(
            f"{OPTION} {text}: a weight must be a number from 1e-6 to 1e6.", option=OPTION
        )
    return name, weight


def _index(name: str, class_names: Sequence[str]) -> int:
    """The class of that name."""
    if name in class_names:
        return list(class_names).index(name)
    near = suggestion(name, class_names)
    hint = f"{near} " if near else ""
    raise SpecError(
        f"{OPTION} {name}: no class is called so: {hint}There are {listed(tuple(class_names))}.",
        option=OPTION,
    )


def mean_weights(
    y: Int32[np.ndarray, " examples"], weights: Float32[np.ndarray, " examples"], classes: int
) -> Float64[np.ndarray, " classes"]:
    """What an example of each class counts on average; 1 where a class has none."""
    counts = np.bincount(y, minlength=classes)
    totals = np.bincount(y, weights, minlength=classes)
    return np.where(counts > 0, totals / np.maximum(counts, 1), 1.0)


def weighed(
    counts: Int64[np.ndarray, "classes ..."], weights: Float64[np.ndarray, " classes"]
) -> Int64[np.ndarray, "classes ..."]:
    """Counts of examples by class, as they count in a weighted loss.

    They sum to Kish's (1965) effective number, (sum w)^2 / sum w^2: about as many examples that
    count alike say as much.
    """
    rows = counts.reshape(len(weights), -1).sum(axis=1)
    squares = float((weights**2 * rows).sum())
    scale = float((weights * rows).sum()) / squares if squares else 1.0
    factors = (weights * scale).reshape(-1, *[1] * (counts.ndim - 1))
    return np.rint(counts * factors).astype(np.int64)
