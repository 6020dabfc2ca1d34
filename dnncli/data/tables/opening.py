"""A table's files opened by DuckDB: what can be selected from, and errors in one line."""

import contextlib
import glob
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dnncli.data import labels
from dnncli.data.tables import arrow, csv_dialect, errors, sql
from dnncli.data.tables.suffixes import DELIMITED, JSON, PARQUET, kind
from dnncli.errors import DataError, DnncliError, SpecError

VALUES = 1 << 18  # in a batch: 2 MB, of which DuckDB holds several
SETTINGS = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET TimeZone = 'UTC'",
    "SET enable_progress_bar = false",
)


@dataclass(frozen=True)
class Relation:
    """Rows of a table in the order of its files.

    types: every column that can be used, with DuckDB's type. unusable: the others, likewise. declared: all,
    as sniffed or stored. dialect: how it was read, if it is CSV. base: what to select from. place: what
    messages call it.
    """

    connection: Any
    paths: tuple[Path, ...]
    place: str
    types: dict[str, str]
    unusable: dict[str, str]
    base: str
    dialect: csv_dialect.Dialect | None = None
    notices: tuple[str, ...] = ()
    where: str | None = None
    declared: Mapping[str, str] = field(default_factory=dict)

    def batches(self, query: str, columns: int) -> Iterator[dict[str, Any]]:
        """A query's columns in batches of rows: as many as hold VALUES numbers of so many columns."""
        with self.explained():
            yield from arrow.batches(self.connection.sql(query), max(1, VALUES // columns))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a query that gives few."""
        with self.explained():
            return self.connection.execute(query).fetchall()

    def check_rows(self, found: int, expected: int) -> None:
        """Raise DataError where a second reading gave another number of rows than the first."""
        if found != expected:
            raise DataError(
                f"{self.place} changed while it was read: {found:,} rows, not {expected:,}."
            )

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turn DuckDB's errors into one line, which calls the table as it was called to us."""
        import duckdb

        try:
            yield
        except (duckdb.Error, arrow.StreamError, UnicodeError) as error:
            raise self._named(errors.explain(str(error), self.place, self.where)) from None
        except DnncliError as error:
            raise self._named(error) from None

    def _named(self, error: DnncliError) -> DnncliError:
        whole = (
            str(error).replace(str(self.paths[0]), self.place)
            if len(self.paths) == 1
            else str(error)
        )
        return type(error)(whole)


def find(text: str) -> list[Path]:
    """The files that a path or pattern names, sorted.

    Raises DataError or OSError for what cannot be read.
    """
    path = Path(text).expanduser()
    paths = (
        [path] if path.exists() else [Path(p) for p in sorted(glob.glob(str(path), recursive=True))]
    )
    if not paths:
        raise DataError(f"{text}: there is no such file.")
    for path in paths:
        if not path.is_file():
            what = (
                "a folder" if path.is_dir() else "no regular file: store what comes out of it first"
            )
            raise DataError(f"{path} is {what}.")
        with path.open("rb"):
            pass  # or the reason why not would come in DuckDB's words
        try:
            str(path).encode()
        except UnicodeError:
            raise DataError(f"{str(path)!a}: the name is not UTF-8: rename the file.") from None
    return [Path(os.path.abspath(path)) for path in paths]


@dataclass(frozen=True)
class Reading:
    """How to read (None: as found).

    text: which of a file's columns are taken as text; raw: those that are not tidied, which saves time.
    whole: find types that fit every row. layout: names of all columns of a file without a header line, one
    of which, `optional`, may be absent. kind: as of a file with that suffix. shown: what messages call it.
    """

    delimiter: str | None = None
    header: bool | None = None
    where: str | None = None
    text: Callable[[Sequence[str]], Sequence[str]] = lambda names: ()
    raw: frozenset[str] = frozenset()
    whole: bool = False
    layout: tuple[str, ...] = ()
    optional: str = ""
    kind: str | None = None
    shown: str | None = None


def open_table(text: str, reading: Reading) -> Relation:
    """Open a table; nothing but its names and types has been read then.

    Raises DataError for files that cannot be, SpecError for a --where that DuckDB does not understand.
    """
    paths = find(text)
    connection = _connect(paths)
    place = reading.shown or text
    draft = Relation(connection, tuple(paths), place, {}, {}, "", where=reading.where)
    with draft.explained():
        source, columns, dialect, notices = _source(connection, paths, reading)
        types = {name: type_ for name, type_ in columns.items() if sql.simple(type_)}
        unusable = {name: type_ for name, type_ in columns.items() if not sql.simple(type_)}
        parts = [
            sql.name(n) if n in reading.raw else sql.tidy(n, type_) for n, type_ in types.items()
        ]
        base = f"(SELECT {', '.join(parts) or 'NULL'} FROM {source})"
        declared = dict(zip(columns, dialect.sniffed, strict=True)) if dialect else columns
        whole = replace(
            draft, types=types, unusable=unusable, base=base, dialect=dialect, notices=notices
        )
        whole = replace(whole, declared=declared)
        return whole if reading.where is None else _filtered(whole, reading.where)


def _connect(paths: Sequence[Path]) -> Any:
    """A database in memory that can read these files and do nothing else to the machine.

    --where is SQL, and a checkpoint that others made may hold one.
    """
    import duckdb

    connection = duckdb.connect()
    names = {name for path in paths for name in (str(path), csv_dialect.literal_path(path))}
    allowed = ", ".join(map(sql.literal, sorted(names)))
    locks = (f"SET allowed_paths = [{allowed}]", "SET enable_external_access = false")
    with contextlib.suppress(
        duckdb.Error
    ):  # a version without it is caught where it matters, at --where
        connection.execute("SET disabled_optimizers = 'in_clause'")
    for statement in (*SETTINGS, *sql.MACROS, *locks, "SET lock_configuration = true"):
        connection.execute(statement)
    return connection


def _source(
    connection: Any, paths: Sequence[Path], reading: Reading
) -> tuple[str, dict[str, str], csv_dialect.Dialect | None, tuple[str, ...]]:
    """What to select from, its columns with their types, and what is to be told of them."""
    kinds = {reading.kind or kind(str(path)) for path in paths}
    if None in kinds:
        raise DataError(f"{paths[0]} is no table: give a .csv, .tsv, .parquet or .json file.")
    if kinds <= set(DELIMITED):
        dialect = _dialect(connection, paths, reading)
        notices = tuple(
            f"{repr(old) + ' names two columns' if old else 'a column has no name'}: one is called {new!r}"
            for old, new in dialect.repaired
        )
        return dialect.source(paths), dialect.columns, dialect, notices
    names = ", ".join(sql.literal(csv_dialect.literal_path(path)) for path in paths)
    if kinds <= set(JSON):
        sample = -1 if reading.whole else 20_480
        source = f"read_json([{names}], sample_size={sample}, hive_partitioning=false)"
    elif kinds <= set(PARQUET):
        source = f"read_parquet([{names}], hive_partitioning=false)"
    else:
        raise DataError(
            f"{paths[0].name} and {paths[-1].name} are not of one kind: give files of one."
        )
    rows = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    columns = {row[0]: row[1] for row in rows}
    if columns == {"json": "JSON"}:
        raise DataError(f"{paths[0]} is no table: it needs a list of objects, or an object a line.")
    return source, columns, None, ()


def _dialect(connection: Any, paths: Sequence[Path], reading: Reading) -> csv_dialect.Dialect:
    """The first file's dialect, which all must have."""
    delimiter = reading.delimiter or ("\t" if kind(str(paths[0])) == ".tsv" else None)
    first, *others = (
        csv_dialect.detect(connection, path, delimiter, reading.header, reading.whole)
        for path in paths
    )
    for path, other in zip(paths[1:], others, strict=True):
        if list(other.columns) != list(first.columns):
            raise DataError(
                f"{path} has other columns than {paths[0].name}: {_difference(first, other)}."
            )
    names = (
        _laid_out(list(first.columns), reading, paths[0])
        if not first.header
        else list(first.columns)
    )
    text = set(reading.text(names))
    sniffed = tuple(
        _wider(*kinds)
        for kinds in zip(*(d.columns.values() for d in (first, *others)), strict=True)
    )
    types = [
        "VARCHAR" if name in text else type_ for name, type_ in zip(names, sniffed, strict=True)
    ]
    return replace(first, columns=dict(zip(names, types, strict=True)), sniffed=sniffed)


def _difference(first: csv_dialect.Dialect, other: csv_dialect.Dialect) -> str:
    only = [name for name in other.columns if name not in first.columns]
    return f"{only[0]!r} is new" if only else "some are absent or in another order"


def _wider(*types: str) -> str:
    return max(types, key=csv_dialect.CANDIDATES.index)


def _laid_out(names: list[str], reading: Reading, path: Path) -> list[str]:
    """Names for the columns of a file without a header line, as the training table had them."""
    layout = list(reading.layout)
    if not layout or len(names) == len(layout):
        return layout or names
    if len(names) == len(layout) - 1:
        return [name for name in layout if name != reading.optional]
    raise DataError(
        f"{path} has {len(names)} columns, but the network was trained on {len(layout)}."
    )


def _filtered(relation: Relation, where: str) -> Relation:
    """Only the rows for which an SQL expression holds."""
    query = f"SELECT * FROM {relation.base} WHERE (\n{where}\n)"
    try:
        statements = relation.connection.extract_statements(query)
        if len(statements) != 1 or not str(statements[0].type).endswith("SELECT"):
            raise SpecError(f"--where {where}: must be one SQL expression.", option="--where")
        ((_, plan),) = relation.connection.execute(f"EXPLAIN (FORMAT json) {query}").fetchall()
        if any(
            "JOIN" in operator or "PRODUCT" in operator for operator in _operators(json.loads(plan))
        ):
            raise SpecError(
                f"--where {where}: rows would lose their order: no subqueries, and IN for = ANY.",
                option="--where",
            )
    except DnncliError:
        raise
    except Exception as error:
        columns = labels.listed(tuple(relation.types))
        cast = " (text compares as numbers with ::DOUBLE)" if "type VARCHAR" in str(error) else ""
        raise SpecError(
            f"--where {where}: {errors.reason(str(error))}{cast}. The columns are {columns}.",
            option="--where",
        ) from None
    return replace(relation, base=f"({query})")


def _operators(plan: list[dict[str, Any]]) -> Iterator[str]:
    """The names of a plan's operators."""
    for node in plan:
        yield str(node["name"]).upper()
        yield from _operators(node["children"])
