"""Heat maps as plain data: tiles on a logarithmic scale of colours."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dnncli.report.page.charts import LEFT, MOST_NAMES, RIGHT, TOP, Axis, Tick, Values
from dnncli.report.page.colours import Colours

ROW = 15.0  # the height of a row, where there is room
LOWEST = 100.0  # a map at least …
TALLEST = 420.0  # … and at most
MOST_COLUMNS = 60  # of more an even selection is drawn
LEGEND = 24  # steps of the scale of colours


@dataclass(frozen=True)
class Tile:
    """A cell of a heat map; it is told of what it stands for."""

    x: float
    y: float
    colour: str
    about: str


@dataclass(frozen=True)
class HeatMap:
    """Tiles of one size, in rows from the bottom up. scale: its colours and their ends in words."""

    kind: ClassVar[str] = "heat"
    title: str
    about: str
    x: Axis
    y: Axis
    tiles: tuple[Tile, ...]
    size: tuple[float, float]
    height: float
    bottom: float
    scale: tuple[str, ...]
    ends: tuple[str, str]
    note: str = ""


def heat(
    title: str,
    about: str,
    rows: Mapping[str, Values],
    columns: Sequence[str],
    labels: tuple[str, str],
    colours: Colours,
    note: str = "",
) -> HeatMap:
    """log10 of positive values: rows from the bottom up. labels: of the columns and the colours."""
    kept = _selection(len(columns))
    logs = {name: _logs(values, kept) for name, values in rows.items()}
    scale = colours.fitted(value for row in logs.values() for value in row)
    height = min(max(ROW * len(rows), LOWEST), TALLEST) / max(1, len(rows))
    width = (RIGHT - LEFT) / max(1, len(kept))
    bottom = TOP + height * len(rows)
    tiles = []
    for index, (name, row) in enumerate(logs.items()):
        for place, value in enumerate(row):
            x = LEFT + width * place
            told = f"{name}, {labels[0]} {columns[kept[place]]}: {_told(rows[name][kept[place]])}"
            tiles.append(Tile(x, bottom - height * (index + 1), scale.colour(value), told))
    ends = tuple(f"{10.0**end:.1e}" for end in (scale.low, scale.high))
    return HeatMap(
        title=title,
        about=about,
        x=Axis(labels[0], tuple(_column_ticks([columns[place] for place in kept], width))),
        y=Axis("", tuple(_row_ticks(list(rows), bottom, height))),
        tiles=tuple(tiles),
        size=(width + 0.3, height + 0.3),  # a little more: no seams between them
        height=bottom + 40,
        bottom=bottom,
        scale=tuple(scale.steps(LEGEND)),
        ends=(f"{labels[1]}: {ends[0]}", ends[1]),
        note=note,
    )


def _selection(columns: int) -> list[int]:
    """All columns, or an even selection with the first and the last."""
    if columns <= MOST_COLUMNS:
        return list(range(columns))
    return [round(i * (columns - 1) / (MOST_COLUMNS - 1)) for i in range(MOST_COLUMNS)]


def _logs(values: Values, places: Sequence[int]) -> list[float | None]:
    """Logarithms of some of a row's values."""
    return [_log(values[place]) for place in places]


def _log(value: float | None) -> float | None:
    """log10; None for what has none that can be drawn."""
    return math.log10(value) if value is not None and 0 < value < math.inf else None


def _told(value: float | None) -> str:
    return "none" if value is None else f"{value:.2e}"


def _column_ticks(names: Sequence[str], width: float) -> Iterator[Tick]:
    """Names of columns, as many as there is room for."""
    longest = max(map(len, names), default=1)
    every = max(1, math.ceil((7.0 * longest + 6) / width))
    for place in range(0, len(names), every):
        yield Tick(LEFT + width * (place + 0.5), names[place])


def _row_ticks(names: Sequence[str], bottom: float, height: float) -> Iterator[Tick]:
    """Names of rows from the bottom up: the last one, and every so many below it."""
    every = max(1, math.ceil(len(names) / MOST_NAMES))
    for place in range(len(names) - 1, -1, -every):
        yield Tick(bottom - height * (place + 0.5), names[place])
