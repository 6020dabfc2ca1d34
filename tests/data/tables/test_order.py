"""Rows keep their order, from files large enough that DuckDB reads parts of them at the same time."""

import dataclasses
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pytest

from dnncli.data.tables import encoder, fitting, reading, targets
from dnncli.data.tables.encoding import Column
from dnncli.data.tables.opening import open_table
from dnncli.data.tables.options import Reading
from dnncli.data.tables.relation import Relation, Scan
from dnncli.spec import DataSpec

ROWS = 150_000
LEVELS = "abcdefghijklmnop"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same rows as one CSV, as several of very different sizes, as Parquet and as JSON."""
    folder = tmp_path_factory.mktemp("large")
    letters = f"substr('{LEVELS}', (i * 7 % {len(LEVELS)})::INT + 1, 1)"
    rows = (
        f"SELECT i AS number, {letters} AS letter, '?' AS hole, i % 3 AS y FROM range({ROWS}) t(i)"
    )
    duckdb.sql(f"COPY ({rows}) TO '{folder}/whole.csv'")
    duckdb.sql(f"COPY ({rows}) TO '{folder}/whole.parquet' (ROW_GROUP_SIZE 5000)")
    duckdb.sql(f"COPY ({rows}) TO '{folder}/whole.jsonl' (FORMAT json)")
    bounds = [0, 10, 60_000, 60_003, 61_000, ROWS]
    for place, (first, last) in enumerate(pairwise(bounds)):
        chosen = f"SELECT * FROM ({rows}) WHERE number >= {first} AND number < {last}"
        duckdb.sql(f"COPY ({chosen}) TO '{folder}/part{place}.csv'")
    return folder


@pytest.mark.parametrize("name", ["whole.csv", "whole.parquet", "whole.jsonl", "part*.csv"])
def test_examples_are_in_the_order_of_the_rows(folder: Path, name: str) -> None:
    source = reading.read(DataSpec(data=str(folder / name), drop="hole"))
    rows = np.arange(ROWS)
    np.testing.assert_array_equal(source.train.x[:, 0], rows)
    np.testing.assert_array_equal(source.train.x[:, 1:-1].argmax(axis=1), rows * 7 % len(LEVELS))
    np.testing.assert_array_equal(source.train.y, rows % 3)


@pytest.mark.parametrize("name", ["whole.csv", "part*.csv", "whole.parquet"])
def test_new_rows_stream_in_their_order(folder: Path, name: str) -> None:
    known = reading.read(DataSpec(data=str(folder / "whole.csv"), drop="hole")).encoding
    assert known is not None
    issues = np.zeros((4, len(known.columns)), np.int64)
    stream = reading.stream(str(folder / name), known, issues, Reading(shown="rows"))
    np.testing.assert_array_equal(np.concatenate([x[:, 0] for x in stream]), np.arange(ROWS))


def test_a_long_list_in_where_keeps_the_order(folder: Path) -> None:
    wanted = "'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'"
    source = reading.read(
        DataSpec(data=str(folder / "whole.csv"), drop="hole", where=f"letter IN ({wanted})")
    )
    rows = np.arange(ROWS)
    np.testing.assert_array_equal(source.train.x[:, 0], rows[rows * 7 % len(LEVELS) < 12])


@pytest.mark.parametrize(
    ("where", "letters"),
    [
        ("letter = ANY(['a', 'b'])", "ab"),
        ("number > (SELECT 5)", LEVELS),
        ("letter IN (SELECT unnest(['a', 'f']))", "af"),
        ("EXISTS (SELECT 1)", LEVELS),
    ],
)
def test_a_where_that_makes_duckdb_join_tables_keeps_the_order(
    folder: Path, where: str, letters: str
) -> None:
    source = reading.read(DataSpec(data=str(folder / "whole.csv"), drop="hole", where=where))
    rows = np.arange(6 if "> (" in where else 0, ROWS)
    kept = rows[np.isin(rows * 7 % len(LEVELS), [LEVELS.index(letter) for letter in letters])]
    np.testing.assert_array_equal(source.train.x[:, 0], kept)
    np.testing.assert_array_equal(source.train.y, kept % 3)


def test_rows_that_come_out_of_order_are_put_in_order(folder: Path) -> None:
    relation = open_table(str(folder / "whole.csv"), Reading())
    shuffled = f"(FROM {relation.numbered} ORDER BY hash(number))"
    scan = Scan(
        dataclasses.replace(relation, base=f"(FROM {relation.base})", row="row"), "1", 1, ROWS
    )
    scan._query = f'SELECT number::DOUBLE AS x, row::INTEGER AS "row" FROM {shuffled}'
    numbers = np.empty(ROWS)
    for rows, batch in scan:
        numbers[rows] = batch["x"]
    assert (np.diff(numbers) < 0).any()
    np.testing.assert_array_equal(scan.sort(numbers)[0], np.arange(ROWS))


def plan(relation: Relation, columns: str) -> str:
    return relation.fetch(f"EXPLAIN SELECT {columns} FROM {relation.numbered}")[0][1].upper()


def test_no_query_of_rows_is_planned_as_a_join(folder: Path) -> None:
    relation = open_table(str(folder / "whole.csv"), Reading())
    labels = targets.count(relation, "y", ".")
    encoding = fitting.fit(relation, labels, DataSpec(types="number=category")).encoding
    assert {column.kind for column in encoding.columns} == {"code", "text"}
    label = targets.index(relation, labels)
    assert " JOIN" not in plan(
        relation, f"{encoder.select_encoded(encoding, relation.types)}, {label}"
    )
    assert " JOIN" not in plan(
        relation,
        encoder.select_values([Column(n, "number") for n in relation.types], relation.types),
    )
