"""What a linear classifier can read off each layer: which layers a new task can use (Alain & Bengio 2016).

The classifier is ridge regression on one-hot classes. It has a closed form, where one eigenproblem serves
every penalty and NumPy is enough; logistic regression would iterate for each, or need scikit-learn, for
figures that only have to rank depths.
"""

from collections.abc import Iterator, Sequence

import jax
import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Int32

from dnncli.data import Split
from dnncli.errors import SpecError
from dnncli.nn import inference
from dnncli.nn.inference import Base
from dnncli.records import ProbeRecord
from dnncli.training.snapshot import Snapshot

FOLDS = 5
MOST_EXAMPLES = (
    10_000  # the first of each class; with more, ranks no longer change and time and memory do
)
PENALTIES = tuple(
    10.0**power for power in range(-4, 2)
)  # over the features' mean square, which is 1

Outputs = Float[np.ndarray, "examples units"]


def probe(parent: Snapshot, train: Split) -> Iterator[ProbeRecord]:
    """The accuracy at every depth, the input's first: over folds of the new task's training examples.

    Raises SpecError where a class has a single example.
    """
    rank = _rank(train.y)
    first = np.sort(np.lexsort((train.y, rank))[:MOST_EXAMPLES])
    x, y, folds = train.x[first], train.y[first], rank[first] % _number_of_folds(train.y)
    hidden = parent.spec.network.layers()[:-1]
    base = Base(parent.parameters[: len(hidden)], parent.statistics[: len(hidden)])
    depths = inference.compiled_depths(parent.spec.network, base, jax.device_put(x))
    for name, outputs in zip(("input", *hidden), (x, *depths), strict=True):
        yield _probe(name, np.asarray(outputs), y, folds)


def choose(probes: Sequence[ProbeRecord]) -> int:
    """The deepest hidden layer whose accuracy is within one standard error of the best one's.

    Deeper layers leave less to be learned from few examples; a difference within the error is none.
    """
    hidden = [record for record in probes if record.layer != "input"]
    best = max(hidden, key=lambda record: record.accuracy)
    near = [
        place
        for place, record in enumerate(hidden)
        if record.accuracy >= best.accuracy - best.error
    ]
    return max(near) + 1


def _rank(y: Int32[np.ndarray, " examples"]) -> Int[np.ndarray, " examples"]:
    """Each example's place among those of its class, in the order of the data."""
    counts, order = np.bincount(y), np.argsort(y, kind="stable")
    rank = np.empty(len(y), np.int64)
    rank[order] = np.arange(len(y)) - (np.cumsum(counts) - counts)[y[order]]
    return rank


def _number_of_folds(y: Int32[np.ndarray, " examples"]) -> int:
    counts = np.bincount(y)
    least = int(counts[counts > 0].min())
    if least < 2:
        raise SpecError(
            "--keep auto: every class needs at least 2 training examples; give a number instead."
        )
    return min(FOLDS, least)


def _probe(
    name: str,
    outputs: Outputs,
    y: Int32[np.ndarray, " examples"],
    folds: Int[np.ndarray, " examples"],
) -> ProbeRecord:
    """The penalty with the best accuracy over all folds, and how far folds scatter."""
    features, targets = _standardised(outputs), np.eye(int(y.max()) + 1)[y]
    hits = np.stack(
        [_held_out(features, targets, folds == fold) for fold in range(folds.max() + 1)]
    )
    sizes = np.bincount(folds)
    best = int(hits.sum(axis=0).argmax())
    shares = hits[:, best] / sizes
    error = float(shares.std(ddof=1) / np.sqrt(len(shares)))
    return ProbeRecord(name, float(hits[:, best].sum() / len(y)), error, PENALTIES[best])


def _standardised(outputs: Outputs) -> Float64[np.ndarray, "examples features"]:
    """Mean 0 and variance 1; where there are more units than examples, in a basis of as many."""
    x = outputs.astype(np.float64)
    x -= x.mean(axis=0)
    deviation = x.std(axis=0)
    x /= np.where(deviation > 0, deviation, 1.0)
    if x.shape[1] <= len(x):
        return x
    values, vectors = np.linalg.eigh(
        x @ x.T
    )  # ridge regression is the same in any orthonormal basis
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _held_out(
    x: Float64[np.ndarray, "examples features"],
    targets: Float64[np.ndarray, "examples classes"],
    held: Bool[np.ndarray, " examples"],
) -> Int[np.ndarray, " penalties"]:
    """How many held-out examples are classified right, for each penalty."""
    train, rest = x[~held], x[held]
    mean, share = train.mean(axis=0), targets[~held].mean(axis=0)
    centred = train - mean
    values, vectors = np.linalg.eigh(centred.T @ centred / len(train))
    cross = vectors.T @ (centred.T @ (targets[~held] - share)) / len(train)
    seen, truth = (rest - mean) @ vectors, targets[held].argmax(axis=1)
    scores = (
        seen @ (cross / (np.maximum(values, 0.0) + penalty)[:, None]) + share
        for penalty in PENALTIES
    )
    return np.array([int((score.argmax(axis=1) == truth).sum()) for score in scores])
