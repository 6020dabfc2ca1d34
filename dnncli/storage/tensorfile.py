"""Arrays by name in safetensors files that other programs wrote or will read."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from jaxtyping import Shaped
from safetensors import SafetensorError, deserialize

from dnncli.errors import CheckpointError
from dnncli.storage import checkpoint, files

ABOUT = "about"  # the metadata key of files for other programs
FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
DTYPES = {**FLOATS, "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1", "BOOL": "?"}


@dataclass(frozen=True, eq=False)
class TensorFile:
    """What a file holds, and its SHA-256 in hex. Half floats come as float32."""

    tensors: dict[str, np.ndarray]
    sha256: str
    own: bool  # whether it is one of dnncli's checkpoints


def read(path: Path) -> TensorFile:
    """Read any safetensors file. Raises CheckpointError where it is unreadable or damaged."""
    with files.reported(path, "read", CheckpointError):
        files.regular(path.stat())
        data = path.read_bytes()
    try:
        own = checkpoint.KEY in _metadata(data)
        tensors = {} if own else {name: _array(**info) for name, info in sorted(deserialize(data))}
    except (SafetensorError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{files.shown(path)} is not an intact safetensors file: {error}."
        ) from None
    return TensorFile(tensors, hashlib.sha256(data).hexdigest(), own)


def elsewhere(path: Path) -> bool:
    """Whether it is a safetensors file that dnncli did not write; False if it is unreadable."""
    try:
        with files.reported(path, "read", CheckpointError):
            files.regular(path.stat())
            with open(path, "rb") as file:
                start = file.read(8)
                header = file.read(min(int.from_bytes(start, "little"), checkpoint.HEADER_LIMIT))
        return checkpoint.KEY not in _metadata(start + header)
    except (CheckpointError, ValueError, RecursionError):
        return False


def sha256(path: Path) -> str:
    """The SHA-256 of a file in hex. Raises CheckpointError where it cannot be read."""
    with files.reported(path, "read", CheckpointError), open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _metadata(data: bytes) -> dict[str, Any]:
    """The metadata in the header of a safetensors file. Raises ValueError for another file."""
    length = int.from_bytes(data[:8], "little")
    if data[8:9] != b"{" or length > len(data) - 8:
        raise ValueError("its header is missing or cut short")
    metadata = json.loads(data[8 : 8 + length]).get("__metadata__")
    return metadata if isinstance(metadata, dict) else {}


def _array(data: bytearray, dtype: str, shape: list[int]) -> Shaped[np.ndarray, "..."]:
    """One tensor from its bytes; bfloat16 comes as float32."""
    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
    if dtype not in DTYPES:
        raise ValueError(f"it holds numbers of type {dtype}, which NumPy cannot read")
    return np.frombuffer(data, DTYPES[dtype]).reshape(shape)


def serialise(tensors: dict[str, np.ndarray], about: Mapping[str, Any]) -> bytes:
    """The bytes of a file for another program: arrays, and JSON values under the key `about`.

    One metadata key: safetensors writes several in random order.
    """
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    return safetensors.numpy.save(contiguous, {ABOUT: json.dumps(about, allow_nan=False)})
