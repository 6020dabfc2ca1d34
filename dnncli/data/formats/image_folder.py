"""Folders of images by class, as Keras' image_dataset_from_directory and torchvision's ImageFolder.

A class is a folder, whose name it has: `cats/1.png`. Where there is a folder `train`, its folders
are the classes, and those of `test` and `validation` (or `val`) hold images that do not train.
Pixels stay bytes: grey where all files are, else red, green and blue.
"""

import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32, UInt8

from dnncli.data.features import aligned
from dnncli.data.labels import listed
from dnncli.data.source import DataSource, Table, default_size, fingerprint
from dnncli.errors import DataError
from dnncli.records import Notice

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
IGNORED = ("thumbs.db", "desktop.ini")  # that systems leave in folders, besides hidden files
GREY = ("1", "L", "LA", "La")  # Pillow's modes of 8 bits and less
COLOUR = ("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB")
CHANNELS = {"L": 1, "RGB": 3}
DIGITS = re.compile(r"(\d+)")
VALIDATION = ("validation", "val")

Images = UInt8[np.ndarray, "images values"]
Size = tuple[int, int]  # columns and rows, as Pillow has them


def is_one(folder: Path) -> bool:
    """Whether a folder may hold images by class: it has folders, and nowhere IDX files."""
    if not any(map(Path.is_dir, folder.iterdir())):
        return False
    nearby = chain(folder.glob("*"), folder.glob("*/*"))
    return not any("ubyte" in path.name for path in nearby)


def read(folder: Path) -> DataSource:
    """Images of every class, and those that a folder `test` or `validation` holds.

    Raises DataError, naming the file, for what is not an image or does not fit the others.
    """
    parts = _parts(folder)
    class_names = _classes(parts["train"])
    found = {name: _listed(place, class_names) for name, place in parts.items()}
    everything = [path for paths, _ in found.values() for path in paths]
    size, mode = _form(everything)
    tables = {name: Table(_pixels(paths, size, mode), y) for name, (paths, y) in found.items()}
    train = tables["train"]
    test = tables.get("test")
    columns, rows = size
    arrays = [array for table in tables.values() for array in (table.in_memory, table.y)]
    facts: dict[str, str | int | float] = {"rows": rows, "columns": columns, "mode": mode}
    tests = default_size(len(train), 0.2) if test is None else len(test)
    shape = (rows, columns) if mode == "L" else None
    return DataSource(
        name=folder.resolve().name or "images",
        location=str(folder),
        train=train,
        test=test,
        validation=tables.get("validation"),
        class_names=class_names,
        image_shape=shape,
        peak=255.0,
        ordered=False,
        held_out={"validation": default_size(len(train), 0.1), "test": tests},
        fingerprint=fingerprint(*arrays),
        notices=(Notice("images", facts=facts),),
    )


def read_unlabelled(folder: Path, features: int) -> tuple[list[str], Images]:
    """Names and pixels of all images in a folder, for a network of so many features.

    Raises DataError, naming the file, for what is not an image or does not fit the network.
    """
    paths = _images(folder)
    if not paths:
        raise DataError(f"{folder} holds no images ({', '.join(SUFFIXES)}).")
    (columns, rows), mode = _form(paths)
    if features == 3 * rows * columns:
        mode = "RGB"
    if features != rows * columns * CHANNELS[mode]:
        raise DataError(
            f"{folder} holds images of {rows} × {columns} pixels{_in_colour(mode)}, but the network"
            f" takes {features} features."
        )
    names = [path.relative_to(folder).as_posix() for path in paths]
    return names, _pixels(paths, (columns, rows), mode)


def _in_colour(mode: str) -> str:
    """Words that tell colour from grey."""
    return " in colour" if mode == "RGB" else ""


