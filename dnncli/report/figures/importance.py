"""`eval --importance --plot`: every column's importance as a bar with its interval."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dnncli.records import EvalRecord
from dnncli.records.importance import ImportanceRecord
from dnncli.report import importance as report
from dnncli.report.figures import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.17  # inches of a column
HEAD = 0.9  # inches of title and axis


def figure(record: EvalRecord) -> "Figure":
    """A panel a split, as tall as its columns need; of many the most important ones."""
    found = {name: split.importance for name, split in record.splits.items() if split.importance}
    rows = max(min(len(one.columns), report.MOST_COLUMNS) for one in found.values())
    with canvas.canvas(canvas.TEXT_WIDTH, HEAD + ROW * rows) as drawn:
        panels = drawn.subplots(1, len(found), squeeze=False)[0]
        canvas.title(drawn, _title(record, found))
        for axes, (split, one) in zip(panels, found.items(), strict=True):
            _bars(axes, one, split)
    return drawn


def _title(record: EvalRecord, found: Mapping[str, ImportanceRecord]) -> str:
    first = next(iter(found.values()))
    how = f"permutation importance, {first.permutations} permutations, 95 % intervals"
    return f"{record.data.name}:  {how}"


def _bars(axes: "Axes", one: ImportanceRecord, split: str) -> None:
    """Bars of the score that ranks columns, from the top down."""
    shown = one.columns[: report.MOST_COLUMNS]
    for place, column in enumerate(shown):
        cost = column.metrics[one.headline]
        axes.barh(place, cost.value or 0.0, color=canvas.COLOURS[0], height=0.7)
        if cost.low is not None and cost.high is not None:
            axes.plot([cost.low, cost.high], [place, place], color=canvas.COLOURS[6], linewidth=0.8)
    axes.axvline(0, color=canvas.GREY, linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(shown)), [canvas.literal(column.column) for column in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"what permuting a column costs: {report.unit(one.headline)}")
    axes.set_title(f"{split}, {one.examples:,} examples")
    axes.grid(color="#e6e6e6", linewidth=0.5, axis="x")
