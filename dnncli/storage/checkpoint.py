"""Checkpoints: safetensors files, verified when read, and written whole or not at all.

Any framework can read their tensors without running code. The one metadata key `dnncli` holds JSON
with a format version and a SHA-256 of everything, since safetensors itself has no checksum.
"""

import contextlib
import hashlib
import json
import os
import re
import time
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors.numpy
from jaxtyping import Shaped
from safetensors import SafetensorError, deserialize

from dnncli.errors import CheckpointError
from dnncli.storage import files

KEY = "dnncli"
FORMAT = 1
HEADER_LIMIT = 100_000_000  # bytes; safetensors reads no longer header
DTYPES = {"F32": "<f4", "I32": "<i4", "I64": "<i8", "U32": "<u4", "U8": "u1", "BOOL": "?"}
CODES = {np.dtype(name): code for code, name in DTYPES.items()}


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Arrays and JSON values by name (not `format` or `sha256`); tuples come back as lists."""

    tensors: dict[str, np.ndarray]
    metadata: dict[str, Any]


class _RejectedError(Exception):
    """Why a file is not a checkpoint, as the end of a sentence that starts with its name."""


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint so that a kill at any moment leaves the old file or the new one, whole.

    Raises CheckpointError where the system refuses (nothing is changed then), TypeError for a dtype
    and ValueError for a value or name that no checkpoint can hold.
    """
    data = _encode(checkpoint)
    if int.from_bytes(data[:8], "little") > HEADER_LIMIT:
        raise CheckpointError(
            f"{files.shown(path)} cannot be written: its history is too long for one file."
        )
    files.write(path, data, CheckpointError)
    with contextlib.suppress(OSError):
        _claim_path(Path(os.path.realpath(path))).unlink()


def read(path: Path) -> Checkpoint:
    """Read and verify a checkpoint; its arrays are writable and in native byte order.

    Raises CheckpointError for a file that cannot be read, was not written by dnncli, or was
    changed.
    """
    try:
        with files.reported(path, "read", CheckpointError):
            # Opening a pipe that nobody writes to would block for ever.
            files.regular(path.stat())
            with open(path, "rb") as file:
                return _decode(file, os.fstat(file.fileno()).st_size)
    except _RejectedError as error:
        raise CheckpointError(f"{files.shown(path)} {error}.") from None


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


def _encode(checkpoint: Checkpoint) -> bytes:
    """The bytes of a checkpoint's file."""
    tensors = {name: _stored(name, array) for name, array in checkpoint.tensors.items()}
    if "__metadata__" in tensors or checkpoint.metadata.keys() & {"format", "sha256"}:
        raise ValueError(
            "__metadata__, format and sha256 have a meaning of their own in a checkpoint"
        )
    record = {**checkpoint.metadata, "format": FORMAT}
    text = _canonical({**record, "sha256": _digest(record, tensors)})
    return safetensors.numpy.save(tensors, {KEY: text})


def _stored(name: str, array: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    """The array as the file holds it: little-endian, C-contiguous; safetensors garbles others."""
    dtype = array.dtype.newbyteorder("<")
    if dtype not in CODES:
        raise TypeError(f"a checkpoint cannot hold {array.dtype}: {name!r}")
    return np.asarray(array, dtype, order="C")


def _canonical(value: object) -> str:
    """JSON with one spelling for each value; raises ValueError for NaN and infinities."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    # File names that are not UTF-8 bring lone surrogates: as JSON escapes, or no file could hold
    # them.
    return text.encode("utf-8", "backslashreplace").decode()


def _digest(record: dict[str, Any], tensors: dict[str, np.ndarray]) -> str:
    """SHA-256 (hex) of the record and of every tensor's name, dtype, shape and bytes, by name."""
    digest = hashlib.sha256(_canonical(record).encode())
    for name, array in sorted(tensors.items()):
        digest.update(f"\n{_canonical([name, CODES[array.dtype], array.shape])}\n".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _decode(file: BinaryIO, size: int) -> Checkpoint:
    """A checkpoint from its file. Raises _RejectedError for any other contents."""
    record = _record(_header(file, size).get("__metadata__"))
    stored = record.pop("sha256", None)
    tensors = _tensors(file)
    try:
        intact = _digest(record, tensors) == stored
    # 1e999 is infinite, and nesting may be too deep for the encoder.
    except (ValueError, RecursionError):
        intact = False
    if not intact:
        raise _RejectedError("is damaged: its contents do not match their SHA-256")
    del record["format"]
    native = {name: array.astype(array.dtype.newbyteorder("=")) for name, array in tensors.items()}
    return Checkpoint(native, record)


def _header(file: BinaryIO, size: int) -> dict[str, Any]:
    """The header's JSON, read only once its length is known to be possible."""
    length = int.from_bytes(file.read(8), "little")
    start = file.read(1)
    if start not in (b"{", b""):
        raise _RejectedError("is not a dnncli checkpoint (not a safetensors file)")
    if not 2 <= length <= min(size - 8, HEADER_LIMIT):
        raise _RejectedError("is damaged: it is cut short, or its header has no possible length")
    return _parse(start + file.read(length - 1), "header")


def _record(metadata: object) -> dict[str, Any]:
    """Our JSON from a safetensors file's metadata, its format version checked."""
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise _RejectedError(
            f"is not a dnncli checkpoint (a safetensors file without the key `{KEY}`)"
        )
    record = _parse(text.encode("utf-8", "backslashreplace"), f"metadata `{KEY}`")
    version = record.get("format")
    if type(version) is not int or version < FORMAT:
        raise _RejectedError("is damaged: it has no known format version")
    if version > FORMAT:
        raise _RejectedError("was made by a newer dnncli; upgrade dnncli to read it")
    return record


def _parse(text: bytes, what: str) -> dict[str, Any]:
    """A JSON object from UTF-8. Raises _RejectedError for anything else."""
    try:
        value = json.loads(text.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _RejectedError(f"is damaged: its {what} is not a valid JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object's entries. Raises ValueError for a key that is there twice."""
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key stands twice")
    return values


def _tensors(file: BinaryIO) -> dict[str, np.ndarray]:
    """Every tensor; safetensors checks that they fill the file without a gap or an overlap."""
    file.seek(0)
    try:
        return {name: _array(**info) for name, info in sorted(deserialize(file.read()))}
    # ValueError: more or larger dimensions than NumPy allows, beside a 0.
    except (SafetensorError, ValueError):
        raise _RejectedError(
            "is damaged: it is cut short, or its header does not fit its tensors"
        ) from None


def _array(data: bytearray, dtype: str, shape: list[int]) -> Shaped[np.ndarray, "..."]:
    """One tensor from its bytes, in the file's byte order."""
    if dtype not in DTYPES or (dtype == "BOOL" and data.translate(None, b"\0\1")):
        raise _RejectedError(
            f"is damaged: a checkpoint cannot hold its tensors or values of type {dtype}"
        )
    return np.frombuffer(data, DTYPES[dtype]).reshape(shape)


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
