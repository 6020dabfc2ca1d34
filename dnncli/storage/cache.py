"""Where dnncli keeps what it can get again: compiled programs and downloaded data."""

import os
import stat
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

PRIVATE = 0o700
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def folder() -> Path:
    """$DNNCLI_CACHE, else dnncli's part of the XDG cache folder."""
    if own := os.environ.get("DNNCLI_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dnncli"


def make_private(path: Path) -> None:
    """Make a folder below the cache folder, which nobody else may enter, where that is possible."""
    with suppress(OSError):
        folder().parent.mkdir(parents=True, exist_ok=True)
        below = [*takewhile(lambda each: each != folder().parent, (path, *path.parents))]
        for each in reversed(below):
            each.mkdir(PRIVATE, exist_ok=True)


def distrusted(path: Path) -> str | None:
    """Who else could have put something into a folder below the cache folder, as a clause.

    None: nobody, or it is not there. The folders around the cache folder must not let others put
    another one in its place. One that cannot be looked at may be anybody's.
    """
    real = Path(os.path.realpath(path))
    own = Path(os.path.realpath(folder()))
    for each in (real, *real.parents):
        try:
            if reason := _shared(each, inside=each.is_relative_to(own)):
                return reason
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            return f"{each} cannot be looked at ({error.strerror})"
    return None


def _shared(path: Path, *, inside: bool) -> str | None:
    """The same of one folder; inside: of the cache, where a group may not write either."""
    status = path.stat()
    if status.st_uid != os.geteuid() and (inside or status.st_uid != 0):
        return f"{path} belongs to another user"
    shared = status.st_mode & OTHERS_MAY_WRITE if inside else status.st_mode & stat.S_IWOTH
    # In a sticky folder, such as /tmp, nobody can rename what belongs to others.
    if shared and (inside or not status.st_mode & stat.S_ISVTX):
        return f"others may write to {path}"
    return None
