"""Columns in DuckDB's SQL: values, categories and labels, the same in training and in prediction."""

from collections.abc import Mapping, Sequence

from dnncli.data.tables.encoding import Column, Encoding

MISSING = r"|\?|na|n/a|#n/a|<na>|-?nan|null"  # what stands for no value, in any case, spaces aside
TEXT = "(-3.4028234663852886e38)::DOUBLE"  # the least float32: stands for text where a number should be
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "FLOAT", "DOUBLE")
UNSIGNED = ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
TIMES = ("DATE", "TIMESTAMP")
PLAIN = ("VARCHAR", "BOOLEAN", "UUID", "ENUM", "TIME", "INTERVAL", '"NULL"')
SECONDS_A_DAY = 86_400


def literal(text: str) -> str:
    """A string."""
    return "'" + text.replace("'", "''") + "'"


def name(column: str) -> str:
    """A column."""
    return '"' + column.replace('"', '""') + '"'


SPACE = r"E' \t\r\n'"
# Spaces and line ends around a value mean nothing; some values mean that there is none. Not IN: of a long
# list DuckDB makes a join, and a join does not keep the order of rows.
MACROS = (
    f"CREATE MACRO tidied(t) AS CASE WHEN regexp_full_match(lower(trim(t, {SPACE})), {literal(MISSING)})"
    f" THEN NULL ELSE trim(t, {SPACE}) END",
)


def simple(type_: str) -> str | None:
    """Whether DuckDB's type is a DOUBLE, TIMESTAMP or VARCHAR to us; None for nested and binary ones."""
    if type_.endswith("]"):
        return None
    if type_.startswith(TIMES):
        return "TIMESTAMP"
    if type_.startswith(NUMBERS + UNSIGNED):
        return "DOUBLE"
    return "VARCHAR" if type_.startswith(PLAIN) else None


def tidy(column: str, type_: str) -> str:
    """A column of a file as all else sees it: text tidied, and what is neither number nor time as text.

    Numbers stay as they are: DuckDB plans a query over thousands of expressions in quadratic time.
    """
    match simple(type_):
        case "VARCHAR":
            return f"tidied({name(column)}::VARCHAR) AS {name(column)}"
        case "TIMESTAMP":
            return f"{name(column)}::TIMESTAMP AS {name(column)}"
    return name(column)


def number(column: str, type_: str, kind: str = "number") -> str:
    """A column as DOUBLE, null where that is impossible; times in days since 1970."""
    own, type_ = name(column), simple(type_) or "VARCHAR"
    if kind == "time" or type_ == "TIMESTAMP":
        return (
            f"epoch(TRY_CAST({own} AS TIMESTAMP)) / {SECONDS_A_DAY}"
            if type_ != "DOUBLE"
            else "NULL::DOUBLE"
        )
    return f"{own}::DOUBLE" if type_ == "DOUBLE" else f"TRY_CAST({own} AS DOUBLE)"


def value(column: str, type_: str, kind: str = "number") -> str:
    """A column as DOUBLE, tidied or not: null (or NaN) for missing, TEXT for what is no number."""
    exact = number(column, type_, kind)
    if simple(type_) == "DOUBLE" and kind != "time":
        return exact
    return (
        f"coalesce({exact}, CASE WHEN tidied({name(column)}::VARCHAR) IS NOT NULL THEN {TEXT} END)"
    )


def level(column: str, type_: str, kind: str = "text") -> str:
    """A column's category as text: codes as DuckDB writes a DOUBLE, true and false in small letters."""
    if kind == "code":
        exact = number(column, type_)
        return f"CASE WHEN NOT isnan({exact}) THEN {exact}::VARCHAR END"
    own = f"{name(column)}::VARCHAR"
    return (
        f"CASE WHEN regexp_full_match(lower({own}), 'true|false') THEN lower({own}) ELSE {own} END"
    )


def label(column: str, type_: str, strip: str | None) -> str:
    """The target as text, null where it is missing."""
    own = f"{name(column)}::VARCHAR"
    if simple(type_) == "DOUBLE":
        own = f"CASE WHEN NOT isnan({name(column)}::DOUBLE) THEN {own} END"
    return f"nullif(trim({own}, {literal(strip)}), '')" if strip else own


def position(text: str, names: Sequence[str], absent: int) -> str:
    """Where a text stands in a list of names, or `absent`."""
    if not names:
        return f"{absent}::INTEGER"
    return f"coalesce(enum_code(TRY_CAST({text} AS ENUM({', '.join(map(literal, names))})))::INTEGER, {absent})"


def profile(columns: Sequence[tuple[str, str]]) -> str:
    """SELECT list of every column's values, given names and types, as one matrix `x`."""
    return _matrix([value(*column) for column in columns])


def encoded(encoding: Encoding, types: Mapping[str, str]) -> str:
    """SELECT list of what `encoder.encode` takes, as one matrix `x`."""
    return _matrix(
        [
            _place(c, types[c.name]) if c.categorical else value(c.name, types[c.name], c.kind)
            for c in encoding.columns
        ]
    )


def _matrix(values: Sequence[str]) -> str:
    return f"array_value({', '.join(values)})::DOUBLE[{len(values)}] AS x"


def _place(column: Column, type_: str) -> str:
    """A category's place among the levels as DOUBLE: -1 for a missing one, their number for any other."""
    own, other = name(column.name), len(column.levels)
    if column.kind == "text":
        place = position(level(column.name, type_), column.levels, other)
        return f"(CASE WHEN {own} IS NULL THEN -1 ELSE {place} END)::DOUBLE"
    exact = number(column.name, type_)
    places = " ".join(
        f"WHEN {exact} = '{float(text)!r}'::DOUBLE THEN {i}" for i, text in enumerate(column.levels)
    )
    return f"(CASE WHEN {own} IS NULL OR isnan({exact}) THEN -1 {places} ELSE {other} END)::DOUBLE"
