"""The labels of a NumPy archive as numbers to predict: whether they are, and their values."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Shaped

from dnncli.data import quantities
from dnncli.errors import DataError
from dnncli.records import Notice

Arrays = Mapping[str, Shaped[np.ndarray, "..."]]
Numbers = Float64[np.ndarray, "examples targets"]
FLOATS = "f"  # kinds of NumPy's types
NUMERIC = "iuf"


def are_numbers(arrays: Arrays, path: Path, task: str) -> bool:
    """Whether arrays of labels hold numbers to predict rather than classes.

    Raises DataError where --task regression asks for numbers and they hold none.
    """
    parts = list(arrays.values())
    numeric = all(part.dtype.kind in NUMERIC for part in parts)
    if task == "regression":
        for name, part in arrays.items():
            if part.dtype.kind not in NUMERIC:
                raise DataError(
                    f"{path}: {name} holds {part.dtype}: a regression needs numbers; take them as"
                    " classes with --task classification."
                )
        return True
    if task == "classification" or not numeric:
        return False
    if any(part.ndim == 2 and part.shape[1] > 1 for part in parts):
        floats = all(part.dtype.kind in FLOATS for part in parts)
        return floats and not all(map(_indicators, parts))
    flat = np.concatenate([part.ravel() for part in parts])
    if any(part.ndim > 2 for part in parts) or not len(flat) or not np.isfinite(flat).all():
        return False
    values, counts = np.unique(flat, return_counts=True)
    return quantities.is_quantity(values.tolist(), counts.tolist())


def _indicators(part: Shaped[np.ndarray, "examples classes"]) -> bool:
    """Whether all values are 0 or 1, as some libraries mark the class of an example."""
    return bool(np.isin(part, (0, 1)).all())


def values(arrays: Arrays, path: Path) -> list[Numbers]:
    """The numbers of each array, a row an example.

    Raises DataError for other shapes and for numbers that are missing or infinite.
    """
    found = []
    for name, part in arrays.items():
        if part.ndim not in (1, 2):
            raise DataError(
                f"{path}: {name} has shape {part.shape}: it must hold one number an example, or a"
                " row of them."
            )
        rows = part.astype(np.float64).reshape(len(part), -1)
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():
            raise DataError(
                f"{path}: {name} holds {rows[finite.argmin()].tolist()} in example"
                f" {int(finite.argmin())} (counting from 0): a regression needs a number for every"
                " example; repair or drop those."
            )
        found.append(rows)
    widths = {part.shape[1] for part in found}
    if len(widths) > 1:
        raise DataError(f"{path}: {' and '.join(arrays)} have different numbers of columns.")
    return found


def names(array: str, targets: int) -> tuple[str, ...]:
    """The targets' names: y, or y1, y2 and so on."""
    stem = array.removesuffix("_train")
    if targets == 1:
        return (stem,)
    return tuple(f"{stem}{index + 1}" for index in range(targets))


def notices(array: str, numbers: Sequence[Numbers]) -> tuple[Notice, ...]:
    """That they are taken as numbers, and why."""
    found = np.unique(np.concatenate([part.ravel() for part in numbers]))
    return (quantities.notice("regression", array, found.tolist()),)
