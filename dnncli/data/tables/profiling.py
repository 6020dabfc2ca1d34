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
PROBE = 1000  # rows that show of most columns that they hold many different numbers


@dataclass(frozen=True)
class Profile:
    """Columns with their values in float32, and how many are missing, text, and too large.

    labels: indices into the target's labels, row by row. rounded: columns of whose differences
    float32 loses too much.
    """

    names: tuple[str, ...]
    values: Float32[np.ndarray, "rows columns"]
    labels: Int32[np.ndarray, " rows"]
    missing: Int64[np.ndarray, " columns"]
    texts: Int64[np.ndarray, " columns"]
    large: Int64[np.ndarray, " columns"]
    rounded: Bool[np.ndarray, " columns"]

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

    def update(self, newer: "Profile") -> None:
        """Take some columns' values and counts from another reading of them."""
        places = [self.places[name] for name in newer.names]
        self.values[:, places] = newer.values
        for name in ("missing", "texts", "large", "rounded"):
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

    @classmethod
    def zero(cls, columns: int) -> "_Counts":
        """Nothing counted yet."""
        missing, texts, large = np.zeros((3, columns), np.int64)
        infinite = np.full(columns, np.inf)
        return cls(missing, texts, large, np.zeros(columns), infinite, -infinite)

    def add(
        self, exact: Float64[np.ndarray, "rows columns"], x: Float32[np.ndarray, "rows columns"]
    ) -> None:
        """Count a batch, given in float64 and in float32."""
        self.missing += np.isnan(x).sum(axis=0)
        self.texts += (x == TEXT).sum(axis=0)
        self.large += np.isinf(x).sum(axis=0)
        self.error = np.fmax(self.error, _rounding(exact, x))
        self.low = np.fmin(self.low, _least(exact, x))
        self.high = np.fmax(self.high, -_least(-exact, x))


def profile(relation: Relation, columns: Sequence[Column], labels: targets.Labels) -> Profile:
    """Read every column once, and the labels with them."""
    names = tuple(column.name for column in columns)
    if not names:
        raise DataError(
            f"{relation.location} has no column besides the target {labels.column!r} to learn from."
        )
    values = np.empty((labels.rows, len(names)), np.float32)
    indices = np.empty(labels.rows, np.int32)
    counts = _Counts.zero(len(names))
    matrix = encoder.select_values(columns, relation.types)
    select = f"{matrix}, {targets.index(relation, labels)} AS label"
    scan = Scan(relation, select, len(names), labels.rows)
    for rows, batch in scan:
        x = encoder.singles(batch["x"])
        values[rows] = x
        indices[rows] = batch["label"]
        counts.add(batch["x"], x)
    values, indices = scan.sort(values, indices)
    rounded = counts.error > LOST_SHARE * (counts.high - counts.low)
    return Profile(names, values, indices, counts.missing, counts.texts, counts.large, rounded)


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
