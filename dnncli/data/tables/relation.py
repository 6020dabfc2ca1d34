"""A table that DuckDB has opened: its columns, its rows in batches, and errors in one line."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int32, Shaped

from dnncli.data.tables import batches, errors, sql
from dnncli.data.tables.batches import Batch
from dnncli.data.tables.dialect import Dialect
from dnncli.data.tables.rewriting import Scratch
from dnncli.errors import DataError, DnncliError
from dnncli.records import Notice
from dnncli.stages import stage

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VALUES = 1 << 18  # in a batch: 2 MB, of which DuckDB holds several


@dataclass(frozen=True)
class Relation:
    """Rows of a table.

    location: what messages call it. declared: every column with its type as sniffed or stored.
    types: those that can be used; unusable: the others. dialect: how it was read, if it is CSV.
    scratch: files made for DuckDB. base: what to select from where the order of rows does not
    matter; numbered: the same with a column `row`, the row's number in the files from 1, made
    before --where leaves rows out.
    """

    connection: "DuckDBPyConnection"
    paths: tuple[Path, ...]
    location: str
    declared: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)
    base: str = ""
    row: str = "row"
    dialect: Dialect | None = None
    notices: tuple[Notice, ...] = ()
    where: str | None = None
    scratch: Scratch = field(default_factory=Scratch)

    @property
    def filtered(self) -> str:
        """What to select from where only rows for which --where holds are wanted."""
        return f"(SELECT * FROM {self.base} WHERE (\n{self.where}\n))" if self.where else self.base

    @property
    def numbered(self) -> str:
        """The same with the rows' numbers."""
        rows = f"(SELECT *, row_number() OVER () AS {sql.name(self.row)} FROM {self.base})"
        return f"(SELECT * FROM {rows} WHERE (\n{self.where}\n))" if self.where else rows

    def without(self, marks: Mapping[str, Sequence[str]]) -> "Relation":
        """The table with marks of missing values in some columns taken as missing."""
        if not marks:
            return self
        parts = ", ".join(sql.without(name, self.types[name], marks[name]) for name in marks)
        return replace(self, base=f"(SELECT * REPLACE ({parts}) FROM {self.base})")

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a query that gives few."""
        with self.explained():
            return self.connection.execute(query).fetchall()

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turn DuckDB's errors into one line, which calls the table as the user called it."""
        import duckdb

        try:
            yield
        except (duckdb.Error, batches.StreamError, UnicodeError) as error:
            explained = errors.explain(str(error), self.location, self.where)
            raise self._renamed(explained) from None
        except DnncliError as error:
            raise self._renamed(error) from None

    def _renamed(self, error: DnncliError) -> DnncliError:
        """An error that calls a single file what the user called it."""
        text = self.scratch.renamed(str(error))
        if len(self.paths) == 1:
            text = text.replace(str(self.paths[0]), self.location)
        return type(error)(text)


class Scan:
    """One pass over a table's rows in batches, which notes whether they come in their order.

    DuckDB promises no order once a --where makes it join tables, so every row carries its number.
    """

    def __init__(
        self,
        relation: Relation,
        select: str,
        width: int,
        expected: int | None = None,
        objects: Sequence[str] = (),
        *,
        sortable: bool = True,
    ) -> None:
        """`select`: what to select, `width` numbers a row; `expected`: how many rows there are.

        objects: columns to select besides, as Python's objects. sortable: whether `sort` is to be
        called, for which every row's number is kept.
        """
        self._relation = relation
        row = sql.name(relation.row)
        selected = ", ".join([select, *map(sql.name, objects)])
        self._query = f'SELECT {selected}, {row}::INTEGER AS "row" FROM {relation.numbered}'
        self._objects = frozenset(objects)
        self._size = max(1, VALUES // width)
        self._expected = expected
        self._sortable = sortable
        self._rows: list[Int32[np.ndarray, " rows"]] = []
        self._last = 0
        self.ordered = True  # whether the rows came in their order so far

    def __iter__(self) -> Iterator[tuple[slice, Batch]]:
        """Batches with their places in an array of all rows.

        Raises DataError where there are not as many rows as expected.
        """
        done = 0
        what = f"reading the rows of {self._relation.location}"
        with self._relation.explained(), stage(what, self._expected) as told:
            query = self._relation.connection.sql(self._query)
            for batch in batches.batches(query, self._size, self._objects):
                rows = batch.pop("row")
                start = done
                done += len(rows)
                told.reach(done)
                if self._expected is None:
                    yield slice(start, done), batch
                elif done <= self._expected:
                    self._note(rows)
                    yield slice(start, done), batch
        if self._expected is not None and done != self._expected:
            raise DataError(
                f"{self._relation.location} changed while it was read:"
                f" {done:,} rows, not {self._expected:,}."
            )

    def _note(self, rows: Int32[np.ndarray, " rows"]) -> None:
        """Keep the rows' numbers, or only whether they ascend."""
        if self._sortable:
            self._rows.append(rows)
        elif len(rows):
            ascending = rows[0] > self._last and bool((rows[1:] > rows[:-1]).all())
            self.ordered = self.ordered and bool(ascending)
            self._last = int(rows[-1])

    def sort(self, *arrays: Shaped[np.ndarray, "rows ..."]) -> list[Shaped[np.ndarray, "rows ..."]]:
        """Arrays filled from the batches, with their rows in the order of the file."""
        rows = np.concatenate(self._rows) if self._rows else np.empty(0, np.int32)
        if (rows[1:] > rows[:-1]).all():
            return [*arrays]
        order = np.argsort(rows)
        return [array[order] for array in arrays]
