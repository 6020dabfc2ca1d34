"""Examples that are in memory: a matrix of numbers, in which some may be missing, and its targets.

Every column is a number. Missing ones take the median and are marked, as those of a table are.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64, Shaped

from dnncli.data import loading, splitting
from dnncli.data.dataset import Dataset
from dnncli.data.source import DataSource, Table, default_size, fingerprint
from dnncli.data.splitting import Parts
from dnncli.data.tables import encoder, profiling
from dnncli.data.tables.encoding import Column, Encoding
from dnncli.errors import DataError, SpecError
from dnncli.spec import DataSpec

NAME = "array"  # what reports call it
Matrix = Float64[np.ndarray, "rows columns"]
Labels = Int32[np.ndarray, " rows"] | Float64[np.ndarray, "rows targets"]


def dataset(
    spec: DataSpec,
    x: Matrix,
    y: Labels,
    encoding: Encoding,
    weights: Float32[np.ndarray, " rows"] | None = None,
) -> Dataset:
    """Rows that train and rows that validate, none that test; encoding: as `fit` found it.

    y: classes counted from 0, or numbers. weights: how much a row counts in the loss. Raises
    DataError for rows that nothing can be learned from, SpecError for validation rows that cannot
    be spared.
    """
    features, _ = encoded(encoding, x)
    source = DataSource(
        name=NAME,
        location=NAME,
        train=Table(features, y, weights),
        test=None,
        class_names=encoding.classes,
        image_shape=None,
        peak=None,
        ordered=False,
        held_out={"validation": default_size(len(y), 0.1)},
        fingerprint=fingerprint(*_present(features, y, weights)),
        encoding=encoding,
        targets=tuple(column.name for column in encoding.quantities),
    )
    return loading.prepared(source, _parts(source, spec), spec)


def _present(*arrays: Shaped[np.ndarray, "..."] | None) -> list[Shaped[np.ndarray, "..."]]:
    """Those that are there."""
    return [array for array in arrays if array is not None]


def _parts(source: DataSource, spec: DataSpec) -> Parts:
    """The split: every row trains or validates.

    Where no number of validation rows is asked for and none can be spared, the training rows
    validate.
    """
    table = source.train
    size = splitting.validation_size(source, spec.validation)
    room = len(table) - len(np.unique(table.strata))
    if spec.validation is None:
        size = min(size, room)
    elif size > room:
        raise SpecError(
            f"--validation {spec.validation}: of {len(table):,} rows at most {room:,} can be"
            " held out, one of each class must train.",
            option="--validation",
        )
    none = table.take(slice(0))
    if size < 1:
        return Parts(table, table, none)
    validation, rest = splitting.drawn(table, [size], spec.split_seed)
    return Parts(table.take(rest), table.take(validation), none)


def fit(
    x: Matrix, names: Sequence[str], classes: Sequence[str], targets: Sequence[str] = ()
) -> Encoding:
    """How each column becomes a feature: where it is centred, and what a missing value takes.

    targets: of a regression, which has no classes.
    """
    columns = tuple(_column(name, values) for name, values in zip(names, x.T, strict=True))
    quantities = tuple(Column(_free(name, names), "number") for name in targets)
    target = quantities[0].name if quantities else _free("target", names)
    return Encoding(columns, target, tuple(classes), quantities=quantities)


def _free(name: str, taken: Sequence[str]) -> str:
    """A name that no column has."""
    return _free(f"{name}_", taken) if name in taken else name


def _column(name: str, values: Float64[np.ndarray, " rows"]) -> Column:
    """A column of numbers; one of whose differences float32 loses too much is centred."""
    present = values[np.isfinite(values)]
    missing = len(present) < len(values)
    if not len(present):
        return Column(name, "number", missing=True)
    median = float(np.median(present))
    error = np.abs(present - present.astype(np.float32)).max()
    rounded = error > profiling.LOST_SHARE * np.ptp(present)
    center = median if rounded else 0.0
    return Column(name, "number", median=median, center=center, missing=missing)


def encoded(
    encoding: Encoding, x: Matrix
) -> tuple[Float32[np.ndarray, "rows features"], Int64[np.ndarray, "issues columns"]]:
    """Features of rows, and why values were replaced for which training did not prepare.

    Raises DataError for numbers that float32 cannot hold.
    """
    if not (np.abs(x[np.isfinite(x)]) < np.finfo(np.float32).max).all():
        raise DataError("the rows hold numbers that are too large for float32.")
    return encoder.encode(encoder.layout(encoding), x)
