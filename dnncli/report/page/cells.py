"""Cells and tables: from figures, and from the tables that are printed in a terminal."""

import math
from collections.abc import Iterable, Iterator, Sequence

from rich.table import Column as RichColumn
from rich.table import Table as RichTable
from rich.text import Text

from dnncli.report.page.blocks import Cell, Column, Interval, Table

# How the styles of a terminal read on a page.
TONES = {
    "green": "good",
    "bold green": "good",
    "red": "bad",
    "bold red": "bad",
    "yellow": "fair",
    "bold yellow": "fair",
    "bold": "strong",
    "bold blue": "strong",
    "dim": "faint",
    "cyan": "faint",
}


def texts(*values: str) -> tuple[Cell, ...]:
    """A row of plain cells."""
    return tuple(map(Cell, values))


def columns(name: str, *numeric: str) -> tuple[Column, ...]:
    """The heads of a table whose first column has names and whose others have numbers."""
    return (Column(name, numeric=False), *map(Column, numeric))


def from_rich(table: RichTable, caption: str = "") -> Table:
    """A terminal's table; caption: instead of its own title."""
    heads = tuple(map(_head, table.columns))
    cells = [tuple(map(_cell, column.cells)) for column in table.columns]
    styles = [str(row.style or "") for row in table.rows]
    rows = zip(zip(*cells, strict=True), styles, strict=True)
    title = caption or _one_line(_plain(table.title or ""))
    return Table(title, heads, tuple(_toned(row, style) for row, style in rows))


def _head(column: RichColumn) -> Column:
    """A column's head on one line."""
    return Column(_one_line(_plain(column.header)), numeric=column.justify == "right")


def tables(shown: Iterable[object]) -> Iterator[Table]:
    """The tables among what is printed in a terminal."""
    for one in shown:
        if isinstance(one, RichTable):
            yield from_rich(one)


def _toned(row: Sequence[Cell], style: str) -> tuple[Cell, ...]:
    """A row whose style goes for all its cells."""
    tone = TONES.get(style, "")
    return tuple(Cell(cell.text, tone) for cell in row) if tone else tuple(row)


def _cell(value: object) -> Cell:
    """A cell's text, with its tone or the colour behind it."""
    style = str(value.style) if isinstance(value, Text) else ""
    ink, on, shade = style.partition(" on ")
    text = _plain(value).strip()
    if on:
        return Cell(text, shade=shade, ink=ink)
    return Cell(text, TONES.get(style, ""))


def _plain(value: object) -> str:
    """A text without its style."""
    return value.plain if isinstance(value, Text) else str(value)


def _one_line(value: str) -> str:
    """A head of several lines on one, a title without the spaces that align it."""
    return " ".join(value.split())


def sentences(lines: Iterable[object]) -> list[str]:
    """What a terminal's lines say, empty ones aside."""
    found = [_one_line(line.plain) for line in lines if isinstance(line, Text)]
    return [line for line in found if line]


class Span:
    """Values on a common scale from 0 to 1."""

    def __init__(self, values: Sequence[float | None], *, zero: bool = False) -> None:
        """zero: whether the scale has 0 in its middle, as differences have."""
        known = [value for value in values if value is not None and math.isfinite(value)]
        self.low = min(known, default=0.0)
        self.high = max(known, default=1.0)
        if zero:
            self.high = max(abs(self.low), abs(self.high))
            self.low = -self.high

    def interval(
        self,
        value: float | None,
        low: float | None,
        high: float | None,
        mark: float | None = None,
    ) -> Interval | None:
        """A value with its interval; None without a value."""
        if value is None or not math.isfinite(value):
            return None
        return Interval(self._share(value), *map(self._known, (low, high, mark)))

    def _known(self, value: float | None) -> float | None:
        return None if value is None else self._share(value)

    def _share(self, value: float) -> float:
        width = self.high - self.low
        return min(1.0, max(0.0, (value - self.low) / width)) if width > 0 else 0.5
