"""A checkpoint as bytes: a safetensors file with digests, and what may be wrong with one.

Any framework can read its tensors without running code. The one metadata key `dnncli` holds JSON
with a format version and a SHA-256 of itself, since safetensors has no checksum. In it stand the
SHA-256s of the file's parts, so that damage to one casts no doubt on the others. A part is what
tensors' names begin with, as in `optimizer/step`; those without such a beginning are the network.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import safetensors.numpy
from jaxtyping import Shaped
from safetensors import SafetensorError, deserialize

KEY = "dnncli"
FORMAT = 2
WHOLE = 1  # the format that has one SHA-256 of everything
RESERVED = {"format", "parts", "sha256"}
NETWORK = "network"
RECORDS = "records/json"  # the tensor of the records
ESSENTIAL = {NETWORK, "scaling"}  # the parts without which nothing can be answered
LARGEST_CUT = 4  # of a file to be salvaged at least a quarter is there
HEADER_LIMIT = 100_000_000  # bytes; safetensors reads no longer header
DTYPES = {"F32": "<f4", "I32": "<i4", "I64": "<i8", "U32": "<u4", "U8": "u1", "BOOL": "?"}
CODES = {np.dtype(name): code for code, name in DTYPES.items()}


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Arrays and JSON values by name (not those of RESERVED); tuples come back as lists.

    records: JSON values that grow with a run, and can be lost without the others. lost: the parts
    that were damaged and are left out.
    """

    tensors: dict[str, np.ndarray]
    metadata: dict[str, Any]
    records: dict[str, Any] = field(default_factory=dict)
    lost: tuple[str, ...] = ()


class RejectedError(Exception):
    """Why a file is not a checkpoint, as the end of a sentence that starts with its name."""


def encode(checkpoint: Checkpoint) -> bytes:
    """The bytes of a checkpoint's file.

    Raises TypeError for a dtype and ValueError for a value or name that no checkpoint can hold.
    """
    tensors = {name: _stored(name, array) for name, array in checkpoint.tensors.items()}
    if tensors.keys() & {"__metadata__", RECORDS} or checkpoint.metadata.keys() & RESERVED:
        names = ", ".join(("__metadata__", RECORDS, *sorted(RESERVED)))
        raise ValueError(f"{names} have a meaning of their own in a checkpoint")
    if checkpoint.records:
        tensors[RECORDS] = np.frombuffer(_canonical(checkpoint.records).encode(), np.uint8)
    record = {**checkpoint.metadata, "format": FORMAT, "parts": _part_digests(tensors)}
    text = _canonical({**record, "sha256": _digest(record, {})})
    return safetensors.numpy.save(tensors, {KEY: text})


def decode(file: BinaryIO, size: int, *, salvage: bool = False) -> Checkpoint:
    """A checkpoint from its file, of `size` bytes.

    salvage: leave out damaged parts, as long as the metadata and the parts of ESSENTIAL are whole.
    Raises RejectedError for any other contents.
    """
    header = _header(file, size)
    start = file.tell()
    record = _record(header.pop("__metadata__", None))
    stored = record.pop("sha256", None)
    if salvage:
        size = start + _extent(header, size)
    tensors = _tensors(file, size)
    try:
        lost = _damaged(record, tensors, stored)
    # 1e999 is infinite, and nesting may be too deep for the encoder.
    except (ValueError, RecursionError):
        lost = ESSENTIAL
    if lost and not (salvage and lost.isdisjoint(ESSENTIAL)):
        raise RejectedError("is damaged: its contents do not match their SHA-256")
    whole = {name: array for name, array in tensors.items() if _part(name) not in lost}
    metadata = {name: value for name, value in record.items() if name not in RESERVED}
    return _checkpoint(whole, metadata, tuple(sorted(lost)))


def _checkpoint(
    tensors: dict[str, np.ndarray], metadata: dict[str, Any], lost: tuple[str, ...]
) -> Checkpoint:
    """What a file holds, its records apart from the other tensors."""
    text = tensors.pop(RECORDS, None)
    records = {} if text is None else _parse(text.tobytes(), "history")
    native = {name: array.astype(array.dtype.newbyteorder("=")) for name, array in tensors.items()}
    return Checkpoint(native, metadata, records, lost)


