"""From `--data` and the options about it to examples that are ready to train on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from dnncli import catalog
from dnncli.data import digits, idx, npz, scaling, selection, splitting
from dnncli.data.dataset import Dataset, Scaling, Split
from dnncli.data.source import Source, Table
from dnncli.data.splitting import Parts
from dnncli.errors import DataError, SpecError, UnknownNameError
from dnncli.spec import DataSpec


def load(spec: DataSpec) -> Dataset:
    """Read, split, choose and scale; the same files and spec always give the same arrays.

    Raises DataError for what cannot be read or learned from, SpecError for options that do not fit it.
    """
    source = _read(spec)
    parts, class_names = splitting.split(source, spec.validation, spec.test), source.class_names
    if spec.classes is not None:
        parts, class_names = selection.keep(parts, class_names, spec.classes)
    selection.check(parts.train, class_names, source.place)
    parts = _few(spec, parts, class_names)
    scaled = scaling.fit(spec.scale, source, parts.train.x)
    return Dataset(
        name=source.name,
        train=_scaled(parts.train, scaled, source),
        validation=_scaled(parts.validation, scaled, source),
        test=_scaled(parts.test, scaled, source),
        class_names=class_names,
        scaling=scaled,
        fingerprint=source.fingerprint,
        image_shape=source.image_shape,
    )


def _few(spec: DataSpec, parts: Parts, class_names: tuple[str, ...]) -> Parts:
    """The first examples of each class, where not all are asked for."""
    if spec.per_class is not None:
        parts = parts._replace(train=selection.per_class(parts.train, class_names, spec.per_class))
    if spec.validation_per_class is not None:
        few = (spec.validation_per_class, "validation_per_class", "validation")
        parts = parts._replace(validation=selection.per_class(parts.validation, class_names, *few))
    return parts


def _scaled(table: Table, scaled: Scaling, source: Source) -> Split:
    with np.errstate(over="ignore"):
        x = scaled.apply(table.x)
    if source.peak is None and not np.isfinite(x).all():
        raise DataError(f"{source.place}: --scale {scaled.kind} takes features beyond float32; use another.")
    return Split(x, table.y)


def _read(spec: DataSpec) -> Source:
    if spec.target is not None:
        raise SpecError(f"--target {spec.target}: only tables have columns, and {spec.data} is none.")
    try:
        if spec.data.lower() in catalog.names(catalog.DATASETS):
            return READERS[catalog.resolve(catalog.DATASETS, spec.data, "data set").name]()
        return _read_path(spec.data)
    except OSError as error:
        raise DataError(f"{error.filename or spec.data} cannot be read: {error.strerror or error}.") from None


def _read_path(text: str) -> Source:
    path = Path(text).expanduser()
    if not text.strip() or not path.exists():
        raise _absent(text)
    if path.is_dir():
        return idx.read(path)
    if path.suffix.lower() == ".npz":
        return npz.read(path)
    if path.suffix.lower() == ".csv":
        raise DataError(f"{path}: .csv tables are not read yet; store arrays x and y in an .npz file.")
    if "ubyte" in path.name:
        raise DataError(f"{path} is one IDX file: give the folder of all four, {path.parent}.")
    raise DataError(f"{path} is no data that can be read: give {_kinds()}.")


def _absent(text: str) -> DataError | SpecError:
    """The error for what is neither a name nor a path; what looks like a name is taken for one."""
    if Path(text).suffix == ".csv":
        return DataError(f"{text} does not exist, and .csv tables are not read yet: give {_kinds()}.")
    if len(Path(text).parts) > 1 or Path(text).suffix:
        return DataError(f"{text} does not exist: give {_kinds()}.")
    try:
        catalog.resolve(catalog.DATASETS, text, "data set or file")
    except UnknownNameError as error:
        return error
    return SpecError(f"--data {text!r}: give {_kinds()}.")


def _kinds() -> str:
    return f"a folder of IDX files, an .npz file, or a name ({', '.join(catalog.DATASETS)})"


READERS: dict[str, Callable[[], Source]] = {"digits": digits.read}
