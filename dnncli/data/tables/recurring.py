"""What comes again in dates besides their trend: the season, the day of the week, the hour.

A part is a feature only where a table's own dates let it be learned: where it varies, and where it
comes again, since otherwise it says no more than the date itself.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float32, Float64

SEASON = "season"
WEEKDAY = "weekday"
HOUR = "hour"
PERIODS = {SEASON: 365.2425, WEEKDAY: 7.0, HOUR: 1.0}  # in days; the Gregorian year's mean
PARTS = tuple(PERIODS)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FIRST_WEEKDAY = 3  # of 1970-01-01, a Thursday
LEAST_TURNS = {SEASON: 1.0, WEEKDAY: 2.0, HOUR: 2.0}  # that dates span where a part comes again


def names(column: str, parts: Sequence[str]) -> list[str]:
    """Names of the features of a column's parts, in order."""
    found = []
    for part in parts:
        endings = WEEKDAYS if part == WEEKDAY else (f"{part} sine", f"{part} cosine")
        found += [f"{column} {ending}" for ending in endings]
    return found


def count(parts: Sequence[str]) -> int:
    """How many features parts have."""
    return len(names("", parts))


def measures(days: str) -> list[str]:
    """SQL of what `parts` takes, from an expression of days since 1970."""
    usable = f"FILTER (WHERE isfinite({days}))"
    values = [f"coalesce(max({days}) {usable} - min({days}) {usable}, 0)"]
    for part, steps in ((SEASON, 12), (WEEKDAY, 7), (HOUR, 24)):
        turns = f"({days}) / {PERIODS[part]}"
        values.append(f"count(DISTINCT floor(({turns} - floor({turns})) * {steps})) {usable}")
    return values


def parts(span: float, different: Sequence[int]) -> tuple[str, ...]:
    """The parts that dates have: those of which several values occur, and which come again.

    span: from the first date to the last, in days. different: how many months, days of the week and
    hours occur.
    """
    return tuple(
        part
        for part, count in zip(PARTS, different, strict=True)
        if count > 1 and span > LEAST_TURNS[part] * PERIODS[part]
    )


def features(
    days: Float64[np.ndarray, " rows"], usable: Bool[np.ndarray, " rows"], parts: Sequence[str]
) -> Float32[np.ndarray, "rows features"]:
    """A time's parts: 0/1 for days of the week, else sine and cosine; all 0 where not usable.

    days: since 1970.
    """
    known = np.where(usable, days, 0.0)
    columns = np.stack(list(_columns(known, parts)), axis=1)
    return (columns * usable[:, None]).astype(np.float32)


def _columns(
    days: Float64[np.ndarray, " rows"], parts: Sequence[str]
) -> Iterator[Float64[np.ndarray, " rows"] | Bool[np.ndarray, " rows"]]:
    """The features one by one."""
    for part in parts:
        if part == WEEKDAY:
            weekday = (np.floor(days) + FIRST_WEEKDAY) % len(WEEKDAYS)
            yield from (weekday == day for day in range(len(WEEKDAYS)))
        else:
            turns = days / PERIODS[part]
            angle = 2 * np.pi * (turns - np.floor(turns))
            yield np.sin(angle)
            yield np.cos(angle)
