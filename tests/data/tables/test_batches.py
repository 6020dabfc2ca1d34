"""DuckDB's Arrow stream as NumPy arrays, against the same rows fetched as Python objects."""

import duckdb
import numpy as np
import pytest

from dnncli.data.tables import batches

ROWS = 5000
QUERY = f"""SELECT [i / 7, CASE WHEN i % 3 > 0 THEN i END, CASE WHEN i = 4321 THEN 'nan'::DOUBLE ELSE -i END]
    ::DOUBLE[3] AS x, (i * 17 % 1000)::INTEGER AS label, CASE WHEN i % 5 > 0 THEN i / 3 END::DOUBLE AS one
    FROM range({ROWS}) t(i)"""


def collected(query: str, rows: int) -> dict[str, np.ndarray]:
    parts = list(batches.batches(duckdb.connect().sql(query), rows))
    assert all(len(column) <= max(rows, 2048) for part in parts for column in part.values())
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@pytest.mark.parametrize("rows", [1, 100, 1 << 20])
def test_arrays_hold_the_rows_in_their_order_and_nulls_as_nan(rows: int) -> None:
    found = collected(QUERY, rows)
    expected = duckdb.connect().execute(QUERY).fetchall()
    matrix = np.array([[np.nan if v is None else v for v in row[0]] for row in expected])
    np.testing.assert_array_equal(found["x"], matrix)
    np.testing.assert_array_equal(found["label"], [row[1] for row in expected])
    np.testing.assert_array_equal(
        found["one"], [np.nan if row[2] is None else row[2] for row in expected]
    )
    assert (found["x"].dtype, found["label"].dtype) == (np.float64, np.int32)
    assert found["x"].flags.c_contiguous


def test_arrays_outlive_their_batch() -> None:
    stream = batches.batches(duckdb.connect().sql(QUERY), 100)
    first = next(stream)["label"]
    before = first.copy()
    for _ in stream:
        pass
    np.testing.assert_array_equal(first, before)
    assert first.flags.writeable


def test_no_rows_give_no_batches() -> None:
    assert (
        list(batches.batches(duckdb.connect().sql(f"SELECT * FROM ({QUERY}) WHERE label < 0"), 10))
        == []
    )


def test_an_error_far_down_ends_the_stream_with_what_duckdb_says() -> None:
    query = "SELECT CASE WHEN i < 300000 THEN i ELSE error('no more') END::INTEGER AS i FROM range(400000) t(i)"
    with pytest.raises((batches.StreamError, duckdb.Error), match="no more"):
        list(batches.batches(duckdb.connect().sql(query), 1000))


@pytest.mark.parametrize(
    "column", ["'text'", "1::BIGINT", "[1::SMALLINT]::SMALLINT[1]", "NULL::INTEGER", "[1.0]"]
)
def test_columns_that_no_array_is_made_of_are_refused(column: str) -> None:
    with pytest.raises(TypeError, match="no array can be made of"):
        list(batches.batches(duckdb.connect().sql(f"SELECT {column} AS c"), 10))


def test_a_relation_without_sizes_of_batches_is_read_all_the_same() -> None:
    class Plain:
        def __arrow_c_stream__(self) -> object:
            return duckdb.connect().sql(QUERY).__arrow_c_stream__()

    assert sum(len(batch["x"]) for batch in batches.batches(Plain(), 10)) == ROWS
