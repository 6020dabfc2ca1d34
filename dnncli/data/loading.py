"""From `--data` and the options about it to examples that are ready to train on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from dnncli.data import (
    features,
    on_disk,
    out_of_fold,
    quantities,
    scaling,
    selection,
    splitting,
)
from dnncli.data.blocks.store import Store
from dnncli.data.blocks.stored import Stored
from dnncli.data.class_weights import class_weights
from dnncli.data.dataset import Dataset, Split
from dnncli.data.features import Scaling
from dnncli.data.formats import digits, idx, image_folder, npz, remote
from dnncli.data.quantities import Quantities
from dnncli.data.source import DataSource, Table
from dnncli.data.splitting import Parts
from dnncli.data.tables.encoding import Encoding
from dnncli.errors import DataError, SpecError, UnknownNameError
from dnncli.spec import DataSpec, catalog, option
from dnncli.spec.suffixes import is_table
from dnncli.stages import stage

TABLE_OPTIONS = (
    *("target", "drop", "types", "missing", "where", "delimiter", "header", "encoding"),
    *("label_strip", "weight", "group", "time", "categories"),
)


def load(
    spec: DataSpec,
    known: Encoding | None = None,
    whole: bool = False,
    relabel: bool = False,
    numbers: Quantities | None = None,
    store: Store | None = None,
) -> Dataset:
    """Read, split, choose and scale; the same files and spec always give the same arrays.

    known: a trained network's encoding, used instead of fitting one. relabel: keep its feature
    columns, take target and classes from this table. whole: every row of a table is in every split,
    and rows may have labels that the network does not know.
    numbers: how a trained network's targets were standardised, used instead of fitting it.
    store: where training examples go that are too large for memory; None: into memory anyway.
    Raises DataError for what cannot be read or learned from, SpecError for options that do not fit
    it.
    """
    store = on_disk.allowed(spec, store)
    source = read(spec, known, relabel, measured=whole, store=store)
    if source.targets:
        selection.refuse_classes(spec)
    if store and isinstance(source.train.x, Stored):
        source = on_disk.checked(source, spec, store)
    parts, source = _split(source, spec, whole)
    return prepared(source, parts, spec, whole, numbers, own=not (whole or relabel))


def prepared(
    source: DataSource,
    parts: Parts,
    spec: DataSpec,
    whole: bool = False,
    numbers: Quantities | None = None,
    *,
    own: bool = True,
) -> Dataset:
    """The parts of a source, chosen, scaled and weighted; arguments and errors as of `load`.

    own: the training rows are those that effects of levels are estimated on.
    """
    measured = bool(whole and source.encoding)
    parts, class_names = _chosen(parts, source, spec, not measured)
    source, parts = out_of_fold.with_effects(source, parts, class_names, spec.split_seed, own=own)
    if source.targets and numbers is None:
        numbers = quantities.fit(source.targets, parts.train.y)
    scaled = scaling.fit(spec.scale, source, parts.train.x)
    weights = None
    if spec.class_weight and not whole:
        weights = class_weights(spec.class_weight, class_names, parts.train.y)
    return Dataset(
        name=source.name,
        train=_weighted(_scaled(parts.train, scaled, source, numbers), weights),
        validation=_weighted(_scaled(parts.validation, scaled, source, numbers), weights),
        test=replace(_scaled(parts.test, scaled, source, numbers), weights=None),
        class_names=class_names,
        scaling=scaled,
        fingerprint=source.fingerprint,
        image_shape=source.image_shape,
        encoding=source.encoding,
        notices=source.notices,
        quantities=numbers,
        unseen=_unseen(source, scaled, spec),
        pixels=source.peak is not None,
        whole=measured,
    )


def _chosen(
    parts: Parts, source: DataSource, spec: DataSpec, checked: bool
) -> tuple[Parts, tuple[str, ...]]:
    """The examples asked for, and the classes; `checked`: they must be fit to train on."""
    class_names = source.class_names
    if source.targets:
        if checked:
            selection.check_numbers(parts.train, source.targets, source.location)
        return parts, class_names
    if spec.classes is not None:
        parts, class_names = selection.keep(parts, class_names, spec.classes)
    if checked:
        selection.check(parts.train, class_names, source.location)
    return _few(spec, parts, class_names), class_names


def _split(source: DataSource, spec: DataSpec, whole: bool) -> tuple[Parts, DataSource]:
    """The parts, and the source without the tables they were copied from, to save memory."""
    if whole and source.encoding:
        return Parts(source.train, source.train, source.train), source
    parts = splitting.split(source, spec.validation, spec.test, spec.split_seed)
    notices = (*source.notices, *splitting.notices(parts))
    return parts, replace(source, train=parts.train, test=None, notices=notices)


def _few(spec: DataSpec, parts: Parts, class_names: tuple[str, ...]) -> Parts:
    """The first examples of each class, where not all are asked for."""
    if spec.per_class is not None:
        parts = parts._replace(train=selection.per_class(parts.train, class_names, spec.per_class))
    if spec.validation_per_class is not None:
        few = (spec.validation_per_class, "validation_per_class", "validation")
        parts = parts._replace(validation=selection.per_class(parts.validation, class_names, *few))
    return parts


def _scaled(table: Table, scaled: Scaling, source: DataSource, numbers: Quantities | None) -> Split:
    """A split's examples, scaled; targets that are numbers are standardised."""
    with np.errstate(over="ignore"):
        x = features.scaled(table.x, scaled)
    # What stays unscaled so far, bytes and pieces, cannot be more than finite; what is on the disk
    # is looked at block by block.
    if isinstance(x, np.ndarray) and not np.isfinite(x).all():
        raise DataError(
            f"{source.location}: --scale {scaled.kind} takes features beyond float32; use another."
        )
    y = table.y if numbers is None else numbers.standardise(table.y)
    return Split(x, y, table.weights)


