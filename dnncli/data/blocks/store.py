"""The cache of encoded examples: written once, whole or not at all, by one process at a time."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64, Int32

from dnncli.data.blocks.pages import Pages, Writer, page_rows
from dnncli.errors import DataError
from dnncli.storage import cache, memory

FORMAT = 1  # another one where rows are encoded or written otherwise
SHARE = 3  # one part in so many of the machine's memory is what examples may take
UNKNOWN = 1 << 32  # bytes that they may take where the machine does not say what it has
WAIT = 0.1  # seconds between looks at whether another process has finished
Targets = Int32[np.ndarray, " rows"] | Float64[np.ndarray, "rows targets"]


class Writing(NamedTuple):
    """How far the encoding of a set is. waiting: another process is at it."""

    done: int
    rows: int
    bytes: int
    memory: int
    folder: Path
    waiting: bool = False


Watch = Callable[[Writing], None]


@dataclass(frozen=True)
class Store:
    """Where examples go that take more than `memory` bytes as they are encoded.

    watch: told of the writing as it goes on.
    """

    memory: int
    watch: Watch | None = None

    def exceeded(self, rows: int, width: int, itemsize: int = 4) -> bool:
        """Whether so many examples are too large."""
        return rows * width * itemsize > self.memory


def known(memory: int | None, watch: Watch | None = None) -> Store | None:
    """The store of a run whose examples were on the disk; None: they were in memory."""
    return None if memory is None else Store(memory, watch)


class Entry(NamedTuple):
    """A set in the cache. about: what else was written of it."""

    pages: Pages
    y: Targets
    about: Mapping[str, Any]


class Draft(NamedTuple):
    """A set that is being written. digest: of `hashlib`, of what the fingerprint is of."""

    writer: Writer
    digest: Any
    tell: Callable[[int], None]


class Shape(NamedTuple):
    """What is known of a set before it is written."""

    rows: int
    width: int
    dtype: str

    @property
    def bytes(self) -> int:
        """How large its file will be."""
        return self.rows * self.width * np.dtype(self.dtype).itemsize


def default_memory() -> int:
    """Bytes that examples may take in memory where --memory does not say it."""
    return (memory.total() or UNKNOWN * SHARE) // SHARE


def folder() -> Path:
    """Where encoded sets are."""
    return cache.folder() / "blocks"


def key(*parts: Any) -> str:
    """A name for a set, of everything that its bytes depend on."""
    text = json.dumps([FORMAT, *parts], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def identity(path: Path) -> list[str | int]:
    """What tells whether a file is still the same, without reading it."""
    status = path.stat()
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return [os.path.realpath(path), status.st_size, *times, status.st_ino]


def obtain(
    store: Store,
    name: str,
    shape: Shape,
    write: Callable[[Draft], tuple[Targets, dict[str, Any]]],
) -> Entry:
    """The set of that name, which `write` writes where it is not there yet.

    Raises DataError where the cache folder cannot be written or has no room.
    """
    place = folder() / name
    cache.make_private(folder())
    with _reported(place), _alone(place, store, shape):
        if not place.exists():
            _write(store, place, shape, write)
        return _opened(place)


@contextlib.contextmanager
def _reported(place: Path) -> Iterator[None]:
    """Turn what the system says into one line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{error.filename or place} cannot be written: {reason}.") from None


@contextlib.contextmanager
def _alone(place: Path, store: Store, shape: Shape) -> Iterator[None]:
    """Wait for other processes that write the set; a killed one's lock is gone with it."""
    path = place.with_suffix(".lock")
    while True:
        with open(path, "wb") as lock:
            if _locked(lock) and path.exists() and os.path.samefile(path, lock.fileno()):
                yield
                return
        _tell(store, place, shape, 0, waiting=True)
        time.sleep(WAIT)


