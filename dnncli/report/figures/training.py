"""`train --plot`: losses, accuracy, and every layer's δ over the epochs."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dnncli.records import (
    DataRecord,
    DepthRecord,
    EpochRecord,
    LayerRecord,
    StepRecord,
    TrainRecord,
)
from dnncli.report import text
from dnncli.report.figures import canvas, divergence
from dnncli.report.figures.canvas import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOGARITHMIC = 20  # how many times the smallest loss the largest must be for a logarithmic axis
NARROWEST = 5.0  # points of accuracy that the axis spans at least


def figure(record: TrainRecord, steps: Sequence[StepRecord] = ()) -> "Figure":
    """Three panels, as wide as a page; taller for a deep network.

    steps: the last ones before a run broke. One that diverged in its first epoch shows these.
    """
    layers = len(record.epochs[0].layers) if record.epochs else 0
    height = min(5.0, 2.3 + 0.06 * max(0, layers - 6))
    if steps and record.stopped == "diverged" and len(record.epochs) < 2:
        return divergence.figure(_title(record), steps, height)
    with canvas.canvas(canvas.TEXT_WIDTH, height) as drawn:
        left, middle, right = drawn.subplots(1, 3, width_ratios=(1, 1, 1.3))
        canvas.title(drawn, _title(record))
        _losses(left, record)
        _accuracy(middle, record)
        deltas(drawn, right, record.epochs)
        for axes in (left, middle, right):
            axes.set_xlabel("epoch")
            axes.set_xlim(0.5, max(1, len(record.epochs)) + 0.5)
            canvas.whole_numbers(axes.xaxis)
    return drawn


def _title(record: TrainRecord) -> str:
    config = record.config
    data = record.data
    parts = [config["act"], config["init"]] + ["batch norm"] * config["bn"] + [config["optimizer"]]
    if frozen := _frozen(record):
        parts.append(f"{text.layer_range(frozen)} frozen")
    return f"{data.name}:  {sizes(data, config['hidden'])},  {', '.join(parts)}"


def _frozen(record: TrainRecord) -> list[str]:
    """The layers that were frozen in the last epoch."""
    layers = record.epochs[-1].layers if record.epochs else ()
    return [layer.layer for layer in layers if layer.frozen]


def sizes(data: DataRecord, hidden: Sequence[int]) -> str:
    """Features, layer sizes and classes: 64–300–100–10."""
    return "–".join(text.sizes([data.features, *hidden, data.classes]))


def _losses(axes: "Axes", record: TrainRecord) -> None:
    train = [epoch.train_loss for epoch in record.epochs]
    validation = [epoch.val_loss for epoch in record.epochs]
    canvas.curves(
        axes, _numbers(record), {"training": Curve(train), "validation": Curve(validation)}
    )
    finite = [loss for loss in (*train, *validation) if 0 < loss < math.inf]
    if finite and max(finite) > LOGARITHMIC * min(finite):
        canvas.logarithmic(axes)
    axes.set_title("loss")
    axes.set_ylabel("cross-entropy (nats)")
    _best(axes, record)
    if record.stopped == "diverged":
        words = f"diverged in epoch {record.epochs[-1].epoch}"
        axes.text(
            0.97, 0.5, words, transform=axes.transAxes, ha="right", color="#a00000", fontsize=7
        )
    axes.legend()


def _accuracy(axes: "Axes", record: TrainRecord) -> None:
    values = [100 * epoch.val_accuracy for epoch in record.epochs]
    # The second colour: validation has the same in both panels.
    canvas.curves(axes, _numbers(record), {"validation": Curve(values)}, first=1)
    if record.test and record.best_epoch:
        test = 100 * record.test.accuracy
        values.append(test)
        axes.plot(
            [record.best_epoch], [test], "*", color=canvas.COLOURS[2], label=f"test {test:.1f} %"
        )
    axes.set_title("accuracy")
    axes.set_ylabel("correctly classified (%)")
    axes.set_ylim(*_limits([value for value in values if math.isfinite(value)]))
    _best(axes, record)
    axes.legend()


def _limits(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 100.0
    margin = max(0.05 * (max(values) - min(values)), (NARROWEST - max(values) + min(values)) / 2)
    return max(-1.0, min(values) - margin), min(101.0, max(values) + margin)


def _best(axes: "Axes", record: TrainRecord) -> None:
    """The best epoch as a dotted line."""
    if record.best_epoch:
        axes.axvline(record.best_epoch, color="#777777", linewidth=0.8, linestyle=":", zorder=0)


def deltas(drawn: "Figure", axes: "Axes", epochs: Sequence[EpochRecord]) -> None:
    """A heat map of log10 δ, layers upwards, epochs to the right; frozen layers are grey."""
    axes.set_title("δ, the gradient at each layer")
    if epochs:
        names = [layer.layer for layer in epochs[0].layers]
        columns = [layer_deltas(epoch.layers) for epoch in epochs]
        values = list(zip(*columns, strict=True))
        canvas.heat_map(drawn, axes, values, names, "log₁₀ δ   (RMS of ∂ℓ/∂z, nats)")


def layer_deltas(layers: Sequence[LayerRecord | DepthRecord]) -> list[float]:
    """δ of every layer, from the input up."""
    return [layer.delta_rms for layer in layers]


def _numbers(record: TrainRecord) -> list[float]:
    return [float(epoch.epoch) for epoch in record.epochs]
