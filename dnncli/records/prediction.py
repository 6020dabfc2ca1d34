"""The result of `predict`, batch by batch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Predictions:
    """The classes of some rows, in their order, and each class's probability where that was asked for."""

    classes: list[str]
    probabilities: list[list[float]] | None = None
