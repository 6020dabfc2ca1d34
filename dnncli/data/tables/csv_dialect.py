"""CSV and its relatives: DuckDB's sniffer finds delimiter, header and types, and everything else is strict.

Left to itself, the sniffer takes ragged rows for a table of one column, an open quote for text, and skips
lines it cannot fit: so quotes are `"`, no line is skipped, and where one column comes out, the delimiter
is the one that the first line has most of, with which DuckDB then names the line that does not fit.
"""

import gzip
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnncli.data.tables import sql
from dnncli.errors import DataError

DELIMITERS = ",;\t|"
HEAD = 65_536  # bytes that are looked at before DuckDB reads
LINE = 2_097_152  # bytes of a line at most
MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
UTF16 = (b"\xff\xfe", b"\xfe\xff")
STRICT: Mapping[str, object] = {
    "quote": '"',
    "escape": '"',
    "comment": "",
    "skip": 0,
    "max_line_size": LINE,
    "buffer_size": 2 * LINE,  # DuckDB's own 32 MB, several times over, would dwarf what is read
}
CANDIDATES = [
    "BIGINT",
    "DOUBLE",
    "VARCHAR",
]  # dates are found by their values, in files of every kind


@dataclass(frozen=True)
class Dialect:
    """How a file is read: its columns' names and DuckDB's types, and options of DuckDB's reader.

    sniffed: the types that were found, where others are read. repaired: names that the header line does not
    have, or not only once, and what they became.
    """

    columns: dict[str, str]
    header: bool
    options: dict[str, object]
    repaired: tuple[tuple[str, str], ...] = ()
    sniffed: tuple[str, ...] = ()

    def source(self, paths: Sequence[Path]) -> str:
        """What to select from."""
        options = {
            "header": self.header,
            "auto_detect": False,
            "columns": self.columns,
            **self.options,
        }
        names = ", ".join(sql.literal(literal_path(path)) for path in paths)
        return f"read_csv([{names}], {arguments(options)})"


def literal_path(path: Path) -> str:
    """A path in which DuckDB sees no pattern."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def arguments(options: Mapping[str, object]) -> str:
    """Options as DuckDB's functions take them."""
    return ", ".join(f"{key}={_value(value)}" for key, value in options.items())


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{sql.literal(k)}: {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return sql.literal(value) if isinstance(value, str) else str(value).lower()


def detect(
    connection: Any, path: Path, delimiter: str | None, header: bool | None, whole: bool = False
) -> Dialect:
    """The dialect of one file; `whole`: types that fit every row, not only the first 20,480.

    Raises DataError for a file that is no text or has one column only; DuckDB's errors pass through.
    """
    found = _form(path)
    options = {**STRICT, **found, **({"delim": delimiter} if delimiter else {})}
    asked = {"auto_type_candidates": CANDIDATES, "sample_size": -1 if whole else 20_480}
    given = {} if header is None else {"header": header}
    columns, names = _sniffed(connection, path, {**options, **asked, **given})
    if columns is None or len(columns["types"]) == 1:
        return _guess(connection, path, options, header)
    options["delim"] = columns["delimiter"]
    return _dialect(connection, path, options, columns["header"], columns["types"], names)


def _sniffed(
    connection: Any, path: Path, options: Mapping[str, object]
) -> tuple[dict[str, Any] | None, list[str]]:
    """What the sniffer makes of a file; None where it gives up."""
    import duckdb

    query = f"FROM sniff_csv({sql.literal(literal_path(path))}, {arguments(options)})"
    try:
        delimiter, header, columns = connection.execute(
            f"SELECT Delimiter, HasHeader, Columns {query}"
        ).fetchall()[0]
    except duckdb.InvalidInputException as error:
        if "sniffing file" not in str(error):
            raise
        return None, []
    types = [column["type"] for column in columns]
    return {"delimiter": delimiter, "header": header, "types": types}, [
        column["name"] for column in columns
    ]


def _guess(connection: Any, path: Path, options: dict[str, object], header: bool | None) -> Dialect:
    """Text columns, as many as the first line has; reading them names the line that has others."""
    line, following = _first_lines(path, str(options.get("encoding", "utf-8")))
    delimiter = str(options.get("delim") or max(DELIMITERS, key=line.count))
    cells = [cell.strip().strip('"') for cell in line.split(delimiter)]
    if len(cells) < 2 and "delim" not in options and any(mark in following for mark in DELIMITERS):
        raise DataError(
            f"{path}: the first line, {line[:40]!r}, is not of the table below: take away what stands above."
        )
    if len(cells) < 2:
        raise DataError(
            f"{path} has one column only, {cells[0][:40]!r}: a table has a column to predict and others to"
            " predict it from; give --delimiter if there are more."
        )
    options["delim"] = delimiter
    if header is None:
        header = not any(_is_number(cell) for cell in cells)
    return _dialect(connection, path, options, header, ["VARCHAR"] * len(cells), cells)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _dialect(
    connection: Any,
    path: Path,
    options: dict[str, object],
    header: bool,
    types: list[str],
    names: list[str],
) -> Dialect:
    if not header:
        return Dialect(dict(zip(numbered(len(types)), types, strict=True)), False, options)
    plain = Dialect(dict.fromkeys(numbered(len(types)), "VARCHAR"), False, options)
    rows = connection.execute(f"FROM {plain.source([path])} LIMIT 1").fetchall()
    names, repaired = distinct([(cell or "").strip() for cell in (rows or [names])[0]])
    return Dialect(dict(zip(names, types, strict=True)), True, options, repaired)


def numbered(count: int) -> list[str]:
    """Names for columns that have none, as DuckDB gives them: column0 …, or column00 … from 11 on."""
    width = len(str(max(count - 1, 0)))
    return [f"column{i:0{width}d}" for i in range(count)]


def distinct(names: list[str]) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """Names of which no two are the same to SQL, and those that had to change for that."""
    taken = {name.lower() for name in names}
    seen: set[str] = set()
    result, repaired = [], []
    for place, name in enumerate(names):
        unique = name or numbered(len(names))[place]
        for count in range(1, len(names) + 1):
            if unique.lower() not in seen and (unique == name or unique.lower() not in taken):
                break
            unique = f"{name or 'column'}_{count}"
        seen.add(unique.lower())
        result.append(unique)
        repaired += [(name, unique)] if unique != name else []
    return result, tuple(repaired)


def _form(path: Path) -> dict[str, object]:
    """Compression and encoding, by the first bytes. Raises DataError for what is no text."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    compression = next((name for magic, name in MAGIC.items() if head.startswith(magic)), "none")
    if compression == "gzip":
        head = _unzipped(path)
    options: dict[str, object] = {"compression": compression}
    if not head.strip():
        raise DataError(f"{path} is empty.")
    if head[:2] in UTF16:
        return {**options, "encoding": "utf-16"}
    if compression != "zstd" and b"\0" in head:
        raise DataError(
            f"{path} holds NUL bytes: it is no text in UTF-8, or in UTF-16 without a mark for that."
        )
    return options


def _unzipped(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(HEAD)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file: {error}") from None


def _first_lines(path: Path, encoding: str) -> tuple[str, str]:
    """The first two lines that are not empty."""
    with path.open("rb") as file:
        head = file.read(LINE)
    if head[:2] == b"\x1f\x8b":
        head = _unzipped(path)
    lines = head.decode(encoding, "replace").lstrip("\ufeff").splitlines()
    full = [line for line in lines if line.strip()]
    return full[0], full[1] if len(full) > 1 else ""
