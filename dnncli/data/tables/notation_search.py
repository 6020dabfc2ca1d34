"""Finding how a table's text columns write numbers and dates: from all their values."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from dnncli.data.tables import notation, sql
from dnncli.data.tables.notation import (
    COMMA,
    DATES,
    DAY_FIRST,
    MARKS,
    MONTH_FIRST,
    MULTIPLES,
    NUMBERS,
    TIMES,
    expression,
)
from dnncli.data.tables.relation import Relation

NUMERIC_SHARE = 0.9  # a column with so many numbers is one of numbers, and its texts are trouble
SAMPLE = 200  # rows whose values suggest formats


@dataclass(frozen=True)
class Found:
    """A column's format, and an example of it.

    other: a format that fits all values too. marks: texts that stand for missing, with counts.
    """

    format: str
    example: str
    other: str = ""
    marks: tuple[tuple[str, int], ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The marks alone."""
        return tuple(text for text, _ in self.marks)

    @property
    def kind(self) -> str:
        """Number or time."""
        return "time" if self.format in TIMES else "number"


def find(relation: Relation, names: Sequence[str], wanted: Mapping[str, str]) -> dict[str, Found]:
    """The formats of text columns whose values are numbers or dates, marks aside.

    Of numbers nearly all values must have the format, so that the others can be complained of; of
    dates all. wanted: number, date, day-first or month-first, where --types says so.
    """
    if not names:
        return {}
    samples = _samples(relation, names)
    possible = {name: _possible(samples[name], wanted.get(name, "")) for name in names}
    fitting = _fitting(relation, {name: formats for name, formats in possible.items() if formats})
    sole = [found[0].format for found in fitting.values() if len(found) == 1]
    evident = {TIMES.get(format_, format_) for format_ in sole}
    if relation.dialect and relation.dialect.options.get("delim") == ";":
        evident.add(COMMA)
    grouped = relation.dialect.grouped if relation.dialect else ()
    fitting |= {name: _with_comma(fitting[name]) for name in grouped if name in fitting}
    return {
        name: _chosen(found, evident, _example(samples[name])) for name, found in fitting.items()
    }


def _example(texts: Sequence[str]) -> str:
    """A text that shows its format, where there is one: 0 does not."""
    separated = (text for text in texts if "," in text or "." in text)
    return next(separated, next((text for text in texts if not text.isdigit()), texts[0]))


def _with_comma(found: "list[_Candidate]") -> "list[_Candidate]":
    """The formats of a column in which points separate thousands, if all its values have that."""
    most = max(candidate.values for candidate in found)
    commas = [c for c in found if c.format == COMMA and c.values == most]
    return commas or found


def _samples(relation: Relation, names: Sequence[str]) -> dict[str, list[str]]:
    """Some values of columns, marks aside."""
    columns = ", ".join(map(sql.name, names))
    rows = relation.fetch(f"SELECT {columns} FROM {relation.filtered} LIMIT {SAMPLE}")
    values = dict(zip(names, zip(*rows, strict=True), strict=True))
    return {name: _without_marks(values[name]) for name in names}


def _without_marks(values: Sequence[str | None]) -> list[str]:
    """The texts that are there and no marks of missing values."""
    return [value for value in values if value and value.lower() not in MARKS]


@dataclass(frozen=True)
class _Candidate:
    """A format, how many values have it, and those that have not: marks, or other texts."""

    format: str
    values: int
    marks: tuple[tuple[str, int], ...]
    others: int

    @property
    def fits(self) -> bool:
        """Whether the column has this format."""
        allowed = 0.0 if self.format in TIMES else 1 - NUMERIC_SHARE
        return self.values > 0 and self.others <= allowed * (self.values + self.others)


def _possible(texts: Sequence[str], wanted: str) -> list[str]:
    """Formats that nearly all of some texts have."""
    if not texts:
        return []
    numbers = () if wanted in (DAY_FIRST, MONTH_FIRST, "date") else ("", *NUMBERS)
    orders = (wanted,) if wanted in DATES else tuple(DATES)
    found = [name for name in numbers if _number_share(texts, name) >= NUMERIC_SHARE]
    if MULTIPLES in found and not any(map(notation.is_multiple, texts)):
        found.remove(MULTIPLES)
    if found or wanted == "number" or not any(map(str.isdigit, texts[0])):
        return found
    times = [name for name, order in TIMES.items() if order in orders]
    for text in texts:
        times = [name for name in times if notation.is_time(text, name)]
    return times


