"""Heat maps of positive values on a logarithmic scale, such as gradients by layer and epoch."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dnncli.report.figures import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MOST_NAMES = 12  # on the axis of a heat map; of more, every so many is named


def draw(
    figure: "Figure | SubFigure",
    axes: "Axes",
    values: Sequence[Sequence[float]],
    rows: Sequence[str],
    label: str,
    columns: Sequence[str] | None = None,
    first: int = 1,
    *,
    level: float | None = None,
) -> None:
    """log10 of positive values: rows from the bottom up, columns named or numbered from `first`.

    Grey where there is none. The scale spans at least a decade: what hardly differs looks alike.
    level: a value around which colours diverge, white there, blue below and red above.
    """
    logs = [list(map(_log, row)) for row in values]
    lowest, highest = _span([value for row in logs for value in row if math.isfinite(value)])
    colours = "viridis"
    if level is not None:
        colours = "RdBu_r"
        middle = math.log10(level)
        reach = max(abs(lowest - middle), abs(highest - middle))
        lowest = middle - reach
        highest = middle + reach
    axes.set_facecolor(canvas.GREY)
    extent = (first - 0.5, first + len(values[0]) - 0.5, -0.5, len(rows) - 0.5)
    image = axes.imshow(
        logs,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=extent,
        cmap=colours,
        vmin=lowest,
        vmax=highest,
    )
    named = _named(len(rows))
    axes.set_yticks(named, [canvas.literal(rows[place]) for place in named])
    if columns:
        axes.set_xticks(
            range(1, len(columns) + 1), list(map(canvas.literal, columns)), rotation=40, ha="right"
        )
    axes.tick_params(length=2)
    bar = figure.colorbar(image, ax=axes, pad=0.02, label=label)
    bar.outline.set_linewidth(0.6)


def _log(value: float) -> float:
    """log10, and NaN for what has none that can be drawn."""
    return math.log10(value) if 0 < value < math.inf else math.nan


def _named(rows: int) -> list[int]:
    """Which of many rows are named on the axis: the first, the last, and every so many between."""
    step = max(1, math.ceil(rows / MOST_NAMES))
    places = list(range(rows - 1, -1, -step))[::-1]
    # The lowest of them makes way where it is so near to the first row that the names could touch.
    first = 1 if places and (2 * places[0] <= step or len(places) == MOST_NAMES) else 0
    return [0, *places[first:]] if rows else []


def _span(logs: Sequence[float]) -> tuple[float, float]:
    if not logs:
        return -1.0, 0.0
    missing = max(0.0, 1.0 - (max(logs) - min(logs))) / 2
    return min(logs) - missing, max(logs) + missing
