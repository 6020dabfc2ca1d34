"""Whether the first line of a CSV file names its columns; no row may be lost to a guess."""

import re
from collections.abc import Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dnncli.data.tables import notation, sql
from dnncli.data.tables.dialect import Dialect, numbered
from dnncli.records import Notice

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COMPARED = 2000  # rows that the first line is compared with
NUMBER_LIKE = re.compile(r"[^\w]{0,4}\d")


def is_header(
    connection: "DuckDBPyConnection",
    path: Path,
    options: dict[str, object],
    types: Sequence[str],
    named: bool,
) -> tuple[bool, bool]:
    """Whether the first line names the columns of a file that has texts, and whether that is sure.

    named: what DuckDB takes it for. It names them where it has a word above numbers. It is a row
    where one of its texts occurs below in its own column. Otherwise it names the columns if their
    texts recur, as those of a row would.
    """
    names = numbered(len(types))
    source = Dialect(dict.fromkeys(names, "VARCHAR"), False, options).source([path])
    head = connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM {source} LIMIT 1").fetchall()
    texts = [i for i, type_ in enumerate(types) if type_ == "VARCHAR"]
    columns = ", ".join(f"{sql.name(names[i])}::VARCHAR" for i in texts)
    rows = connection.execute(f"SELECT {columns} FROM {source} LIMIT {COMPARED}").fetchall()
    if len(rows) < 3:
        return named, True
    first = head[0]
    below = [set(column) for column in zip(*rows[1:], strict=True)]
    words = [cell for i, cell in enumerate(first) if i not in texts and _is_word(cell)]
    pairs = [(first[i], cells) for i, cells in zip(texts, below, strict=True)]
    if words or any(_is_name_of_values(cell, cells) for cell, cells in pairs):
        return True, True
    everything = len(texts) == len(first)
    if any(cell in cells for cell, cells in pairs if cell):
        return False, not everything and not named
    recurring = any(len(cells) < len(rows) / 2 for _, cells in pairs)
    distinct_names = len(set(first)) == len(first) and all(first)
    return recurring and distinct_names, False


def _is_word(cell: str | None) -> bool:
    """Whether a cell is a text, and no mark of a missing value."""
    text = (cell or "").strip()
    return not notation.is_number(text, "") and not re.fullmatch(sql.MISSING, text.lower())


def notice(connection: "DuckDBPyConnection", path: Path, found: Dialect, named: bool) -> Notice:
    """A notice of what the first line was taken for."""
    source = replace(found, columns=dict.fromkeys(found.columns, "VARCHAR"), header=False)
    (cells,) = connection.execute(f"FROM {source.source([path])} LIMIT 1").fetchall()
    line = ", ".join(str(cell) for cell in cells)[:60]
    taken = "names" if named else "row"
    return Notice("first line", facts={"taken": taken, "line": line})


def _is_name_of_values(cell: str | None, below: Set[str | None]) -> bool:
    """Whether a cell without digits stands above values that all start like numbers or dates."""
    texts = [text for text in below if text]
    if not cell or not texts or any(map(str.isdigit, cell)):
        return False
    return all(NUMBER_LIKE.match(text) for text in texts)
