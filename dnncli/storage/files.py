"""Files written whole or not at all: a kill or a full disk leaves the old file or the new one.

What is unfinished stands in a sibling file, locked while its process lives; the next write to the
folder removes those of processes that were killed.
"""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from dnncli.errors import DnncliError, SpecError

TEMPORARY = ".dnncli-tmp"  # how the names of unfinished files end


def write(path: Path, data: bytes, kind: type[DnncliError] = DnncliError) -> None:
    """Replace a file's contents at once; symbolic links are followed and the old mode is kept.

    Raises `kind` where the system refuses (nothing is changed then).
    """
    with reported(path, "written", kind):
        target, mode = _target(path)
        remove_litter(target.parent)
        _replace(target, mode, data)


def reserve(
    path: Path, overwrite: bool, option: str = "--out", kind: type[DnncliError] = DnncliError
) -> None:
    """Fail now rather than after an hour of training if `path` could not be written; leaves no file.

    Raises SpecError for an existing file without `overwrite`, `kind` for what the system refuses.
    """
    with reported(path, "written", kind):
        target, mode = _target(path)
        if mode is not None and not overwrite:
            raise SpecError(
                f"{option} {shown(path)} exists; give --overwrite or another name.", option=option
            )
        with temporary(target, 0o600):
            pass


def shown(path: Path) -> str:
    """A path as a message names it: on one line, without terminal escapes."""
    return str(path) if str(path).isprintable() else ascii(str(path))


@contextlib.contextmanager
def reported(path: Path, action: str, kind: type[DnncliError] = DnncliError) -> Iterator[None]:
    """Turn what the system says into one line that names the path and what could not be done."""
    try:
        yield
    except (
        OSError,
        ValueError,
        MemoryError,
    ) as error:  # ValueError: a name no file can have, such as "\0"
        reason = getattr(error, "strerror", "") or str(error) or "not enough memory"
        reason = reason[:1].lower() + reason[1:]
        raise kind(f"{shown(path)} cannot be {action}: {reason}.") from error


def regular(status: os.stat_result) -> os.stat_result:
    """The status of a regular file; raises OSError for any other."""
    if stat.S_ISREG(status.st_mode):
        return status
    raise OSError(
        errno.EINVAL, "it is a folder" if stat.S_ISDIR(status.st_mode) else "it is no regular file"
    )


def _target(path: Path) -> tuple[Path, int | None]:
    """The file that `path` means, symbolic links followed, and its mode (None: it is yet to be)."""
    target = Path(os.path.realpath(path))
    try:
        return target, regular(path.stat()).st_mode & 0o777
    except (FileNotFoundError, NotADirectoryError):
        if not target.parent.is_dir():
            raise OSError(errno.ENOENT, f"there is no folder {shown(target.parent)}") from None
        return target, None


def _replace(target: Path, mode: int | None, data: bytes) -> None:
    with _replacing(target, mode) as file:
        file.write(data)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write piece by piece, which takes the place of `path` where all goes well.

    Raises OSError where the system refuses: what is around it knows what to call that.
    """
    target, mode = _target(path)
    remove_litter(target.parent)
    with _replacing(target, mode) as file:
        yield file


@contextlib.contextmanager
def _replacing(target: Path, mode: int | None) -> Iterator[BinaryIO]:
    with temporary(target, 0o666 if mode is None else 0o600) as file:
        yield file
        file.flush()
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
        os.replace(file.name, target)
    with contextlib.suppress(
        OSError
    ):  # some file systems refuse; the file is in its place in any case
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextlib.contextmanager
def temporary(target: Path, mode: int) -> Iterator[BinaryIO]:
    """A new file beside `target`, its mode less the umask; gone afterwards unless it was renamed."""
    # A prefix of the name: all of a name of 255 bytes would leave no room for the rest.
    path = target.with_name(f".{target.name[:50]}.{os.urandom(8).hex()}{TEMPORARY}")
    try:
        with open(path, "wb", opener=lambda *_: create_locked(path, mode)) as file:
            yield file
    finally:
        path.unlink(missing_ok=True)


def create_locked(path: Path, mode: int) -> int:
    """A new file's descriptor. Its lock, which ends with the process, tells that it is no litter."""
    while True:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with contextlib.suppress(
            OSError
        ):  # without locks on a file system, nothing is litter to anybody
            fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists() and os.path.samefile(path, file):
            return file
        os.close(file)  # another process took it for litter before it was locked


def remove_litter(folder: Path) -> None:
    """Remove what killed processes left unfinished."""
    for path in folder.glob(f".*{TEMPORARY}"):
        with contextlib.suppress(OSError), open(path, "rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
