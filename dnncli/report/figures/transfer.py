"""`transfer --plot`: learning with and without the reused layers, and δ over the epochs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dnncli.experiments import statistics
from dnncli.records import DataRecord, RunSummary, TransferRecord
from dnncli.report import text
from dnncli.report.figures import canvas, training
from dnncli.report.merit import Merit, merit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Runs = Mapping[str, Sequence[RunSummary]]
MOST = 101.0  # of an axis in per cent
OFFSET = 0.1  # of the mean beside its seeds, of the distance of two kinds


def figure(record: TransferRecord) -> "Figure":
    """Three panels, as wide as a page; taller for a deep network."""
    layers = len(record.epochs[0].layers) if record.epochs else 0
    baseline = {"from scratch": record.baseline.seeds} if record.baseline else {}
    runs = {
        kind: seeds for kind, seeds in {"transferred": record.seeds, **baseline}.items() if seeds
    }
    with canvas.canvas(canvas.TEXT_WIDTH, min(5.0, 2.3 + 0.06 * max(0, layers - 6))) as drawn:
        left, middle, right = drawn.subplots(1, 3, width_ratios=(1.1, 0.8, 1.3))
        canvas.title(drawn, _title(record))
        _errors(left, runs, record.data)
        _tests(middle, runs, merit(record.data))
        training.deltas(drawn, right, record.epochs)
        right.set_xlabel("epoch")
        canvas.whole_numbers(right.xaxis)
    return drawn


def _title(record: TransferRecord) -> str:
    kept = text.layer_range(record.kept)
    frozen = text.layer_range(record.frozen)
    if frozen == kept != "nothing":
        frozen = "all"
    how = "frozen at first" if record.config.get("unfreeze") else "frozen"
    seeds = f"{len(record.seeds)} seeds, 95 % intervals" if len(record.seeds) > 1 else "one seed"
    parts = [
        f"{record.parent.data or record.parent.act} → {record.data.name}:  {kept} kept",
        f"{frozen} {how}",
        seeds,
    ]
    return ",  ".join(parts)


def _errors(axes: "Axes", runs: Runs, data: DataRecord) -> None:
    canvas.error_axes(axes, merit(data))
    for index, (kind, seeds) in enumerate(runs.items()):
        accuracies = [run.val_accuracies for run in seeds if run.val_accuracies]
        if accuracies:
            canvas.learning(axes, kind, accuracies, data.validation, index, merit(data))
    if runs:
        axes.legend()


def _tests(axes: "Axes", runs: Runs, shown: Merit) -> None:
    """Every seed's test accuracy, pairs joined, and each kind's mean with its interval."""
    columns = [_scores(seeds, shown) for seeds in runs.values()]
    for pair in zip(*columns, strict=False):
        axes.plot(range(len(pair)), pair, "-", color=canvas.GREY, linewidth=0.8, zorder=1)
    for place, values in enumerate(columns):
        colour = canvas.COLOURS[place]
        beside = place + OFFSET * (2 * place - 1)
        axes.plot([place] * len(values), values, "o", color=colour, alpha=0.5, markersize=3)
        mean, low, high = statistics.interval(values)
        axes.plot([beside], [mean], "D", color=colour, markersize=4)
        if low is not None and high is not None:
            axes.plot([beside, beside], [low, high], color=colour)
    axes.set_xticks(range(len(runs)), [kind.replace(" ", "\n") for kind in runs])
    axes.set_xlim(-0.5, max(len(runs), 1) - 0.5)
    axes.set_title(f"test {shown.name}")
    axes.set_ylabel(shown.right)
    if shown.unit:  # per cent: one value alone would make an axis that goes beyond all of them
        axes.set_ylim(top=min(axes.get_ylim()[1], MOST))
    axes.grid(color="#e6e6e6", linewidth=0.5, axis="y")


def _scores(seeds: Sequence[RunSummary], shown: Merit) -> list[float]:
    return [shown.factor * run.test.merit for run in seeds]
