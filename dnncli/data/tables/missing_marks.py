"""Values that stand for missing in one column: those that --missing names, and numbers far off."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from dnncli.data.labels import listed
from dnncli.data.tables import profiling
from dnncli.data.tables.names import matching, split
from dnncli.data.tables.profiling import Profile
from dnncli.errors import SpecError

# Numbers that files write for a missing one; no measurement has them often. Those below are taken
# as missing where they lie far off, those above are only pointed out: 99999 can be a largest value.
BELOW = (-9, -99, -999, -9999, -99999, -999999, -100, -200, -1000, -9999999, -32768)
ABOVE = (99, 999, 9999, 99999, 999999, 9999999)
LEAST = 3  # rows that have the mark
LEAST_SHARE = 0.002  # of all rows
OTHERS = 3  # different values besides it


@dataclass(frozen=True)
class Mark:
    """A number that may stand for missing, and in how many rows; `sure`: it is taken so."""

    value: float
    rows: int
    sure: bool


def given(missing: str | None, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The marks that --missing says of each column; an empty tuple where it says none."""
    marks: dict[str, tuple[str, ...]] = {}
    for part in split(missing):
        pattern, equals, mark = part.rpartition("=")
        if not equals or not pattern or not mark:
            raise SpecError(
                f"--missing {part}: write COLUMN=VALUE, or COLUMN=none.", option="--missing"
            )
        matched = matching(pattern, names)
        if not matched:
            raise SpecError(
                f"--missing {part}: no column is called so; there are {listed(tuple(names))}.",
                option="--missing",
            )
        for name in matched:
            marks[name] = () if mark == "none" else (*marks.get(name, ()), mark)
    return marks


def find(profile: Profile, names: Sequence[str]) -> dict[str, Mark]:
    """The numbers of some columns that seem to stand for missing."""
    found = {name: _mark(profile.column(name)) for name in names}
    return {name: mark for name, mark in found.items() if mark}


def _mark(values: Float32[np.ndarray, " rows"]) -> Mark | None:
    """The least or the greatest of a column's numbers, if it is a usual mark and lies far off."""
    present = profiling.numbers(values)
    if len(present) == 0:
        return None
    low = float(present.min())
    high = float(present.max())
    if low in BELOW:
        return _far_off(present, low, high - low)
    return _far_off(present, high, high - low) if high in ABOVE else None


def _far_off(present: Float32[np.ndarray, " numbers"], value: float, width: float) -> Mark | None:
    """A mark, where other values are far from it: by their range, or beyond 0."""
    rows = int((present == np.float32(value)).sum())
    others = present[present != np.float32(value)]
    if rows < max(LEAST, LEAST_SHARE * len(present)) or len(np.unique(others)) < OTHERS:
        return None
    spread = float(others.max() - others.min())
    beyond = width - spread  # from the mark to the nearest other value
    positive = value < 0 <= float(others.min())
    if beyond < spread and not positive:
        return None
    return Mark(value, rows, sure=value < 0)


def text(value: float) -> str:
    """A mark as --missing takes it."""
    return f"{value:.0f}" if value.is_integer() else repr(value)
