"""The levels of a table's categories: which there are, and which get a feature of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dnncli.data.tables import sql
from dnncli.data.tables.relation import Relation

MOST_LEVELS = 255  # of a category that have a feature each; the rest are "other"
MOST_EFFECTS = 10_000  # of a category that have effects on the target
AT_ONCE = 32  # categories whose levels one query counts


@dataclass(frozen=True)
class Levels:
    """A category's levels with a feature each; how many others there are, and in how many rows."""

    names: tuple[str, ...]
    others: int
    rows: int
    present: int = 0  # rows that have a level at all
    by_target: bool = False


class Choice(NamedTuple):
    """What decides how levels become features: --categories, and how many outputs there are."""

    categories: str
    outputs: int

    def by_target(self, different: int) -> bool:
        """Whether so many different levels have effects instead of a feature each.

        They do where there is no room for a feature each: the rest would be told apart by nothing.
        """
        if self.categories != "auto":
            return self.categories == "target"
        return different > MOST_LEVELS > self.outputs


def find(relation: Relation, kinds: Mapping[str, str], choice: Choice) -> dict[str, Levels]:
    """The levels of categories, with one query for every AT_ONCE columns."""
    names = list(kinds)
    found: dict[str, Levels] = {}
    for start in range(0, len(names), AT_ONCE):
        part = {name: kinds[name] for name in names[start : start + AT_ONCE]}
        found |= _find(relation, part, choice)
    return found


def _find(relation: Relation, kinds: Mapping[str, str], choice: Choice) -> dict[str, Levels]:
    """The levels of some categories."""
    names = list(kinds)
    counts: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
    totals = dict.fromkeys(names, (0, 0))
    for index, text, count, different, rows in relation.fetch(_query(relation, kinds)):
        counts[names[index]].append((text, count))
        totals[names[index]] = different, rows
    return {name: _kept(kinds[name], counts[name], *totals[name], choice) for name in names}


def _query(relation: Relation, kinds: Mapping[str, str]) -> str:
    """Each column's most frequent levels: its index, the level, its rows, and the totals."""
    names = list(kinds)
    aliases = [f"l{i}" for i in range(len(names))]
    levels = [
        f"{sql.level(name, relation.types[name], kinds[name])} AS {alias}"
        for name, alias in zip(names, aliases, strict=True)
    ]
    sets = ", ".join(f"({alias})" for alias in aliases)
    listed = ", ".join(aliases)
    # GROUPING sets the bits of columns that a row is not grouped by, the first column's highest.
    everything = (1 << len(names)) - 1
    masks = [everything - (1 << (len(names) - 1 - i)) for i in range(len(names))]
    cases = " ".join(f"WHEN {mask} THEN {i}" for i, mask in enumerate(masks))
    grouped = (
        f"SELECT CASE grouping({listed}) {cases} END AS column_index,"
        f" coalesce({listed}, NULL) AS level, count(*) AS n"
        f" FROM (SELECT {', '.join(levels)} FROM {relation.filtered})"
        f" GROUP BY GROUPING SETS ({sets})"
    )
    window = "OVER (PARTITION BY column_index"
    return (
        f"SELECT column_index, level, n, count(*) {window}), (sum(n) {window}))::BIGINT"
        f" FROM ({grouped}) WHERE level IS NOT NULL"
        f" QUALIFY row_number() {window} ORDER BY n DESC, level) <= {MOST_EFFECTS}"
    )


def _kept(
    kind: str, counts: Sequence[tuple[str, int]], different: int, rows: int, choice: Choice
) -> Levels:
    """Levels that occur more than once, the most frequent: "other" then has rows to learn from."""
    by_target = choice.by_target(different)
    most = MOST_EFFECTS if by_target else MOST_LEVELS
    frequent = sorted(counts, key=lambda pair: (-pair[1], pair[0].encode()))[:most]
    kept = [(text, count) for text, count in frequent if count > 1]
    names = sorted(text for text, _ in kept)
    if kind == "code":
        names = [_code(number) for number in sorted(map(float, names))]
    others = rows - sum(count for _, count in kept)
    return Levels(tuple(names), different - len(kept), others, rows, by_target)


def _code(number: float) -> str:
    """3 for 3.0, and 2.5."""
    return str(int(number)) if number.is_integer() else repr(number)
