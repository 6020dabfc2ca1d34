"""What a table's owner should know besides the result: missing values, rare and unknown levels."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64

from dnncli.data.tables.encoder import ISSUES
from dnncli.data.tables.encoding import Column, Encoding
from dnncli.records import Notice

if TYPE_CHECKING:
    from dnncli.data.tables.levels import Levels
    from dnncli.data.tables.profiling import Profile

COMMA = re.compile(r"[+-]?\d+(,\d+)?")


def of_training(
    encoding: Encoding, profile: "Profile", levels: Mapping[str, "Levels"]
) -> tuple[Notice, ...]:
    """What happened to a training table's columns."""
    rows = len(profile.values)
    missing = dict(zip(profile.names, map(int, profile.missing), strict=True))
    texts = dict(zip(profile.names, map(int, profile.texts), strict=True))
    empty = {name: count for name, count in missing.items() if count == rows}
    found = [*_of_values(encoding, missing, texts), _counted("empty", empty)]
    found += _of_levels(levels, rows)
    return tuple(notice for notice in found if notice.counts or notice.facts)


def _counted(kind: str, counts: Mapping[str, int]) -> Notice:
    """A notice of the columns that have a count."""
    return Notice(kind, tuple((name, count) for name, count in counts.items() if count))


def _of_values(
    encoding: Encoding, missing: Mapping[str, int], texts: Mapping[str, int]
) -> Iterator[Notice]:
    """Missing values, and texts among numbers."""
    numbers = [column for column in encoding.columns if not column.categorical]
    categories = [column for column in encoding.columns if column.categorical]
    measured = [column for column in numbers if column.kind == "number"]
    yield _counted("missing numbers", {c.name: missing[c.name] for c in numbers})
    yield _counted("unread", {c.name: texts[c.name] for c in measured})
    yield _counted("missing categories", {c.name: missing[c.name] for c in categories})


def _of_levels(levels: Mapping[str, "Levels"], rows: int) -> Iterator[Notice]:
    """Levels that have no feature of their own."""
    for name, found in levels.items():
        if found.rows > rows / 2:
            different = found.others + len(found.names)
            facts: dict[str, str | int | float] = {
                "column": name,
                "different": different,
                "rows": rows,
            }
            yield Notice("many levels", facts=facts)
    commas = {name: 1 for name, found in levels.items() if _has_commas(found.names)}
    yield _counted("decimal commas", commas)
    rare = {name: found.rows for name, found in levels.items() if found.rows <= rows / 2}
    yield _counted("rare levels", rare)


def of_new_rows(
    columns: Sequence[Column], issues: Int64[np.ndarray, "issues columns"], location: str
) -> tuple[Notice, ...]:
    """Why values of rows had to be replaced that were encoded as the training table's."""
    names = [column.name for column in columns]
    found = []
    for issue, counts in zip(ISSUES, issues, strict=True):
        pairs = tuple((name, int(n)) for name, n in zip(names, counts, strict=True) if n)
        if pairs:
            found.append(Notice(f"new {issue}", pairs, {"location": location}))
    return tuple(found)


def _has_commas(names: Sequence[str]) -> bool:
    """Whether levels look like numbers with a decimal comma."""
    return any("," in name for name in names) and all(COMMA.fullmatch(name) for name in names)
