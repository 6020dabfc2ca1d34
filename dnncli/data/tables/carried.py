"""Columns of a table that are carried through to the output as they are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dnncli.data.tables import names, sql, targets

WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")


@dataclass(frozen=True)
class Column:
    """One such column: its name, what queries call it, and its type in the output.

    type: BOOLEAN, BIGINT, DOUBLE or VARCHAR; dates and all other types become text.
    """

    name: str
    alias: str
    type: str
    declared: str

    @property
    def expression(self) -> str:
        """The column as it was read, under its alias."""
        value = sql.name(self.name)
        if self.declared == "FLOAT":
            value = f"{value}::VARCHAR"  # 0.1 stays 0.1 and becomes no 0.10000000149
        return f"{value}::{self.type} AS {sql.name(self.alias)}"


@dataclass
class Carried:
    """Columns on their way through: found when the table is opened, added to, taken from.

    wanted: a list such as `id,name`: names, patterns (x*) or numbers from 1.
    """

    wanted: str | None = None
    columns: tuple[Column, ...] = ()
    _values: list[list[Any]] = field(default_factory=list)

    @property
    def aliases(self) -> list[str]:
        """What queries call the columns."""
        return [column.alias for column in self.columns]

    def select(self, columns: Mapping[str, str]) -> Sequence[str]:
        """Find the columns among those of a table, given with their types; their expressions.

        Raises SpecError for one that is not there.
        """
        found = dict.fromkeys(self._names(list(columns)))
        taken = {name.lower() for name in columns}
        aliases = (f"keep{i}" for i in range(len(columns) + len(found)))
        free = [alias for alias in aliases if alias not in taken]
        self.columns = tuple(
            Column(name, alias, output_type(columns[name]), columns[name])
            for name, alias in zip(found, free, strict=False)
        )
        self._values = [[] for _ in self.columns]
        return [column.expression for column in self.columns]

    def _names(self, columns: Sequence[str]) -> Iterator[str]:
        for pattern in names.split(self.wanted):
            matches = names.matching(pattern, columns)
            yield from matches or [targets.resolve(columns, pattern, "--keep")]

    def named(self, name: str, values: Sequence[str]) -> None:
        """Carry one column of texts that is not of a table."""
        self.columns = (Column(name, name, "VARCHAR", "VARCHAR"),)
        self._values = [list(values)]

    def add(self, batch: Mapping[str, Any]) -> None:
        """The columns of some more rows."""
        for values, column in zip(self._values, self.columns, strict=True):
            values += batch[column.alias].tolist()

    def take(self, count: int) -> list[list[Any]]:
        """The next so many values of each column."""
        taken = [values[:count] for values in self._values]
        for values in self._values:
            del values[:count]
        return taken


def output_type(declared: str) -> str:
    """The type in the output of a column that a table has with this type."""
    if declared in WHOLE:
        return "BIGINT"
    if declared in ("FLOAT", "DOUBLE"):
        return "DOUBLE"
    return "BOOLEAN" if declared == "BOOLEAN" else "VARCHAR"
