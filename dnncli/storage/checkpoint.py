"""Checkpoints in files: verified when read, and written whole or not at all."""

import contextlib
import os
import re
import time
from itertools import chain, count, pairwise
from pathlib import Path

from dnncli.errors import CheckpointError
from dnncli.stages import stage
from dnncli.storage import files
from dnncli.storage.checkpoint_format import (
    HEADER_LIMIT,
    KEY,
    Checkpoint,
    RejectedError,
    decode,
    encode,
)

__all__ = [
    "HEADER_LIMIT",
    "KEY",
    "Checkpoint",
    "earlier",
    "keep",
    "read",
    "reserve",
    "unused_path",
    "write",
]


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint so that a kill at any moment leaves the old file or the new one, whole.

    Raises CheckpointError where the system refuses (nothing is changed then), TypeError for a dtype
    and ValueError for a value or name that no checkpoint can hold.
    """
    data = encode(checkpoint)
    if int.from_bytes(data[:8], "little") > HEADER_LIMIT:
        raise CheckpointError(
            f"{files.shown(path)} cannot be written: its metadata are too long for one file."
        )
    files.write(path, data, CheckpointError)
    with contextlib.suppress(OSError):
        _claim_path(Path(os.path.realpath(path))).unlink()


def read(path: Path, *, salvage: bool = False) -> Checkpoint:
    """Read and verify a checkpoint; its arrays are writable and in native byte order.

    salvage: leave out damaged parts, as long as those of ESSENTIAL and the metadata are whole.
    Raises CheckpointError for a file that cannot be read, was not written by dnncli, or was
    changed.
    """
    try:
        with stage(f"reading {files.shown(path)}"):
            return _read(path, salvage)
    except RejectedError as error:
        hint = "" if salvage else _hint(path)
        raise CheckpointError(f"{files.shown(path)} {error}{hint}.") from None


def _read(path: Path, salvage: bool) -> Checkpoint:
    with files.reported(path, "read", CheckpointError):
        # Opening a pipe that nobody writes to would block for ever.
        files.regular(path.stat())
        with open(path, "rb") as file:
            return decode(file, os.fstat(file.fileno()).st_size, salvage=salvage)


def _hint(path: Path) -> str:
    """What a damaged file is still good for, if anything."""
    try:
        _read(path, salvage=True)
    except (RejectedError, CheckpointError):
        return ""
    return "; its network is whole: eval and predict take it with --salvage"


def earlier(path: Path, count: int) -> list[Path]:
    """Where `count` checkpoints before the newest are kept: elu.1.ckpt, elu.2.ckpt, …"""
    return [path.with_name(f"{path.stem}.{age}{path.suffix}") for age in range(1, count + 1)]


def keep(path: Path, count: int) -> None:
    """Move a checkpoint and those before it one place on, before a newer one takes its place.

    A damaged one is left where it is, so that the last good one stays. Raises CheckpointError where
    the system refuses.
    """
    try:
        read(path)
    except CheckpointError:
        return
    with files.reported(path, "read", CheckpointError):
        data = path.read_bytes()
    places = earlier(path, count)
    for newer, older in reversed(list(pairwise(places))):
        if newer.exists():
            with files.reported(older, "written", CheckpointError):
                os.replace(newer, older)
    for place in places[:1]:
        files.write(place, data, CheckpointError)


def reserve(path: Path, overwrite: bool) -> None:
    """Fail now, not after an hour of training, if `path` could not be written; leaves no file.

    Raises SpecError for an existing file without `overwrite`, CheckpointError for what the system
    refuses.
    """
    files.reserve(path, overwrite, "--out", CheckpointError)


def unused_path(stem: str, folder: Path = Path("runs")) -> Path:
    """A new name such as runs/elu-digits-20261124-221530.ckpt, which no other run is given.

    Creates the folder; raises CheckpointError if that or a file in it is refused.
    """
    with files.reported(folder, "written to", CheckpointError):
        if not os.path.lexists(folder):
            folder.mkdir(parents=True, exist_ok=True)
        files.remove_litter(folder)
        stem = re.sub(r"[^\w.-]+", "-", stem)[:50].strip("-.") or "run"
        name = f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}"
        others = (f"{name}-{number}.ckpt" for number in count(2))
        paths = map(folder.joinpath, chain([f"{name}.ckpt"], others))
        return next(path for path in paths if not os.path.lexists(path) and _claim(path))


def _claim_path(path: Path) -> Path:
    """The file that keeps others from a path while nothing stands there."""
    return path.with_name(f".{path.name}.claim{files.TEMPORARY}")


def _claim(path: Path) -> bool:
    """Keep others from an unused name until a file stands there or this process ends."""
    with contextlib.suppress(FileExistsError):
        # Left open: closing it would end the lock.
        files.create_locked(_claim_path(path), 0o666)
        # Another process may have claimed, written and released it before.
        return not os.path.lexists(path)
    return False