def _number_share(texts: Sequence[str], format_: str) -> float:
    """The share of texts that are numbers in a format."""
    return sum(notation.is_number(text, format_) for text in texts) / len(texts)


def _fitting(
    relation: Relation, formats: Mapping[str, Sequence[str]]
) -> dict[str, list[_Candidate]]:
    """The formats that columns have, of those that are possible; all counted in one query."""
    if not formats:
        return {}
    tests = []
    for name, possible in formats.items():
        quoted = sql.name(name)
        counts = ", ".join(_counts(quoted, format_) for format_ in possible)
        tests.append(f"{{'everything': count({quoted}), 'formats': [{counts}]}}")
    (found,) = relation.fetch(f"SELECT {', '.join(tests)} FROM {relation.filtered}")
    fitting: dict[str, list[_Candidate]] = {}
    for (name, possible), counted in zip(formats.items(), found, strict=True):
        pairs = zip(possible, counted["formats"], strict=True)
        tried = [
            _candidate(relation, name, format_, counts["values"], counted["everything"])
            for format_, counts in pairs
            if not _mixes_units(counts)
        ]
        fits = [candidate for candidate in tried if candidate.fits]
        if fits:
            fitting[name] = fits
    return fitting


def _counts(quoted: str, format_: str) -> str:
    """SQL of how many values have a format, how many of them no unit, and which units occur."""
    value = expression(quoted, format_)
    unit = notation.unit(quoted, format_)
    united = f"FILTER (WHERE {value} IS NOT NULL AND {unit} <> '')"
    parts = {
        "values": f"count({value})",
        "bare": f"count({value}) FILTER (WHERE {unit} = '')",
        "least": f"min({unit}) {united}",
        "greatest": f"max({unit}) {united}",
    }
    return "{" + ", ".join(f"'{name}': {part}" for name, part in parts.items()) + "}"


def _mixes_units(counts: Mapping[str, Any]) -> bool:
    """Whether some numbers have another unit than others: nobody knows how they compare."""
    unit = counts["least"]
    if unit is None:
        return False
    return unit != counts["greatest"] or (counts["bare"] > 0 and not notation.is_currency(unit))


def _candidate(
    relation: Relation, name: str, format_: str, values: int, everything: int
) -> _Candidate:
    """A format, with the texts that do not have it."""
    if values == everything or values < everything / 2:
        return _Candidate(format_, values, (), everything - values)
    quoted = sql.name(name)
    unread = f"{quoted} IS NOT NULL AND {expression(quoted, format_)} IS NULL"
    others = relation.fetch(
        f"SELECT {quoted} AS text, count(*) AS n FROM {relation.filtered} WHERE {unread}"
        " GROUP BY text ORDER BY n DESC LIMIT 20"
    )
    marks = tuple((text, n) for text, n in others if text.lower() in MARKS)
    return _Candidate(format_, values, marks, everything - values - sum(n for _, n in marks))


def _chosen(found: Sequence[_Candidate], evident: Set[str], example: str) -> Found:
    """One of the formats that fit: one that other columns have, or else the first."""
    most = max(candidate.values for candidate in found)
    equal = [candidate for candidate in found if candidate.values == most]
    best = equal[0]
    if best.format:
        evidently = (c for c in equal if TIMES.get(c.format, c.format) in evident)
        best = next(evidently, _usual(equal, example))
    other = next((c.format for c in equal if c is not best), "")
    if best.format in NUMBERS and not {",", "."} & {*example}:
        other = ""  # without a separator all mean the same
    return Found(best.format, example, other, best.marks)


def _usual(equal: Sequence[_Candidate], example: str) -> _Candidate:
    """The usual one of formats that fit: between slashes the month comes first, else the day."""
    if "/" not in example:
        return equal[0]
    return next((c for c in equal if TIMES.get(c.format) == MONTH_FIRST), equal[0])