def _locked(file: Any) -> bool:
    """Whether nobody else holds a file's lock, which this process has from now on."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tell(store: Store, place: Path, shape: Shape, done: int, *, waiting: bool = False) -> None:
    """Tell whoever watches."""
    if store.watch:
        found = Writing(done, shape.rows, shape.bytes, store.memory, place.parent, waiting)
        store.watch(found)


def _write(
    store: Store,
    place: Path,
    shape: Shape,
    write: Callable[[Draft], tuple[Targets, dict[str, Any]]],
) -> None:
    """Write a set beside its place, then put it there."""
    part = place.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)  # of a process that was killed
    part.mkdir(mode=cache.PRIVATE)
    try:
        _check_room(part, shape)
        _fill(store, place, part, shape, write)
        os.rename(part, place)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _fill(
    store: Store,
    place: Path,
    part: Path,
    shape: Shape,
    write: Callable[[Draft], tuple[Targets, dict[str, Any]]],
) -> None:
    """Write a set's files; what is about it comes last."""
    rows = page_rows(shape.width, np.dtype(shape.dtype).itemsize, store.memory)
    digest = hashlib.sha256()
    with open(part / "x", "wb") as file:
        writer = Writer(file, rows, digest)
        y, about = write(Draft(writer, digest, lambda done: _tell(store, place, shape, done)))
        _sync(file)
    with open(part / "arrays.npz", "wb") as file:
        np.savez(file, y=y, checksums=writer.checksums())
        _sync(file)
    about |= {"shape": [shape.rows, shape.width], "dtype": shape.dtype, "rows_a_page": rows}
    with open(part / "about.json", "wb") as file:
        file.write(json.dumps(about).encode())
        _sync(file)


def _sync(file: Any) -> None:
    """Have a file on the disk."""
    file.flush()
    os.fsync(file.fileno())


def _check_room(part: Path, shape: Shape) -> None:
    """Raise DataError where the disk has less room than the set needs."""
    free = shutil.disk_usage(part).free
    if free < shape.bytes:
        raise DataError(
            f"{part.parent} has {memory.shown(free)} free, and these examples take"
            f" {memory.shown(shape.bytes)}: make room, or name a folder with more in $DNNCLI_CACHE."
        )


def _opened(place: Path) -> Entry:
    """A set that was written. Raises DataError for one that is damaged."""
    try:
        about = json.loads((place / "about.json").read_bytes())
        with np.load(place / "arrays.npz", allow_pickle=False) as arrays:
            y = arrays["y"]
            checksums = arrays["checksums"]
        shape = (int(about["shape"][0]), int(about["shape"][1]))
        pages = Pages(place / "x", shape, about["dtype"], int(about["rows_a_page"]), checksums)
        whole = os.path.getsize(pages.path) == shape[0] * pages.row_bytes and len(y) == shape[0]
    except (ValueError, KeyError, TypeError, EOFError, FileNotFoundError) as error:
        raise _damaged(place, str(error)) from None
    if not whole:
        raise _damaged(place, "its files have other sizes than were written")
    return Entry(pages.hold(), y, about)


def _damaged(place: Path, how: str) -> DataError:
    """The error for a set that is not as it was written."""
    return DataError(
        f"{place} is damaged: {how}; remove it with `dnncli data clear`, and run again."
    )


class Cleared(NamedTuple):
    """Encoded sets that were removed, their bytes, and those that are being written."""

    sets: int
    bytes: int
    busy: int


def clear() -> Cleared:
    """Remove every encoded set that nobody writes. Raises DataError where that fails."""
    found = Cleared(0, 0, 0)
    with _reported(folder()):
        for lock in sorted(folder().glob("*.lock")):
            with open(lock, "rb") as file:
                found = _cleared(found, lock, busy=not _locked(file))
    return found


def _cleared(found: Cleared, lock: Path, *, busy: bool) -> Cleared:
    """What was removed with one more set."""
    if busy:
        return found._replace(busy=found.busy + 1)
    places = [
        place for place in (lock.with_suffix(""), lock.with_suffix(".part")) if place.is_dir()
    ]
    removed = sum(map(_size, places))
    for place in places:
        shutil.rmtree(place)
    lock.unlink()
    return Cleared(found.sets + len(places), found.bytes + removed, found.busy)


def _size(place: Path) -> int:
    """The bytes of a folder's files."""
    return sum(path.stat().st_size for path in place.glob("*"))
