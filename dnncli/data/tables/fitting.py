"""What each column of a training table is, and how it is encoded: found from its values alone.

The type of a file's column decides nothing, so that a table gives the same features from CSV and
Parquet.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from dnncli.data.labels import listed
from dnncli.data.tables import levels, notices, profiling, sql, targets
from dnncli.data.tables.encoder import TEXT
from dnncli.data.tables.encoding import Column, Encoding
from dnncli.data.tables.levels import Levels
from dnncli.data.tables.profiling import Profile
from dnncli.data.tables.relation import Relation
from dnncli.errors import DataError, SpecError
from dnncli.records import Notice

NUMERIC_SHARE = 0.9  # a column with so many numbers is one of numbers, and its texts are trouble


@dataclass(frozen=True)
class Fit:
    """An encoding, what it was found from, and what its owner should know."""

    encoding: Encoding
    profile: Profile
    levels: dict[str, Levels]
    notices: tuple[Notice, ...]

    @property
    def identity(self) -> bool:
        """Whether the columns' values are the features."""
        return self.encoding.identity and len(self.encoding.columns) == len(self.profile.names)


def fit(relation: Relation, labels: targets.Labels, drop: str | None, types: str | None) -> Fit:
    """Find the encoding of a table's columns, all but the target and those dropped.

    `types` overrides what columns are found to be: `zip=category,x*=number`. Raises SpecError for
    columns that are not there, DataError for columns that have no sound encoding.
    """
    names = chosen(relation, labels.column, drop)
    forced = _forced(types, names)
    profile = profiling.profile(relation, names, labels)
    kinds = _kinds(relation, profile, forced)
    if not kinds:
        raise DataError(
            f"{relation.location}: there is no column with values besides the target to learn from."
        )
    _check_finite(relation, profile, kinds)
    categories = {name: kind for name, kind in kinds.items() if kind in ("code", "text")}
    found = levels.find(relation, categories)
    centers = _centers(relation, _to_center(profile, kinds))
    columns = tuple(
        _column(profile, name, kind, found.get(name), centers.get(name))
        for name, kind in kinds.items()
    )
    classes = targets.classes(labels.names)
    encoding = Encoding(columns, labels.column, classes, _layout(relation))
    return Fit(encoding, profile, found, notices.of_training(encoding, profile, found))


def _layout(relation: Relation) -> tuple[str, ...]:
    """Every column of a file without a header line."""
    dialect = relation.dialect
    return () if dialect is None or dialect.header else tuple(dialect.columns)


def chosen(relation: Relation, target: str, drop: str | None) -> tuple[str, ...]:
    """The columns to learn from, in the file's order."""
    columns = list(relation.declared)
    dropped = {targets.resolve(columns, name, "--drop") for name in split(drop)}
    if target in dropped:
        raise SpecError(
            f"--drop {target}: is the column to predict; choose another with --target.",
            option="--drop",
        )
    for name, type_ in relation.unusable.items():
        if name not in dropped:
            raise DataError(
                f"{relation.location}: column {name!r} holds {type_}: leave it out with --drop."
            )
    return tuple(name for name in relation.types if name != target and name not in dropped)


def split(names: str | None) -> list[str]:
    """Names between commas; one with a comma in it stands in double quotes."""
    if not names:
        return []
    return [name.strip() for name in next(csv.reader([names], skipinitialspace=True))]


def _forced(types: str | None, names: Sequence[str]) -> dict[str, str]:
    """What --types says of each column; a name may be a pattern, and later ones win."""
    forced: dict[str, str] = {}
    for part in split(types):
        pattern, _, kind = part.rpartition("=")
        if kind not in ("number", "category"):
            raise SpecError(
                f"--types {part}: write COLUMN=number or COLUMN=category.", option="--types"
            )
        matched = [name for name in names if name == pattern or fnmatchcase(name, pattern)]
        if not matched:
            raise SpecError(
                f"--types {part}: no column is called so; there are {listed(tuple(names))}.",
                option="--types",
            )
        forced |= dict.fromkeys(matched, kind)
    return forced


def _kinds(relation: Relation, profile: Profile, forced: Mapping[str, str]) -> dict[str, str]:
    """What each column is, in the file's order; columns without a value are left out."""
    kinds = {
        name: _kind(relation, profile, i, forced.get(name))
        for i, name in enumerate(profile.names)
        if profile.missing[i] < len(profile.values)
    }
    texts = [name for name, kind in kinds.items() if kind == "text" and name not in forced]
    return kinds | dict.fromkeys(_times(relation, texts), "time")


