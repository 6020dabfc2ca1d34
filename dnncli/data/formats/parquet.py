"""Rows into a Parquet file, batch by batch and never all in memory."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dnncli.data.tables import sql


class ParquetWriter:
    """Collects rows on disk and writes them as one file."""

    def __init__(self, columns: Sequence[str]) -> None:
        """`columns`: a text first, then numbers."""
        import duckdb

        self._folder = tempfile.TemporaryDirectory(prefix="dnncli-")
        self._connection: Any = duckdb.connect(str(Path(self._folder.name, "rows.duckdb")))
        types = ["VARCHAR", *(["FLOAT"] * (len(columns) - 1))]
        self._columns = list(columns)
        shapes = ", ".join(f"c{i} {type_}" for i, type_ in enumerate(types))
        self._connection.execute(f"CREATE TABLE rows ({shapes})")

    def add(self, texts: Sequence[str], numbers: Sequence[Sequence[float]] | None) -> None:
        """Append rows."""
        batch: dict[str, Any] = {"c0": np.array(texts, object)}
        if numbers is not None:
            matrix = np.asarray(numbers, np.float32)
            batch |= {
                f"c{i + 1}": np.ascontiguousarray(matrix[:, i]) for i in range(matrix.shape[1])
            }
        self._connection.register("batch", batch)
        self._connection.execute("INSERT INTO rows SELECT * FROM batch")
        self._connection.unregister("batch")

    def write(self, path: Path) -> None:
        """Write all rows, in order, over an existing file. Raises OSError where that fails."""
        import duckdb

        named = ", ".join(f"c{i} AS {sql.name(name)}" for i, name in enumerate(self._columns))
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
