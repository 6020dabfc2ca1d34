"""What each column of a table is: number, time, code or text, by its values or as --types says."""

from collections.abc import Mapping, Sequence

from dnncli.data.labels import listed
from dnncli.data.tables import profiling, sql
from dnncli.data.tables.names import matching, split
from dnncli.data.tables.notation import DAY_FIRST, MONTH_FIRST
from dnncli.data.tables.notation_search import NUMERIC_SHARE, Found
from dnncli.data.tables.profiling import Profile
from dnncli.data.tables.relation import Relation
from dnncli.errors import DataError, SpecError

DATE_KINDS = ("date", DAY_FIRST, MONTH_FIRST)


def forced(types: str | None, names: Sequence[str]) -> dict[str, str]:
    """What --types says of each column; a name may be a pattern, and later ones win."""
    found: dict[str, str] = {}
    for part in split(types):
        pattern, _, kind = part.rpartition("=")
        if kind not in ("number", "category", *DATE_KINDS):
            kinds = ", ".join(DATE_KINDS)
            raise SpecError(
                f"--types {part}: write COLUMN=number or COLUMN=category, or one of {kinds}.",
                option="--types",
            )
        matched = matching(pattern, names)
        if not matched:
            raise SpecError(
                f"--types {part}: no column is called so; there are {listed(tuple(names))}.",
                option="--types",
            )
        found |= dict.fromkeys(matched, kind)
    return found


def find(
    relation: Relation,
    profile: Profile,
    asked: Mapping[str, str],
    notations: Mapping[str, Found],
) -> dict[str, str]:
    """What each column is, in the file's order; columns without a value are left out."""
    codes = _spelled(relation, profile, asked, notations)
    kinds = {
        name: _kind(relation, profile, i, asked.get(name), notations.get(name))
        for i, name in enumerate(profile.names)
        if profile.missing[i] < profile.rows
    }
    kinds |= {name: "text" for name in codes if name in kinds}
    texts = [name for name, kind in kinds.items() if kind == "text" and name not in codes]
    dates = [name for name in texts if asked.get(name) != "category"]
    kinds |= dict.fromkeys(_times(relation, dates), "time")
    for name, kind in asked.items():
        if kind in DATE_KINDS and kinds.get(name, "time") != "time":
            raise SpecError(
                f"--types {name}={kind}: not all its values are dates of one form that is known;"
                " write them as 2024-12-31, or take them as categories.",
                option="--types",
            )
    return kinds


def _spelled(
    relation: Relation,
    profile: Profile,
    asked: Mapping[str, str],
    notations: Mapping[str, Found],
) -> list[str]:
    """Columns of digits that are codes, since some start with a zero: 00501 is not 501."""
    names = [
        name
        for i, name in enumerate(profile.names)
        if sql.simple(relation.types[name]) == "VARCHAR"
        and name not in asked
        and name not in notations
        and not profile.texts[i]
        and profile.missing[i] < profile.rows
    ]
    if not names:
        return []
    tests = ", ".join(
        f"bool_or(regexp_full_match({sql.name(name)}::VARCHAR, '0[0-9]+'))" for name in names
    )
    (found,) = relation.fetch(f"SELECT {tests} FROM {relation.filtered}")
    return [name for name, code in zip(names, found, strict=True) if code]


def _kind(
    relation: Relation, profile: Profile, i: int, asked: str | None, notation: Found | None
) -> str:
    """What a column is."""
    name = profile.names[i]
    texts = int(profile.texts[i])
    numbers = profile.rows - int(profile.missing[i]) - texts
    if asked == "category":
        return "text" if texts else "code"
    if asked == "number":
        return "number"
    if sql.simple(relation.types[name]) == "TIMESTAMP" or (notation and notation.kind == "time"):
        return "time"
    values = profile.values[:, i]
    if not texts:
        exact = not profile.large[i] and not profile.rounded[i] and notation is None
        return "code" if exact and profiling.is_code(values) else "number"
    mostly_numbers = numbers >= NUMERIC_SHARE * (numbers + texts)
    if mostly_numbers and not profiling.low_cardinality(values):
        raise _mixed(relation, profile, i)
    return "text"


def _mixed(relation: Relation, profile: Profile, i: int) -> DataError:
    """The error for a column of numbers with some texts."""
    name = profile.names[i]
    first = profile.first(i, "text")
    order = f"ORDER BY {sql.name(relation.row)} LIMIT 1 OFFSET {first}"
    query = f"SELECT {sql.name(name)}::VARCHAR FROM {relation.numbered} {order}"
    ((text,),) = relation.fetch(query)
    return DataError(
        f"{relation.location}: column {name!r} holds numbers and {int(profile.texts[i]):,} of what"
        f" is not a number, the first {text[:40]!r} in row {first + 1:,}: repair it, or take that"
        f" as missing with --types {name}=number, or the whole column as categories with"
        f" --types {name}=category."
    )


def check_finite(relation: Relation, profile: Profile, kinds: Mapping[str, str]) -> None:
    """Raise DataError for numbers that float32 cannot hold."""
    for i, name in enumerate(profile.names):
        if not profile.large[i] or kinds.get(name) != "number":
            continue
        count = int(profile.large[i])
        first = profile.first(i, "large")
        plural = "s" * (count > 1)
        raise DataError(
            f"{relation.location}: column {name!r} holds {count:,} value{plural} infinite or too"
            f" large for float32, the first in row {first + 1:,}: repair or leave out such rows."
        )


def _times(relation: Relation, names: Sequence[str]) -> list[str]:
    """Those text columns whose every value is a date or a time; a few rows rule most out."""
    for rows in (f"(FROM {relation.filtered} LIMIT 100)", relation.filtered):
        if names:
            tests = ", ".join(f"bool_and({_is_time(sql.name(name))})" for name in names)
            (found,) = relation.fetch(f"SELECT {tests} FROM {rows}")
            names = [name for name, fits in zip(names, found, strict=True) if fits]
    return list(names)


def _is_time(quoted: str) -> str:
    """SQL of whether a value is a time or missing."""
    return f"TRY_CAST({quoted} AS TIMESTAMP) IS NOT NULL OR {quoted} IS NULL"
