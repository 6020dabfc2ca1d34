"""A matrix in a file, in pages with a checksum each.

Pages are read and not mapped: a mapping counts as address space, of which `ulimit -v` leaves less
than the file has, and a mapped file that becomes shorter kills the process. The system keeps what
was read in its cache either way.
"""

import os
import weakref
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Float32, Int64, UInt8, UInt32

from dnncli.errors import DataError

Matrix = Float32[np.ndarray, "_ _"] | UInt8[np.ndarray, "_ _"]  # rows, features
LARGEST = 1 << 20  # bytes of a page: read at random, they come as fast as in their order
SMALLEST = 1 << 12


def page_rows(width: int, itemsize: int, memory: int) -> int:
    """Rows of a page, so that a part of the memory that training takes has many of them."""
    size = min(LARGEST, max(SMALLEST, memory // 1024))
    return max(1, size // (width * itemsize))


@dataclass(frozen=True, eq=False)
class Pages:
    """A matrix in a file. checksums: CRC-32 of each page of `rows_a_page` rows."""

    path: Path
    shape: tuple[int, int]
    dtype: str
    rows_a_page: int
    checksums: UInt32[np.ndarray, " pages"]

    @cached_property
    def _file(self) -> int:
        """Open as long as this object lives, also where the file is removed meanwhile."""
        file = os.open(self.path, os.O_RDONLY)
        weakref.finalize(self, os.close, file)
        return file

    def hold(self) -> "Pages":
        """The same, open from now on."""
        assert self._file >= 0
        return self

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return self.shape[1] * np.dtype(self.dtype).itemsize

    def __len__(self) -> int:
        """Number of pages."""
        return len(self.checksums)

    def page(self, number: int) -> Matrix:
        """A page's rows. Raises DataError where they are not what was written."""
        first = number * self.rows_a_page
        rows = self._read(first, min(self.rows_a_page, self.shape[0] - first))
        if zlib.crc32(rows.data) != self.checksums[number]:
            raise self._damaged(f"the checksum of page {number:,} is wrong")
        return rows

    def take(self, rows: Int64[np.ndarray, " rows"]) -> Matrix:
        """Some of the rows, read alone and so without their pages' checksums."""
        found = np.empty((len(rows), self.shape[1]), self.dtype)
        ends = np.append(np.flatnonzero(np.diff(rows) != 1) + 1, len(rows))
        start = 0
        for end in ends.tolist():
            if end > start:
                found[start:end] = self._read(int(rows[start]), end - start)
            start = end
        return found

    def _read(self, first: int, count: int) -> Matrix:
        """Rows that follow each other."""
        rows = np.empty((count, self.shape[1]), self.dtype)
        view = memoryview(rows.data).cast("B")
        done = 0
        while done < len(view):
            offset = first * self.row_bytes + done
            read = os.preadv(self._file, [view[done:]], offset)
            if not read:
                raise self._damaged(f"it ends before byte {offset:,}")
            done += read
        return rows

    def _damaged(self, how: str) -> DataError:
        """The error for a file that is not as it was written."""
        return DataError(
            f"{self.path} is damaged: {how}; remove it with `dnncli data clear`, and run again."
        )


class Writer:
    """A file of pages that is being written."""

    def __init__(self, file: BinaryIO, rows_a_page: int, digest: Any) -> None:
        """file: where the rows go; digest: of `hashlib`, which is told of them too."""
        self._file = file
        self._rows = rows_a_page
        self._digest = digest
        self._checksums: list[int] = []
        self._checksum = 0
        self._filled = 0

    def add(self, x: Matrix) -> None:
        """Write the next rows."""
        for part in _parts(np.ascontiguousarray(x), self._rows, self._filled):
            self._file.write(part.data)
            self._digest.update(part.data)
            self._checksum = zlib.crc32(part.data, self._checksum)
            self._filled += len(part)
            if self._filled == self._rows:
                self._end_page()

    def _end_page(self) -> None:
        """Keep a page's checksum and begin the next one."""
        self._checksums.append(self._checksum)
        self._checksum = 0
        self._filled = 0

    def checksums(self) -> UInt32[np.ndarray, " pages"]:
        """Every page's, once all rows are written."""
        if self._filled:
            self._end_page()
        return np.array(self._checksums, np.uint32)


def _parts(x: Matrix, rows: int, filled: int) -> Iterator[Matrix]:
    """The rows up to the end of the page that is being filled, and then page by page."""
    start = 0
    while start < len(x):
        end = start + rows - filled
        yield x[start:end]
        start = end
        filled = 0
