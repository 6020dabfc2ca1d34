"""Tables in memory, as Python programs have them: columns by name, data frames, Arrow streams."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64, Shaped

from dnncli.data.tables import encoder, level_effects, reading
from dnncli.data.tables.encoding import Encoding
from dnncli.data.tables.opening import Files, connect, described
from dnncli.data.tables.options import Reading
from dnncli.data.tables.relation import Relation, Scan
from dnncli.data.tables.rewriting import Scratch
from dnncli.errors import DataError

VIEW = "rows_in_memory"
SHOWN = "the table"  # what messages call it


class _Stream:
    """Arrow data that DuckDB reads as a stream, whatever library they come from."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


def stream(
    rows: Any, known: Encoding, issues: Int64[np.ndarray, "issues columns"]
) -> Iterator[Float32[np.ndarray, "rows features"]]:
    """Encoded rows without labels, batch by batch, adding to `issues` why values were replaced.

    rows: a mapping of columns by name, a pandas frame, anything with an Arrow stream (Polars,
    pyarrow, DuckDB), or a matrix whose columns are those of the training table in their order.
    Raises DataError for anything else and where a column is absent.
    """
    relation = _opened(rows, known)
    reading.check_columns(relation, [column.name for column in known.columns])
    relation = relation.without(reading.marks(known))
    at = encoder.layout(known)
    for _, batch in Scan(relation, encoder.select_encoded(known, relation.types), at.width):
        features, found = encoder.encode(at, batch["x"])
        level_effects.fill(known, features)
        issues += found
        yield features


def _opened(rows: Any, known: Encoding) -> Relation:
    """The rows as a table that DuckDB has opened."""
    scratch = Scratch()
    connection = connect([], scratch.folder)
    draft = Relation(connection, (), SHOWN, scratch=scratch)
    with draft.explained():
        connection.register(VIEW, _source(rows, known))
        described_ = connection.execute(f"DESCRIBE SELECT * FROM {VIEW}").fetchall()
        columns = {row[0]: row[1] for row in described_}
        return described(draft, Files(VIEW, columns), Reading(shown=SHOWN))


def _source(rows: Any, known: Encoding) -> Any:
    """What DuckDB reads of the rows."""
    pandas: Any = sys.modules.get("pandas")
    if pandas is not None and isinstance(rows, pandas.DataFrame):
        return rows.rename(columns=str)
    if isinstance(rows, Mapping):
        return _columns({str(name): values for name, values in rows.items()})
    if hasattr(rows, "__arrow_c_stream__"):
        return _Stream(rows)
    matrix = np.asarray(rows)
    names = [column.name for column in known.columns]
    if matrix.ndim != 2 or matrix.shape[1] != len(names):
        raise DataError(
            f"a table with the columns {', '.join(names)} is needed: a dictionary of columns, a"
            f" data frame, or a matrix of {len(names)} columns."
        )
    return _columns(dict(zip(names, matrix.T, strict=True)))


def _columns(values: Mapping[str, Any]) -> dict[str, Shaped[np.ndarray, " rows"]]:
    """Columns as arrays of one length. Raises DataError where they are not."""
    arrays = {name: _array(column) for name, column in values.items()}
    sizes = {array.shape for array in arrays.values()}
    if len(sizes) != 1 or len(sizes.pop()) != 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise DataError(f"columns of a table have one value a row: {shapes}.")
    return arrays


def _array(values: Any) -> Shaped[np.ndarray, "..."]:
    """A column as an array of a type that DuckDB reads."""
    array = np.asarray(values)
    if array.dtype.kind == "M":  # days and coarser units are none of DuckDB's
        return array.astype("datetime64[us]")
    return array.astype(np.float64) if array.dtype.kind == "f" else array
