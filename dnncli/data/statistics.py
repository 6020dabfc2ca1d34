"""What is known of the examples before training: features, classes, duplicates."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float64, Int, UInt64

from dnncli.data import features
from dnncli.data.class_weights import weighed
from dnncli.data.cross_fitting import ORDERED_ROWS, cross_fit, drawn, giveaways
from dnncli.data.dataset import Dataset, Split
from dnncli.data.features import Features, Scaling
from dnncli.records.diagnosis import (
    ClassStatistics,
    DataStatistics,
    InputStatistics,
    SharedRows,
    TargetStatistics,
)
from dnncli.spec.objective import HUBER_DELTA

ROWS = 5_000  # of the training examples, evenly spread: enough for every statistic of a feature
COMPARED = 20_000  # examples that are held against each other
HASHED = 1_000  # rows at a time, to save memory
ASKED = 2_000  # held-out examples of a split that are looked for among them
# The rows that may make a feature's variance by themselves: outliers in 1 % of the rows on average
# are in more than 1 % of every other feature's. Of a normal distribution they make 15 % of it.
TAIL = 0.02
TAIL_VARIANCE = 0.9  # and the share of it that is too much for so few
# Fewer rows rise by chance: n values in rising order have a probability of 1/n!.
LEAST_RISING = 12


def statistics(dataset: Dataset) -> DataStatistics:
    """Inputs and classes of the training examples; classes of all splits."""
    names = feature_names(dataset)
    if dataset.quantities is not None:
        return DataStatistics(
            inputs(dataset.train, dataset.scaling, names),
            ClassStatistics((), (), (), ()),
            targets=targets(dataset),
        )
    rows = drawn(len(dataset.train), ORDERED_ROWS)
    column_names, x = columns(dataset, rows)
    alone = tuple(column_names[place] for place in giveaways(x, dataset.train.y[rows]))
    counts = classes(dataset)
    # Where examples' weights differ, which are surely wrong would be another question.
    models = None if counts.weighted else cross_fit(dataset.train, dataset.classes)
    own = inputs(dataset.train, dataset.scaling, names)
    # Of millions of rows on the disk a few thousand say nothing of how many stand twice.
    common = shared(dataset) if own.varying and not dataset.stored else None
    return DataStatistics(own, counts, models, alone, common)


def targets(dataset: Dataset) -> TargetStatistics:
    """A regression's targets; what the mean costs is computed from the standardised ones."""
    assert dataset.quantities is not None
    size = np.abs(dataset.train.y.astype(np.float64))
    beyond = HUBER_DELTA * (size - HUBER_DELTA / 2)
    losses = {
        "squared": size**2,
        "absolute": size,
        "huber": np.where(size <= HUBER_DELTA, size**2 / 2, beyond),
    }
    return TargetStatistics(
        names=dataset.quantities.names,
        rows=len(dataset.train),
        validation=len(dataset.validation),
        mean_loss={name: float(values.mean()) for name, values in losses.items()},
    )


def feature_names(dataset: Dataset) -> tuple[str, ...]:
    """The unscaled features' names: a table's columns, else `feature 1` and so on."""
    if dataset.encoding is not None:
        return dataset.encoding.features
    return tuple(f"feature {number}" for number in range(1, dataset.scaling.taken + 1))


def columns(
    dataset: Dataset, rows: Int[np.ndarray, " rows"]
) -> tuple[tuple[str, ...], Float[np.ndarray, "rows columns"]]:
    """Names and values of some training examples' columns: of a category, which one it is."""
    x = dataset.scaling.whole(dataset.train.x[rows])
    if dataset.encoding is None:
        return feature_names(dataset), x
    values = []
    place = 0
    for column in dataset.encoding.columns:
        own = x[:, place : place + len(column.features)]
        place += len(column.features)
        levels = own[:, : len(column.levels) + 1].argmax(axis=1).astype(np.float32)
        told = levels if not column.measured else own[:, 0]
        values.append(told)
    return tuple(column.name for column in dataset.encoding.columns), np.stack(values, axis=1)


