"""Opening a table's files with DuckDB: their kind, columns and types; which rows --where keeps."""

import glob
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dnncli.data import labels
from dnncli.data.tables import csv_dialect, errors, sql
from dnncli.data.tables.dialect import Dialect, literal_path
from dnncli.data.tables.options import Reading
from dnncli.data.tables.preparation import Prepared, prepare
from dnncli.data.tables.relation import Relation
from dnncli.data.tables.rewriting import Scratch
from dnncli.errors import DataError, DnncliError, SpecError
from dnncli.records import Notice
from dnncli.spec.suffixes import DELIMITED, JSON, PARQUET, kind

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SETTINGS = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET TimeZone = 'UTC'",
    "SET enable_progress_bar = false",
)


class Files(NamedTuple):
    """What to select from, its columns with their types, and how they were found."""

    source: str
    columns: dict[str, str]
    dialect: Dialect | None = None
    notices: tuple[Notice, ...] = ()


def find(text: str) -> list[Path]:
    """The files that a path or pattern names, sorted.

    Raises DataError or OSError for what cannot be read.
    """
    path = Path(text).expanduser()
    paths = [path]
    if not path.exists():
        paths = [Path(found) for found in sorted(glob.glob(str(path), recursive=True))]
    if not paths:
        raise DataError(f"{text}: there is no such file.")
    for path in paths:
        _check_file(path)
    return [Path(os.path.abspath(path)) for path in paths]


def _check_file(path: Path) -> None:
    """Raise DataError or OSError for what DuckDB cannot read, or would refuse in its own words."""
    if path.is_dir():
        raise DataError(f"{path} is a folder.")
    if not path.is_file():
        raise DataError(f"{path} is not a regular file: store what comes out of it first.")
    with path.open("rb"):
        pass
    try:
        str(path).encode()
    except UnicodeError:
        raise DataError(f"{str(path)!a}: the name is not UTF-8: rename the file.") from None


def open_table(text: str, reading: Reading) -> Relation:
    """Open a table; nothing but its names and types has been read then.

    Raises DataError for files that cannot be read, SpecError for a --where that DuckDB does not
    understand.
    """
    paths = find(text)
    scratch = Scratch()
    location = reading.shown or text
    connection = connect(paths, scratch.folder)
    draft = Relation(connection, tuple(paths), location, where=reading.where, scratch=scratch)
    with draft.explained():
        files = [prepare(path, reading.kind or kind(str(path)), reading, scratch) for path in paths]
        relation = described(draft, _files(draft.connection, files, reading), reading)
        if relation.where:
            _check_where(relation, relation.where)
        return relation


def described(draft: Relation, files: Files, reading: Reading) -> Relation:
    """A relation of files' columns."""
    columns = files.columns
    types = {name: type_ for name, type_ in columns.items() if sql.simple(type_)}
    unusable = {name: type_ for name, type_ in columns.items() if not sql.simple(type_)}
    raw = {name: sql.name(name) for name in types if name in reading.raw}
    parts = {name: sql.clean(name, type_) for name, type_ in types.items()} | raw
    selected = ", ".join([*parts.values(), *reading.more(columns)])
    declared = columns
    if files.dialect:
        declared = dict(zip(columns, files.dialect.sniffed, strict=True))
    return replace(
        draft,
        declared=declared,
        types=types,
        unusable=unusable,
        base=f"(SELECT {selected or 'NULL'} FROM {files.source})",
        row=_unused("row", columns),
        dialect=files.dialect,
        notices=files.notices,
    )


def _unused(name: str, columns: dict[str, str]) -> str:
    """A name that no column has."""
    taken = {column.lower() for column in columns}
    while name in taken:
        name += "_"
    return name


def connect(paths: Sequence[Path], folder: Path) -> "DuckDBPyConnection":
    """A database in memory that can read these files and a folder, and do nothing else.

    --where is SQL, and a checkpoint that others made may hold one.
    """
    import duckdb

    connection = duckdb.connect()
    names = {name for path in paths for name in (str(path), literal_path(path))}
    allowed = ", ".join(map(sql.literal, sorted(names)))
    locks = (
        f"SET allowed_paths = [{allowed}]",
        f"SET allowed_directories = [{sql.literal(str(folder))}]",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    )
    for statement in (*SETTINGS, *sql.MACROS, *locks):
        connection.execute(statement)
    return connection


