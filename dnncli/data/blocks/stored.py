"""Examples that stay on the disk: those of a split, scaled where some of them are asked for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Int, Shaped, UInt32

from dnncli.data.blocks.pages import Matrix, Pages
from dnncli.errors import DnncliError

Index = slice | Int[np.ndarray, "..."] | Bool[np.ndarray, " _"]
Examples = Float32[np.ndarray, "*rows features"]


@runtime_checkable
class Scales(Protocol):
    """A scaling of features."""

    def apply(self, x: Any) -> Any:
        """A scaled copy."""


@dataclass(frozen=True, eq=False)
class Stored:
    """Examples in a file; an index gives some of them, scaled, and a loop over `pieces` all.

    rows: which of the file's, ascending; None: all. scaling: None: as they were encoded.
    """

    pages: Pages
    rows: UInt32[np.ndarray, " rows"] | None = None
    scaling: Scales | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Examples and features."""
        rows = self.pages.shape[0] if self.rows is None else len(self.rows)
        return rows, self.pages.shape[1]

    @property
    def ndim(self) -> int:
        """Two: it is a matrix."""
        return 2

    @property
    def dtype(self) -> np.dtype[Any]:
        """What the examples are numbers of, once they are in memory."""
        return np.dtype(self.pages.dtype) if self.scaling is None else np.dtype(np.float32)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.shape[0] * self.shape[1]

    def __len__(self) -> int:
        """Number of examples."""
        return self.shape[0]

    def __getitem__(self, index: int | Index) -> Shaped[np.ndarray, "..."]:
        """Some of the examples, in memory."""
        asked = np.asarray(self._in_file(index))
        found = self.pages.take(np.atleast_1d(asked).astype(np.int64))
        return self._scaled(found).reshape(*asked.shape, self.shape[1])

    def _in_file(self, index: int | Index) -> Any:
        """The rows of the file that are asked for."""
        if isinstance(index, slice):
            index = np.arange(*index.indices(len(self)))
        elif not isinstance(index, int) and index.dtype == bool:
            index = np.flatnonzero(index)
        return index if self.rows is None else self.rows[index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Never: raises DnncliError, since all of them do not fit into memory."""
        raise DnncliError(
            f"these {len(self):,} examples are larger than --memory, and this needs all of them at"
            " once: give --memory more, or train on fewer rows with --where."
        )

    def _scaled(self, x: Matrix) -> Any:
        """Examples of the file as they are asked for."""
        return x if self.scaling is None else self.scaling.apply(x)

    def chosen(self, rows: Int[np.ndarray, " chosen"]) -> "Stored":
        """Some of the examples, ascending, still on the disk."""
        own = rows if self.rows is None else self.rows[rows]
        return replace(self, rows=np.asarray(own, np.uint32))

    def scaled_by(self, scaling: Scales) -> "Stored":
        """The examples as they were encoded, with another scaling."""
        return replace(self, scaling=scaling)

    def places(self, page: int) -> slice:
        """The places of a page's examples among all; nothing is read."""
        first = page * self.pages.rows_a_page
        end = min(first + self.pages.rows_a_page, self.pages.shape[0])
        if self.rows is None:
            return slice(first, end)
        # Of the same type: another one would have all of the rows' numbers converted.
        bounds = np.array([first, end], np.uint32)
        return slice(*np.searchsorted(self.rows, bounds).tolist())

    def piece(self, page: int) -> tuple[slice, Any]:
        """A page's examples, and their places among all."""
        places = self.places(page)
        whole = self.pages.page(page)
        if self.rows is None:
            return places, self._scaled(whole)
        local = self.rows[places] - np.uint32(page * self.pages.rows_a_page)
        return places, self._scaled(whole[local])

    def pieces(self) -> Iterator[tuple[slice, Any]]:
        """All examples, page by page."""
        return (self.piece(page) for page in range(len(self.pages)))