def inputs(train: Split, scaling: Scaling, names: Sequence[str]) -> InputStatistics:
    """Scale, offset and oddities of the features, over at most ROWS examples.

    Offset and scale are those of what the network sees; a feature's pieces are looked at together.
    """
    stride = max(1, len(train) // ROWS)
    seen = train.x[::stride]
    offset = np.square(seen.mean(axis=0, dtype=np.float64)).mean()
    x = scaling.whole(seen).astype(np.float64)
    mean = x.mean(axis=0)
    variance = x.var(axis=0)
    # What rounding to float32 makes of a constant is not variation.
    rounding = np.square(np.abs(mean) * 2.0**-22)
    varies = variance > rounding
    offsets = np.where(varies, np.abs(mean) / np.sqrt(np.where(varies, variance, 1.0)), 0.0)
    # Where nothing varies, nothing has a share of it.
    total = float(variance[varies].sum()) or math.inf
    most = int(variance.argmax())
    farthest = int(offsets.argmax())
    increasing: tuple[str, ...] = ()
    if len(x) >= LEAST_RISING:
        increasing = _named(names, np.all(np.diff(x, axis=0) > 0, axis=0).tolist())
    return InputStatistics(
        features=x.shape[1],
        second_moment=train.second_moment,
        mean_square=float(offset),
        varying=int(varies.sum()),
        offset=float(offsets[farthest]),
        offset_name=names[farthest],
        share_of_largest=float(variance[most]) / total,
        largest_name=names[most],
        outliers=_outlying(x[:, varies]),
        increasing=increasing,
    )


def _named(names: Sequence[str], flags: Sequence[bool]) -> tuple[str, ...]:
    """The names whose flag is set."""
    return tuple(name for name, flag in zip(names, flags, strict=True) if flag)


def _outlying(x: Float64[np.ndarray, "rows features"]) -> float:
    """The share of numeric features whose variance comes from the TAIL of their rows."""
    numeric = [column for column in x.T if len(np.unique(column[:100])) > 2]
    if not numeric or len(x) < 1 / TAIL:
        return 0.0
    squares = np.stack(numeric)
    # In place, since every copy would be as large as the examples that are looked at.
    squares -= squares.mean(axis=1)[:, None]
    np.square(squares, out=squares)
    totals = squares.sum(axis=1)
    count = max(1, int(len(x) * TAIL))
    squares.partition(len(x) - count, axis=1)
    shares = squares[:, -count:].sum(axis=1) / totals
    return float((shares > TAIL_VARIANCE).mean())


def classes(dataset: Dataset) -> ClassStatistics:
    """Counts by class and split as they count in the loss; what equal examples leave possible."""
    weights = dataset.train.class_weights(dataset.classes)

    def counted(split: Split) -> tuple[int, ...]:
        counts = np.bincount(split.y, minlength=dataset.classes)
        own = counts if weights is None else weighed(counts, weights)
        return tuple(own.tolist())

    return ClassStatistics(
        names=dataset.class_names,
        train=counted(dataset.train),
        validation=counted(dataset.validation),
        test=counted(dataset.test),
        best_accuracy=_best_accuracy(dataset.train),
        weighted=weights is not None,
    )


def _best_accuracy(train: Split) -> float:
    """The accuracy of answering, for each distinct example, its most frequent label."""
    stride = -(-len(train) // COMPARED)
    y = train.y[::stride].astype(np.int64)
    _, group = np.unique(row_hashes(_spread(train, stride)), return_inverse=True)
    classes = int(y.max()) + 1
    pairs, counts = np.unique(group * classes + y, return_counts=True)
    best = np.zeros(int(group.max()) + 1, np.int64)
    np.maximum.at(best, pairs // classes, counts)
    return float(best.sum() / len(y))


def shared(dataset: Dataset) -> SharedRows:
    """How many held-out examples are among the training examples, by their rows' hashes.

    Of every stride-th training example; a share that is found among these stands for as many more.
    """
    stride = -(-len(dataset.train) // COMPARED)
    known, counts = np.unique(row_hashes(_spread(dataset.train, stride)), return_counts=True)
    repeated = float(counts[counts > 1].sum() / counts.sum())
    found = (_found(dataset.validation, known), _found(dataset.test, known), repeated)
    return SharedRows(*(min(1.0, share * stride) for share in found))


def _found(split: Split, known: UInt64[np.ndarray, " hashes"]) -> float:
    """The share of an evenly spread sample of a split whose hashes are known."""
    if not len(split):
        return 0.0
    asked = _spread(split, -(-len(split) // ASKED))
    return float(np.isin(row_hashes(asked), known).mean())


def _spread(split: Split, stride: int) -> Features:
    """Every stride-th example; bytes stay bytes."""
    return features.take(split.x, slice(None, None, stride))


def row_hashes(x: Features) -> UInt64[np.ndarray, " rows"]:
    """A 64-bit hash of each example's scaled features: equal rows have equal hashes."""
    factors = np.random.default_rng(0).integers(1, 2**63, x.shape[1], dtype=np.uint64)
    hashes: UInt64[np.ndarray, " rows"] = np.zeros(len(x), np.uint64)
    for start in range(0, len(x), HASHED):
        rows = slice(start, start + HASHED)
        bits = np.ascontiguousarray(x[rows]).view(np.uint32)
        hashes[rows] = (bits * (factors | np.uint64(1))).sum(axis=1)
    return hashes
