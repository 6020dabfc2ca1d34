"""Labels as files have them, and the classes they name."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int32, Int64, Shaped

from dnncli.errors import DataError

EXACT = 2.0**53  # from here on a float64 no longer tells neighbouring integers apart
LISTED = 20  # names that an error gives


def clean(y: Shaped[np.ndarray, "..."], location: str) -> Shaped[np.ndarray, " examples"]:
    """Labels as one row of int64 or of strings; a single column is taken as a row.

    Raises DataError, naming `location`, for other shapes and for labels that name no class.
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise DataError(f"{location} has shape {y.shape}: it must hold one label an example.")
    match y.dtype.kind:
        case "U":
            return y
        case "S":
            return _decoded(y, location)
        case "b" | "i" | "u" | "f":
            return _integers(y, location)
    raise DataError(f"{location} holds {y.dtype}: labels must be whole numbers or strings.")


def _decoded(y: Shaped[np.ndarray, " examples"], location: str) -> Shaped[np.ndarray, " examples"]:
    """Bytes as strings."""
    try:
        return np.char.decode(y, "utf-8")
    except UnicodeDecodeError:
        raise DataError(
            f"{location} holds bytes that are not UTF-8: store labels as strings."
        ) from None


def _integers(y: Shaped[np.ndarray, " examples"], location: str) -> Shaped[np.ndarray, " examples"]:
    """Whole numbers as int64."""
    if y.dtype.kind == "f":
        with np.errstate(over="ignore"):  # of long doubles: infinite, and so no whole number
            y = y.astype(np.float64)
        whole = (abs(y) < EXACT) & (np.floor(y) == y)
    else:
        whole = y <= np.iinfo(np.int64).max
    if not whole.all():
        first = int(np.argmin(whole))
        raise DataError(
            f"{location} holds {y[first]} in example {first} (counting from 0): labels must be"
            " whole numbers or strings."
        )
    return y.astype(np.int64)


def ranks(
    y: Int32[np.ndarray, " examples"], order: Int64[np.ndarray, " examples"]
) -> Int64[np.ndarray, " examples"]:
    """Each example's rank within its class, in an `order` of examples that is sorted by class."""
    counts = np.bincount(y)
    firsts = np.cumsum(counts) - counts
    return np.arange(len(order)) - firsts[y[order]]


def encode(
    *tables: Shaped[np.ndarray, "_"],
) -> tuple[list[Int32[np.ndarray, "_"]], tuple[str, ...]]:
    """Each table's labels as indices into the sorted distinct labels of all, and their names."""
    distinct, indices = np.unique(np.concatenate(tables), return_inverse=True)
    ends = np.cumsum([len(table) for table in tables])[:-1]
    return np.split(indices.astype(np.int32), ends), tuple(str(label) for label in distinct)


def listed(names: Sequence[str]) -> str:
    """Names of classes or arrays for an error: on one line, and at most LISTED of them."""
    text = ", ".join(map(_printable, names[:LISTED]))
    return text if len(names) <= LISTED else f"{text}, … ({len(names):,} in all)"


def _printable(name: str) -> str:
    """A name, or its Python literal where it has control characters."""
    return name if name.isprintable() else repr(name)