def _files(connection: "DuckDBPyConnection", files: Sequence[Prepared], reading: Reading) -> Files:
    """What to select from: files of one kind."""
    kinds = {file.kind for file in files}
    paths = [file.path for file in files]
    if None in kinds:
        raise DataError(f"{paths[0]} is not a table: give a .csv, .tsv, .parquet or .json file.")
    if kinds <= set(DELIMITED):
        dialect = _dialect(connection, files, reading)
        renamed = [
            Notice("renamed", facts={"old": old, "new": new}) for old, new in dialect.repaired
        ]
        notices = (*files[0].notices, *dialect.notices, *renamed)
        return Files(dialect.source(paths), dialect.columns, dialect, notices)
    source = _stored(paths, kinds, reading)
    rows = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    columns = {row[0]: row[1] for row in rows}
    if columns == {"json": "JSON"}:
        raise DataError(
            f"{paths[0]} is not a table: it needs a list of objects, or an object a line."
        )
    return Files(source, columns)


def _stored(paths: Sequence[Path], kinds: set[str | None], reading: Reading) -> str:
    """What to select from: JSON or Parquet."""
    names = ", ".join(sql.literal(literal_path(path)) for path in paths)
    if kinds <= set(JSON):
        sample = -1 if reading.whole else csv_dialect.SAMPLE
        return f"read_json([{names}], sample_size={sample}, hive_partitioning=false)"
    if kinds <= set(PARQUET):
        return f"read_parquet([{names}], hive_partitioning=false)"
    raise DataError(f"{paths[0].name} and {paths[-1].name} are not of one kind: give files of one.")


def _dialect(
    connection: "DuckDBPyConnection", files: Sequence[Prepared], reading: Reading
) -> Dialect:
    """The first file's dialect, which all must have."""
    found = [
        csv_dialect.detect(connection, file.path, file.delimiter, file.header, reading.whole)
        for file in files
    ]
    first = found[0]
    for file, other in zip(files, found, strict=True):
        if list(other.columns) != list(first.columns):
            difference = _difference(first, other)
            raise DataError(
                f"{file.path} has other columns than {files[0].path.name}: {difference}."
            )
    names = list(first.columns)
    if not first.header or reading.layout:
        names = _laid_out(names, reading, files[0].path)
    types = [list(dialect.columns.values()) for dialect in found]
    sniffed = tuple(_wider(*column) for column in zip(*types, strict=True))
    columns = dict(zip(names, sniffed, strict=True))
    first = replace(first, columns=columns, sniffed=sniffed)
    codes = csv_dialect.spelled_codes(connection, files[0].path, first)
    grouped = csv_dialect.grouped_by_points(connection, files[0].path, first)
    texts = (*reading.text(names), *codes, *grouped)
    columns |= {name: "VARCHAR" for name in texts if name in columns}
    return replace(first, columns=columns, grouped=tuple(grouped))


def _difference(first: Dialect, other: Dialect) -> str:
    """In what the columns of two files differ."""
    new = [name for name in other.columns if name not in first.columns]
    return f"{new[0]!r} is new" if new else "some are absent or in another order"


def _wider(*types: str) -> str:
    """The type that holds the values of all."""
    return max(types, key=csv_dialect.CANDIDATES.index)


def _laid_out(names: list[str], reading: Reading, path: Path) -> list[str]:
    """Names for columns that are matched by their places: those that the training table's have."""
    layout = list(reading.layout)
    if not layout or len(names) == len(layout):
        return layout or names
    if len(names) == len(layout) - len(reading.optional):
        return [name for name in layout if name not in reading.optional]
    raise DataError(
        f"{path} has {len(names)} columns, but the network was trained on {len(layout)}."
    )


def _check_where(relation: Relation, where: str) -> None:
    """Raise SpecError unless an SQL expression chooses rows."""
    query = f"SELECT * FROM {relation.base} WHERE (\n{where}\n)"
    try:
        statements = relation.connection.extract_statements(query)
        if len(statements) != 1 or not str(statements[0].type).endswith("SELECT"):
            raise SpecError(f"--where {where}: must be one SQL expression.", option="--where")
        relation.connection.execute(f"EXPLAIN {query}")
    except DnncliError:
        raise
    except Exception as error:
        columns = labels.listed(tuple(relation.types))
        text = str(error)
        cast = " (text compares as numbers with ::DOUBLE)" if "type VARCHAR" in text else ""
        raise SpecError(
            f"--where {where}: {errors.reason(text)}{cast}. The columns are {columns}.",
            option="--where",
        ) from None
