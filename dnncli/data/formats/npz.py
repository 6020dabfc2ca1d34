"""A NumPy archive of arrays: x_train, y_train, x_test and y_test, or x and y."""

import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Shaped, UInt8
from numpy.lib.npyio import NpzFile

from dnncli.data import labels
from dnncli.data.formats import npz_numbers
from dnncli.data.source import DataSource, Table, default_size, fingerprint
from dnncli.errors import DataError
from dnncli.records import Notice

WHOLE = ("x", "y")
DIVIDED = ("x_train", "y_train", "x_test", "y_test")
VALIDATED = (*DIVIDED, "x_val", "y_val")
# Names that others give to these arrays: MedMNIST's, scikit-learn's and the like.
OTHERS = (
    ("train_images", "train_labels", "test_images", "test_labels", "val_images", "val_labels"),
    ("train_data", "train_labels", "test_data", "test_labels", "val_data", "val_labels"),
    ("x_train", "y_train", "x_test", "y_test", "x_valid", "y_valid"),
    ("X_train", "y_train", "X_test", "y_test", "X_val", "y_val"),
    ("X_train", "Y_train", "X_test", "Y_test", "X_val", "Y_val"),
    ("X", "y"),
    ("X", "Y"),
    ("data", "target"),
    ("data", "labels"),
    ("images", "labels"),
    ("features", "labels"),
)
ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # of anything else NumPy makes a pickle
Arrays = dict[str, Shaped[np.ndarray, "..."]]  # an archive's, by name


def read(path: Path, task: str = "auto") -> DataSource:
    """The examples of an archive; those held out are drawn stratified.

    task: as --task has it. Raises DataError, naming file and array, for whatever cannot be read or
    learned from.
    """
    arrays = _arrays(path, _names)
    tables, names = _tables(path, arrays, task)
    train = tables[0]
    test = tables[1] if len(tables) > 1 else None
    validation = default_size(len(train), 0.1)
    if len(tables) > 2:
        validation = len(tables[2])
        train = _joined(tables[2], train)
    examples = len(train)
    peak = 255.0 if train.x.dtype == np.uint8 else None
    held_out = len(test) if test else default_size(examples, 0.2)
    return DataSource(
        name=path.stem,
        location=str(path),
        train=train,
        test=test,
        class_names=names.classes,
        targets=names.targets,
        notices=names.notices,
        image_shape=_image_shape(next(iter(arrays.values()))),
        peak=peak,
        ordered=len(tables) > 2,
        held_out={"validation": validation, "test": held_out},
        fingerprint=fingerprint(*arrays.values()),
    )


def read_features(
    path: Path,
) -> Float32[np.ndarray, "examples features"] | UInt8[np.ndarray, "examples features"]:
    """An archive's examples without labels: its array `x`, or else `x_test`.

    Raises DataError, naming file and array, for whatever cannot be read.
    """
    ((name, x),) = _arrays(path, _features_name).items()
    return _features(path, name, x)


def _joined(first: Table, second: Table) -> Table:
    """Two tables as one."""
    x = np.concatenate([first.x, second.x])
    return Table(x, np.concatenate([first.y, second.y]))


class _Names(NamedTuple):
    """What the labels name: classes, or targets that are numbers; and what was chosen."""

    classes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


def _tables(path: Path, arrays: Arrays, task: str) -> tuple[list[Table], _Names]:
    """Training, test and validation examples as far as there are, and what they are to learn."""
    names = list(arrays)
    x_names = names[0::2]
    y_names = names[1::2]
    features = [_features(path, name, arrays[name]) for name in x_names]
    x = _alike(features, path, {name: arrays[name] for name in x_names})
    named = {name: arrays[name] for name in y_names}
    if npz_numbers.are_numbers(named, path, task):
        numbers = npz_numbers.values(named, path)
        for own, label in zip(x_names, y_names, strict=True):
            _check_length(path, (own, len(arrays[own])), (label, len(arrays[label])))
        targets = npz_numbers.names(y_names[0], numbers[0].shape[1])
        found: tuple[Notice, ...] = ()
        if task == "auto":
            found = npz_numbers.notices(y_names[0], numbers)
        return list(map(Table, x, numbers)), _Names(targets=targets, notices=found)
    pairs = zip(x_names, y_names, strict=True)
    y = [_labels(path, x_name, y_name, arrays) for x_name, y_name in pairs]
    if len({part.dtype.kind for part in y}) > 1:
        both = " and ".join(y_names[:2])
        raise DataError(f"{path}: one of {both} holds numbers, the other strings.")
    classes, class_names = labels.encode(*y)
    return [Table(*pair) for pair in zip(x, classes, strict=True)], _Names(class_names)


def _arrays(path: Path, names: Callable[[Path, list[str]], tuple[str, ...]]) -> Arrays:
    """Those of an archive's arrays that `names` chooses, in that order."""
    if not path.is_file():  # opening a pipe that nobody writes to would block for ever
        raise DataError(f"{path} is not a regular file, which an .npz file must be.")
    with path.open("rb") as file:
        if file.read(4) not in ZIP or not zipfile.is_zipfile(file):
            raise DataError(f"{path} is not an .npz file: write it with numpy.savez.")
        file.seek(0)
        # NumPy, zipfile and zlib raise errors of any kind for damaged bytes.
        try:
            with np.load(file, allow_pickle=False) as archive, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # NumPy warns of headers that Python 2 wrote
                return {name: _array(archive, name, path) for name in names(path, archive.files)}
        except DataError:
            raise
        except Exception as error:
            raise DataError(f"{path} cannot be read: {_line(error)}") from None


