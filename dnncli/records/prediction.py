"""The result of `predict`, batch by batch."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Predictions:
    """The classes of some rows, in their order, and all classes' probabilities if asked for.

    kept: columns of the input that are carried through, each with a value a row. values: of a
    regression, which has no classes, each row's numbers in the targets' units.
    """

    classes: list[str]
    probabilities: list[list[float]] | None = None
    kept: list[list[Any]] = field(default_factory=list)
    values: list[list[float]] | None = None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.classes) if self.values is None else len(self.values)
