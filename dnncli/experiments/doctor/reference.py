"""What a network has to reach before it can be called healthy: the majority and a linear model."""

import math
from dataclasses import dataclass, replace

import numpy as np

from dnncli.data import Dataset, Split
from dnncli.experiments.transfer import linear_probe
from dnncli.training.regression_outcome import r2

# Of a larger data set so many: rates, initialisation and penalties show on these.
MOST_EXAMPLES = 4000
MOST_VALIDATION = 2000
# Standard errors of an accuracy that are chance: one-sided 95 %.
CHANCE = 1.645
# A linear model solves an eigenproblem of so many features in about a second.
MOST_FEATURES = 1000


@dataclass(frozen=True)
class Reference:
    """Accuracies on the validation set that need no network.

    majority: of always answering the largest class. linear: of a linear classifier, None where
    there are too many features for it. examples: of the validation set. regression: whether they
    are R², of always answering the mean and of a linear model.
    """

    majority: float
    linear: float | None
    examples: int
    regression: bool = False

    def beaten_by(self, accuracy: float) -> bool:
        """Whether an accuracy is above the majority's beyond chance and not below linear."""
        return self.above_majority(accuracy) and self.reaches_linear(accuracy)

    def reaches_linear(self, accuracy: float) -> bool:
        """Whether an accuracy is not below the linear model's beyond chance."""
        if self.linear is None:
            return True
        return accuracy >= self.linear - CHANCE * self._error(self.linear)

    def above_majority(self, accuracy: float) -> bool:
        """Whether an accuracy is above the majority's beyond chance."""
        slack = CHANCE * self._error(self.majority)
        return accuracy > self.majority + slack

    def _error(self, value: float) -> float:
        """A value's standard error over other examples of the kind."""
        if self.regression:
            # Of a mean square of n normal errors, over their variance: sqrt(2/n).
            return (1 - value) * math.sqrt(2 / self.examples)
        return _standard_error(value, self.examples)


def _standard_error(share: float, examples: int) -> float:
    """Of a share among so many examples; with rates of 0 and 1 as if one were otherwise."""
    least = 1 / (examples + 1)
    inside = min(max(share, least), 1 - least)
    return math.sqrt(inside * (1 - inside) / examples)


def reference(dataset: Dataset) -> Reference:
    """The accuracies that a network on these data is held against."""
    held = dataset.validation
    if dataset.quantities is not None:
        return _of_numbers(dataset)
    majority = float((held.y == np.bincount(dataset.train.y).argmax()).mean())
    linear = None
    if dataset.features <= MOST_FEATURES:
        linear = linear_probe.held_out_accuracy(dataset.train, held)
    return Reference(majority, linear, len(held))


def _of_numbers(dataset: Dataset) -> Reference:
    """R² of the mean and of a linear model; standardised targets have mean 0."""
    held = dataset.validation
    y = held.y.astype(np.float64)
    linear = None
    if dataset.features <= MOST_FEATURES:
        linear = linear_probe.held_out_r2(dataset.train, held)
    return Reference(r2(y, np.zeros_like(y)), linear, len(held), regression=True)


def excerpt(dataset: Dataset) -> Dataset:
    """The data to examine a network on: all examples of a small set, some of a large one."""
    return replace(
        dataset,
        train=_drawn(dataset.train, MOST_EXAMPLES),
        validation=_drawn(dataset.validation, MOST_VALIDATION),
    )


def _drawn(split: Split, most: int) -> Split:
    """So many examples at most, the same ones each time, in the order of the data."""
    if len(split) <= most:
        return split
    rows = np.sort(np.random.Philox(key=most).random_raw(len(split)).argsort()[:most])
    return split.take(rows)
