"""Columns in DuckDB's SQL: values, categories and labels, the same in training and in prediction."""

from collections.abc import Sequence

from dnncli.data.tables.encoding import Column, Encoding

MISSING = ("", "?", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null")  # in any case, spaces aside
TEXT = "(-3.4028234663852886e38)::FLOAT"  # the least float32: stands for text where a number should be
NAN, INFINITE = "'nan'::FLOAT", "'inf'::FLOAT"
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "FLOAT", "DOUBLE")
UNSIGNED = ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
TIMES = ("DATE", "TIMESTAMP")
PLAIN = ("VARCHAR", "BOOLEAN", "UUID", "ENUM", "TIME", "INTERVAL", '"NULL"')
SECONDS_A_DAY = 86_400
FINE, MISSED, NO_NUMBER, TOO_LARGE, OTHER = range(5)  # a value's flag: what was amiss with it


def literal(text: str) -> str:
    """A string."""
    return "'" + text.replace("'", "''") + "'"


def name(column: str) -> str:
    """A column."""
    return '"' + column.replace('"', '""') + '"'


MACROS = (
    # Spaces and line ends around a value mean nothing; some values mean that there is none.
    f"""CREATE MACRO tidied(t) AS CASE WHEN lower(trim(t, E' \\t\\r\\n')) IN ({", ".join(map(literal, MISSING))})
        THEN NULL ELSE trim(t, E' \\t\\r\\n') END""",
    # A number in float32: NaN where there is none, infinite where it is too large.
    f"CREATE MACRO single(d) AS coalesce(TRY_CAST(coalesce(d, 'nan'::DOUBLE) AS FLOAT), {INFINITE})",
)


def simple(type_: str) -> str | None:
    """DOUBLE, TIMESTAMP or VARCHAR: which of these DuckDB's type is one of; None for nested and binary ones."""
    if type_.endswith("]"):
        return None
    if type_.startswith(TIMES):
        return "TIMESTAMP"
    if type_.startswith(NUMBERS + UNSIGNED):
        return "DOUBLE"
    return "VARCHAR" if type_.startswith(PLAIN) else None


def tidy(column: str, type_: str) -> str:
    """A column of a file as all else sees it: text tidied, what is neither number nor time as text."""
    match simple(type_):
        case "VARCHAR":
            return f"tidied({name(column)}::VARCHAR) AS {name(column)}"
        case "TIMESTAMP":
            return f"{name(column)}::TIMESTAMP AS {name(column)}"
    return name(column)


def number(column: str, type_: str, kind: str = "number") -> str:
    """A tidied column as DOUBLE, null where that is impossible; times in days since 1970."""
    own, type_ = name(column), simple(type_) or "VARCHAR"
    if kind == "time" or type_ == "TIMESTAMP":
        return f"epoch(TRY_CAST({own} AS TIMESTAMP)) / {SECONDS_A_DAY}" if type_ != "DOUBLE" else "NULL::DOUBLE"
    return f"{own}::DOUBLE" if type_ == "DOUBLE" else f"TRY_CAST({own} AS DOUBLE)"


def value(column: str, type_: str, kind: str = "number") -> str:
    """A column in float32: NaN for missing, infinite for too large, TEXT for what is no number."""
    exact = number(column, type_, kind)
    if simple(type_) == "DOUBLE" and kind != "time":
        return f"single({exact})"
    own = name(column)
    return f"CASE WHEN {own} IS NULL THEN {NAN} WHEN {exact} IS NULL THEN {TEXT} ELSE single({exact}) END"


def level(column: Column | str, type_: str, kind: str = "text") -> str:
    """A column's category as text: codes as DuckDB writes a DOUBLE, true and false in small letters."""
    if isinstance(column, Column):
        column, kind = column.name, column.kind
    if kind == "code":
        exact = number(column, type_)
        return f"CASE WHEN isnan({exact}) THEN NULL ELSE {exact}::VARCHAR END"
    own = f"{name(column)}::VARCHAR"
    return f"CASE WHEN lower({own}) IN ('true', 'false') THEN lower({own}) ELSE {own} END"


