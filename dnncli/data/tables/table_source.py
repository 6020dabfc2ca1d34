"""Encoded rows of a table and of its test table, as a source of examples."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64, UInt8

from dnncli.data.blocks.stored import Stored
from dnncli.data.grouping import Groups
from dnncli.data.source import DataSource, Table, default_size, fingerprint
from dnncli.data.tables.encoding import Encoding
from dnncli.records import Notice
from dnncli.spec import DataSpec
from dnncli.spec.suffixes import PACKED


@dataclass(frozen=True)
class Rows:
    """Encoded rows, their classes or numbers, and how often values of each column were replaced.

    weights: how much each counts in the loss; None: all count alike. groups: which belong together.
    digest: the fingerprint of what is on the disk.
    """

    x: Float32[np.ndarray, "rows features"] | Stored
    y: Int32[np.ndarray, " rows"] | Float64[np.ndarray, "rows targets"]
    issues: Int64[np.ndarray, "issues columns"]
    weights: Float32[np.ndarray, " rows"] | None = None
    groups: Groups | None = None
    digest: str | None = None


def source(
    spec: DataSpec,
    encoding: Encoding,
    rows: tuple[Rows, Rows | None, Rows | None],
    found: tuple[Notice, ...],
) -> DataSource:
    """The tables as a source of examples; rows: to train on, to validate and to test."""
    train, validation, test = rows
    examples = len(train.y)
    known, unseen = _known_labels(train)
    validating = None
    if validation is not None:
        validating = Table(validation.x, validation.y)
    held_out = None
    tests = default_size(examples, 0.2)
    if test is not None:
        held_out, unseen = _known_labels(test)
        tests = len(held_out)
    return DataSource(
        name=title(spec.data),
        location=spec.data,
        train=known,
        test=held_out,
        unseen=unseen,
        validation=validating,
        class_names=encoding.classes,
        targets=tuple(column.name for column in encoding.quantities),
        image_shape=None,
        peak=None,
        ordered=False,
        held_out={"validation": default_size(examples, 0.1), "test": tests},
        fingerprint=_fingerprint(encoding, rows),
        encoding=encoding,
        notices=found,
    )


def meaning(encoding: Encoding) -> UInt8[np.ndarray, " bytes"]:
    """What features stand for, as a part of a fingerprint."""
    return np.frombuffer(json.dumps(encoding.without_effects.json()).encode(), np.uint8)


def _fingerprint(encoding: Encoding, rows: tuple[Rows, Rows | None, Rows | None]) -> str:
    """Of all arrays; those on the disk have theirs, which stands for them where there are more."""
    train, validation, test = rows
    tables = [table for table in (train, test, validation) if table is not None]
    arrays: list[Any] = [array for table in tables for array in (table.x, table.y)]
    if train.weights is not None:
        arrays.append(train.weights)
    if train.digest is None:
        return fingerprint(meaning(encoding), *arrays)
    if len(arrays) == 2:
        return train.digest
    return fingerprint(np.frombuffer(train.digest.encode(), np.uint8), *arrays[2:])


def _known_labels(rows: Rows) -> tuple[Table, Float32[np.ndarray, "_ features"] | None]:
    """A table's rows of known labels, and the features of the others; None: there are none."""
    table = Table(rows.x, rows.y, rows.weights, rows.groups)
    if rows.y.ndim > 1 or isinstance(rows.x, Stored) or (rows.y >= 0).all():
        return table, None
    known = rows.y >= 0
    return table.take(np.flatnonzero(known)), rows.x[~known]


def title(text: str) -> str:
    """A table's short name: its file's without suffixes, or its folder's where it is several."""
    path = Path(text)
    if path.suffix.lower() in PACKED:
        path = path.with_suffix("")
    return path.stem.replace("*", "") or path.parent.name or "table"
