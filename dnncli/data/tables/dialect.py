"""How a CSV file is read: its columns and the options of DuckDB's reader."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dnncli.data.tables import sql
from dnncli.records import Notice


@dataclass(frozen=True)
class Dialect:
    """How a file is read: its columns' names and DuckDB's types, and options of DuckDB's reader.

    sniffed: the types that were found, where others are read. repaired: names that the header line
    does not have, or not only once, and what they became. grouped: columns in which a point seems
    to separate thousands.
    """

    columns: dict[str, str]
    header: bool
    options: dict[str, object]
    repaired: tuple[tuple[str, str], ...] = ()
    sniffed: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    grouped: tuple[str, ...] = ()

    def source(self, paths: Sequence[Path]) -> str:
        """What to select from."""
        options = {
            "header": self.header,
            "auto_detect": False,
            "columns": self.columns,
            **self.options,
        }
        names = ", ".join(sql.literal(literal_path(path)) for path in paths)
        return f"read_csv([{names}], {sql.arguments(options)})"


def literal_path(path: Path) -> str:
    """A path in which DuckDB sees no pattern."""
    return re.sub(r"([*?[])", r"[\1]", str(path))


def numbered(count: int) -> list[str]:
    """Names for columns that have none, by their numbers from 1: column1 …, of ten column01 …."""
    width = len(str(count))
    return [f"column{number:0{width}d}" for number in range(1, count + 1)]


def distinct(names: list[str]) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """Names of which no two are the same to SQL, and those that had to change for that."""
    taken = {name.lower() for name in names}
    seen: set[str] = set()
    result = []
    repaired = []
    for default, name in zip(numbered(len(names)), names, strict=True):
        unique = name or default
        for count in range(1, len(names) + 1):
            if unique.lower() not in seen and (unique == name or unique.lower() not in taken):
                break
            unique = f"{name or 'column'}_{count}"
        seen.add(unique.lower())
        result.append(unique)
        if unique != name:
            repaired.append((name, unique))
    return result, tuple(repaired)
