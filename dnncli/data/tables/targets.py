"""The column to predict: which it is, its labels, and the classes they name."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from jaxtyping import Int32

from dnncli.data.labels import listed
from dnncli.data.tables import sql
from dnncli.data.tables.opening import Relation
from dnncli.errors import DataError, SpecError

MOST_CLASSES = 1000
FEW = 20  # different numbers or texts that a target has without further question


@dataclass(frozen=True)
class Labels:
    """A target's labels as the file has them, sorted, and how often each occurs."""

    column: str
    names: tuple[str, ...]
    counts: tuple[int, ...]
    strip: str | None

    @property
    def rows(self) -> int:
        """How many rows the table has."""
        return sum(self.counts)


def resolve(columns: Sequence[str], wanted: str | None, option: str = "--target") -> str:
    """The column of that name or, counting from 1, of that number; the last one where none is given.

    Raises SpecError, with the columns there are, for any other.
    """
    if wanted is None:
        return columns[-1]
    if wanted in columns:
        return wanted
    if wanted.isdecimal() and 1 <= int(wanted) <= len(columns):
        return columns[int(wanted) - 1]
    near = get_close_matches(wanted, columns, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise SpecError(
        f"{option} {wanted}: no column is called so: {hint}There are {listed(columns)}.",
        option=option,
    )


def count(relation: Relation, column: str, strip: str | None) -> Labels:
    """Every label of the target.

    Raises DataError for an empty table and for missing labels.
    """
    if column in relation.unusable:
        raise DataError(
            f"{relation.place}: column {column!r} holds {relation.unusable[column]}: it names no class."
        )
    label = _label(relation, column, strip)
    found = relation.rows(
        f"SELECT label, count(*) AS n FROM (SELECT {label} AS label FROM {relation.base})"
        f" GROUP BY label ORDER BY n DESC, label LIMIT {MOST_CLASSES + 1}"
    )
    if not found:
        raise DataError(
            f"{relation.place} has no rows{' for which --where holds' if relation.where else ''}."
        )
    if missing := dict(found).get(None):
        raise _missing(relation, column, strip, missing)
    labels = sorted(found)
    return Labels(column, tuple(name for name, _ in labels), tuple(n for _, n in labels), strip)


def _label(relation: Relation, column: str, strip: str | None) -> str:
    return sql.label(column, relation.types[column], strip)


def position(relation: Relation, labels: Labels) -> str:
    """SQL of a label's place among the labels."""
    return sql.position(_label(relation, labels.column, labels.strip), labels.names, -1)


def _missing(relation: Relation, column: str, strip: str | None, count: int) -> DataError:
    rows = f"SELECT row_number() OVER () AS row, {_label(relation, column, strip)} AS label FROM {relation.base}"
    ((first,),) = relation.rows(f"SELECT min(row) FROM ({rows}) WHERE label IS NULL")
    have = "row has" if count == 1 else "rows have"
    own, numeric = sql.name(column), sql.simple(relation.types[column]) == "DOUBLE"
    where = shlex.quote(f"NOT isnan({own})" if numeric else f"{own} IS NOT NULL")
    return DataError(
        f"{relation.place}: {count:,} {have} no label in column {column!r}, the first is row {first:,}: leave"
        f" them out with --where {where}, or predict another column with --target."
    )


def check(relation: Relation, labels: Labels) -> None:
    """Raise DataError for a target to train on that is a quantity or an identifier rather than a class."""
    place, many = f"{relation.place}: column {labels.column!r}", len(labels.names)
    if many == 1:
        name, rows = labels.names[0], "row" if labels.rows == 1 else "rows"
        raise DataError(
            f"{place} has the one class {name!r} in {labels.rows:,} {rows}: nothing to tell apart."
        )
    if many > FEW and any(not number.is_integer() for number in _numbers(labels.names)):
        raise DataError(
            f"{place} holds {many:,} different numbers: a quantity, no class; choose another with --target."
        )
    if many > min(MOST_CLASSES, max(FEW, labels.rows / 2)):
        count = f"over {MOST_CLASSES:,}" if many > MOST_CLASSES else f"{many:,}"
        raise DataError(
            f"{place} holds {count} different values: too many for classes; choose another with --target."
        )


def _numbers(names: Sequence[str]) -> list[float]:
    """The names as numbers; none where one is no finite number."""
    try:
        numbers = [float(name) for name in names]
    except ValueError:
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


def classes(names: Sequence[str]) -> tuple[str, ...]:
    """What labels name: numbers in their order, written one way (6.0 is 6); texts sorted."""
    if not _numbers(names):
        return tuple(sorted(names))
    return tuple(sorted({_canonical(name) for name in names}, key=lambda name: (float(name), name)))


def _canonical(number: str) -> str:
    """6 for 6.0 and 6.5 for 6.50; whole numbers stay as they are, zeros in front and all."""
    if number.lstrip("-").isdigit():
        return number
    exact = float(number)
    return str(int(exact)) if exact.is_integer() and abs(exact) < 1e15 else repr(exact)


def places(
    relation: Relation, labels: Labels, known: tuple[str, ...]
) -> Int32[np.ndarray, " labels"]:
    """Each label's class among the known ones.

    Raises DataError that names labels of none, and the --label-strip with which they would fit.
    """
    index = {name: place for place, name in enumerate(known)}
    found = [_place(name, index) for name in labels.names]
    new = tuple(name for name, place in zip(labels.names, found, strict=True) if place is None)
    if new:
        fit = _strip(new, known)
        hint = f"; with --label-strip {shlex.quote(fit)} they fit" if fit else ""
        unknown = f"unknown label{'s' * (len(new) > 1)} {_quoted(new)}"
        raise DataError(
            f"{relation.place}: column {labels.column!r} has the {unknown}; the classes are"
            f" {_quoted(known)}{hint}."
        )
    return np.array(found, np.int32)


def _quoted(names: Sequence[str]) -> str:
    return listed(tuple(map(repr, names)))


def _place(name: str, index: dict[str, int]) -> int | None:
    """A label's class: of its own name, of the same number, or the same truth."""
    if name in index:
        return index[name]
    if numbers := _numbers([name]):
        return next((place for known, place in index.items() if _numbers([known]) == numbers), None)
    truths = {known.lower(): place for known, place in index.items()}
    return truths.get(name.lower()) if name.lower() in ("true", "false") else None


def _strip(new: Sequence[str], known: Sequence[str]) -> str | None:
    """Characters around the labels without which every one is known."""
    ends = {end for name in new for end in (name[0], name[-1]) if not end.isalnum()}
    for characters in (*sorted(ends), "".join(sorted(ends))):
        if characters and {name.strip(characters) for name in new} <= set(known):
            return characters
    return None
