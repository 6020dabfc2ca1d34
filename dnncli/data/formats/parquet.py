"""Rows into a Parquet file, batch by batch and never all in memory."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dnncli.data.tables import sql

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NUMBERS = {"FLOAT": np.float32, "DOUBLE": np.float64}


class ParquetWriter:
    """Collects rows on disk and writes them as one file."""

    def __init__(self, columns: Sequence[tuple[str, str]]) -> None:
        """`columns`: names with DuckDB's types."""
        import duckdb

        self._folder = tempfile.TemporaryDirectory(prefix="dnncli-")
        store = Path(self._folder.name, "rows.duckdb")
        self._connection: DuckDBPyConnection = duckdb.connect(str(store))
        self._columns = list(columns)
        shapes = ", ".join(f"c{i} {type_}" for i, (_, type_) in enumerate(columns))
        self._connection.execute(f"CREATE TABLE rows ({shapes})")

    def add(self, columns: Sequence[Sequence[Any] | np.ndarray]) -> None:
        """Append rows, given by columns."""
        batch = {f"c{i}": self._array(i, values) for i, values in enumerate(columns)}
        self._connection.register("batch", batch)
        self._connection.execute("INSERT INTO rows SELECT * FROM batch")
        self._connection.unregister("batch")

    def _array(self, index: int, values: Sequence[Any] | np.ndarray) -> np.ndarray:
        """A column as DuckDB takes it: texts, and what may be missing, as objects."""
        dtype = NUMBERS.get(self._columns[index][1])
        if dtype is not None:
            return np.ascontiguousarray(values, dtype)
        column = np.empty(len(values), object)
        column[:] = list(values)
        return column

    def write(self, path: Path) -> None:
        """Write all rows, in order, over an existing file. Raises OSError where that fails."""
        import duckdb

        named = ", ".join(f"c{i} AS {sql.name(name)}" for i, (name, _) in enumerate(self._columns))
        target = sql.literal(str(path))
        try:
            self._connection.execute(
                f"COPY (SELECT {named} FROM rows) TO {target} (FORMAT parquet, USE_TMP_FILE false)"
            )
        except duckdb.IOException as error:
            raise OSError(str(error).partition("\n")[0]) from None

    def close(self) -> None:
        """Remove what was collected."""
        self._connection.close()
        self._folder.cleanup()
