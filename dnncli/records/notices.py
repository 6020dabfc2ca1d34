"""What was noticed about the data, as facts; `report.notices` writes the sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Notice:
    """Something about the data that their owner should know.

    kind: what was noticed, a key of `report.notices.SENTENCES`. counts: columns, each with how many
    values or rows it is about. facts: whatever else the sentence says.
    """

    kind: str
    counts: tuple[tuple[str, int], ...] = ()
    facts: Mapping[str, str | int | float] = field(default_factory=dict)
