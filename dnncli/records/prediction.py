"""The result of `predict`, batch by batch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Predictions:
    """The classes of some rows, in their order, and all classes' probabilities if asked for."""

    classes: list[str]
    probabilities: list[list[float]] | None = None
