"""CSV and its relatives: DuckDB's sniffer finds delimiter, header and types; the rest is strict.

Left to itself, the sniffer takes ragged rows for a table of one column, an open quote for text,
and skips lines it cannot fit: so quotes are `"`, no line is skipped, and where one column comes
out, the delimiter is the one that the first line has most of, with which DuckDB names the line that
does not fit.
"""

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dnncli.data.tables import header_line, sql
from dnncli.data.tables.dialect import Dialect, distinct, literal_path, numbered
from dnncli.errors import DataError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DELIMITERS = ",;\t|"
HEAD = 65_536  # bytes that are looked at before DuckDB reads
LINE = 2_097_152  # bytes of a line at most
COMPARED = 1000  # rows at least that show whether whole numbers start with zeros …
COMPARED_VALUES = 2_000_000  # … and values at most
SAMPLE = 20_480  # rows that types are found from
MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
UTF16 = (b"\xff\xfe", b"\xfe\xff")
POINTS = r"|[-+]?\d{1,3}(\.\d{3})*"  # numbers with points between thousands, or none
COMMAS = r"|[-+]?[\d.]*,\d+"  # numbers with decimal commas
STRICT: Mapping[str, object] = {
    "quote": '"',
    "escape": '"',
    "comment": "",
    "skip": 0,
    "max_line_size": LINE,
    "buffer_size": 2 * LINE,  # DuckDB's own 32 MB, several times over, would dwarf what is read
    # A folder called a=7 would add a column, or stand in for one.
    "hive_partitioning": False,
}
# Dates are found by their values, in files of every kind.
CANDIDATES = ["BIGINT", "DOUBLE", "VARCHAR"]


class _Sniffed(NamedTuple):
    """What DuckDB's sniffer makes of a file."""

    delimiter: str
    header: bool
    types: list[str]


def detect(
    connection: "DuckDBPyConnection",
    path: Path,
    delimiter: str | None,
    header: bool | None,
    whole: bool = False,
) -> Dialect:
    """The dialect of one file; `whole`: types that fit every row, not only the first SAMPLE.

    Raises DataError for a file that is not text or has one column; DuckDB's errors pass through.
    """
    options = {**STRICT, **_form(path)}
    if delimiter:
        options["delim"] = delimiter
    sample = -1 if whole else SAMPLE
    asked: dict[str, object] = {"auto_type_candidates": CANDIDATES, "sample_size": sample}
    if header is not None:
        asked["header"] = header
    sniffed = _sniff(connection, path, {**options, **asked})
    if sniffed is None or len(sniffed.types) == 1:
        return _guess(connection, path, options, header)
    options["delim"] = sniffed.delimiter
    if header is not None or "VARCHAR" not in sniffed.types:
        return _dialect(connection, path, options, sniffed.header, sniffed.types)
    named, certain = header_line.is_header(connection, path, options, sniffed.types, sniffed.header)
    if named != sniffed.header:
        again = _sniff(connection, path, {**options, **asked, "header": named})
        sniffed = again or sniffed
    found = _dialect(connection, path, options, named, sniffed.types)
    if certain:
        return found
    return replace(found, notices=(header_line.notice(connection, path, found, named),))


def _sniff(
    connection: "DuckDBPyConnection", path: Path, options: Mapping[str, object]
) -> _Sniffed | None:
    """What the sniffer makes of a file; None where it gives up."""
    import duckdb

    file = f"{sql.literal(literal_path(path))}, {sql.arguments(options)}"
    query = f"SELECT Delimiter, HasHeader, Columns FROM sniff_csv({file})"
    try:
        delimiter, header, columns = connection.execute(query).fetchall()[0]
    except duckdb.InvalidInputException as error:
        if "sniffing file" not in str(error):
            raise
        return None
    return _Sniffed(delimiter, header, [column["type"] for column in columns])


def _guess(
    connection: "DuckDBPyConnection", path: Path, options: dict[str, object], header: bool | None
) -> Dialect:
    """Text columns, as many as the first line has; reading them names the line that has others."""
    line, following = _first_lines(path, str(options.get("encoding", "utf-8")))
    delimiter = str(options.get("delim") or max(DELIMITERS, key=line.count))
    cells = [cell.strip().strip('"') for cell in line.split(delimiter)]
    if len(cells) < 2:
        raise _single_column(path, line, cells[0], following, "delim" in options)
    options["delim"] = delimiter
    if header is None:
        header = not any(_is_number(cell) for cell in cells)
    return _dialect(connection, path, options, header, ["VARCHAR"] * len(cells))


