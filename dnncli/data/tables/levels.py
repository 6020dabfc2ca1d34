"""The levels of a table's categories: which there are, and which get a feature of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dnncli.data.tables import sql
from dnncli.data.tables.opening import Relation

MOST_LEVELS = 255  # of a category; the rest are "other"
AT_ONCE = 32  # categories whose levels one query counts


@dataclass(frozen=True)
class Levels:
    """A category's levels that get a feature of their own, and how many others and their rows there are."""

    names: tuple[str, ...]
    others: int
    rows: int


def find(relation: Relation, kinds: Mapping[str, str]) -> dict[str, Levels]:
    """The levels of categories, all found in one pass over the table for every so many columns."""
    names, found = list(kinds), dict[str, Levels]()
    for start in range(0, len(names), AT_ONCE):
        part = names[start : start + AT_ONCE]
        counts: dict[str, list[tuple[str, int]]] = {name: [] for name in part}
        totals = dict.fromkeys(part, (0, 0))
        for place, text, count, different, rows in relation.rows(
            _query(relation, {n: kinds[n] for n in part})
        ):
            counts[part[place]].append((text, count))
            totals[part[place]] = different, rows
        found |= {name: _kept(kinds[name], counts[name], *totals[name]) for name in part}
    return found


def _query(relation: Relation, kinds: Mapping[str, str]) -> str:
    """Each column's most frequent levels: its place, the level, its rows; and how many there are in all."""
    levels = [
        f"{sql.level(name, relation.types[name], kind)} AS l{i}"
        for i, (name, kind) in enumerate(kinds.items())
    ]
    own = [f"l{i}" for i in range(len(kinds))]
    sets = ", ".join(f"({name})" for name in own)
    # GROUPING sets the bits of the columns that a row is not grouped by, the first column's highest.
    places = " ".join(
        f"WHEN {(1 << len(own)) - 1 - (1 << (len(own) - 1 - i))} THEN {i}" for i in range(len(own))
    )
    grouped = (
        f"SELECT CASE grouping({', '.join(own)}) {places} END AS place, coalesce({', '.join(own)}, NULL)"
        f" AS level, count(*) AS n FROM (SELECT {', '.join(levels)} FROM {relation.base})"
        f" GROUP BY GROUPING SETS ({sets})"
    )
    return (
        f"SELECT place, level, n, count(*) OVER (PARTITION BY place),"
        f" (sum(n) OVER (PARTITION BY place))::BIGINT FROM ({grouped}) WHERE level IS NOT NULL"
        f" QUALIFY row_number() OVER (PARTITION BY place ORDER BY n DESC, level) <= {MOST_LEVELS}"
    )


def _kept(kind: str, counts: Sequence[tuple[str, int]], different: int, rows: int) -> Levels:
    """Levels that occur more than once, the most frequent ones: "other" then has rows to learn from."""
    kept = [(text, count) for text, count in counts if count > 1]
    names = sorted(text for text, _ in kept)
    if kind == "code":
        names = [
            str(int(x)) if x.is_integer() else repr(x)
            for x in sorted(float(text) for text in names)
        ]
    return Levels(tuple(names), different - len(kept), rows - sum(count for _, count in kept))
