"""What a table's owner should know besides the result: missing values, rare and unknown levels."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int32, Int64

from dnncli.data.tables import notation
from dnncli.data.tables.encoder import ISSUES
from dnncli.data.tables.encoding import Column, Encoding
from dnncli.records import Notice

if TYPE_CHECKING:
    from dnncli.data.tables.levels import Levels
    from dnncli.data.tables.missing_marks import Mark
    from dnncli.data.tables.notation_search import Found
    from dnncli.data.tables.profiling import Profile
    from dnncli.data.tables.suspects import Suspects
    from dnncli.data.tables.targets import Labels

FEW_ROWS = 5  # of a class, from which hardly anything can be learned


def of_training(
    encoding: Encoding,
    profile: "Profile",
    levels: Mapping[str, "Levels"],
    sentences: Sequence[str],
) -> tuple[Notice, ...]:
    """What happened to a training table's columns."""
    rows = profile.rows
    missing = dict(zip(profile.names, map(int, profile.missing), strict=True))
    texts = dict(zip(profile.names, map(int, profile.texts), strict=True))
    empty = {name: count for name, count in missing.items() if count == rows}
    found = [*_of_values(encoding, missing, texts), _counted("empty", empty)]
    found += _of_levels(levels, rows, sentences)
    return tuple(notice for notice in found if notice.counts or notice.facts)


def _counted(kind: str, counts: Mapping[str, int]) -> Notice:
    """A notice of the columns that have a count."""
    return Notice(kind, tuple((name, count) for name, count in counts.items() if count))


def _of_values(
    encoding: Encoding, missing: Mapping[str, int], texts: Mapping[str, int]
) -> Iterator[Notice]:
    """Missing values, and texts among numbers."""
    numbers = [column for column in encoding.columns if not column.categorical]
    categories = [column for column in encoding.columns if column.categorical]
    measured = [column for column in numbers if column.kind == "number"]
    yield _counted("missing numbers", {c.name: missing[c.name] for c in numbers})
    yield _counted("unread", {c.name: texts[c.name] for c in measured})
    yield _counted("missing categories", {c.name: missing[c.name] for c in categories})


def _of_levels(
    levels: Mapping[str, "Levels"], rows: int, sentences: Sequence[str]
) -> Iterator[Notice]:
    """Levels that have no feature of their own."""
    for name, found in levels.items():
        if found.rows > rows / 2:
            different = found.others + len(found.names)
            facts: dict[str, str | int | float] = {
                "column": name,
                "different": different,
                "rows": rows,
            }
            kind = "sentences" if name in sentences else "many levels"
            yield Notice(kind, facts=facts)
    rare = {name: found.rows for name, found in levels.items() if found.rows <= rows / 2}
    yield _counted("rare levels", rare)


def of_new_rows(
    columns: Sequence[Column], issues: Int64[np.ndarray, "issues columns"], location: str
) -> tuple[Notice, ...]:
    """Why values of rows had to be replaced that were encoded as the training table's."""
    names = [column.name for column in columns]
    found = []
    for issue, counts in zip(ISSUES, issues, strict=True):
        pairs = tuple((name, int(n)) for name, n in zip(names, counts, strict=True) if n)
        if pairs:
            found.append(Notice(f"new {issue}", pairs, {"location": location}))
    return tuple(found)


def of_labels(
    labels: "Labels", classes: Int32[np.ndarray, " labels"], location: str
) -> tuple[Notice, ...]:
    """Labels of a test table that training had not, with their numbers of rows."""
    if labels.numbers:
        return ()
    counted = zip(labels.names, labels.counts, classes, strict=True)
    new = tuple((name, count) for name, count, index in counted if index < 0)
    return (Notice("unseen labels", new, {"location": location}),) if new else ()


def of_values(notations: Mapping[str, "Found"], far: Mapping[str, "Mark"]) -> tuple[Notice, ...]:
    """How values were read that are written for people, and which stand for missing."""
    found = [*_of_notations(notations), *_of_marks(far)]
    words: dict[str, list[tuple[str, int]]] = {}
    for name, read in notations.items():
        for text, count in read.marks:
            words.setdefault(text, []).append((name, count))
    found += [Notice("mark", tuple(counts), {"mark": text}) for text, counts in words.items()]
    return tuple(found)


def of_codes(names: Iterable[str]) -> tuple[Notice, ...]:
    """Columns of digits that are categories, since they keep zeros in front."""
    counts = tuple((name, 1) for name in names)
    return (Notice("codes", counts),) if counts else ()


def of_effects(encoding: Encoding) -> tuple[Notice, ...]:
    """Categories whose levels have effects on the target, with their numbers of levels."""
    counts = tuple((c.name, len(c.levels)) for c in encoding.columns if c.by_target)
    return (Notice("effects", counts),) if counts else ()


def _of_notations(notations: Mapping[str, "Found"]) -> Iterator[Notice]:
    """Columns by how their numbers and dates are written, each with an example."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, found in notations.items():
        if found.format:
            groups.setdefault((found.format, found.other), []).append(name)
    for (format_, other), names in groups.items():
        example = notations[names[0]].example
        facts: dict[str, str | int | float] = {
            "kind": notations[names[0]].kind,
            "example": example,
            "value": notation.shown(example, format_),
            "order": notation.TIMES.get(format_, format_),
            "other": notation.TIMES.get(other, other),
        }
        yield Notice("notation", tuple((name, 1) for name in names), facts)


def _of_marks(far: Mapping[str, "Mark"]) -> Iterator[Notice]:
    """Numbers far from all others, by whether they are taken as missing."""
    groups: dict[tuple[float, bool], list[tuple[str, int]]] = {}
    for name, mark in far.items():
        groups.setdefault((mark.value, mark.sure), []).append((name, mark.rows))
    for (value, sure), counts in groups.items():
        kind = "mark" if sure else "far value"
        yield Notice(kind, tuple(counts), {"mark": f"{value:.0f}"})


def of_suspects(
    found: "Suspects", constant: Sequence[str], labels: "Labels", features: int
) -> tuple[Notice, ...]:
    """Columns that teach nothing or too much, and classes with too few rows."""
    everything = [*found.constant, *constant]
    notices = [
        _named("ids", found.ids),
        _named("row order", found.ordered),
        _named("likely ids", found.likely),
        _named("constant", everything),
        *(Notice("twin", ((name, 1),), {"first": first}) for name, first in found.twins),
        _named("answers", found.answers),
    ]
    most = max(labels.counts)
    if features == len(everything) and not labels.numbers:
        share = most / labels.rows
        majority = labels.names[labels.counts.index(most)]
        notices.append(Notice("nothing to learn", facts={"class": majority, "share": share}))
    if len(labels.counts) > 2 and float(np.median(labels.counts)) < FEW_ROWS:
        rows = float(np.median(labels.counts))
        facts = {"classes": len(labels.counts), "rows": labels.rows, "median": rows}
        notices.append(Notice("few rows", facts=facts))
    return tuple(notice for notice in notices if notice.counts or notice.facts)


def _named(kind: str, names: Sequence[str]) -> Notice:
    """A notice of columns."""
    return Notice(kind, tuple((name, 1) for name in names))
