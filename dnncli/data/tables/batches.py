"""Batches of a DuckDB query as NumPy arrays, through its Arrow stream."""

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, Any

import nanoarrow
import numpy as np
from jaxtyping import Shaped

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation
    from nanoarrow.c_array import CArrayView

DTYPES = {"double": np.float64, "int32": np.int32}
LIST = "fixed_size_list"
Batch = dict[str, Shaped[np.ndarray, "rows ..."]]


class StreamError(Exception):
    """What DuckDB says went wrong while a query ran."""


def batches(query: "DuckDBPyRelation", rows: int, objects: Container[str] = ()) -> Iterator[Batch]:
    """Batches of at most `rows` rows of a DuckDB relation; each column, by name, is a new array.

    Columns must be float64 or int32, or lists of them of one size: these become a matrix. A null
    float is NaN. Those in `objects` may be of any type and become Python's objects, None for null.
    Raises TypeError for any other column and null, StreamError where DuckDB fails.
    """
    stream = nanoarrow.c_array_stream(_capsule(query, rows))
    schema = stream.get_schema()
    names = [schema.child(i).name for i in range(schema.n_children)]
    while (batch := _next(stream)) is not None:
        columns = [batch.child(i) for i in range(batch.n_children)]
        pairs = list(zip(names, columns, strict=True))
        numbers = {name: _values(column.view()) for name, column in pairs if name not in objects}
        yield numbers | {name: _objects(column) for name, column in pairs if name in objects}


def _capsule(query: "DuckDBPyRelation", rows: int) -> Any:
    """The query's stream. DuckDB's public interface always gives batches of 131,072 rows."""
    try:
        return query._submit("stream", rows).arrow_capsule()
    except (AttributeError, TypeError):
        return query.__arrow_c_stream__()


def _next(stream: Any) -> Any:
    """The next batch; None at the end."""
    try:
        return stream.get_next()
    except StopIteration:
        return None
    except RuntimeError as error:
        raise StreamError(str(error)) from None


def _objects(array: Any) -> Shaped[np.ndarray, " rows"]:
    """A column as Python's objects."""
    values = nanoarrow.Array(array).to_pylist()
    column = np.empty(len(values), object)
    column[:] = values
    return column


def _values(array: "CArrayView") -> Shaped[np.ndarray, "rows ..."]:
    """A column as numbers, or as a matrix where its values are lists."""
    if array.storage_type != LIST:
        return _numbers(array, 0, array.length)
    width = array.layout.child_size_elements
    numbers = _numbers(array.child(0), array.offset * width, array.length * width)
    return numbers.reshape(array.length, width)


def _numbers(array: "CArrayView", first: int, length: int) -> Shaped[np.ndarray, " numbers"]:
    """A copy of `length` numbers, with NaN for nulls."""
    dtype = DTYPES.get(array.storage_type)
    if dtype is None:
        raise TypeError(f"no array can be made of Arrow's {array.storage_type!r}")
    start = array.offset + first
    part = slice(start, start + length)
    values = np.array(array.buffer(1), dtype)[part]
    if array.null_count and array.buffer(0).size_bytes:
        if dtype is np.int32:
            raise TypeError("no array can be made of an Arrow column of whole numbers with nulls")
        valid = np.asarray(array.buffer(0).unpack_bits())[part]
        values[valid == 0] = np.nan
    return values
