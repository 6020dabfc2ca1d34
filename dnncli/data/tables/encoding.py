"""How each column of a table becomes numbers: found on the training table, kept in the checkpoint."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool

from dnncli.errors import CheckpointError

KINDS = ("number", "time", "code", "text")


@dataclass(frozen=True)
class Column:
    """One column and what becomes of it.

    kind: number (the value), time (days since 1970), code (numbers that stand for categories) or text.
    levels: of a code or text, one 0/1 feature each, and one more for any other value.
    median: what stands for a missing number or time.
    missing: whether training had missing values; they then have a 0/1 feature of their own.
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()
    median: float = 0.0
    missing: bool = False

    @property
    def categorical(self) -> bool:
        """Whether its features are all 0 or 1."""
        return self.kind in ("code", "text")

    @property
    def features(self) -> tuple[str, ...]:
        """Its features' names, in order."""
        first = (*(f"{self.name}={level}" for level in self.levels), f"{self.name} other")
        last = (f"{self.name} missing",) if self.missing else ()
        return (*(first if self.categorical else (self.name,)), *last)


@dataclass(frozen=True)
class Encoding:
    """A table's columns in the order of their features, and its target with its classes.

    layout: every column of a file without a header line, target included; empty where names are read.
    """

    columns: tuple[Column, ...]
    target: str
    classes: tuple[str, ...]
    layout: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """Every feature's name."""
        return tuple(name for column in self.columns for name in column.features)

    @property
    def measured(self) -> Bool[np.ndarray, " features"]:
        """Which features are measured rather than 0 or 1: those are what scaling is for."""
        parts = [[not c.categorical, *[False] * (len(c.features) - 1)] for c in self.columns]
        return np.array([flag for part in parts for flag in part], bool)

    @property
    def trivial(self) -> bool:
        """Whether every column is a number that is never missing: features are the columns."""
        return all(not column.categorical and not column.missing for column in self.columns)

    def json(self) -> dict[str, Any]:
        """As a checkpoint's metadata hold it."""
        return asdict(self)


def from_json(values: Mapping[str, Any] | None, features: int) -> Encoding | None:
    """Back from a checkpoint's metadata, every value checked; None where it has none.

    Raises CheckpointError for values that encode no table of that many features.
    """
    if values is None:
        return None
    encoding = Encoding(
        tuple(_column(column) for column in values["columns"]),
        _text(values["target"]),
        _texts(values["classes"]),
        _texts(values["layout"]),
    )
    names = [column.name for column in encoding.columns]
    if len(encoding.features) != features or len({*names, encoding.target}) != len(names) + 1:
        raise CheckpointError(f"its columns do not make {features} features.")
    return encoding


def _column(values: Mapping[str, Any]) -> Column:
    median, missing = values["median"], values["missing"]
    if values["kind"] not in KINDS or not isinstance(missing, bool) or not math.isfinite(median):
        raise CheckpointError(f"the column {values['name']!r} has no valid encoding.")
    return Column(_text(values["name"]), values["kind"], _texts(values["levels"]), float(median), missing)


def _texts(values: Any) -> tuple[str, ...]:
    texts = tuple(_text(value) for value in values)
    if isinstance(values, str) or len(set(texts)) != len(texts):
        raise CheckpointError("its columns, levels and classes must have distinct names.")
    return texts


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise CheckpointError(f"{value!r} is no name of a column, level or class.")
    return value
