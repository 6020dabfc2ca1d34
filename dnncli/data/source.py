"""What a reader makes of files: raw examples, before anything is split, chosen or scaled."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int, Int32, Shaped, UInt8

from dnncli.data import quantities
from dnncli.data.blocks.stored import Stored
from dnncli.data.grouping import Groups
from dnncli.data.tables.encoding import Encoding
from dnncli.records import Notice

Raw = Float32[np.ndarray, "examples features"] | UInt8[np.ndarray, "examples features"]


@dataclass(frozen=True, eq=False)
class Table:
    """Raw examples in rows with their classes counted from 0, or with the targets' numbers.

    Pixels stay bytes, to save memory; a set that is larger than memory stays on the disk.
    """

    x: Raw | Stored
    y: Int32[np.ndarray, " examples"] | Float64[np.ndarray, "examples targets"]
    weights: Float32[np.ndarray, " examples"] | None = None  # in the loss; None: all alike
    groups: Groups | None = None  # rows that no split parts

    def __len__(self) -> int:
        """Number of examples."""
        return len(self.y)

    @property
    def in_memory(self) -> Raw:
        """The features; those on the disk raise DnncliError, since they do not fit."""
        return np.asarray(self.x) if isinstance(self.x, Stored) else self.x

    @property
    def strata(self) -> Int32[np.ndarray, " examples"]:
        """What a split draws from in proportion: each example's class, or its target's quantile."""
        return self.y if self.y.ndim == 1 else quantities.strata(self.y)

    def take(self, rows: slice | Int[np.ndarray, " rows"]) -> "Table":
        """Some of the rows, in memory: a view for a slice, a copy for indices."""
        weights = None if self.weights is None else self.weights[rows]
        groups = None if self.groups is None else self.groups.take(rows)
        return Table(self.x[rows], self.y[rows], weights, groups)

    def kept(self, rows: slice | Int[np.ndarray, " rows"]) -> "Table":
        """Some of the rows, ascending where they are on the disk, on which they stay."""
        if not isinstance(self.x, Stored) or isinstance(rows, slice):
            return self.take(rows)
        weights = None if self.weights is None else self.weights[rows]
        return Table(self.x.chosen(rows), self.y[rows], weights)


@dataclass(frozen=True, eq=False)
class DataSource:
    """Everything read, and how it is divided unless options say otherwise.

    name: short, for reports and file names. location: what an error calls it.
    test, validation: the source's own; without one, its examples are drawn from `train`.
    peak: the largest value a pixel can have; None where features are not pixels.
    ordered: validation examples are the first ones, not a stratified draw.
    held_out: how many examples `validation` and `test` get by default.
    encoding: what a table's columns became; None where features are what files hold.
    notices: what its owner should know besides the result.
    targets: names of targets that are numbers; there are no classes then.
    unseen: examples that are only measured, of classes that `train` has not.
    """

    name: str
    location: str
    train: Table
    test: Table | None
    class_names: tuple[str, ...]
    image_shape: tuple[int, int] | None
    peak: float | None
    ordered: bool
    held_out: dict[str, int]
    fingerprint: str
    encoding: Encoding | None = None
    notices: tuple[Notice, ...] = ()
    targets: tuple[str, ...] = ()
    unseen: Float32[np.ndarray, "unseen features"] | None = None
    validation: Table | None = None


def default_size(examples: int, share: float) -> int:
    """A share of the examples, at least 1 and at most 5,000."""
    return max(1, min(round(share * examples), 5000))


def fingerprint(*arrays: Shaped[np.ndarray, "..."]) -> str:
    """SHA-256 in hex over the arrays' types, shapes and bytes."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(header(array.dtype, array.shape))
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """What a fingerprint has of an array before its bytes."""
    return f"{dtype.str} {shape}\n".encode()