def _unseen(
    source: DataSource, scaled: Scaling, spec: DataSpec
) -> Float32[np.ndarray, "unseen features"] | None:
    """Examples of classes that training has not; with --classes only those are asked for."""
    if source.unseen is None or spec.classes is not None:
        return None
    return scaled.apply(source.unseen)


def _weighted(split: Split, weights: Float32[np.ndarray, " classes"] | None) -> Split:
    """A split whose examples count by the weights of their classes too, besides their own."""
    if weights is None:
        return split
    own = np.float32(1) if split.weights is None else split.weights
    return replace(split, weights=weights[split.y] * own)


def read(
    spec: DataSpec,
    known: Encoding | None = None,
    relabel: bool = False,
    measured: bool = False,
    store: Store | None = None,
) -> DataSource:
    """What the files hold, before anything is split, chosen or scaled."""
    with reported(spec.data), stage(f"reading {spec.data}"):
        if is_named(spec.data):
            _refuse_table_options(spec)
            _refuse_regression(spec)
            return READERS[catalog.resolve(catalog.DATASETS, spec.data, "data set").name]()
        return _read_path(spec, known, relabel, measured, store)


def is_named(text: str) -> bool:
    """Whether --data is a name from the catalog."""
    return text.lower() in catalog.names(catalog.DATASETS)


@contextmanager
def reported(text: str) -> Iterator[None]:
    """Turn what the system says of files into one line."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{error.filename or text} cannot be read: {error.strerror or error}."
        ) from None


def _refuse_table_options(spec: DataSpec) -> None:
    """Raise SpecError for options that only tables use."""
    for name in TABLE_OPTIONS:
        if getattr(spec, name) != getattr(DataSpec, name):
            raise SpecError(
                f"{option(name)}: only tables have columns; {spec.data} is not one.",
                option=option(name),
            )
    for name in ("validation", "test"):
        amount = getattr(spec, name)
        if isinstance(amount, str):
            raise SpecError(
                f"{option(name)} {amount}: only a table has its {name} set in another file, and"
                f" {spec.data} is not one: give a number or a fraction.",
                option=option(name),
            )


def _refuse_regression(spec: DataSpec) -> None:
    """Raise SpecError for a regression on images whose labels name classes."""
    if spec.task == "regression":
        raise SpecError(
            f"--task regression: the labels of {spec.data} are classes of images; only the targets"
            " of tables and .npz files can be numbers.",
            option="--task",
        )


def _read_path(
    spec: DataSpec, known: Encoding | None, relabel: bool, measured: bool, store: Store | None
) -> DataSource:
    """What the files at a path hold."""
    path = Path(spec.data).expanduser()
    if is_table(spec.data) and not path.is_dir():
        from dnncli.data.tables import reading  # and with it DuckDB, which no other data need

        return reading.read(spec, known, relabel, measured, store)
    _refuse_table_options(spec)
    if not spec.data.strip() or not path.exists():
        raise _absent(spec.data)
    if path.is_dir():
        _refuse_regression(spec)
        return image_folder.read(path) if image_folder.is_one(path) else idx.read(path)
    if path.suffix.lower() == ".npz":
        return npz.read(path, spec.task)
    if "ubyte" in path.name:
        raise DataError(f"{path} is one IDX file: give the folder of all four, {path.parent}.")
    raise DataError(f"{path} cannot be read: give {_kinds()}.")


def _absent(text: str) -> DataError | SpecError:
    """The error for what is neither a name nor a path."""
    if len(Path(text).parts) > 1 or Path(text).suffix:
        return DataError(f"{text} does not exist: give {_kinds()}.")
    try:
        catalog.resolve(catalog.DATASETS, text, "data set or file")
    except UnknownNameError as error:
        return error
    return SpecError(f"--data {text!r}: give {_kinds()}.", option="--data")


def _kinds() -> str:
    """What --data can be."""
    names = ", ".join(catalog.DATASETS)
    return (
        "a table (.csv, .tsv, .parquet, .json), a folder of images by class or of IDX files, an"
        f" .npz file, or a name ({names})"
    )


READERS: dict[str, Callable[[], DataSource]] = {
    "digits": digits.read,
    **{name: partial(remote.read, name) for name in remote.REMOTES},
}