def _part(name: str) -> str:
    """The part that a tensor belongs to."""
    part, slash, _ = name.partition("/")
    return part if slash else NETWORK


def _part_digests(tensors: dict[str, np.ndarray]) -> dict[str, str]:
    """The SHA-256 of each part."""
    parts: dict[str, dict[str, np.ndarray]] = {}
    for name, array in tensors.items():
        parts.setdefault(_part(name), {})[name] = array
    return {part: _digest({}, held) for part, held in parts.items()}


def _damaged(record: dict[str, Any], tensors: dict[str, np.ndarray], stored: object) -> set[str]:
    """The parts that are not as they were written; those of ESSENTIAL where the record is not."""
    if record["format"] == WHOLE:
        return set() if _digest(record, tensors) == stored else ESSENTIAL
    parts = record.get("parts")
    if _digest(record, {}) != stored or not isinstance(parts, dict):
        return ESSENTIAL
    found = _part_digests(tensors)
    return {part for part in parts | found if parts.get(part) != found.get(part)}


def _extent(header: dict[str, Any], size: int) -> int:
    """How many bytes the tensors have by the header, whatever the file was cut or grown to."""
    try:
        ends = [info["data_offsets"][1] for info in header.values()]
        return min(max(ends, default=0), LARGEST_CUT * size)
    except (KeyError, TypeError, IndexError):
        return 0


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


def _header(file: BinaryIO, size: int) -> dict[str, Any]:
    """The header's JSON, read only once its length is known to be possible."""
    length = int.from_bytes(file.read(8), "little")
    start = file.read(1)
    if start not in (b"{", b""):
        raise RejectedError("is not a dnncli checkpoint (not a safetensors file)")
    if not 2 <= length <= min(size - 8, HEADER_LIMIT):
        raise RejectedError("is damaged: it is cut short, or its header has no possible length")
    return _parse(start + file.read(length - 1), "header")


def _record(metadata: object) -> dict[str, Any]:
    """Our JSON from a safetensors file's metadata, its format version checked."""
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise RejectedError(
            f"is not a dnncli checkpoint (a safetensors file without the key `{KEY}`)"
        )
    record = _parse(text.encode("utf-8", "backslashreplace"), f"metadata `{KEY}`")
    version = record.get("format")
    if type(version) is not int or version < WHOLE:
        raise RejectedError("is damaged: it has no known format version")
    if version > FORMAT:
        raise RejectedError("was made by a newer dnncli; upgrade dnncli to read it")
    return record


def _parse(text: bytes, what: str) -> dict[str, Any]:
    """A JSON object from UTF-8. Raises RejectedError for anything else."""
    try:
        value = json.loads(text.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RejectedError(f"is damaged: its {what} is not a valid JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object's entries. Raises ValueError for a key that is there twice."""
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key stands twice")
    return values


def _tensors(file: BinaryIO, size: int) -> dict[str, np.ndarray]:
    """Every tensor of the file, as long as it is or should be, filled up with zeros.

    safetensors checks that they fill it without a gap or an overlap.
    """
    file.seek(0)
    data = file.read(size).ljust(size, b"\0")
    try:
        return {name: _array(**info) for name, info in sorted(deserialize(data))}
    # ValueError: more or larger dimensions than NumPy allows, beside a 0.
    except (SafetensorError, ValueError):
        raise RejectedError(
            "is damaged: it is cut short, or its header does not fit its tensors"
        ) from None


def _array(data: bytearray, dtype: str, shape: list[int]) -> Shaped[np.ndarray, "..."]:
    """One tensor from its bytes, in the file's byte order."""
    if dtype not in DTYPES or (dtype == "BOOL" and data.translate(None, b"\0\1")):
        raise RejectedError(
            f"is damaged: a checkpoint cannot hold its tensors or values of type {dtype}"
        )
    return np.frombuffer(data, DTYPES[dtype]).reshape(shape)
