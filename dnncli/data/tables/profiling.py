"""A table's columns as they are: read once, as numbers where they are some, and counted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64

from dnncli.data.tables import encoder, sql, targets
from dnncli.data.tables.encoder import TEXT
from dnncli.data.tables.opening import Relation
from dnncli.errors import DataError

FEW = 10  # different whole numbers at most that are codes of categories rather than quantities …
ROWS_A_CODE = 10  # … if there are so many rows for each
# float32 may cost a column this share of its range; where it costs more, the column has to be centred first.
LOST_SHARE = 2.0**-16
PROBE = 1000  # rows that show of most columns that they hold more than a few different numbers


@dataclass(frozen=True)
class Profile:
    """Columns with their values in float32, and how many are missing, text, and too large.

    labels: places among the target's labels, row by row. rounded: columns of whose differences float32
    loses too much.
    """

    names: tuple[str, ...]
    values: Float32[np.ndarray, "rows columns"]
    labels: Int32[np.ndarray, " rows"]
    missing: Int64[np.ndarray, " columns"]
    texts: Int64[np.ndarray, " columns"]
    large: Int64[np.ndarray, " columns"]
    rounded: Bool[np.ndarray, " columns"]


def profile(relation: Relation, names: Sequence[str], labels: targets.Labels) -> Profile:
    """Read every column once, and the labels with them."""
    if not names:
        raise DataError(
            f"{relation.place} has no column besides the target {labels.column!r} to learn from."
        )
    values, places = (
        np.empty((labels.rows, len(names)), np.float32),
        np.empty(labels.rows, np.int32),
    )
    missing, texts, large = np.zeros((3, len(names)), np.int64)
    columns = [(name, relation.types[name]) for name in names]
    label = f"{targets.position(relation, labels)} AS label"
    error, low, high = (
        np.zeros(len(names)),
        np.full(len(names), np.inf),
        np.full(len(names), -np.inf),
    )
    done = 0
    query = f"SELECT {sql.profile(columns)}, {label} FROM {relation.base}"
    for batch in relation.batches(query, len(columns)):
        x = encoder.singles(batch["x"])
        end = done + len(x)
        values[done:end], places[done:end] = (
            x[: labels.rows - done],
            batch["label"][: labels.rows - done],
        )
        missing += np.isnan(x).sum(axis=0)
        texts += (x == TEXT).sum(axis=0)
        large += np.isinf(x).sum(axis=0)
        error = np.fmax(error, _rounding(batch["x"], x))
        low, high = np.fmin(low, _least(batch["x"], x)), np.fmax(high, -_least(-batch["x"], x))
        done = end
    relation.check_rows(done, labels.rows)
    rounded = error > LOST_SHARE * (high - low)
    return Profile(tuple(names), values, places, missing, texts, large, rounded)


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


def few(values: Float32[np.ndarray, " rows"]) -> bool:
    """Whether a column has few different numbers."""
    return len(np.unique(numbers(values[:PROBE]))) <= FEW and len(np.unique(numbers(values))) <= FEW


def is_code(values: Float32[np.ndarray, " rows"]) -> bool:
    """Whether numbers look like codes of categories: few, whole, and each in many rows."""
    if not few(values):
        return False
    present = numbers(values)
    different = np.unique(present)
    return 1 < len(different) <= len(present) / ROWS_A_CODE and bool(
        (different == np.floor(different)).all()
    )
