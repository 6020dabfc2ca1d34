"""The dialect of a CSV file: names of the header line."""

from pathlib import Path

import duckdb

from dnncli.data.tables import csv_dialect


def test_numbers_in_a_header_line_are_names_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text("1,02,3.50\n" + "4,5,6\n" * 20)
    found = csv_dialect.detect(duckdb.connect(), path, None, header=True)
    assert found.columns == {"1": "BIGINT", "02": "BIGINT", "3.50": "BIGINT"}
