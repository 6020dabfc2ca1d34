"""How much a packed file may grow when it is unpacked: found out before anything of it is kept.

Text of numbers grows to 3 to 20 times its size, columns of zeros to 100 times; what grows more is
a mistake or an attack: gzip makes 1,000 times of zeros alone, bzip2 a million times.
"""

import gzip
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from dnncli.data import packed
from dnncli.errors import DataError

MOST = 200  # times its size that a file may grow to …
ALWAYS = 1 << 26  # … and bytes to which any file may
LOOKED_AT = 1 << 20  # bytes of a packed file that are unpacked to see it
CHUNK = 1 << 20
Opener = Callable[[Path | BinaryIO], io.BufferedIOBase]
OPENERS: dict[bytes, Opener] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": packed.open_bz2,
    b"\xfd7z": packed.open_xz,
}
DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError)


def opener(head: bytes) -> Opener | None:
    """What unpacks a file that starts so; None: it is not packed."""
    return next((OPENERS[magic] for magic in OPENERS if head.startswith(magic)), None)


def limit(stored: int) -> int:
    """The bytes to which so many packed bytes may grow."""
    return max(ALWAYS, MOST * stored)


def refusal(path: Path | str, stored: int, memory: int | None = None) -> DataError:
    """The error for a file of so many bytes that grows beyond its limit, and beyond `memory`.

    None: nothing can allow it more.
    """
    most = size(max(limit(stored), memory or 0))
    other_way = "" if memory is None else ", or allow it so much with `train --memory SIZE`"
    return DataError(
        f"{path} has {size(stored)} and grows to more than {most} when it is unpacked, which is too"
        f" much for real data: if it is real, unpack it yourself{other_way}."
    )


def check(path: Path, memory: int | None = None) -> bool:
    """Unpack the first part of a gzip, bzip2 or xz file, keeping nothing.

    memory: bytes to which the whole file may grow even so; None: no option says. Returns whether it
    grows beyond its limit. Raises DataError where it does and `memory` does not allow it, OSError
    where the file cannot be opened. A damaged file passes: whoever reads it says what is wrong.
    """
    with path.open("rb") as file:
        unpack = opener(file.read(3))
        file.seek(0)
        stored = os.fstat(file.fileno()).st_size
        looked_at = min(stored, LOOKED_AT)
        share = looked_at / max(stored, 1)
        most = max(limit(looked_at), int(share * (memory or 0)))
        grown = _grown(unpack, file, most) if unpack else 0
        if grown > most:
            raise refusal(path, stored, memory)
        return grown > limit(looked_at)


def _grown(unpack: Opener, file: BinaryIO, most: int) -> int:
    """The bytes to which the part of a file that is looked at grows, or more than `most`."""
    grown = 0
    try:
        with unpack(file) as unpacked:
            while grown <= most and file.tell() <= LOOKED_AT:
                chunk = unpacked.read(CHUNK)
                grown += len(chunk)
                if not chunk:
                    break
    except DAMAGED:
        pass
    return grown


def check_members(archive: zipfile.ZipFile, path: Path, memory: int | None = None) -> bool:
    """The same for the members of a zip archive, by the sizes that it says.

    A member that holds more than its archive says is cut to that when it is read.
    """
    beyond = [one for one in archive.infolist() if one.file_size > limit(one.compress_size)]
    for member in beyond:
        if member.file_size > (memory or 0):
            raise refusal(f"{path}: {member.filename}", member.compress_size, memory)
    return bool(beyond)


def size(count: int) -> str:
    """`2.6 MB`."""
    for unit, bytes_ in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= bytes_:
            number = count / bytes_
            digits = 1 if number < 10 else 0
            return f"{number:.{digits}f} {unit}"
    return f"{count} bytes"