def _parts(folder: Path) -> dict[str, Path]:
    """The folders of classes by the split that their images are for."""
    train = folder / "train"
    if not train.is_dir():
        return {"train": folder}
    places = {"train": train, "test": folder / "test"}
    places["validation"] = next(
        (folder / name for name in VALIDATION if (folder / name).is_dir()), folder / "validation"
    )
    return {name: place for name, place in places.items() if place.is_dir()}


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """What names are sorted by: 9 comes before 10."""
    return tuple(map(_rank, DIGITS.split(name)))


def _rank(part: str) -> tuple[int, str]:
    return (int(part), "") if part.isdecimal() else (-1, part)


def _classes(folder: Path) -> tuple[str, ...]:
    """The names of the folders."""
    names = [p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")]
    if not names:
        raise DataError(f"{folder} has no folders: images of a class stand in a folder of its own.")
    return tuple(sorted(names, key=_natural))


def _listed(
    folder: Path, class_names: Sequence[str]
) -> tuple[list[Path], Int32[np.ndarray, " images"]]:
    """Every image of a split with its class."""
    unknown = [name for name in _classes(folder) if name not in class_names]
    if unknown:
        raise DataError(
            f"{folder / unknown[0]}: no class is called so; there are {listed(class_names)}."
        )
    found: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(class_names):
        paths = _images(folder / name) if (folder / name).is_dir() else []
        found += paths
        labels += [label] * len(paths)
    if not found:
        raise DataError(f"{folder} holds no images ({', '.join(SUFFIXES)}).")
    return found, np.array(labels, np.int32)


def _images(folder: Path) -> list[Path]:
    """All images in a folder and below it, in natural order. Raises DataError for other files."""
    paths = [path for path in folder.rglob("*") if path.is_file() and _counts(path, folder)]
    for path in paths:
        if path.suffix.lower() not in SUFFIXES:
            raise DataError(
                f"{path} is not an image ({', '.join(SUFFIXES)}): take it out of the folder."
            )
    return sorted(paths, key=lambda path: _natural(path.relative_to(folder).as_posix()))


def _counts(path: Path, folder: Path) -> bool:
    """Whether a file is a person's and not a system's."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.name.lower() not in IGNORED


def _form(paths: Sequence[Path]) -> tuple[Size, str]:
    """The images' common size, and L where all are grey, else RGB. Only their heads are read."""
    size: Size | None = None
    mode = "L"
    for path in paths:
        with _opened(path) as image:
            own = (image.width, image.height)
            if image.mode not in GREY + COLOUR:
                raise DataError(
                    f"{path} has pixels of the kind {image.mode}: 8 bits a channel are needed."
                )
            if image.mode in COLOUR:
                mode = "RGB"
        size = size or own
        if own != size:
            raise DataError(
                f"{path} is {own[1]} × {own[0]} pixels, {paths[0]} {size[1]} × {size[0]}: images"
                " must have one size; resize them, for example with ImageMagick's mogrify -resize"
                f" '{size[0]}x{size[1]}!'."
            )
    assert size is not None
    return size, mode


def _pixels(paths: Sequence[Path], size: Size, mode: str) -> Images:
    """Every image as a row of bytes: rows, columns and, of colours, channels last."""
    columns, rows = size
    pixels: Images = aligned((len(paths), rows * columns * CHANNELS[mode]), np.uint8)
    for row, path in enumerate(paths):
        with _opened(path) as image:
            try:
                pixels[row] = np.asarray(image.convert(mode), np.uint8).reshape(-1)
            except (OSError, ValueError, SyntaxError) as error:
                raise _damaged(path, error) from None
    return pixels


def _opened(path: Path) -> Any:
    """An image whose head was read."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise DataError(
            f"{path}: images need one more package: pip install 'dnncli[images]'."
        ) from None
    try:
        return Image.open(path)
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> DataError:
    """The error for a file that Pillow cannot read."""
    reason = str(error).partition("\n")[0].replace(f" {str(path)!r}", "").rstrip(".")
    return DataError(f"{path} is not a sound image: {reason}.")