def _line(error: Exception) -> str:
    """The first line of an error."""
    return str(error).partition("\n")[0] or type(error).__name__


def _names(path: Path, there: list[str]) -> tuple[str, ...]:
    """The arrays to read, features and labels in turn: of one table, or training, test and more."""
    for names in (VALIDATED, *OTHERS, *(names[:4] for names in OTHERS)):
        if {*names} <= {*there}:
            return names
    wanted = WHOLE if not {*DIVIDED} & {*there} and {*WHOLE} & {*there} else DIVIDED
    missing = [name for name in wanted if name not in there]
    if missing:
        raise DataError(
            f"{path} has no array {missing[0]!r} (it has {labels.listed(there) or 'none'}): it"
            f" needs {', '.join(DIVIDED)}, or x and y."
        )
    return wanted


def _features_name(path: Path, there: list[str]) -> tuple[str, ...]:
    """The array of examples without labels."""
    for name in ("x", "x_test", "X", "X_test", "test_images", "images", "data", "features"):
        if name in there:
            return (name,)
    raise DataError(f"{path} has no array 'x' (it has {labels.listed(there) or 'none'}).")


def _array(archive: NpzFile, name: str, path: Path) -> Shaped[np.ndarray, "..."]:
    """One array of an archive; never Python objects, which could run code."""
    try:
        array = archive[name]
    except ValueError as error:
        if "Object arrays" not in str(error):
            raise
        raise DataError(
            f"{path}: {name} holds Python objects: store plain numbers or strings."
        ) from None
    if not isinstance(array, np.ndarray):  # other members come as bytes
        raise DataError(f"{path}: {name} is not a NumPy array.")
    return array


def _labels(path: Path, x_name: str, name: str, arrays: Arrays) -> Shaped[np.ndarray, " examples"]:
    """One array of labels, as many as there are examples."""
    y = labels.clean(arrays[name], f"{path}: {name}")
    _check_length(path, (x_name, len(arrays[x_name])), (name, len(y)))
    return y


def _check_length(path: Path, examples: tuple[str, int], targets: tuple[str, int]) -> None:
    """Raise DataError unless an array of labels, by name and length, has one for each example."""
    if examples[1] != targets[1]:
        raise DataError(
            f"{path}: {examples[0]} has {examples[1]:,} examples, but {targets[0]}"
            f" {targets[1]:,} labels."
        )


def _features(
    path: Path, name: str, x: Shaped[np.ndarray, "..."]
) -> Float32[np.ndarray, "examples features"] | UInt8[np.ndarray, "examples features"]:
    """One array's examples as rows: bytes stay bytes, all else becomes finite float32."""
    if x.dtype.kind not in "biuf":
        raise DataError(f"{path}: {name} holds {x.dtype}: features must be real numbers.")
    if x.ndim < 2:
        raise DataError(
            f"{path}: {name} has shape {x.shape}: it needs examples in rows, features in columns."
        )
    if x.size == 0:
        raise DataError(f"{path}: {name} is empty: its shape is {x.shape}.")
    rows = np.ascontiguousarray(x).reshape(len(x), -1)
    return rows if x.dtype == np.uint8 else _finite(rows, f"{path}: {name}")


def _finite(
    x: Shaped[np.ndarray, "examples features"], location: str
) -> Float32[np.ndarray, "examples features"]:
    """Features in float32. Raises DataError for values that it cannot hold."""
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused
        x = x.astype(np.float32, copy=False)
    finite = np.isfinite(x)
    if not finite.all():
        first = int(np.argmin(finite.all(axis=1)))
        raise DataError(
            f"{location} holds {np.count_nonzero(~finite):,} values that are NaN, infinite or too"
            f" large for float32, the first in example {first} (counting from 0): repair or drop"
            " those examples."
        )
    return x


def _alike(
    x: list[Shaped[np.ndarray, "_ _"]], path: Path, arrays: Arrays
) -> list[Shaped[np.ndarray, "_ _"]]:
    """Train and test features of one shape and type; bytes next to float32 are not pixels."""
    shapes = {name: array.shape[1:] for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        found = ", ".join(f"{shape} in {name}" for name, shape in shapes.items())
        raise DataError(f"{path}: examples differ in shape: {found}.")
    same = len({part.dtype for part in x}) == 1
    return x if same else [part.astype(np.float32) for part in x]


def _image_shape(x: Shaped[np.ndarray, "..."]) -> tuple[int, int] | None:
    """Rows and columns of grey images, with or without a last dimension of one channel."""
    sizes = x.shape[1:-1] if x.ndim == 4 and x.shape[-1] == 1 else x.shape[1:]
    return (sizes[0], sizes[1]) if len(sizes) == 2 else None
