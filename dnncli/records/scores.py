"""Scores with their uncertainty, by name: what a network reaches on examples it has not seen."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A score over a set of examples, with its 95 % interval over other examples of the kind.

    value, low, high: None where it is undefined (a class without examples, one example).
    method: how the interval was found (`clopper-pearson`, `newcombe`, …).
    baseline: the same score of always answering the largest class, or the mean, of the training
    examples; None where that has no such score.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    method: str | None = None
    baseline: float | None = None


Metrics = Mapping[str, Metric]
