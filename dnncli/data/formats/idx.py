"""A folder of IDX files, the format of MNIST and its relatives (LeCun, yann.lecun.com/exdb/mnist).

A file is two zero bytes, one for the type (8: unsigned bytes), one for the number of dimensions,
each dimension as a big-endian 32-bit integer, and the values.
"""

import gzip
import math
import os
import struct
import zlib
from io import BufferedReader
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from dnncli.data import growth, labels
from dnncli.data.features import aligned
from dnncli.data.source import DataSource, Table, default_size, fingerprint
from dnncli.errors import DataError

UNSIGNED_BYTES = 8
GZIP = b"\x1f\x8b"
DEFLATE_LIMIT = 1032  # deflate expands a byte to at most this many
LARGE = 25_000  # training images from which on 5,000 go to validation, as is the custom for MNIST


def read(folder: Path) -> DataSource:
    """Training and test images with their labels; the first training images validate.

    Raises DataError, naming the file, for whatever is missing, damaged or does not fit together.
    """
    train_images, train_labels = _pair(folder, "train")
    test_images, test_labels = _pair(folder, "t10k")
    if train_images.shape[1:] != test_images.shape[1:]:
        raise DataError(
            f"{folder}: training images are {_size(train_images)} pixels, test images"
            f" {_size(test_images)}."
        )
    (train_y, test_y), class_names = labels.encode(train_labels, test_labels)
    examples = len(train_y)
    return DataSource(
        name=folder.resolve().name or "idx",
        location=str(folder),
        train=Table(train_images.reshape(examples, -1), train_y),
        test=Table(test_images.reshape(len(test_y), -1), test_y),
        class_names=class_names,
        image_shape=(train_images.shape[1], train_images.shape[2]),
        peak=255.0,
        ordered=True,
        held_out={"validation": _validation_size(examples), "test": len(test_y)},
        fingerprint=fingerprint(train_images, train_labels, test_images, test_labels),
    )


def _validation_size(examples: int) -> int:
    return 5000 if examples >= LARGE else default_size(examples, 0.1)


def _size(images: UInt8[np.ndarray, "examples rows columns"]) -> str:
    return f"{images.shape[1]}×{images.shape[2]}"


def _pair(
    folder: Path, part: str
) -> tuple[UInt8[np.ndarray, "examples rows columns"], UInt8[np.ndarray, " examples"]]:
    image_file = _find(folder, part, "images", 3)
    label_file = _find(folder, part, "labels", 1)
    images = read_array(image_file, 3)
    classes = read_array(label_file, 1)
    if len(images) != len(classes):
        raise DataError(
            f"{image_file} holds {len(images):,} images, but {label_file.name} {len(classes):,}"
            " labels."
        )
    return images, classes


def _find(folder: Path, part: str, what: str, dimensions: int) -> Path:
    names = [f"{part}-{what}{mark}idx{dimensions}-ubyte" for mark in "-."]
    for name in [*names, *(f"{name}.gz" for name in names)]:
        if (folder / name).exists():
            return folder / name
    raise DataError(
        f"{folder} has no file {names[0]} (or .gz): a folder of IDX files has"
        " train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and"
        " t10k-labels-idx1-ubyte."
    )


def read_array(path: Path, dimensions: int) -> UInt8[np.ndarray, "..."]:
    """The array of one IDX file, plain or gzipped, whatever its name says; read-only.

    Raises DataError unless header and number of bytes are exactly right.
    """
    try:
        with _open(path) as file:
            shape = _shape(file, path, dimensions)
            values = _values(file, path, shape)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file: {error}") from None
    values.flags.writeable = False
    return values


def _open(path: Path) -> gzip.GzipFile | BufferedReader:
    with path.open("rb") as file:
        zipped = file.read(2) == GZIP
    return gzip.open(path) if zipped else path.open("rb")


def _shape(file: gzip.GzipFile | BufferedReader, path: Path, dimensions: int) -> tuple[int, ...]:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0":
        raise DataError(f"{path} is not an IDX file: it starts with {head.hex(' ') or 'nothing'}.")
    if head[2] != UNSIGNED_BYTES:
        raise DataError(
            f"{path} holds IDX type 0x{head[2]:02x}: only unsigned bytes (0x08) are read."
        )
    if head[3] != dimensions:
        raise DataError(f"{path} has {head[3]} dimensions where {dimensions} are needed.")
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise DataError(f"{path} is truncated: it ends within its header.")
    return _nonempty(struct.unpack(f">{dimensions}I", sizes), path)


def _nonempty(shape: tuple[int, ...], path: Path) -> tuple[int, ...]:
    if 0 in shape:
        raise DataError(f"{path} is empty: its header says {'×'.join(map(str, shape))}.")
    return shape


def _values(
    file: gzip.GzipFile | BufferedReader, path: Path, shape: tuple[int, ...]
) -> UInt8[np.ndarray, "..."]:
    """All bytes after the header, which must be as many as it says."""
    expected = math.prod(shape)
    # Before memory is taken: a damaged header can ask for any amount.
    stored = os.path.getsize(path)
    if expected > DEFLATE_LIMIT * stored:
        raise DataError(
            f"{path} is truncated: its header says {expected:,} values, more than it can hold."
        )
    if isinstance(file, gzip.GzipFile) and expected > growth.limit(stored):
        raise growth.refusal(path, stored)
    values = aligned(shape, np.uint8)
    there = _fill(file, values)
    if there < expected:
        raise DataError(f"{path} is truncated: {there:,} of {expected:,} values are there.")
    if file.read(1):
        raise DataError(f"{path} goes on after the {expected:,} values that its header says.")
    return values


def _fill(file: gzip.GzipFile | BufferedReader, values: UInt8[np.ndarray, "..."]) -> int:
    """Read into an array; how many bytes there were for it."""
    room = values.reshape(-1).data
    filled = 0
    while count := file.readinto(room[filled:]):  # of a gzip file no more than its buffer at once
        filled += count
    return filled
