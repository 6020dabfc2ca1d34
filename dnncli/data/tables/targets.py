"""The column to predict: which it is, its labels, and the classes they name."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32

from dnncli.data.labels import listed
from dnncli.data.tables import sql
from dnncli.data.tables.encoding import Column
from dnncli.data.tables.names import split
from dnncli.data.tables.relation import Relation
from dnncli.errors import DataError, SpecError, suggestion

MOST_CLASSES = 1000
UNSEEN = -1  # the class of a label that training had not
FEW = 20  # different numbers or texts that a target has without further question


@dataclass(frozen=True)
class Labels:
    """A target's labels as the file has them, sorted, and how often each occurs.

    numbers: targets that are numbers, which have no labels; `counts` then has the rows alone.
    """

    column: str
    names: tuple[str, ...]
    counts: tuple[int, ...]
    strip: str | None
    numbers: tuple[Column, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column to predict."""
        return tuple(column.name for column in self.numbers) or (self.column,)

    @property
    def rows(self) -> int:
        """How many rows the table has."""
        return sum(self.counts)


def resolve(columns: Sequence[str], wanted: str | None, option: str = "--target") -> str:
    """The column of that name or number, counting from 1; the last one where none is given.

    Raises SpecError, with the columns there are, for any other.
    """
    if wanted is None:
        return columns[-1]
    if wanted in columns:
        return wanted
    if wanted.isdecimal() and 1 <= int(wanted) <= len(columns):
        return columns[int(wanted) - 1]
    near = suggestion(wanted, columns)
    hint = f"{near} " if near else ""
    raise SpecError(
        f"{option} {wanted}: no column is called so: {hint}There are {listed(columns)}.",
        option=option,
    )


def resolve_all(columns: Sequence[str], wanted: str | None) -> tuple[str, ...]:
    """The columns of --target: one of that name, or several between commas.

    Raises SpecError, with the columns there are, for any other, and for one that stands twice.
    """
    if wanted is None or wanted in columns or "," not in wanted:
        return (resolve(columns, wanted),)
    found = tuple(resolve(columns, name) for name in split(wanted))
    twice = [name for name in found if found.count(name) > 1]
    if twice:
        raise SpecError(f"--target {wanted}: column {twice[0]!r} stands twice.", option="--target")
    return found


def no_rows(relation: Relation) -> DataError:
    """The error for a table without rows."""
    chosen = " for which --where holds" if relation.where else ""
    return DataError(f"{relation.location} has no rows{chosen}.")


def count(relation: Relation, column: str, strip: str | None) -> Labels:
    """Every label of the target.

    Raises DataError for an empty table and for missing labels.
    """
    if column in relation.unusable:
        raise DataError(
            f"{relation.location}: column {column!r} holds {relation.unusable[column]}, which"
            " cannot name a class."
        )
    label = _label(relation, column, strip)
    found = relation.fetch(
        f"SELECT label, count(*) AS n FROM (SELECT {label} AS label FROM {relation.filtered})"
        f" GROUP BY label ORDER BY n DESC, label LIMIT {MOST_CLASSES + 1}"
    )
    if not found:
        raise no_rows(relation)
    if absent := dict(found).get(None):
        raise missing(relation, column, strip, absent)
    labels = sorted(found)
    names = tuple(name for name, _ in labels)
    return Labels(column, names, tuple(number for _, number in labels), strip)


def _label(relation: Relation, column: str, strip: str | None) -> str:
    """SQL of a row's label."""
    return sql.label(column, relation.types[column], strip)


def label(relation: Relation, labels: Labels) -> str:
    """SQL of a row's label."""
    return _label(relation, labels.column, labels.strip)


def index(relation: Relation, labels: Labels) -> str:
    """SQL of a row's label as an index into the labels."""
    return sql.index(_label(relation, labels.column, labels.strip), labels.names, -1)


def missing(relation: Relation, column: str, strip: str | None, count: int) -> DataError:
    """The error for rows without a label."""
    order = f"row_number() OVER (ORDER BY {sql.name(relation.row)})"
    label = _label(relation, column, strip)
    rows = f"SELECT {order} AS number, {label} AS label FROM {relation.numbered}"
    ((first,),) = relation.fetch(f"SELECT min(number) FROM ({rows}) WHERE label IS NULL")
    have = "row has" if count == 1 else "rows have"
    quoted = sql.name(column)
    numeric = sql.simple(relation.types[column]) == "DOUBLE"
    where = f"NOT isnan({quoted})" if numeric else f"{quoted} IS NOT NULL"
    return DataError(
        f"{relation.location}: {count:,} {have} no label in column {column!r}, the first is row"
        f" {first:,}: leave them out with --where {shlex.quote(where)}, or predict another column"
        " with --target."
    )


