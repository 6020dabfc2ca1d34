"""What is to be told of a table besides the result: missing values, rare and unknown levels."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64

from dnncli.data.tables.encoder import FLAGS
from dnncli.data.tables.encoding import Column, Encoding

if TYPE_CHECKING:
    from dnncli.data.tables.levels import Levels
    from dnncli.data.tables.profiling import Profile

LISTED = 8  # columns that a line names
COMMA = re.compile(r"[+-]?\d+(,\d+)?")


def of_training(
    encoding: Encoding, profile: "Profile", levels: Mapping[str, "Levels"]
) -> tuple[str, ...]:
    """What happened to a training table's columns."""
    counts = {name: int(profile.missing[i]) for i, name in enumerate(profile.names)}
    texts = {name: int(profile.texts[i]) for i, name in enumerate(profile.names)}
    return tuple(_training(encoding, counts, texts, levels, len(profile.values)))


def _training(
    encoding: Encoding,
    missing: Mapping[str, int],
    texts: Mapping[str, int],
    levels: Mapping[str, "Levels"],
    rows: int,
) -> Iterator[str]:
    numbers = [column for column in encoding.columns if not column.categorical]
    categories = [column for column in encoding.columns if column.categorical]
    if filled := _listed((c.name, missing[c.name]) for c in numbers if missing[c.name]):
        yield f"missing numbers take the column's median, and an indicator marks them: {filled}"
    if unread := _listed(
        (c.name, texts[c.name]) for c in numbers if c.kind == "number" and texts[c.name]
    ):
        yield f"values that are no numbers count as missing: {unread}"
    if own := _listed((c.name, missing[c.name]) for c in categories if missing[c.name]):
        yield f"missing categories are a level of their own: {own}"
    if empty := [name for name, count in missing.items() if count == rows]:
        yield f"columns without any value are left out: {', '.join(empty[:LISTED])}"
    for name, found in levels.items():
        if found.rows > rows / 2:
            yield (
                f"{name}: {found.others + len(found.names):,} different texts in {rows:,} rows say little;"
                f" leave it out with --drop {name}"
            )
    if commas := [name for name, found in levels.items() if _has_commas(found.names)]:
        names = ", ".join(commas[:LISTED])
        yield f"numbers with a decimal comma are taken as categories: write a point in {names}"
    if rare := _listed(
        (name, found.rows) for name, found in levels.items() if 0 < found.rows <= rows / 2
    ):
        yield f"rare levels count as other: {rare}"


MEANINGS = {  # of what can be amiss with a value for which training did not prepare
    "missing": "missing, as none was in training (the median, or other, stands for them)",
    "text": "no numbers (taken as missing)",
    "large": "infinite or too large for float32 (taken as missing)",
    "other": "levels that training had not, or too few of (other stands for them)",
}


def of_new_rows(
    columns: Sequence[Column], flags: Int64[np.ndarray, "flags columns"], place: str
) -> tuple[str, ...]:
    """What was amiss with rows that were encoded as the training table's."""
    told = []
    for flag, counts in zip(FLAGS, flags, strict=True):
        found = ((column.name, int(n)) for column, n in zip(columns, counts, strict=True) if n)
        if text := _listed(found):
            told.append(f"{place}: values that are {MEANINGS[flag]}: {text}")
    return tuple(told)


def _has_commas(names: Sequence[str]) -> bool:
    return any("," in name for name in names) and all(COMMA.fullmatch(name) for name in names)


def _listed(counts: Iterator[tuple[str, int]]) -> str:
    """`1,836 in workclass, 1,843 in occupation`, the most first, and not all where they are many."""
    ordered = sorted(counts, key=lambda item: -item[1])
    text = ", ".join(f"{count:,} in {name}" for name, count in ordered[:LISTED])
    return text if len(ordered) <= LISTED else f"{text}, … ({len(ordered):,} columns)"
