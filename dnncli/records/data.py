"""The results of `data list`, `data show`, `data fetch` and `data clear`."""

from dataclasses import dataclass
from typing import Any

from dnncli.records.notices import Notice


@dataclass(frozen=True)
class DatasetRecord:
    """A data set with a name. here: whether it can be used; place: where it is or belongs."""

    name: str
    summary: str
    source: str
    here: bool
    place: str


@dataclass(frozen=True)
class DataListRecord:
    """The result of `data list`."""

    datasets: tuple[DatasetRecord, ...]


@dataclass(frozen=True)
class ColumnRecord:
    """One column of a table.

    role: feature, target, dropped, or empty. type: DuckDB's. kind: number, time, code or text.
    values: a few words on what it holds; encoding: what becomes of it; features: how many that
    makes.
    """

    name: str
    role: str
    type: str
    kind: str | None
    missing: int
    values: str
    encoding: str
    features: int


@dataclass(frozen=True)
class ClassCount:
    """A class and how many examples it has."""

    name: str
    examples: int


@dataclass(frozen=True)
class TargetRecord:
    """A target that is a number: what a regression predicts."""

    name: str
    least: float
    greatest: float
    mean: float
    deviation: float


@dataclass(frozen=True)
class DescriptionRecord:
    """The result of `data show`.

    test is None where the data bring no test set of their own. values: the least and the greatest,
    of data that are not a table; columns: of a table. targets: of a regression, which has no
    classes.
    """

    config: dict[str, Any]
    name: str
    place: str
    examples: int
    test: int | None
    features: int
    image_shape: tuple[int, int] | None
    values: tuple[float, float] | None
    classes: tuple[ClassCount, ...]
    fingerprint: str | None
    columns: tuple[ColumnRecord, ...] = ()
    notices: tuple[Notice, ...] = ()
    targets: tuple[TargetRecord, ...] = ()


@dataclass(frozen=True)
class FetchedFile:
    """A file in the cache; mirror: where it came from, None if it was there."""

    name: str
    bytes: int
    sha256: str
    mirror: str | None


@dataclass(frozen=True)
class FetchRecord:
    """The result of `data fetch`."""

    name: str
    place: str
    files: tuple[FetchedFile, ...]


@dataclass(frozen=True)
class ClearRecord:
    """The result of `data clear`.

    sets: encoded sets that were removed, with so many bytes; busy: those that are being written.
    """

    place: str
    sets: int
    bytes: int
    busy: int
