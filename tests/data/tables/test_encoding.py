"""Encodings in a checkpoint's JSON: back as they were, or refused."""

import json
from typing import Any

import numpy as np
import pytest

from dnncli.data.tables.encoding import Column, Encoding
from dnncli.storage.decoding import decode

ENCODING = Encoding(
    (
        Column("age", "number", median=37.5, missing=True),
        Column("job", "text", ("a clerk", "it's"), missing=True),
        Column("grade", "code", ("1", "2.5")),
        Column("day", "time", median=19723.25),
    ),
    target="income",
    classes=("<=50K", ">50K"),
    layout=("age", "job", "grade", "day", "income", "dropped"),
)


def test_features_are_named_after_columns_and_levels() -> None:
    assert ENCODING.features == (
        *("age", "age missing"),
        *("job=a clerk", "job=it's", "job other", "job missing"),
        *("grade=1", "grade=2.5", "grade other"),
        "day",
    )
    np.testing.assert_array_equal(np.flatnonzero(ENCODING.numeric), [0, 9])


def test_json_gives_the_same_encoding_back() -> None:
    assert decode(Encoding, json.loads(json.dumps(ENCODING.json())), "encoding") == ENCODING


def damaged(path: str, value: Any) -> dict[str, Any]:
    values = json.loads(json.dumps(ENCODING.json()))
    place = values
    *steps, last = path.split(".")
    for step in steps:
        place = place[int(step)] if step.isdigit() else place[step]
    place[int(last) if last.isdigit() else last] = value
    return values


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("columns", []),
        ("columns.0.kind", "nonsense"),
        ("columns.0.median", "nan"),
        ("columns.0.median", "1"),
        ("columns.0.missing", 1),
        ("columns.0.name", "job"),
        ("columns.0.name", "income"),
        ("columns.0.name", 3),
        ("columns.1.levels", "ab"),
        ("columns.1.levels", ["a", "a"]),
        ("columns.2.levels", ["a"]),
        ("columns.1", "age"),
        ("classes", ["p", "p"]),
        ("target", None),
        ("layout", ["age"]),
        ("extra", 1),
    ],
)
def test_what_no_table_gives_is_refused(path: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        decode(Encoding, damaged(path, value), "encoding")
