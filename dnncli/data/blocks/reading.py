"""A split's examples from the disk in the order of some pages, block after block."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from dnncli.data.blocks.stored import Stored
from dnncli.data.dataset import Split
from dnncli.data.features import aligned
from dnncli.errors import DataError


class _Part(NamedTuple):
    """Examples that follow each other among all, and the first one's place."""

    first: int
    x: Any


def blocks(
    split: Split, pages: Sequence[int], sizes: Sequence[int], done: int = 0
) -> Iterator[Split]:
    """Blocks of these sizes, whose rows stand as the pages have them; each in arrays of its own.

    done: how many blocks are left out, which are not read.
    Raises DataError for a damaged file, and for features that scaling takes beyond float32.
    """
    assert isinstance(split.x, Stored)
    parts = _after(sum(sizes[:done]), split.x, pages)
    part = next(parts)
    for size in sizes[done:]:
        x = aligned((size, split.x.shape[1]), split.x.dtype)
        places = np.empty(size, np.int64)
        filled = 0
        while filled < size:
            if not len(part.x):
                part = next(parts)
            fitting = min(len(part.x), size - filled)
            own = slice(filled, filled + fitting)
            x[own] = part.x[:fitting]
            places[own] = np.arange(part.first, part.first + fitting)
            part = _Part(part.first + fitting, part.x[fitting:])
            filled += fitting
        yield Split(x, *_of_rows(split, places))


def _of_rows(split: Split, rows: Any) -> tuple[Any, Any]:
    """Targets and weights of some examples."""
    weights = None if split.weights is None else split.weights[rows]
    return split.y[rows], weights


def _after(skipped: int, x: Stored, pages: Sequence[int]) -> Iterator[_Part]:
    """The pages' examples without the first ones."""
    place = 0
    for page in pages:
        rows = x.places(page)
        if skipped < rows.stop - rows.start:
            break
        skipped -= rows.stop - rows.start
        place += 1
    parts = _parts(x, pages[place:])
    first = next(parts)
    yield _Part(first.first + skipped, first.x[skipped:])
    yield from parts


def _parts(x: Stored, pages: Sequence[int]) -> Iterator[_Part]:
    """The pages' examples."""
    for page in pages:
        rows, part = x.piece(page)
        if not np.isfinite(part).all():
            raise DataError(
                f"--scale {getattr(x.scaling, 'kind', 'none')} takes features beyond float32; use"
                " another."
            )
        yield _Part(rows.start, part)