def check(relation: Relation, labels: Labels) -> None:
    """Raise DataError for a target to train on that is a quantity or an identifier, not a class."""
    location = f"{relation.location}: column {labels.column!r}"
    many = len(labels.names)
    if many == 1:
        rows = "row" if labels.rows == 1 else "rows"
        raise DataError(
            f"{location} has the one class {labels.names[0]!r} in {labels.rows:,} {rows}:"
            " nothing to tell apart."
        )
    if many > FEW and any(not number.is_integer() for number in as_floats(labels.names)):
        raise DataError(
            f"{location} holds {many:,} different numbers: a quantity, not a class; predict it with"
            " --task regression, or choose another with --target."
        )
    if many > min(MOST_CLASSES, max(FEW, labels.rows / 2)):
        count = f"over {MOST_CLASSES:,}" if many > MOST_CLASSES else f"{many:,}"
        raise DataError(
            f"{location} holds {count} different values: too many for classes; choose another with"
            " --target."
        )


def as_floats(names: Sequence[str]) -> list[float]:
    """The names as numbers; an empty list where one is not a finite number."""
    try:
        numbers = [float(name) for name in names]
    except ValueError:
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


def classes(names: Sequence[str]) -> tuple[str, ...]:
    """What labels name: numbers in their order, written one way (6.0 is 6); texts sorted."""
    if not as_floats(names):
        return tuple(sorted(names))
    return tuple(sorted({_canonical(name) for name in names}, key=lambda name: (float(name), name)))


def _canonical(number: str) -> str:
    """6 for 6.0 and 6.5 for 6.50; whole numbers stay as they are, zeros in front and all."""
    if number.lstrip("-").isdigit():
        return number
    exact = float(number)
    return str(int(exact)) if exact.is_integer() and abs(exact) < 1e15 else repr(exact)


def class_indices(
    relation: Relation, labels: Labels, known: tuple[str, ...], *, new_too: bool = False
) -> Int32[np.ndarray, " labels"]:
    """Each label's class among the known ones; with `new_too` UNSEEN for a label of none.

    Raises DataError that names unknown labels, and the --label-strip with which they would fit;
    with `new_too` where they would fit, or where no label is known.
    """
    indices = {name: index for index, name in enumerate(known)}
    found = [_class_index(name, indices) for name in labels.names]
    new = tuple(name for name, index in zip(labels.names, found, strict=True) if index == UNSEEN)
    fit = _strip(new, known)
    if new and (fit or not new_too or len(new) == len(found)):
        hint = f"; with --label-strip {shlex.quote(fit)} they fit" if fit else ""
        plural = "s" * (len(new) > 1)
        raise DataError(
            f"{relation.location}: column {labels.column!r} has the unknown label{plural}"
            f" {_quoted(new)}; the classes are {_quoted(known)}{hint}."
        )
    return np.array(found, np.int32)


def _quoted(names: Sequence[str]) -> str:
    """Names in quotes, for an error."""
    return listed(tuple(map(repr, names)))


def _class_index(name: str, indices: dict[str, int]) -> int:
    """A label's class: of its own name, of the same number, or the same truth; else UNSEEN."""
    if name in indices:
        return indices[name]
    if numbers := as_floats([name]):
        same = (index for known, index in indices.items() if as_floats([known]) == numbers)
        return next(same, UNSEEN)
    if name.lower() not in ("true", "false"):
        return UNSEEN
    truths = {known.lower(): index for known, index in indices.items()}
    return truths.get(name.lower(), UNSEEN)


def _strip(new: Sequence[str], known: Sequence[str]) -> str | None:
    """Characters around the labels without which every one is known."""
    ends = {end for name in new for end in (name[0], name[-1]) if not end.isalnum()}
    for characters in (*sorted(ends), "".join(sorted(ends))):
        if characters and {name.strip(characters) for name in new} <= set(known):
            return characters
    return None
