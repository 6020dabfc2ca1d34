"""Data made to fit a network that was trained before: its scaling, its classes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dnncli.data import Dataset, Split
from dnncli.errors import DataError
from dnncli.training.snapshot import DataSummary


def adopt(dataset: Dataset, known: DataSummary) -> Dataset:
    """A dataset loaded unscaled, scaled and labelled as the network was trained.

    Raises DataError where the features do not fit or a class is new to the network.
    """
    scaled = rescale(dataset, known)
    new = [name for name in dataset.class_names if name not in known.class_names]
    if new:
        raise DataError(
            f"{dataset.name} has the class {new[0]!r}, which the network was not trained on."
        )
    labels = np.array([known.class_names.index(name) for name in dataset.class_names], np.int32)
    relabelled = _splits(scaled, lambda split: Split(split.x, labels[split.y]))
    return replace(relabelled, class_names=known.class_names)


def rescale(dataset: Dataset, known: DataSummary) -> Dataset:
    """A dataset loaded unscaled, scaled as the network's own data; its classes may be others.

    Raises DataError where the features do not fit.
    """
    if dataset.features != known.record.features:
        raise DataError(
            f"{dataset.name} has {dataset.features} features, but the network takes {known.record.features}."
        )
    scaled = _splits(dataset, lambda split: Split(known.scaling.apply(split.x), split.y))
    return replace(scaled, scaling=known.scaling)


def _splits(dataset: Dataset, change: Callable[[Split], Split]) -> Dataset:
    train, validation, test = map(change, (dataset.train, dataset.validation, dataset.test))
    return replace(dataset, train=train, validation=validation, test=test)
