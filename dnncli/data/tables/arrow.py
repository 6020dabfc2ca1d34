"""Record batches of DuckDB's Arrow stream as NumPy arrays: no other package is needed for that.

The structures are those of the Arrow C data and C stream interfaces, whose layout is frozen
(arrow.apache.org/docs/format/CDataInterface.html, CStreamInterface.html).
"""

from collections.abc import Iterator
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    byref,
    c_char,
    c_char_p,
    c_int,
    c_int64,
    c_void_p,
    py_object,
    pythonapi,
)
from typing import Any

import numpy as np
from jaxtyping import Shaped

DTYPES = {b"g": np.dtype(np.float64), b"i": np.dtype(np.int32)}
LIST = b"+w:"  # a list of a fixed size, which follows


class Schema(Structure):
    """A column's type."""


class Array(Structure):
    """A column's values; a batch is an array whose children are its columns."""


class Stream(Structure):
    """Batches until there are no more."""


Schema._fields_ = [
    ("format", c_char_p),
    ("name", c_char_p),
    ("metadata", c_char_p),
    ("flags", c_int64),
    ("n_children", c_int64),
    ("children", POINTER(POINTER(Schema))),
    ("dictionary", POINTER(Schema)),
    ("release", CFUNCTYPE(None, POINTER(Schema))),
    ("private_data", c_void_p),
]
Array._fields_ = [
    ("length", c_int64),
    ("null_count", c_int64),
    ("offset", c_int64),
    ("n_buffers", c_int64),
    ("n_children", c_int64),
    ("buffers", POINTER(c_void_p)),
    ("children", POINTER(POINTER(Array))),
    ("dictionary", POINTER(Array)),
    ("release", CFUNCTYPE(None, POINTER(Array))),
    ("private_data", c_void_p),
]
Stream._fields_ = [
    ("get_schema", CFUNCTYPE(c_int, POINTER(Stream), POINTER(Schema))),
    ("get_next", CFUNCTYPE(c_int, POINTER(Stream), POINTER(Array))),
    ("get_last_error", CFUNCTYPE(c_char_p, POINTER(Stream))),
    ("release", CFUNCTYPE(None, POINTER(Stream))),
    ("private_data", c_void_p),
]
_pointer = pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = c_void_p, [py_object, c_char_p]


class StreamError(Exception):
    """What the producer says went wrong."""


def batches(relation: Any, rows: int) -> Iterator[dict[str, Shaped[np.ndarray, "rows ..."]]]:
    """Batches of a DuckDB relation of so many rows or fewer, each column by name as an array of its own.

    Columns must be float64 or int32, or lists of them of one size: then rows of a matrix. A null float is
    NaN. Raises TypeError for any other column and null, StreamError where the producer fails.
    """
    capsule = _capsule(relation, rows)  # its end releases the stream
    stream = Stream.from_address(_pointer(capsule, b"arrow_array_stream"))
    schema = Schema()
    _check(stream, stream.get_schema(byref(stream), byref(schema)))
    columns = [_column(schema.children[i].contents) for i in range(schema.n_children)]
    schema.release(byref(schema))
    while True:
        batch = Array()
        _check(stream, stream.get_next(byref(stream), byref(batch)))
        if not batch.release:
            return
        parts = [batch.children[i].contents for i in range(batch.n_children)]
        pairs = zip(columns, parts, strict=True)
        arrays = {name: _values(part, dtype, width) for (name, dtype, width), part in pairs}
        batch.release(byref(batch))
        yield arrays


def _capsule(relation: Any, rows: int) -> Any:
    """The relation's stream. DuckDB's public interface has no size of batches: 131,072 rows, however wide."""
    try:
        return relation._submit("stream", rows).arrow_capsule()
    except (AttributeError, TypeError):
        return relation.__arrow_c_stream__()


def _check(stream: Stream, status: int) -> None:
    if status:
        message = stream.get_last_error(byref(stream)) or b"unknown error"
        raise StreamError(message.decode("utf-8", "replace"))


def _column(schema: Schema) -> tuple[str, Any, int | None]:
    """A column's name, the type of its numbers, and how many are in a row (None: no list)."""
    width = int(schema.format[len(LIST) :]) if schema.format.startswith(LIST) else None
    format_ = schema.format if width is None else schema.children[0].contents.format
    if format_ not in DTYPES:
        raise TypeError(f"no array can be made of Arrow's {format_!r}")
    return schema.name.decode(), DTYPES[format_], width


def _values(array: Array, dtype: Any, width: int | None) -> Shaped[np.ndarray, "rows ..."]:
    start, length = array.offset, array.length
    if width is not None:
        start, length, array = start * width, length * width, array.children[0].contents
    start += array.offset
    values = np.frombuffer(
        _bytes(array.buffers[1], start * dtype.itemsize, length * dtype.itemsize), dtype
    ).copy()
    if array.null_count and array.buffers[0]:
        if dtype.kind != "f":
            raise TypeError("no array can be made of an Arrow column of whole numbers with nulls")
        bits = np.frombuffer(_bytes(array.buffers[0], start // 8, length // 8 + 2), np.uint8)
        valid = np.unpackbits(bits, bitorder="little")[start % 8 :][:length]
        values[valid == 0] = np.nan
    return values if width is None else values.reshape(-1, width)


def _bytes(buffer: int | None, first: int, count: int) -> Any:
    """A part of the memory that an array's buffer is."""
    return (c_char * count).from_address(buffer + first) if buffer and count else b""
