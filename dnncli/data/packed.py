"""Bytes out of bzip2 and xz files, whose damage is never taken for their end."""

import bz2
import io
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 16
Decompressor = bz2.BZ2Decompressor | lzma.LZMADecompressor


class _Streams(io.RawIOBase):
    """The streams of a packed file, one after the other, as pbzip2 and `cat` make them.

    Python's own readers take a damaged second stream for bytes that do not belong to the file, and
    end there without an error. Raises OSError, EOFError, LZMAError.
    """

    def __init__(self, file: BinaryIO, new: Callable[[], Decompressor], owned: bool) -> None:
        """`new` makes a stream's decompressor; owned: the file is closed with this one."""
        self._file = file
        self._new = new
        self._owned = owned
        self._current = new()

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Unpack into a buffer; 0 at the end."""
        packed = b""
        while True:
            if self._current.eof:
                packed = self._following()
                if not packed:
                    return 0
                self._current = self._new()
            elif self._current.needs_input and not packed:
                packed = self._file.read(CHUNK)
                if not packed:
                    raise EOFError("it ends before the end of its packed data")
            data = self._current.decompress(packed, len(buffer))
            packed = b""
            if data:
                buffer[: len(data)] = data
                return len(data)

    def _following(self) -> bytes:
        """What follows a stream's end, without zeros that only fill up the file."""
        packed = self._current.unused_data.lstrip(b"\0")
        while not packed and (read := self._file.read(CHUNK)):
            packed = read.lstrip(b"\0")
        return packed

    def close(self) -> None:
        """Close it, and its file."""
        if self._owned:
            self._file.close()
        super().close()


def _opened(file: Path | BinaryIO, new: Callable[[], Decompressor]) -> io.BufferedReader:
    if isinstance(file, Path):
        return io.BufferedReader(_Streams(file.open("rb"), new, owned=True), CHUNK)
    return io.BufferedReader(_Streams(file, new, owned=False), CHUNK)


def open_bz2(file: Path | BinaryIO) -> io.BufferedReader:
    """What a bzip2 file holds."""
    return _opened(file, bz2.BZ2Decompressor)


def open_xz(file: Path | BinaryIO) -> io.BufferedReader:
    """What an xz file holds."""
    return _opened(file, lzma.LZMADecompressor)
