"""What each column of a training table is, and how it is encoded: found from its values alone.

The type of a file's column decides nothing, so that a table gives the same features from CSV and
Parquet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dnncli.data.tables import (
    kinds as column_kinds,
)
from dnncli.data.tables import (
    level_effects,
    levels,
    missing_marks,
    notation_search,
    notices,
    profiling,
    recurring,
    sql,
    suspects,
    targets,
)
from dnncli.data.tables.encoding import Column, Encoding
from dnncli.data.tables.levels import Choice, Levels
from dnncli.data.tables.missing_marks import Mark
from dnncli.data.tables.names import split
from dnncli.data.tables.notation import BY_MONTH, TIMES
from dnncli.data.tables.notation_search import Found
from dnncli.data.tables.profiling import Profile
from dnncli.data.tables.relation import Relation
from dnncli.errors import DataError, SpecError
from dnncli.records import Notice
from dnncli.spec import DataSpec


@dataclass(frozen=True)
class Fit:
    """An encoding, what it was found from, and what its owner should know.

    relation: the table with its marks of missing values taken as missing. left_out: ids.
    """

    encoding: Encoding
    relation: Relation
    profile: Profile
    levels: dict[str, Levels]
    notices: tuple[Notice, ...]
    left_out: tuple[str, ...] = ()

    @property
    def identity(self) -> bool:
        """Whether the columns' values are the features."""
        complete = len(self.encoding.columns) == len(self.profile.names)
        return self.encoding.identity and complete and self.profile.stride == 1


def fit(
    relation: Relation, labels: targets.Labels, spec: DataSpec, memory: int | None = None
) -> Fit:
    """Find the encoding of a table's columns, all but the target and those dropped.

    --types overrides what columns are found to be: `zip=category,x*=number`; --missing says which
    values stand for missing. memory: bytes that all values may take; of a larger table a sample of
    the rows shows what columns are. Raises SpecError for columns that are not there, DataError for
    columns that have no sound encoding.
    """
    names = chosen(relation, labels.columns, spec.drop)
    forced = column_kinds.forced(spec.types, names)
    marks = missing_marks.given(spec.missing, names)
    relation = relation.without({name: found for name, found in marks.items() if found})
    every = profiling.stride(labels.rows, len(names), memory)
    profile = profiling.profile(relation, [Column(n, "number") for n in names], labels, every)
    relation, notations = _read_texts(relation, profile, labels, forced)
    kinds = column_kinds.find(relation, profile, forced, notations)
    far = missing_marks.find(profile, _unmarked(kinds, marks))
    relation = _take_as_missing(relation, profile, far)
    suspected = suspects.find(profile, kinds, tuple(forced), len(labels.names))
    kinds = {name: kind for name, kind in kinds.items() if name not in suspected.ids}
    if not kinds:
        raise DataError(
            f"{relation.location}: there is no column with values besides the target to learn from."
        )
    column_kinds.check_finite(relation, profile, kinds)
    classes = targets.classes(labels.names)
    found = _levels(relation, kinds, labels, spec)
    drafts = _drafts(relation, kinds, notations, _all_marks(marks, notations, far))
    centers = _centers(relation, [c for c in drafts if _is_centered(profile, c)], profile.stride)
    columns = tuple(_column(profile, c, found.get(c.name), centers.get(c.name)) for c in drafts)
    rows = labels.rows
    encoding = Encoding(columns, labels.column, classes, _layout(relation), labels.numbers)
    constant = suspects.constant_texts(found, rows)
    texts = {name: levels_ for name, levels_ in found.items() if kinds[name] == "text"}
    telling = _telling(relation, texts, labels, len(classes))
    suspected = replace(suspected, answers=(*suspected.answers, *telling))
    told = (
        *notices.of_values(notations, far),
        *notices.of_codes(name for name in texts if not profile.count("texts", name)),
        *notices.of_effects(encoding),
        *notices.of_training(encoding, profile, found, suspects.sentences(relation, found, rows)),
        *notices.of_suspects(suspected, constant, labels, len(columns)),
    )
    return Fit(encoding, relation, profile, found, told, suspected.ids)


def _levels(
    relation: Relation, kinds: Mapping[str, str], labels: targets.Labels, spec: DataSpec
) -> dict[str, Levels]:
    """The levels of categories, and whether they have effects on the target."""
    categories = {name: kind for name, kind in kinds.items() if kind in ("code", "text")}
    numbers = labels.columns if labels.numbers else ()
    outputs = level_effects.outputs(targets.classes(labels.names), numbers)
    return levels.find(relation, categories, Choice(spec.categories, len(outputs)))


def _drafts(
    relation: Relation,
    kinds: Mapping[str, str],
    notations: Mapping[str, Found],
    marks: Mapping[str, tuple[str, ...]],
) -> list[Column]:
    """Columns with how they are written, what stands for missing, and the parts of times."""
    drafts = []
    for name, kind in kinds.items():
        column = Column(name, kind, format=_format(notations, name), marks=marks.get(name, ()))
        parts = _parts(relation, column) if kind == "time" else ()
        drafts.append(replace(column, parts=parts))
    return drafts


def _telling(
    relation: Relation, texts: Mapping[str, Levels], labels: targets.Labels, classes: int
) -> list[str]:
    """Categories that tell every row's class; of numbers none is asked for."""
    if labels.numbers:
        return []
    return suspects.telling_texts(relation, texts, targets.label(relation, labels), classes)


