"""How the best network does on every example, and what simple models reach: what it has learned."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Int

from dnncli.data import Dataset, Split
from dnncli.nn import network, tasks
from dnncli.nn.network import Network
from dnncli.records.diagnosis import Outcome, Reference, SplitOutcome
from dnncli.spec import NetworkSpec

ROWS = 4096  # examples of a forward pass, one compiled shape for all splits
EXAMPLES = 10_000  # of a split at most: an accuracy is then known to half a percent
TRAIN_SAMPLE = 2000  # of the reference models: their accuracy is known to a percent or so
HELD_OUT_SAMPLE = 500
NEIGHBOURS = 5
RIDGE = 1e-2  # times the number of examples, on standardised features


class _Answers(NamedTuple):
    """Each example's loss and the class that it is taken for."""

    losses: Float[Array, " rows"]
    predicted: Int[Array, " rows"]


def outcome(spec: NetworkSpec, best: Network, dataset: Dataset) -> Outcome:
    """Losses and confusions on training and held-out examples, without dropout; and a reference."""
    train = _sample(dataset.train, EXAMPLES)
    ask = _Asking(spec, best, min(ROWS, len(train)))
    held_out = _together(
        _sample(dataset.validation, EXAMPLES // 2), _sample(dataset.test, EXAMPLES // 2)
    )
    reference = simple_models(dataset.train, held_out, dataset.classes)
    return Outcome(ask.of(train, dataset.classes), ask.of(held_out, dataset.classes), reference)


def _together(*splits: Split) -> Split:
    x = np.concatenate([split.x for split in splits])
    return Split(x, np.concatenate([split.y for split in splits]))


class _Asking(NamedTuple):
    """A network, asked so many examples at a time."""

    spec: NetworkSpec
    network: Network
    rows: int

    def of(self, split: Split, classes: int) -> SplitOutcome:
        """Mean loss and confusion over a split."""
        confusion = np.zeros((classes, classes), np.int64)
        total = 0.0
        for start in range(0, len(split), self.rows):
            y = split.y[start : start + self.rows]
            answers = self._answers(split.x[start : start + self.rows], y)
            total += float(np.asarray(answers.losses)[: len(y)].sum(dtype=np.float64))
            np.add.at(confusion, (y, np.asarray(answers.predicted)[: len(y)]), 1)
        counts = tuple(tuple(row) for row in confusion.tolist())
        return SplitOutcome(total / max(1, len(split)), counts)

    def _answers(self, x: Any, y: Any) -> _Answers:
        missing = self.rows - len(y)
        padded = np.pad(x, ((0, missing), (0, 0)))
        labels = np.pad(y, (0, missing))
        return _compiled(self.spec, self.network, padded, labels)


def _answer(
    spec: NetworkSpec,
    best: Network,
    x: Float[Array, "rows features"],
    y: Int[Array, " rows"],
) -> _Answers:
    logits = network.apply(spec, best.parameters, x, statistics=best.statistics)[0]
    return _Answers(tasks.cross_entropy(logits, y), jnp.argmax(logits, axis=1))


_compiled = jax.jit(_answer, static_argnums=0)


def simple_models(train: Split, held_out: Split, classes: int) -> Reference | None:
    """What ridge regression and nearest neighbours reach; None where all features are constant."""
    fit = _sample(train, TRAIN_SAMPLE)
    asked = _sample(held_out, HELD_OUT_SAMPLE)
    x = fit.x.astype(np.float64)
    mean = x.mean(axis=0)
    spread = x.std(axis=0)
    varies = spread > np.abs(mean) * 2.0**-22
    if not varies.any() or not len(asked):
        return None
    scaled = (x[:, varies] - mean[varies]) / spread[varies]
    new = (asked.x[:, varies].astype(np.float64) - mean[varies]) / spread[varies]
    linear = _ridge(scaled, fit.y, new, classes)
    near = _neighbours(scaled, fit.y, new, classes)
    right = (int((answers == asked.y).sum()) for answers in (linear, near))
    return Reference(len(asked), *right)


def _sample(split: Split, count: int) -> Split:
    """At most so many examples, evenly spread."""
    stride = max(1, -(-len(split) // count))
    return Split(split.x[::stride], split.y[::stride])


def _ridge(
    x: Float64[np.ndarray, "rows features"],
    y: Int[np.ndarray, " rows"],
    new: Float64[np.ndarray, "asked features"],
    classes: int,
) -> Int[np.ndarray, " asked"]:
    """Least squares on one-hot classes, with an intercept."""
    targets = np.eye(classes)[y]
    centre = targets.mean(axis=0)
    gram = x.T @ x + RIDGE * len(x) * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, x.T @ (targets - centre))
    return (new @ weights + centre).argmax(axis=1)


def _neighbours(
    x: Float64[np.ndarray, "rows features"],
    y: Int[np.ndarray, " rows"],
    new: Float64[np.ndarray, "asked features"],
    classes: int,
) -> Int[np.ndarray, " asked"]:
    """The most frequent class among the nearest training examples."""
    count = min(NEIGHBOURS, len(x))
    # |a - b|^2 but for |a|^2, which is the same for all of b.
    distances = np.square(x).sum(axis=1) - 2 * (new @ x.T)
    nearest = np.argpartition(distances, count - 1, axis=1)[:, :count]
    votes = np.eye(classes)[y[nearest]].sum(axis=1)
    return votes.argmax(axis=1)
