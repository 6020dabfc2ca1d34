"""What each column of a training table is, and how it is encoded: found from its values alone.

The type of a file's column decides nothing, so that a table gives the same features from CSV and Parquet.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from dnncli.data.labels import listed
from dnncli.data.tables import levels, profiling, sql, targets
from dnncli.data.tables import notices as telling
from dnncli.data.tables.encoder import TEXT
from dnncli.data.tables.encoding import Column, Encoding
from dnncli.data.tables.levels import Levels
from dnncli.data.tables.opening import Relation
from dnncli.data.tables.profiling import Profile
from dnncli.errors import DataError, SpecError

NUMERIC_SHARE = 0.9  # a column with so many numbers is one of numbers, and its texts are trouble


@dataclass(frozen=True)
class Fit:
    """An encoding, what it was found from, and what is to be told of it."""

    encoding: Encoding
    profile: Profile
    levels: dict[str, Levels]
    notices: tuple[str, ...]

    @property
    def plain(self) -> bool:
        """Whether the columns' values are the features."""
        return self.encoding.trivial and len(self.encoding.columns) == len(self.profile.names)


def fit(relation: Relation, labels: targets.Labels, drop: str | None, types: str | None) -> Fit:
    """Find the encoding of a table's columns, all but the target and those dropped.

    `types` overrides what columns are found to be: `zip=category,x*=number`. Raises SpecError for columns
    that are not there, DataError for columns that have no sound encoding.
    """
    names = chosen(relation, labels.column, drop)
    forced = _forced(types, names)
    profile = profiling.profile(relation, names, labels)
    kinds = _kinds(relation, profile, forced)
    _check_finite(relation, profile, kinds)
    found = levels.find(
        relation, {name: kind for name, kind in kinds.items() if kind in ("code", "text")}
    )
    centers = _centers(relation, _to_centre(profile, kinds))
    columns = tuple(
        _column(profile, i, kinds[name], found.get(name), centers.get(name))
        for i, name in enumerate(names)
        if name in kinds
    )
    if not columns:
        raise DataError(
            f"{relation.place}: there is no column with values besides the target to learn from."
        )
    layout = (
        tuple(relation.dialect.columns) if relation.dialect and not relation.dialect.header else ()
    )
    encoding = Encoding(columns, labels.column, targets.classes(labels.names), layout)
    notices = telling.of_training(encoding, profile, found)
    return Fit(encoding, profile, found, notices)


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
                f"{relation.place}: column {name!r} holds {type_}: leave it out with --drop."
            )
    return tuple(name for name in relation.types if name != target and name not in dropped)


def split(names: str | None) -> list[str]:
    """Names between commas; one with a comma in it stands in double quotes."""
    return (
        [name.strip() for name in next(csv.reader([names], skipinitialspace=True))] if names else []
    )


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
    """What each column is; columns without a value are left out."""
    kinds = {
        name: _kind(relation, profile, i, forced.get(name))
        for i, name in enumerate(profile.names)
        if profile.missing[i] < len(profile.values)
    }
    texts = [name for name, kind in kinds.items() if kind == "text" and name not in forced]
    return kinds | dict.fromkeys(_times(relation, texts), "time")


def _kind(relation: Relation, profile: Profile, i: int, forced: str | None) -> str:
    name, texts = profile.names[i], int(profile.texts[i])
    numbers = len(profile.values) - int(profile.missing[i]) - texts
    if forced == "category":
        return "text" if texts else "code"
    if forced == "number":
        return "number"
    if sql.simple(relation.types[name]) == "TIMESTAMP":
        return "time"
    if not texts:
        exact = not profile.large[i] and not profile.rounded[i]
        return "code" if exact and profiling.is_code(profile.values[:, i]) else "number"
    if numbers >= NUMERIC_SHARE * (numbers + texts) and not profiling.few(profile.values[:, i]):
        raise _mixed(relation, profile, i)
    return "text"


def _mixed(relation: Relation, profile: Profile, i: int) -> DataError:
    name, first = profile.names[i], int(np.argmax(profile.values[:, i] == TEXT))
    ((text,),) = relation.rows(
        f"SELECT {sql.name(name)}::VARCHAR FROM {relation.base} LIMIT 1 OFFSET {first}"
    )
    return DataError(
        f"{relation.place}: column {name!r} holds numbers and {int(profile.texts[i]):,} of what is none, the"
        f" first {text[:40]!r} in row {first + 1:,}: repair it, or take that as missing with"
        f" --types {name}=number, or the whole column as categories with --types {name}=category."
    )


def _check_finite(relation: Relation, profile: Profile, kinds: Mapping[str, str]) -> None:
    for i, name in enumerate(profile.names):
        if profile.large[i] and kinds.get(name) == "number":
            count, first = int(profile.large[i]), int(np.argmax(np.isinf(profile.values[:, i])))
            raise DataError(
                f"{relation.place}: column {name!r} holds {count:,} value{'s' * (count > 1)} infinite or too"
                f" large for float32, the first in row {first + 1:,}: repair or leave out such rows."
            )


def _column(
    profile: Profile, i: int, kind: str, own: Levels | None, center: float | None
) -> Column:
    name, missing = profile.names[i], bool(profile.missing[i])
    if own is not None:
        return Column(name, kind, own.names, missing=missing)
    if center is not None:
        unread = kind == "number" and bool(profile.texts[i])
        return Column(name, kind, median=center, center=center, missing=missing or unread)
    missing = missing or bool(profile.texts[i])
    present = profiling.numbers(profile.values[:, i]) if missing else profile.values[:, i]
    median = float(np.median(present)) if len(present) else 0.0
    return Column(name, kind, median=median, missing=missing)


def _times(relation: Relation, names: Sequence[str]) -> list[str]:
    """Those text columns whose every value is a date or a time."""
    for rows in (f"(FROM {relation.base} LIMIT 100)", relation.base):
        tests = [
            f"bool_and(TRY_CAST({sql.name(name)} AS TIMESTAMP) IS NOT NULL OR {sql.name(name)} IS NULL)"
            for name in names
        ]
        if not names:
            return []
        (found,) = relation.rows(f"SELECT {', '.join(tests)} FROM {rows}")
        names = [name for name, fits in zip(names, found, strict=True) if fits]
    return list(names)


def _to_centre(profile: Profile, kinds: Mapping[str, str]) -> dict[str, str]:
    """Columns that are centred, with their kinds: times, and numbers close together and far from 0."""
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
    (found,) = relation.rows(f"SELECT {', '.join(medians)} FROM {relation.base}")
    return {name: float(median) for name, median in zip(kinds, found, strict=True)}