def _read_texts(
    relation: Relation,
    profile: Profile,
    labels: targets.Labels,
    forced: Mapping[str, str],
) -> tuple[Relation, dict[str, Found]]:
    """Numbers and dates that are written for people: their notations, and their values read."""
    grouped = relation.dialect.grouped if relation.dialect else ()
    texts = [
        name
        for i, name in enumerate(profile.names)
        if (profile.texts[i] or name in grouped)
        and forced.get(name) != "category"
        and sql.simple(relation.types[name]) == "VARCHAR"
    ]
    found = notation_search.find(relation, texts, forced)
    useful = {
        name: notation
        for name, notation in found.items()
        if notation.format or (notation.marks and not _is_category(profile, name, notation))
    }
    marks = {name: notation.words for name, notation in useful.items() if notation.marks}
    relation = relation.without(marks)
    if useful:
        again = [Column(name, n.kind, format=n.format) for name, n in useful.items()]
        profile.update(profiling.profile(relation, again, labels, profile.stride))
    return relation, useful


def _is_category(profile: Profile, name: str, notation: Found) -> bool:
    """Whether a column of numbers and marks has so few numbers that it is a category."""
    return notation.kind == "number" and profiling.low_cardinality(profile.column(name))


def _format(notations: Mapping[str, Found], name: str) -> str:
    """A column's notation."""
    return notations[name].format if name in notations else ""


def _unmarked(kinds: Mapping[str, str], marks: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Columns of numbers for which --missing says nothing."""
    return [name for name, kind in kinds.items() if kind == "number" and name not in marks]


def _take_as_missing(relation: Relation, profile: Profile, far: Mapping[str, Mark]) -> Relation:
    """The table with the marks that are sure taken as missing."""
    sure = {name: mark.value for name, mark in far.items() if mark.sure}
    for name, value in sure.items():
        profile.mark(name, value)
    return relation.without({name: (missing_marks.text(v),) for name, v in sure.items()})


def _all_marks(
    given: Mapping[str, tuple[str, ...]], notations: Mapping[str, Found], far: Mapping[str, Mark]
) -> dict[str, tuple[str, ...]]:
    """Every mark of a missing value, by column."""
    marks = dict(given)
    for name, notation in notations.items():
        marks[name] = (*marks.get(name, ()), *notation.words)
    for name, mark in far.items():
        if mark.sure:
            marks[name] = (*marks.get(name, ()), missing_marks.text(mark.value))
    return marks


def _layout(relation: Relation) -> tuple[str, ...]:
    """Every column of a file without a header line."""
    dialect = relation.dialect
    return () if dialect is None or dialect.header else tuple(dialect.columns)


def chosen(relation: Relation, target: Sequence[str], drop: str | None) -> tuple[str, ...]:
    """The columns to learn from, in the file's order."""
    columns = list(relation.declared)
    dropped = {targets.resolve(columns, name, "--drop") for name in split(drop)}
    for name in dropped.intersection(target):
        raise SpecError(
            f"--drop {name}: is the column to predict; choose another with --target.",
            option="--drop",
        )
    for name, type_ in relation.unusable.items():
        if name not in dropped:
            raise DataError(
                f"{relation.location}: column {name!r} holds {type_}: leave it out with --drop."
            )
    return tuple(name for name in relation.types if name not in {*target, *dropped})


def _column(profile: Profile, draft: Column, found: Levels | None, center: float | None) -> Column:
    """A column's encoding."""
    i = profile.places[draft.name]
    missing = bool(profile.missing[i])
    if found is not None:
        return replace(draft, levels=found.names, missing=missing, by_target=found.by_target)
    if center is not None:
        unread = draft.kind == "number" and bool(profile.texts[i])
        return replace(draft, median=center, center=center, missing=missing or unread)
    missing = missing or bool(profile.texts[i])
    values = profile.values[:, i]
    present = profiling.numbers(values) if missing else values
    median = float(np.median(present)) if len(present) else 0.0
    return replace(draft, median=median, missing=missing)


def _is_centered(profile: Profile, column: Column) -> bool:
    """Whether a column is centred: times, and numbers close together and far from 0."""
    rounded = bool(profile.rounded[profile.places[column.name]])
    return column.kind == "time" or (column.kind == "number" and rounded)


def _centers(relation: Relation, columns: Sequence[Column], stride: int) -> dict[str, float]:
    """The medians, in float64, of some columns; of every `stride`-th row."""
    if not columns:
        return {}
    values = [sql.number(c.name, relation.types[c.name], c.kind, c.format) for c in columns]
    medians = [f"median({value}) FILTER (WHERE isfinite({value}))" for value in values]
    rows = relation.filtered
    if stride > 1:
        number = sql.name(relation.row)
        rows = f"(SELECT * FROM {relation.numbered} WHERE {number} % {stride} = 1)"
    (found,) = relation.fetch(f"SELECT {', '.join(medians)} FROM {rows}")
    return {c.name: float(median) for c, median in zip(columns, found, strict=True)}


def _parts(relation: Relation, time: Column) -> tuple[str, ...]:
    """What comes again in a time, by its dates."""
    days = sql.number(time.name, relation.types[time.name], "time", time.format)
    measures = ", ".join(recurring.measures(days))
    ((span, *different),) = relation.fetch(f"SELECT {measures} FROM {relation.filtered}")
    parts = recurring.parts(span, different)
    if TIMES.get(time.format) == BY_MONTH:  # the first of a month has no weekday of its own
        return tuple(part for part in parts if part == recurring.SEASON)
    return parts