def label(column: str, type_: str, strip: str | None) -> str:
    """The target as text, null where it is missing."""
    own = f"{name(column)}::VARCHAR"
    if simple(type_) == "DOUBLE":
        own = f"CASE WHEN isnan({name(column)}::DOUBLE) THEN NULL ELSE {own} END"
    return f"nullif(trim({own}, {literal(strip)}), '')" if strip else own


def position(text: str, names: Sequence[str], absent: int) -> str:
    """Where a text stands in a list of names, or `absent`."""
    if not names:
        return f"{absent}::INTEGER"
    return f"coalesce(enum_code(TRY_CAST({text} AS ENUM({', '.join(map(literal, names))})))::INTEGER, {absent})"


def profile(columns: Sequence[tuple[str, str]]) -> str:
    """SELECT list of every column's values, given names and types, as one matrix `x`."""
    return f"array_value({', '.join(value(*column) for column in columns)})::FLOAT[{len(columns)}] AS x"


def encode(encoding: Encoding, types: dict[str, str], base: str, label_: str | None = None) -> str:
    """SELECT of the features `x` and the values' `flags`, and of `label` where there is a label's position."""
    columns = encoding.columns
    features = [feature for i, column in enumerate(columns) for feature in _features(column, f"v{i}")]
    parts = [
        f"array_value({', '.join(features)})::FLOAT[{len(features)}] AS x",
        f"array_value({', '.join(_flag(c, f'v{i}') for i, c in enumerate(columns))})"
        f"::UTINYINT[{len(columns)}] AS flags",
        *(["label"] if label_ else []),
    ]
    inner = [f"{_inner(column, types[column.name])} AS v{i}" for i, column in enumerate(columns)]
    inner += [f"{label_} AS label"] if label_ else []
    return f"SELECT {', '.join(parts)} FROM (SELECT {', '.join(inner)} FROM {base})"


def _inner(column: Column, type_: str) -> str:
    """A number's value in float32, or a category's place among the levels (-1: missing)."""
    if not column.categorical:
        return value(column.name, type_, column.kind)
    own, other = name(column.name), len(column.levels)
    if column.kind == "text":
        place = position(level(column, type_), column.levels, other)
        return f"CASE WHEN {own} IS NULL THEN -1 ELSE {place} END"
    exact = number(column.name, type_)
    places = " ".join(f"WHEN {exact} = {float(text)!r}::DOUBLE THEN {i}" for i, text in enumerate(column.levels))
    return f"CASE WHEN {own} IS NULL OR isnan({exact}) THEN -1 {places} ELSE {other} END"


def _features(column: Column, own: str) -> list[str]:
    if not column.categorical:
        usable = f"(isfinite({own}) AND {own} > {TEXT})"
        filled = f"CASE WHEN {usable} THEN {own} ELSE ({column.median!r})::DOUBLE::FLOAT END"
        return [filled, *([f"(NOT {usable})::FLOAT"] if column.missing else [])]
    levels = [f"({own} = {i})::FLOAT" for i in range(len(column.levels))]
    absent = f"({own} = -1)::FLOAT"
    other = f"{own} = {len(column.levels)}"
    return [*levels, f"({other})::FLOAT", absent] if column.missing else [*levels, f"({other} OR {own} = -1)::FLOAT"]


def _flag(column: Column, own: str) -> str:
    """What is amiss with a value that no feature of its own tells."""
    missed = FINE if column.missing else MISSED
    if column.categorical:
        return f"CASE {own} WHEN -1 THEN {missed} WHEN {len(column.levels)} THEN {OTHER} ELSE {FINE} END"
    return (
        f"CASE WHEN isnan({own}) THEN {missed} WHEN {own} = {TEXT} THEN {NO_NUMBER}"
        f" WHEN isinf({own}) THEN {TOO_LARGE} ELSE {FINE} END"
    )
