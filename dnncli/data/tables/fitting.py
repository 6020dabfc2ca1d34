"""What each column of a training table is, and how it is encoded: found from its values alone.

The type of a file's column decides nothing, so that a table gives the same features from CSV and Parquet.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from jaxtyping import Float32, Int32, Int64

from dnncli.data.labels import listed
from dnncli.data.tables import sql, targets, telling
from dnncli.data.tables.encoder import TEXT
from dnncli.data.tables.encoding import Column, Encoding
from dnncli.data.tables.relation import Relation
from dnncli.errors import DataError, SpecError

FEW = 10  # different whole numbers at most that are codes of categories rather than quantities …
ROWS_A_CODE = 10  # … if there are so many rows for each
MOST_LEVELS = 255  # of a category; the rest are "other"
PROBE = 1000  # rows that show of most columns that they hold more than a few different numbers
NUMERIC_SHARE = 0.9  # a column with so many numbers is one of numbers, and its texts are trouble
Matrix = Float32[np.ndarray, "rows columns"]


@dataclass(frozen=True)
class Fit:
    """An encoding, what it was found from, and what is to be told of it."""

    encoding: Encoding
    profile: "Profile"
    levels: dict[str, "Levels"]
    notices: tuple[str, ...]

    @property
    def plain(self) -> bool:
        """Whether the columns' values are the features."""
        return self.encoding.trivial and len(self.encoding.columns) == len(self.profile.names)


@dataclass(frozen=True)
class Profile:
    """Columns with their values in float32, and how many are missing, text, and too large.

    labels: places among the target's labels, row by row.
    """

    names: tuple[str, ...]
    values: Matrix
    labels: Int32[np.ndarray, " rows"]
    missing: Int64[np.ndarray, " columns"]
    texts: Int64[np.ndarray, " columns"]
    large: Int64[np.ndarray, " columns"]


@dataclass(frozen=True)
class Levels:
    """A category's levels that get a feature of their own, and how many others and their rows there are."""

    names: tuple[str, ...]
    others: int
    rows: int


def fit(relation: Relation, labels: targets.Labels, drop: str | None, types: str | None) -> Fit:
    """Find the encoding of a table's columns, all but the target and those dropped.

    `types` overrides what columns are found to be: `zip=category,x*=number`. Raises SpecError for columns
    that are not there, DataError for columns that have no sound encoding.
    """
    names = chosen(relation, labels.column, drop)
    forced = _forced(types, names)
    profile = _profile(relation, names, labels)
    kinds = _kinds(relation, profile, forced)
    _check_finite(relation, profile, kinds)
    levels = _levels(relation, {name: kind for name, kind in kinds.items() if kind in ("code", "text")})
    medians = _median_times(relation, [name for name, kind in kinds.items() if kind == "time"])
    columns = tuple(
        _column(profile, i, kinds[name], levels.get(name), medians.get(name))
        for i, name in enumerate(names)
        if name in kinds
    )
    if not columns:
        raise DataError(f"{relation.place}: there is no column with values besides the target to learn from.")
    layout = tuple(relation.dialect.columns) if relation.dialect and not relation.dialect.header else ()
    encoding = Encoding(columns, labels.column, targets.classes(labels.names), layout)
    notices = telling.of_training(encoding, profile, levels)
    return Fit(encoding, profile, levels, notices)


def chosen(relation: Relation, target: str, drop: str | None) -> tuple[str, ...]:
    """The columns to learn from, in the file's order."""
    columns = [*relation.types, *relation.unusable]
    dropped = {targets.resolve(columns, name, "--drop") for name in split(drop)}
    if target in dropped:
        raise SpecError(f"--drop {target}: is the column to predict; choose another with --target.")
    for name, type_ in relation.unusable.items():
        if name not in dropped:
            raise DataError(f"{relation.place}: column {name!r} holds {type_}: leave it out with --drop {name}.")
    return tuple(name for name in relation.types if name != target and name not in dropped)


def split(names: str | None) -> list[str]:
    """Names between commas; one with a comma in it stands in double quotes."""
    return [name.strip() for name in next(csv.reader([names], skipinitialspace=True))] if names else []


