"""Linear probes: which layers of a network a new task can use (Alain & Bengio 2016).

The classifier is ridge regression on one-hot classes. It has a closed form, where one eigenproblem
serves every penalty and NumPy is enough. Logistic regression would iterate for each penalty, or
need scikit-learn, for numbers that only have to rank layers.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int, Int32

from dnncli.data import Split
from dnncli.errors import SpecError
from dnncli.nn import inference
from dnncli.records import ProbeRecord
from dnncli.training import placement
from dnncli.training.regression_outcome import r2
from dnncli.training.simple_models import relative
from dnncli.training.snapshot import Snapshot

FOLDS = 5
# The first of each class; with more, ranks no longer change while time and memory grow.
MOST_EXAMPLES = 10_000
# Over the features' mean square, which is 1.
PENALTIES = tuple(10.0**power for power in range(-4, 2))

Outputs = Float[np.ndarray, "examples units"]


def probe(parent: Snapshot, train: Split) -> Iterator[ProbeRecord]:
    """The accuracy of a linear classifier on the input and on every hidden layer's outputs.

    It is cross-validated on the new task's training examples. Raises SpecError where a class has
    only one example.
    """
    rank = rank_in_class(train.y)
    folds = rank % _number_of_folds(train.y)
    chosen = np.sort(np.lexsort((train.y, rank))[:MOST_EXAMPLES])
    x = train.x[chosen]
    y = train.y[chosen]
    names = parent.spec.network.layers()[:-1]
    hidden = parent.network.part(0, len(names))
    outputs = inference.compiled_hidden_outputs(parent.spec.network, hidden, placement.put(x))
    for name, of_layer in zip(("input", *names), (x, *outputs), strict=True):
        yield _probe(name, np.asarray(of_layer), y, folds[chosen])


def held_out_accuracy(train: Split, held: Split) -> float:
    """The accuracy on other examples of a linear classifier, with the penalty best for them.

    It is fitted by the training examples' weights, as a network is; accuracy counts all alike.
    """
    x = _standardised(np.concatenate([train.x, held.x]))
    y = np.concatenate([train.y, held.y])
    is_held = np.arange(len(y)) >= len(train)
    hits = _held_out(x, np.eye(int(y.max()) + 1)[y], is_held, train.weights)
    return float(hits.max() / len(held))


def held_out_r2(train: Split, held: Split) -> float:
    """R² on other examples of ridge regression, with the penalty best for them.

    It is fitted by the training examples' weights, as a network is; R² counts all alike.
    """
    x = _standardised(np.concatenate([train.x, held.x]))
    y = np.concatenate([train.y, held.y]).astype(np.float64)
    is_held = np.arange(len(y)) >= len(train)
    found = _ridge_answers(x, y, is_held, train.weights)
    return max(r2(y[is_held], answers) for answers in found)


def choose(probes: Sequence[ProbeRecord]) -> int:
    """The deepest hidden layer whose accuracy is within one standard error of the best one's.

    Deeper layers leave less to be learned from few examples, and a difference within the standard
    error is not evidence of one.
    """
    hidden = [record for record in probes if record.layer != "input"]
    best = max(hidden, key=lambda record: record.accuracy)
    near = [
        depth
        for depth, record in enumerate(hidden, 1)
        if record.accuracy >= best.accuracy - best.error
    ]
    return max(near)


def rank_in_class(y: Int32[np.ndarray, " examples"]) -> Int[np.ndarray, " examples"]:
    """Each example's index among those of its class, in the order of the data."""
    counts = np.bincount(y)
    firsts = np.cumsum(counts) - counts
    order = np.argsort(y, kind="stable")
    rank = np.empty(len(y), np.int64)
    rank[order] = np.arange(len(y)) - firsts[y[order]]
    return rank


def _number_of_folds(y: Int32[np.ndarray, " examples"]) -> int:
    """FOLDS, or as many as the smallest class has examples."""
    counts = np.bincount(y)
    least = int(counts[counts > 0].min())
    if least < 2:
        raise SpecError(
            "--keep auto: every class needs at least 2 training examples; give a number instead.",
            option="--keep",
        )
    return min(FOLDS, least)


def _probe(
    name: str,
    outputs: Outputs,
    y: Int32[np.ndarray, " examples"],
    folds: Int[np.ndarray, " examples"],
) -> ProbeRecord:
    """The penalty with the best accuracy over all folds, and the standard error over folds."""
    features = _standardised(outputs)
    targets = np.eye(int(y.max()) + 1)[y]
    sizes = np.bincount(folds)
    hits = np.stack([_held_out(features, targets, folds == fold) for fold in range(len(sizes))])
    best = int(hits.sum(axis=0).argmax())
    accuracies = hits[:, best] / sizes
    error = float(accuracies.std(ddof=1) / np.sqrt(len(sizes)))
    return ProbeRecord(name, float(hits[:, best].sum() / len(y)), error, PENALTIES[best])


def _standardised(outputs: Outputs) -> Float64[np.ndarray, "examples features"]:
    """Outputs with mean 0 and variance 1; in a smaller basis where units outnumber examples."""
    x = outputs.astype(np.float64)
    x -= x.mean(axis=0)
    deviation = x.std(axis=0)
    x /= np.where(deviation > 0, deviation, 1.0)
    if x.shape[1] <= len(x):
        return x
    # Ridge regression is the same in any orthonormal basis of the examples' span.
    values, vectors = np.linalg.eigh(x @ x.T)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _held_out(
    x: Float64[np.ndarray, "examples features"],
    targets: Float64[np.ndarray, "examples classes"],
    held: Bool[np.ndarray, " examples"],
    weights: Float32[np.ndarray, " fitted"] | None = None,
) -> Int[np.ndarray, " penalties"]:
    """How many held-out examples are classified correctly, for each penalty."""
    truth = targets[held].argmax(axis=1)
    answers = _ridge_answers(x, targets, held, weights)
    return np.array([int((scores.argmax(axis=1) == truth).sum()) for scores in answers])


def _ridge_answers(
    x: Float64[np.ndarray, "examples features"],
    targets: Float64[np.ndarray, "examples outputs"],
    held: Bool[np.ndarray, " examples"],
    weights: Float32[np.ndarray, " fitted"] | None,
) -> Iterator[Float64[np.ndarray, "held outputs"]]:
    """What ridge regression answers on the held-out examples, for each penalty.

    weights: of the examples that are not held out.
    """
    train = x[~held]
    counted = relative(weights, len(train))
    mean = np.average(train, axis=0, weights=counted)
    centred = train - mean
    frequency = np.average(targets[~held], axis=0, weights=counted)
    weighted = centred * counted[:, None]
    # With the covariance V diag(λ) V', the ridge weights are V (λ + penalty)^-1 V' cross.
    values, vectors = np.linalg.eigh(centred.T @ weighted / len(train))
    cross = vectors.T @ (weighted.T @ (targets[~held] - frequency)) / len(train)
    projected = (x[held] - mean) @ vectors
    for penalty in PENALTIES:
        slopes = cross / (np.maximum(values, 0.0) + penalty)[:, None]
        yield projected @ slopes + frequency
