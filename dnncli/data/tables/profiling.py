"""A table's columns read once, as numbers where they are numbers, and counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64

from dnncli.data.tables import encoder, targets
from dnncli.data.tables.encoder import TEXT
from dnncli.data.tables.encoding import Column
from dnncli.data.tables.relation import Relation, Scan
from dnncli.errors import DataError

MOST_CODES = 10  # different whole numbers at most that are codes rather than quantities …
ROWS_A_CODE = 10  # … if there are so many rows for each
# float32 may cost a column this share of its range; where it costs more, the column is centred.
LOST_SHARE = 2.0**-16
FLOAT = 4  # bytes
SAMPLE = 200_000  # rows at most that show what columns are, where a table is too large …
FEWEST = 20_000  # … and at least
PROBE = 1000  # rows that show of most columns that they hold many different numbers


@dataclass(frozen=True)
class Profile:
    """Columns with their values in float32, and how many are missing, text, and too large.

    labels: indices into the target's labels, row by row. rounded: columns of whose differences
    float32 loses too much. values and labels are of every `stride`-th row where the table is too
    large for memory, counts are of all. first_text, first_large: rows, of a column without -1.
    """

    names: tuple[str, ...]
    values: Float32[np.ndarray, "rows columns"]
    labels: Int32[np.ndarray, " rows"]
    missing: Int64[np.ndarray, " columns"]
    texts: Int64[np.ndarray, " columns"]
    large: Int64[np.ndarray, " columns"]
    rounded: Bool[np.ndarray, " columns"]
    first_text: Int64[np.ndarray, " columns"]
    first_large: Int64[np.ndarray, " columns"]
    rows: int
    stride: int = 1

    @cached_property
    def places(self) -> dict[str, int]:
        """Each column's place: a search of thousands of names, for each of them, takes seconds."""
        return {name: place for place, name in enumerate(self.names)}

    def column(self, name: str) -> Float32[np.ndarray, " rows"]:
        """A column's values."""
        return self.values[:, self.places[name]]

    def count(self, what: str, name: str) -> int:
        """How many of a column's values are missing, texts or large."""
        return int(getattr(self, what)[self.places[name]])

    def first(self, place: int, what: str) -> int:
        """The first row, counted from 0, in which a column has a text, or what is too large."""
        if self.stride > 1:
            return int(getattr(self, f"first_{what}")[place])
        values = self.values[:, place]
        found = values == TEXT if what == "text" else np.isinf(values)
        return int(np.argmax(found))

    def update(self, newer: "Profile") -> None:
        """Take some columns' values and counts from another reading of them."""
        places = [self.places[name] for name in newer.names]
        self.values[:, places] = newer.values
        for name in ("missing", "texts", "large", "rounded", "first_text", "first_large"):
            getattr(self, name)[places] = getattr(newer, name)

    def mark(self, name: str, value: float) -> None:
        """Count a number as missing."""
        i = self.places[name]
        marked = self.values[:, i] == np.float32(value)
        self.values[marked, i] = np.nan
        self.missing[i] += int(marked.sum())


@dataclass
class _Counts:
    """What is counted batch by batch, for every column."""

    missing: Int64[np.ndarray, " columns"]
    texts: Int64[np.ndarray, " columns"]
    large: Int64[np.ndarray, " columns"]
    error: Float64[np.ndarray, " columns"]  # the largest that float32 makes
    low: Float64[np.ndarray, " columns"]
    high: Float64[np.ndarray, " columns"]
    first_text: Int64[np.ndarray, " columns"]
    first_large: Int64[np.ndarray, " columns"]
    rows: int = 0

    @classmethod
    def zero(cls, columns: int) -> "_Counts":
        """Nothing counted yet."""
        missing, texts, large = np.zeros((3, columns), np.int64)
        infinite = np.full(columns, np.inf)
        first_text, first_large = np.full((2, columns), -1, np.int64)
        zeros = np.zeros(columns)
        return cls(missing, texts, large, zeros, infinite, -infinite, first_text, first_large)

    def add(
        self, exact: Float64[np.ndarray, "rows columns"], x: Float32[np.ndarray, "rows columns"]
    ) -> None:
        """Count a batch, given in float64 and in float32."""
        texts = x == TEXT
        large = np.isinf(x)
        _keep_first(self.first_text, texts, self.rows)
        _keep_first(self.first_large, large, self.rows)
        self.rows += len(x)
        self.missing += np.isnan(x).sum(axis=0)
        self.texts += texts.sum(axis=0)
        self.large += large.sum(axis=0)
        self.error = np.fmax(self.error, _rounding(exact, x))
        self.low = np.fmin(self.low, _least(exact, x))
        self.high = np.fmax(self.high, -_least(-exact, x))