def _forced(types: str | None, names: Sequence[str]) -> dict[str, str]:
    """What --types says of each column; a name may be a pattern, and later ones win."""
    forced: dict[str, str] = {}
    for part in split(types):
        pattern, _, kind = part.rpartition("=")
        if kind not in ("number", "category"):
            raise SpecError(f"--types {part}: write COLUMN=number or COLUMN=category.")
        matched = [name for name in names if name == pattern or fnmatchcase(name, pattern)]
        if not matched:
            raise SpecError(f"--types {part}: no column is called so; there are {listed(tuple(names))}.")
        forced |= dict.fromkeys(matched, kind)
    return forced


def _profile(relation: Relation, names: Sequence[str], labels: targets.Labels) -> Profile:
    """Read every column once, and the labels with them."""
    if not names:
        raise DataError(f"{relation.place} has no column besides the target {labels.column!r} to learn from.")
    values, places = np.empty((labels.rows, len(names)), np.float32), np.empty(labels.rows, np.int32)
    missing, texts, large = np.zeros((3, len(names)), np.int64)
    columns = [(name, relation.types[name]) for name in names]
    label = f"{targets.position(relation, labels)} AS label"
    done = 0
    for batch in relation.batches(f"SELECT {sql.profile(columns)}, {label} FROM {relation.base}"):
        x, end = batch["x"], done + len(batch["x"])
        values[done:end], places[done:end] = x[: labels.rows - done], batch["label"][: labels.rows - done]
        missing += np.isnan(x).sum(axis=0)
        texts += (x == TEXT).sum(axis=0)
        large += np.isinf(x).sum(axis=0)
        done = end
    relation.check_rows(done, labels.rows)
    return Profile(tuple(names), values, places, missing, texts, large)


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
        return "code" if _is_code(profile.values[:, i]) else "number"
    if numbers >= NUMERIC_SHARE * (numbers + texts) and not _few(profile.values[:, i]):
        raise _mixed(relation, profile, i)
    return "text"


def _numbers(values: Float32[np.ndarray, " rows"]) -> Float32[np.ndarray, " numbers"]:
    return values[np.isfinite(values) & (values != TEXT)]


def _few(values: Float32[np.ndarray, " rows"]) -> bool:
    """Whether a column has few different numbers."""
    return len(np.unique(_numbers(values[:PROBE]))) <= FEW and len(np.unique(_numbers(values))) <= FEW


def _is_code(values: Float32[np.ndarray, " rows"]) -> bool:
    """Whether numbers look like codes of categories: few, whole, and each in many rows."""
    if not _few(values):
        return False
    numbers = _numbers(values)
    different = np.unique(numbers)
    return 1 < len(different) <= len(numbers) / ROWS_A_CODE and bool((different == np.floor(different)).all())


def _mixed(relation: Relation, profile: Profile, i: int) -> DataError:
    name, first = profile.names[i], int(np.argmax(profile.values[:, i] == TEXT))
    ((text,),) = relation.rows(f"SELECT {sql.name(name)}::VARCHAR FROM {relation.base} LIMIT 1 OFFSET {first}")
    count = f"{int(profile.texts[i]):,} value{'s' * (profile.texts[i] > 1)} that {'is' if profile.texts[i] == 1 else 'are'}"
    return DataError(
        f"{relation.place}: column {name!r} holds numbers, but also {count} none, the first {text[:40]!r} in row"
        f" {first + 1:,}: repair it, or take it as missing with --types {name}=number, or the whole column as"
        f" categories with --types {name}=category."
    )


def _check_finite(relation: Relation, profile: Profile, kinds: Mapping[str, str]) -> None:
    for i, name in enumerate(profile.names):
        if profile.large[i] and kinds.get(name) == "number":
            first = int(np.argmax(np.isinf(profile.values[:, i])))
            raise DataError(
                f"{relation.place}: column {name!r} holds {int(profile.large[i]):,} values that are infinite or too"
                f" large for float32, the first in row {first + 1:,}: repair or leave out those rows."
            )