def _single_column(path: Path, line: str, cell: str, following: str, asked: bool) -> DataError:
    """The error for a first line of one cell; `asked`: --delimiter was given."""
    if not asked and any(mark in following for mark in DELIMITERS):
        return DataError(
            f"{path}: the first line, {line[:40]!r}, is not of the table below: take away what"
            " stands above."
        )
    return DataError(
        f"{path} has one column only, {cell[:40]!r}: a table has a column to predict and others to"
        " predict it from; give --delimiter if there are more."
    )


def _is_number(text: str) -> bool:
    """Whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _dialect(
    connection: "DuckDBPyConnection",
    path: Path,
    options: dict[str, object],
    header: bool,
    types: list[str],
) -> Dialect:
    """A dialect with the names of the header line, or numbered ones."""
    names = numbered(len(types))
    if not header:
        return Dialect(dict(zip(names, types, strict=True)), False, options)
    text = Dialect(dict.fromkeys(names, "VARCHAR"), False, options)
    query = f"SELECT COLUMNS(*)::VARCHAR FROM {text.source([path])} LIMIT 1"
    rows = connection.execute(query).fetchall()
    cells = rows[0] if rows else names
    names, repaired = distinct([(cell or "").strip() for cell in cells])
    return Dialect(dict(zip(names, types, strict=True)), True, options, repaired)


def spelled_codes(connection: "DuckDBPyConnection", path: Path, dialect: Dialect) -> list[str]:
    """Columns of whole numbers some of which start with a zero: codes, such as 00501."""
    names = [name for name, type_ in dialect.columns.items() if type_ == "BIGINT"]
    if not names:
        return []
    text = replace(dialect, columns=dict.fromkeys(dialect.columns, "VARCHAR")).source([path])
    # Whole numbers that start with a zero lie between '00' and '0:' in the order of bytes.
    values = [f"trim({sql.name(name)})" for name in names]
    tests = ", ".join(f"bool_or({value} >= '00' AND {value} < '0:')" for value in values)
    rows = min(SAMPLE, max(COMPARED, COMPARED_VALUES // len(names)))
    query = f"SELECT {tests} FROM (FROM {text} LIMIT {rows})"
    (found,) = connection.execute(query).fetchall()
    return [name for name, code in zip(names, found, strict=True) if code]


def grouped_by_points(connection: "DuckDBPyConnection", path: Path, dialect: Dialect) -> list[str]:
    """Columns of numbers with points between thousands: 1.642 is 1642 where 0,5 is a half.

    Only beside a column whose every number has a decimal comma does a point mean that.
    """
    numbers = [name for name, type_ in dialect.columns.items() if type_ == "DOUBLE"]
    texts = [name for name, type_ in dialect.columns.items() if type_ == "VARCHAR"]
    if not numbers or not texts or dialect.options.get("delim") == ",":
        return []
    text = replace(dialect, columns=dict.fromkeys(dialect.columns, "VARCHAR")).source([path])
    tests = ", ".join(
        f"bool_and(regexp_full_match(trim({sql.name(name)}), {sql.literal(pattern)}))"
        for names, pattern in ((numbers, POINTS), (texts, COMMAS))
        for name in names
    )
    query = f"SELECT {tests} FROM (FROM {text} LIMIT {COMPARED})"
    (found,) = connection.execute(query).fetchall()
    if True not in found[len(numbers) :]:
        return []
    return [name for name, fits in zip(numbers, found, strict=False) if fits]


def _form(path: Path) -> dict[str, object]:
    """Compression and encoding, by the first bytes. Raises DataError for what is not text."""
    head = _head(path, HEAD)
    compression = _compression(path)
    options: dict[str, object] = {"compression": compression}
    if not head.strip():
        raise DataError(f"{path} is empty.")
    if head[:2] in UTF16:
        return {**options, "encoding": "utf-16"}
    if compression != "zstd" and b"\0" in head:
        raise DataError(
            f"{path} holds NUL bytes: it is neither UTF-8 nor UTF-16 with a byte order mark."
        )
    return options


def _compression(path: Path) -> str:
    """How a file is compressed, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(4)
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), "none")


def _head(path: Path, size: int) -> bytes:
    """A file's first bytes, unzipped where it is gzipped."""
    if _compression(path) != "gzip":
        with path.open("rb") as file:
            return file.read(size)
    try:
        with gzip.open(path) as file:
            return file.read(size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file: {error}") from None


def _first_lines(path: Path, encoding: str) -> tuple[str, str]:
    """The first two lines that are not empty."""
    text = _head(path, LINE).decode(encoding, "replace").lstrip("\ufeff")
    full = [line for line in text.splitlines() if line.strip()]
    if not full:
        raise DataError(f"{path} is empty.")
    return full[0], "".join(full[1:2])