def _kind(relation: Relation, profile: Profile, i: int, forced: str | None) -> str:
    """What a column is."""
    name = profile.names[i]
    texts = int(profile.texts[i])
    numbers = len(profile.values) - int(profile.missing[i]) - texts
    if forced == "category":
        return "text" if texts else "code"
    if forced == "number":
        return "number"
    if sql.simple(relation.types[name]) == "TIMESTAMP":
        return "time"
    values = profile.values[:, i]
    if not texts:
        exact = not profile.large[i] and not profile.rounded[i]
        return "code" if exact and profiling.is_code(values) else "number"
    mostly_numbers = numbers >= NUMERIC_SHARE * (numbers + texts)
    if mostly_numbers and not profiling.low_cardinality(values):
        raise _mixed(relation, profile, i)
    return "text"


def _mixed(relation: Relation, profile: Profile, i: int) -> DataError:
    """The error for a column of numbers with some texts."""
    name = profile.names[i]
    first = int(np.argmax(profile.values[:, i] == TEXT))
    order = f"ORDER BY {sql.name(relation.row)} LIMIT 1 OFFSET {first}"
    query = f"SELECT {sql.name(name)}::VARCHAR FROM {relation.numbered} {order}"
    ((text,),) = relation.fetch(query)
    return DataError(
        f"{relation.location}: column {name!r} holds numbers and {int(profile.texts[i]):,} of what"
        f" is not a number, the first {text[:40]!r} in row {first + 1:,}: repair it, or take that"
        f" as missing with --types {name}=number, or the whole column as categories with"
        f" --types {name}=category."
    )


def _check_finite(relation: Relation, profile: Profile, kinds: Mapping[str, str]) -> None:
    """Raise DataError for numbers that float32 cannot hold."""
    for i, name in enumerate(profile.names):
        if not profile.large[i] or kinds.get(name) != "number":
            continue
        count = int(profile.large[i])
        first = int(np.argmax(np.isinf(profile.values[:, i])))
        plural = "s" * (count > 1)
        raise DataError(
            f"{relation.location}: column {name!r} holds {count:,} value{plural} infinite or too"
            f" large for float32, the first in row {first + 1:,}: repair or leave out such rows."
        )


def _column(
    profile: Profile, name: str, kind: str, found: Levels | None, center: float | None
) -> Column:
    """A column's encoding."""
    i = profile.names.index(name)
    missing = bool(profile.missing[i])
    if found is not None:
        return Column(name, kind, found.names, missing=missing)
    if center is not None:
        unread = kind == "number" and bool(profile.texts[i])
        return Column(name, kind, median=center, center=center, missing=missing or unread)
    missing = missing or bool(profile.texts[i])
    values = profile.values[:, i]
    present = profiling.numbers(values) if missing else values
    median = float(np.median(present)) if len(present) else 0.0
    return Column(name, kind, median=median, missing=missing)


def _times(relation: Relation, names: Sequence[str]) -> list[str]:
    """Those text columns whose every value is a date or a time; a few rows rule most out."""
    for rows in (f"(FROM {relation.filtered} LIMIT 100)", relation.filtered):
        if names:
            tests = ", ".join(f"bool_and({_is_time(sql.name(name))})" for name in names)
            (found,) = relation.fetch(f"SELECT {tests} FROM {rows}")
            names = [name for name, fits in zip(names, found, strict=True) if fits]
    return list(names)


def _is_time(quoted: str) -> str:
    """SQL of whether a value is a time or missing."""
    return f"TRY_CAST({quoted} AS TIMESTAMP) IS NOT NULL OR {quoted} IS NULL"


def _to_center(profile: Profile, kinds: Mapping[str, str]) -> dict[str, str]:
    """Columns to centre, with their kinds: times, and numbers close together and far from 0."""
    rounded = {name for name, flag in zip(profile.names, profile.rounded, strict=True) if flag}
    return {
        name: kind
        for name, kind in kinds.items()
        if kind == "time" or (kind == "number" and name in rounded)
    }


def _centers(relation: Relation, kinds: Mapping[str, str]) -> dict[str, float]:
    """The medians, in float64, of some columns."""
    if not kinds:
        return {}
    values = [sql.number(name, relation.types[name], kind) for name, kind in kinds.items()]
    medians = [f"median({value}) FILTER (WHERE isfinite({value}))" for value in values]
    (found,) = relation.fetch(f"SELECT {', '.join(medians)} FROM {relation.filtered}")
    return {name: float(median) for name, median in zip(kinds, found, strict=True)}
