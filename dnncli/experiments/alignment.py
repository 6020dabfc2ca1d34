"""Datasets made to fit a network that was trained before: its feature scaling and its classes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dnncli.data import Dataset, Scaling, Split, features
from dnncli.errors import DataError
from dnncli.training.snapshot import DataSummary


def align(dataset: Dataset, trained_on: DataSummary) -> Dataset:
    """Scale and label an unscaled dataset as a network's own data were.

    A regression's targets were standardised as the network's when they were loaded.
    Raises DataError where the features do not fit or the network does not know a class.
    """
    scaled = rescale(dataset, trained_on)
    if trained_on.numbers is not None:
        return scaled
    known = trained_on.class_names
    unknown = [name for name in dataset.class_names if name not in known]
    if unknown:
        raise DataError(
            f"{dataset.name} has the class {unknown[0]!r}, which the network was not trained on."
        )
    labels = np.array([known.index(name) for name in dataset.class_names], np.int32)
    relabelled = _splits(scaled, lambda split: replace(split, y=labels[split.y]))
    return replace(relabelled, class_names=known)


def task(trained_on: DataSummary) -> str:
    """What the target of other data has to be for a network: classes, or numbers."""
    return "classification" if trained_on.numbers is None else "regression"


def for_new_task(dataset: Dataset, trained_on: DataSummary) -> Dataset:
    """Scale an unscaled dataset as a network's own data were, for classes or numbers of its own.

    Targets that are the network's own are standardised as it knows them, so that its output layer
    still fits. Raises DataError where the features do not fit.
    """
    scaled = rescale(dataset, trained_on)
    own = dataset.quantities
    known = trained_on.numbers
    if own is None or known is None or own.names != known.names:
        return scaled
    moved = _splits(scaled, lambda split: Split(split.x, known.standardise(own.restore(split.y))))
    return replace(moved, quantities=known)


def rescale(dataset: Dataset, trained_on: DataSummary) -> Dataset:
    """An unscaled dataset, scaled as a network's own data were; its classes may be others.

    Raises DataError where the features do not fit.
    """
    wanted = trained_on.scaling.taken
    if dataset.features != wanted:
        raise DataError(
            f"{dataset.name} has {dataset.features} features, but the network takes {wanted}."
        )
    return scaled_by(dataset, trained_on.scaling)


def scaled_by(dataset: Dataset, scaling: Scaling) -> Dataset:
    """Scale an unscaled dataset, which has as many features."""
    changed = _splits(dataset, lambda split: replace(split, x=features.rescaled(split.x, scaling)))
    unseen = None if dataset.unseen is None else scaling.apply(dataset.unseen)
    return replace(changed, scaling=scaling, unseen=unseen)


def _splits(dataset: Dataset, change: Callable[[Split], Split]) -> Dataset:
    """The dataset with each of its splits changed."""
    return replace(
        dataset,
        train=change(dataset.train),
        validation=change(dataset.validation),
        test=change(dataset.test),
    )
