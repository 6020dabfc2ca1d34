"""`compare-activations --plot`: accuracy with intervals, learning curves, and δ layer by layer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dnncli.experiments import statistics
from dnncli.records import ComparisonRecord, DataRecord, RowRecord
from dnncli.report import training
from dnncli.report.figures import canvas, heat_map
from dnncli.report.merit import Merit, merit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.17  # inches of height a row takes


def figure(record: ComparisonRecord) -> "Figure":
    """Three panels, as wide as a page; taller for many rows or layers."""
    rows = [row for row in record.rows if row.test_accuracy.mean is not None]
    layers = max((len(run.best_delta) for row in rows for run in row.runs), default=0)
    height = min(8.0, 1.3 + ROW * max(9, len(rows), layers))
    with canvas.canvas(canvas.TEXT_WIDTH, height) as drawn:
        left, middle, right = drawn.subplots(1, 3, width_ratios=(1, 1, 1.2))
        canvas.title(drawn, _title(record))
        _accuracies(left, rows, merit(record.data))
        canvas.error_axes(middle, merit(record.data))
        _errors(middle, rows, record.data)
        unit = "" if record.data.targets else ", nats"
        _deltas(drawn, right, rows, f"log₁₀ δ   (RMS of ∂ℓ/∂z{unit})")
    return drawn


def _title(record: ComparisonRecord) -> str:
    config = record.config
    data = record.data
    sizes = training.sizes(data, config["hidden"])
    parts = [
        f"{data.name}:  {sizes}",
        str(config["optimizer"]),
        f"{config['seeds']} seeds, 95 % intervals",
    ]
    return ",  ".join(parts)


def _accuracies(axes: "Axes", rows: Sequence[RowRecord], shown: Merit) -> None:
    """A dot and an interval a row, the best on top, with every seed as a faint mark."""
    for place, row in enumerate(reversed(rows)):
        index = len(rows) - 1 - place
        colour = canvas.COLOURS[index % len(canvas.COLOURS)]
        accuracy = row.test_accuracy
        values = [shown.factor * value for value in accuracy.values if value is not None]
        axes.plot(values, [place] * len(values), "|", color=colour, alpha=0.5, markersize=5)
        axes.plot([shown.factor * (accuracy.mean or 0)], [place], "o", color=colour, markersize=3.5)
        if accuracy.low is not None and accuracy.high is not None:
            ends = [shown.factor * accuracy.low, shown.factor * accuracy.high]
            axes.plot(ends, [place, place], color=colour)
    axes.set_yticks(range(len(rows)), [canvas.literal(row.name) for row in reversed(rows)])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_title(f"test {shown.name}")
    axes.set_xlabel(shown.right)
    axes.grid(color="#e6e6e6", linewidth=0.5, axis="x")


def _errors(axes: "Axes", rows: Sequence[RowRecord], data: DataRecord) -> None:
    """Learning curves as errors on a logarithmic axis, where 97 and 98 % are well apart."""
    for index, row in enumerate(rows):
        seeds = [run.val_accuracies for run in row.runs if run.stopped != "diverged"]
        canvas.learning(axes, row.name, seeds, data.validation, index, merit(data))
    if rows:
        axes.legend(fontsize=6)


def _deltas(drawn: "Figure", axes: "Axes", rows: Sequence[RowRecord], label: str) -> None:
    """Geometric means over seeds, layers upwards."""
    axes.set_title("δ at the best epoch")
    if rows:
        columns = [_mean_deltas(row) for row in rows]
        hidden = len(columns[0]) - 1
        names = [*(f"hidden{index + 1}" for index in range(hidden)), "output"]
        values = list(zip(*columns, strict=True))
        heat_map.draw(drawn, axes, values, names, label, [row.name for row in rows])


def _mean_deltas(row: RowRecord) -> list[float]:
    seeds = [run.best_delta for run in row.runs if run.best_delta]
    return [statistics.geometric_mean(values) or 0.0 for values in zip(*seeds, strict=True)]