def _keep_first(
    first: Int64[np.ndarray, " columns"], found: Bool[np.ndarray, "rows columns"], start: int
) -> None:
    """Keep, for columns that have none yet, the first row in which something is found."""
    new = (first < 0) & found.any(axis=0)
    first[new] = start + found[:, new].argmax(axis=0)


def stride(rows: int, columns: int, memory: int | None) -> int:
    """Of so many rows one is looked at: each, where all their values take no more than `memory`."""
    if memory is None or rows * columns * FLOAT <= memory:
        return 1
    most = max(FEWEST, min(SAMPLE, memory // (8 * FLOAT * columns)))
    return -(-rows // most)


def profile(
    relation: Relation, columns: Sequence[Column], labels: targets.Labels, every: int = 1
) -> Profile:
    """Read every column once, and the labels with them; keep the values of one row in `every`."""
    names = tuple(column.name for column in columns)
    if not names:
        raise DataError(
            f"{relation.location} has no column besides the target {labels.column!r} to learn from."
        )
    kept = -(-labels.rows // every)
    values = np.empty((kept, len(names)), np.float32)
    indices = np.empty(kept, np.int32)
    counts = _Counts.zero(len(names))
    matrix = encoder.select_values(columns, relation.types)
    select = f"{matrix}, {targets.index(relation, labels)} AS label"
    scan = Scan(relation, select, len(names), labels.rows, sortable=every == 1)
    for rows, batch in scan:
        x = encoder.singles(batch["x"])
        own = slice(-rows.start % every, None, every)
        places = slice(-(-rows.start // every), -(-rows.stop // every))
        values[places] = x[own]
        indices[places] = batch["label"][own]
        counts.add(batch["x"], x)
    if every == 1:
        values, indices = scan.sort(values, indices)
    return _profile(names, values, indices, counts, every)


def _profile(
    names: tuple[str, ...],
    values: Float32[np.ndarray, "rows columns"],
    labels: Int32[np.ndarray, " rows"],
    counts: _Counts,
    every: int,
) -> Profile:
    """What was read and counted."""
    return Profile(
        names=names,
        values=values,
        labels=labels,
        missing=counts.missing,
        texts=counts.texts,
        large=counts.large,
        rounded=counts.error > LOST_SHARE * (counts.high - counts.low),
        first_text=counts.first_text,
        first_large=counts.first_large,
        rows=counts.rows,
        stride=every,
    )


def _rounding(
    exact: Float64[np.ndarray, "rows columns"], x: Float32[np.ndarray, "rows columns"]
) -> Float64[np.ndarray, " columns"]:
    """The largest error that float32 makes in each column."""
    with np.errstate(invalid="ignore"):  # infinity less infinity
        errors = np.abs(exact - x)
    return np.fmax.reduce(errors, axis=0, initial=0.0, where=np.isfinite(errors))


def _least(
    exact: Float64[np.ndarray, "rows columns"], x: Float32[np.ndarray, "rows columns"]
) -> Float64[np.ndarray, " columns"]:
    """Each column's least value among those that are numbers."""
    return np.min(exact, axis=0, initial=np.inf, where=np.isfinite(x) & (x != TEXT))


def numbers(values: Float32[np.ndarray, " rows"]) -> Float32[np.ndarray, " numbers"]:
    """A column's values but for what is missing, text, or too large."""
    return values[np.isfinite(values) & (values != TEXT)]


def low_cardinality(values: Float32[np.ndarray, " rows"]) -> bool:
    """Whether a column has few different numbers."""
    if len(np.unique(numbers(values[:PROBE]))) > MOST_CODES:
        return False
    return len(np.unique(numbers(values))) <= MOST_CODES


def is_code(values: Float32[np.ndarray, " rows"]) -> bool:
    """Whether numbers look like codes of categories: few, whole, and each in many rows."""
    if not low_cardinality(values):
        return False
    present = numbers(values)
    different = np.unique(present)
    whole = bool((different == np.floor(different)).all())
    return whole and 1 < len(different) <= len(present) / ROWS_A_CODE
