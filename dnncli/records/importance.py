"""How much a network's answers owe to each column of a table."""

from dataclasses import dataclass

from dnncli.records.scores import Metrics


@dataclass(frozen=True)
class ColumnImportance:
    """How much worse scores become where a column's values stand in other rows.

    features: how many of the network's inputs the column makes; all of them move together.
    metrics: by how much each score falls, or a loss rises; intervals are over other examples and
    other permutations.
    """

    column: str
    features: int
    metrics: Metrics


@dataclass(frozen=True)
class ImportanceRecord:
    """Permutation importance on a split, the most important column first.

    headline: the score that ranks them. examples: how many were asked, evenly spread where the
    split has more.
    """

    headline: str
    examples: int
    permutations: int
    columns: tuple[ColumnImportance, ...]
