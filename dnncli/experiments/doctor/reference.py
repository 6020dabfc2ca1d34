"""What a network has to reach before it can be called healthy: the majority and a linear model."""

import math
from dataclasses import dataclass, replace

import numpy as np

from dnncli.data import Dataset, Split
from dnncli.experiments.transfer import linear_probe

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
    there are too many features for it. examples: of the validation set.
    """

    majority: float
    linear: float | None
    examples: int

    def beaten_by(self, accuracy: float) -> bool:
        """Whether an accuracy is above the majority's beyond chance and not below linear."""
        if self.linear is None:
            return self.above_majority(accuracy)
        slack = CHANCE * _standard_error(self.linear, self.examples)
        return self.above_majority(accuracy) and accuracy >= self.linear - slack

    def above_majority(self, accuracy: float) -> bool:
        """Whether an accuracy is above the majority's beyond chance."""
        slack = CHANCE * _standard_error(self.majority, self.examples)
        return accuracy > self.majority + slack


def _standard_error(share: float, examples: int) -> float:
    """Of a share among so many examples; with rates of 0 and 1 as if one were otherwise."""
    least = 1 / (examples + 1)
    inside = min(max(share, least), 1 - least)
    return math.sqrt(inside * (1 - inside) / examples)


def reference(dataset: Dataset) -> Reference:
    """The accuracies that a network on these data is held against."""
    held = dataset.validation
    majority = float((held.y == np.bincount(dataset.train.y).argmax()).mean())
    linear = None
    if dataset.features <= MOST_FEATURES:
        linear = linear_probe.held_out_accuracy(dataset.train, held)
    return Reference(majority, linear, len(held))


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
