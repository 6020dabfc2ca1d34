"""DuckDB's SQL for a table's columns: names, casts, categories and labels."""

from collections.abc import Mapping, Sequence

from dnncli.data.tables import notation

MISSING = r"|\?|na|n/a|#n/a|<na>|-?nan|null"  # marks of a missing value, in any case
NUMERIC = (
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "FLOAT", "DOUBLE"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
)
TIMES = ("DATE", "TIMESTAMP")
TEXTUAL = ("VARCHAR", "BOOLEAN", "UUID", "ENUM", "TIME", "INTERVAL", '"NULL"')
SECONDS_A_DAY = 86_400
SPACE = r"E' \t\r\n'"
# Spaces and line ends around a value mean nothing; some values mean that there is none.
# A regular expression, since DuckDB makes a join of a long list after IN.
MACROS = (
    f"CREATE MACRO cleaned(t) AS CASE WHEN regexp_full_match(lower(trim(t, {SPACE})), '{MISSING}')"
    f" THEN NULL ELSE trim(t, {SPACE}) END",
)


def literal(text: str) -> str:
    """A string."""
    return "'" + text.replace("'", "''") + "'"


def name(column: str) -> str:
    """A column."""
    return '"' + column.replace('"', '""') + '"'


def arguments(options: Mapping[str, object]) -> str:
    """Options as DuckDB's functions take them."""
    return ", ".join(f"{key}={_value(value)}" for key, value in options.items())


def _value(value: object) -> str:
    """An option's value."""
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{literal(key)}: {_value(item)}" for key, item in value.items())
        return "{" + pairs + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str):
        return literal(value)
    return str(value).lower()


def simple(type_: str) -> str | None:
    """Whether we treat a type as DOUBLE, TIMESTAMP or VARCHAR; None for nested and binary ones."""
    if type_.endswith("]"):
        return None
    if type_.startswith(TIMES):
        return "TIMESTAMP"
    if type_.startswith(NUMERIC):
        return "DOUBLE"
    return "VARCHAR" if type_.startswith(TEXTUAL) else None


def without(column: str, type_: str, marks: Sequence[str]) -> str:
    """A column with null for marks of missing values."""
    quoted = name(column)
    tests = []
    for mark in marks:
        if notation.is_number(mark, ""):
            tests.append(f"{number(column, type_)} = {float(mark)!r}")
        else:
            tests.append(f"{quoted}::VARCHAR = {literal(mark)}")
    return f"CASE WHEN {' OR '.join(tests)} THEN NULL ELSE {quoted} END AS {quoted}"


def clean(column: str, type_: str) -> str:
    """A column of a file as later queries see it: text cleaned; what has no number or time is text.

    Numbers stay as they are: DuckDB plans a query over thousands of expressions in quadratic time.
    """
    quoted = name(column)
    match simple(type_):
        case "VARCHAR":
            return f"cleaned({quoted}::VARCHAR) AS {quoted}"
        case "TIMESTAMP":
            return f"{quoted}::TIMESTAMP AS {quoted}"
    return quoted


def number(column: str, type_: str, kind: str = "number", format_: str = "") -> str:
    """A column as DOUBLE, null where that is impossible; times in days since 1970."""
    quoted = name(column)
    simple_type = simple(type_) or "VARCHAR"
    if simple_type == "DOUBLE":
        return "NULL::DOUBLE" if kind == "time" else f"{quoted}::DOUBLE"
    if format_ and simple_type == "VARCHAR":
        value = notation.expression(quoted, format_)
        return f"epoch({value}) / {SECONDS_A_DAY}" if kind == "time" else value
    if kind == "time" or simple_type == "TIMESTAMP":
        return f"epoch(TRY_CAST({quoted} AS TIMESTAMP)) / {SECONDS_A_DAY}"
    return f"TRY_CAST({quoted} AS DOUBLE)"


def level(column: str, type_: str, kind: str = "text") -> str:
    """A column's category as text: codes as DuckDB writes a DOUBLE, truths in lower case."""
    if kind == "code":
        exact = number(column, type_)
        return f"CASE WHEN NOT isnan({exact}) THEN {exact}::VARCHAR END"
    text = f"{name(column)}::VARCHAR"
    truth = f"regexp_full_match(lower({text}), 'true|false')"
    return f"CASE WHEN {truth} THEN lower({text}) ELSE {text} END"


def label(column: str, type_: str, strip: str | None) -> str:
    """The target as text, null where it is missing."""
    text = f"{name(column)}::VARCHAR"
    if simple(type_) == "DOUBLE":
        text = f"CASE WHEN NOT isnan({name(column)}::DOUBLE) THEN {text} END"
    return f"nullif(trim({text}, {literal(strip)}), '')" if strip else text


def index(text: str, names: Sequence[str], absent: int) -> str:
    """A text's index in a list of names, or `absent`."""
    if not names:
        return f"{absent}::INTEGER"
    enum = f"ENUM({', '.join(map(literal, names))})"
    return f"coalesce(enum_code(TRY_CAST({text} AS {enum}))::INTEGER, {absent})"
