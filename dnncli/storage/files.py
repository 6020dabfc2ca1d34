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
    """Fail now, not after an hour of training, if `path` could not be written; leaves no file.

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
    # ValueError: a name that no file can have, such as "\0".
    except (OSError, ValueError, MemoryError) as error:
        reason = getattr(error, "strerror", "") or str(error) or "not enough memory"
        reason = reason[:1].lower() + reason[1:]
        raise kind(f"{shown(path)} cannot be {action}: {reason}.") from error


def regular(status: os.stat_result) -> os.stat_result:
    """The status of a regular file; raises OSError for any other."""
    if stat.S_ISREG(status.st_mode):
        return status
    what = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
    raise OSError(errno.EINVAL, f"it is {what}")


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
    """Write the data beside the file, then put them in its place."""
    with temporary(target, _first_mode(mode)) as file:
        file.write(data)
        _commit(file, target, mode)


def _first_mode(mode: int | None) -> int:
    """The mode of an unfinished file: private where it will take a mode of its own."""
    return 0o666 if mode is None else 0o600


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write piece by piece, which replaces `path` when the body ends without an error.

    OSErrors from opening or committing become errors of `path`; errors of the body pass through.
    """
    with contextlib.ExitStack() as stack:
        with reported(path, "written"):
            target, mode = _target(path)
            remove_litter(target.parent)
            file = stack.enter_context(temporary(target, _first_mode(mode)))
        yield file
        with reported(path, "written"):
            _commit(file, target, mode)


def _commit(file: BinaryIO, target: Path, mode: int | None) -> None:
    """Put a finished temporary file in its place, on the disk as well."""
    file.flush()
    if mode is not None:
        os.fchmod(file.fileno(), mode)
    os.fsync(file.fileno())
    os.replace(file.name, target)
    # Some file systems refuse to sync a folder; the file is in its place in any case.
    with contextlib.suppress(OSError):
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextlib.contextmanager
def temporary(target: Path, mode: int) -> Iterator[BinaryIO]:
    """A new file beside `target`, its mode less the umask; removed afterwards unless renamed."""
    # A prefix of the name: all of a name of 255 bytes would leave no room for the rest.
    path = target.with_name(f".{target.name[:50]}.{os.urandom(8).hex()}{TEMPORARY}")
    try:
        with open(path, "wb", opener=lambda *_: create_locked(path, mode)) as file:
            yield file
    finally:
        # Where it cannot be removed it is litter, which the next write removes.
        with contextlib.suppress(OSError):
            path.unlink()


def create_locked(path: Path, mode: int) -> int:
    """A new file's descriptor. Its lock ends with the process: a file without one is litter."""
    while True:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        # On a file system without locks nothing is litter.
        with contextlib.suppress(OSError):
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