def _column(profile: Profile, i: int, kind: str, levels: Levels | None, median: float | None) -> Column:
    name, missing = profile.names[i], bool(profile.missing[i])
    if levels is not None:
        return Column(name, kind, levels.names, missing=missing)
    if median is None:
        missing = missing or bool(profile.texts[i])
        numbers = profile.values[:, i] if not missing else _numbers(profile.values[:, i])
        median = float(np.median(numbers)) if len(numbers) else 0.0
    return Column(name, kind, median=median, missing=missing)


def _times(relation: Relation, names: Sequence[str]) -> list[str]:
    """Those text columns whose every value is a date or a time."""
    for rows in (f"(FROM {relation.base} LIMIT 100)", relation.base):
        tests = [f"bool_and(TRY_CAST({sql.name(name)} AS TIMESTAMP) IS NOT NULL OR {sql.name(name)} IS NULL)" for name in names]
        if not names:
            return []
        (found,) = relation.rows(f"SELECT {', '.join(tests)} FROM {rows}")
        names = [name for name, fits in zip(names, found, strict=True) if fits]
    return list(names)


def _median_times(relation: Relation, names: Sequence[str]) -> dict[str, float]:
    if not names:
        return {}
    medians = [f"median({sql.number(name, relation.types[name], 'time')})" for name in names]
    (found,) = relation.rows(f"SELECT {', '.join(medians)} FROM {relation.base}")
    return {name: float(median) for name, median in zip(names, found, strict=True)}


def _levels(relation: Relation, kinds: Mapping[str, str]) -> dict[str, Levels]:
    """The levels of categories, all found in one pass over the table for every 32 columns."""
    names, found = list(kinds), {}
    for start in range(0, len(names), 32):
        part = names[start : start + 32]
        counts: dict[str, list[tuple[str, int]]] = {name: [] for name in part}
        totals = dict.fromkeys(part, (0, 0))
        for place, text, count, different, rows in relation.rows(_levels_query(relation, {n: kinds[n] for n in part})):
            counts[part[place]].append((text, count))
            totals[part[place]] = different, rows
        found |= {name: _kept(kinds[name], counts[name], *totals[name]) for name in part}
    return found


def _levels_query(relation: Relation, kinds: Mapping[str, str]) -> str:
    """Each column's most frequent levels: its place, the level, its rows; and how many there are in all."""
    levels = [f"{sql.level(name, relation.types[name], kind)} AS l{i}" for i, (name, kind) in enumerate(kinds.items())]
    own = [f"l{i}" for i in range(len(kinds))]
    sets = ", ".join(f"({name})" for name in own)
    # GROUPING sets the bits of the columns that a row is not grouped by, the first column's highest.
    places = " ".join(
        f"WHEN {(1 << len(own)) - 1 - (1 << (len(own) - 1 - i))} THEN {i}" for i in range(len(own))
    )
    grouped = (
        f"SELECT CASE grouping({', '.join(own)}) {places} END AS place, coalesce({', '.join(own)}, NULL) AS level,"
        f" count(*) AS n FROM (SELECT {', '.join(levels)} FROM {relation.base}) GROUP BY GROUPING SETS ({sets})"
    )
    return (
        f"SELECT place, level, n, count(*) OVER (PARTITION BY place), (sum(n) OVER (PARTITION BY place))::BIGINT"
        f" FROM ({grouped}) WHERE level IS NOT NULL"
        f" QUALIFY row_number() OVER (PARTITION BY place ORDER BY n DESC, level) <= {MOST_LEVELS}"
    )


def _kept(kind: str, counts: Sequence[tuple[str, int]], different: int, rows: int) -> Levels:
    """Levels that occur more than once, the most frequent ones: "other" then has rows to learn from."""
    kept = [(text, count) for text, count in counts if count > 1]
    names = sorted(text for text, _ in kept)
    if kind == "code":
        names = [str(int(x)) if x.is_integer() else repr(x) for x in sorted(float(text) for text in names)]
    return Levels(tuple(names), different - len(kept), rows - sum(count for _, count in kept))
