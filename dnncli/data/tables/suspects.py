"""Columns that teach nothing or too much: ids, constants, duplicates, and telling ones."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32

from dnncli.data.tables import profiling, sql
from dnncli.data.tables.levels import Levels
from dnncli.data.tables.profiling import PROBE, Profile
from dnncli.data.tables.relation import Relation

ID_NAME = re.compile(
    r"(.*[^a-z])?(id|ids|index|idx|uid|uuid|guid|key|pk|row|rownum|row_?id|obs|no|nr|num|sno|serial"
    r"|record|case|unnamed.*|column0*1)|.*[a-z]Id|.*ID|x|",
    re.DOTALL,
)
UNIQUE = 0.95  # of an id's numbers are different; float32 makes some large ones equal
DENSE = 1.5  # ids lie in a range of so many times their number
FEWEST = 20  # rows that show an order
MOST_LEVELS = 20  # of a category that may tell the class
WORDS = 3.0  # in a text that is a sentence rather than a name


@dataclass(frozen=True)
class Suspects:
    """Columns by what is wrong with them.

    ids: numbers the rows, left out. ordered: does so too, but may mean something. likely: called
    an id, with another number in nearly every row. constant: one value. twins: equal to another
    column, which comes second. answers: tells every row's class.
    """

    ids: tuple[str, ...] = ()
    ordered: tuple[str, ...] = ()
    likely: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()
    twins: tuple[tuple[str, str], ...] = ()
    answers: tuple[str, ...] = ()


def find(
    profile: Profile, kinds: Mapping[str, str], asked: Sequence[str], classes: int
) -> Suspects:
    """What is wrong with columns of numbers; `asked`: those whose kind --types gives."""
    numbers = [name for name, kind in kinds.items() if kind in ("number", "code")]
    labels = profile.labels
    constant = [name for name in numbers if _is_constant(profile, name)]
    counting = [name for name in numbers if name not in asked and _counts_rows(profile, name)]
    ids = [
        name
        for name in counting
        if _is_id_name(name) or _separates(profile.column(name), labels, classes)
    ]
    ordered = [name for name in counting if name not in ids and _ascends(profile.column(name))]
    likely = [
        name
        for name in numbers
        if name not in ids and name not in asked and _is_id_name(name) and _is_unique(profile, name)
    ]
    answers = [
        name
        for name in numbers
        if name not in ids and classes > 1 and _separates(profile.column(name), labels, classes)
    ]
    varying = [name for name in numbers if name not in constant]
    return Suspects(
        ids=tuple(ids),
        ordered=tuple(ordered),
        likely=tuple(likely),
        constant=tuple(constant),
        twins=tuple(_twins(profile, varying)),
        answers=tuple(answers),
    )


def _is_unique(profile: Profile, name: str) -> bool:
    """Whether a column holds different whole numbers, but for a few."""
    values = profiling.numbers(profile.column(name))
    if len(values) < FEWEST or not (values == np.floor(values)).all():
        return False
    return len(np.unique(values)) >= UNIQUE * len(values)


def _is_id_name(name: str) -> bool:
    """Whether a column is called as ids are: id, customer_id, PassengerId."""
    return bool(ID_NAME.fullmatch(name) or ID_NAME.fullmatch(name.lower()))


def _is_constant(profile: Profile, name: str) -> bool:
    """Whether a column has one value in every row."""
    values = profile.column(name)
    return bool((values == values[0]).all())


def _counts_rows(profile: Profile, name: str) -> bool:
    """Whether a column's values are different whole numbers without large gaps, as ids are."""
    values = profile.column(name)
    head = values[:PROBE]
    if len(values) < FEWEST or not (np.isfinite(head).all() and (head == np.floor(head)).all()):
        return False
    if len(np.unique(head)) < len(head) or not np.isfinite(values).all():
        return False
    width = float(values.max()) - float(values.min()) + 1
    return width <= DENSE * profile.rows and len(np.unique(values)) == len(values)


def _ascends(values: Float32[np.ndarray, " rows"]) -> bool:
    """Whether values follow the order of the rows."""
    return bool((np.diff(values) > 0).all() or (np.diff(values) < 0).all())


def _separates(
    values: Float32[np.ndarray, " rows"], labels: Int32[np.ndarray, " rows"], classes: int
) -> bool:
    """Whether every class has values in a range of its own; some rows rule most columns out."""
    for part in (slice(0, PROBE), slice(None)):
        found = values[part]
        if len(found) < FEWEST or not np.isfinite(found).all():
            return False
        present = len(np.unique(labels[part]))
        order = np.lexsort((labels[part], found))
        changes = np.flatnonzero(np.diff(labels[part][order]))
        tied = found[order][changes] == found[order][changes + 1]
        if len(changes) > present - 1 or tied.any():
            return False
    return classes > 1


def _twins(profile: Profile, names: Sequence[str]) -> list[tuple[str, str]]:
    """Columns that are equal to an earlier one."""
    seen: dict[bytes, list[str]] = {}
    twins = []
    for name in names:
        values = profile.column(name)
        earlier = seen.setdefault(values[:PROBE].tobytes(), [])
        same = (n for n in earlier if np.array_equal(profile.column(n), values, equal_nan=True))
        if first := next(same, None):
            twins.append((name, first))
        earlier.append(name)
    return twins


def constant_texts(levels: Mapping[str, Levels], rows: int) -> list[str]:
    """Categories with one level and nothing else."""
    return [
        name
        for name, found in levels.items()
        if len(found.names) == 1 and found.others == 0 and found.present == rows
    ]


def sentences(relation: Relation, levels: Mapping[str, Levels], rows: int) -> list[str]:
    """Text columns whose values are mostly different sentences."""
    names = [name for name, found in levels.items() if found.rows > rows / 2]
    if not names:
        return []
    words = [f"avg(len(string_split({sql.name(name)}::VARCHAR, ' ')))" for name in names]
    (found,) = relation.fetch(f"SELECT {', '.join(words)} FROM {relation.filtered}")
    return [name for name, count in zip(names, found, strict=True) if count >= WORDS]


def telling_texts(
    relation: Relation, levels: Mapping[str, Levels], label: str, classes: int
) -> list[str]:
    """Categories whose every level has rows of one class only; a few rows rule most out."""
    names = [
        name
        for name, found in levels.items()
        if not found.others and classes <= len(found.names) <= MOST_LEVELS
    ]
    for rows in (f"(FROM {relation.filtered} LIMIT {PROBE})", relation.filtered):
        if names:
            tests = ", ".join(
                f"count(DISTINCT ({sql.name(name)}, {label})) = count(DISTINCT {sql.name(name)})"
                for name in names
            )
            (found,) = relation.fetch(f"SELECT {tests} FROM {rows}")
            names = [name for name, tells in zip(names, found, strict=True) if tells]
    return names
