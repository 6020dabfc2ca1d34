"""`train --plot`: losses, accuracy, and every layer's δ over the epochs."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dnncli.records import (
    DepthRecord,
    EpochRecord,
    LayerRecord,
    StepRecord,
    TrainRecord,
)
from dnncli.report import text, training
from dnncli.report.figures import canvas, divergence, heat_map
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
        _second(middle, record)
        deltas(drawn, right, record.epochs)
        over_epochs = (left, right) if record.predictions else (left, middle, right)
        for axes in over_epochs:
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
    layers = training.sizes(data, config["hidden"])
    return f"{data.name}:  {layers},  {', '.join(parts)}"


def _frozen(record: TrainRecord) -> list[str]:
    """The layers that were frozen in the last epoch."""
    layers = record.epochs[-1].layers if record.epochs else ()
    return [layer.layer for layer in layers if layer.frozen]


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
    axes.set_ylabel(training.loss_unit(record.config))
    _best(axes, record)
    if record.stopped == "diverged":
        words = f"diverged in epoch {record.epochs[-1].epoch}"
        axes.text(
            0.97, 0.5, words, transform=axes.transAxes, ha="right", color="#a00000", fontsize=7
        )
    axes.legend()


def _second(axes: "Axes", record: TrainRecord) -> None:
    """Accuracy over the epochs; of a regression predictions, or R² where there are none."""
    if record.predictions:
        _predictions(axes, record)
    elif record.data.targets:
        _r2(axes, record)
    else:
        _accuracy(axes, record)


def _predictions(axes: "Axes", record: TrainRecord) -> None:
    """Predicted against actual values of test examples, and the line where they are equal."""
    actual = [pair[0] for pair in record.predictions]
    predicted = [pair[1] for pair in record.predictions]
    axes.plot(actual, predicted, "o", color=canvas.COLOURS[1], markersize=2.5, alpha=0.6)
    ends = [min(actual), max(actual)]
    axes.plot(ends, ends, "-", color=canvas.GREY, linewidth=0.8, zorder=0)
    target = record.data.targets[0]
    axes.set_title(f"test examples{_own_r2(record, target)}")
    axes.set_xlabel(f"actual {canvas.literal(target)}")
    axes.set_ylabel("predicted")
    axes.grid(color="#e6e6e6", linewidth=0.5)


def _own_r2(record: TrainRecord, target: str) -> str:
    """A target's R² on the test set, for a title."""
    name = "r2" if len(record.data.targets) == 1 else f"r2_{target}"
    value = record.test.metrics[name].value if record.test else None
    return "" if value is None else f": R² {value:.3f}"


def _r2(axes: "Axes", record: TrainRecord) -> None:
    """R² on the validation set over the epochs."""
    values = [epoch.merit for epoch in record.epochs]
    canvas.curves(axes, _numbers(record), {"validation": Curve(values)}, first=1)
    axes.set_title("R²")
    axes.set_ylabel("R² on the validation set")
    _best(axes, record)


def _accuracy(axes: "Axes", record: TrainRecord) -> None:
    values = [100 * epoch.merit for epoch in record.epochs]
    epochs = _numbers(record)
    training = [epoch.train_accuracy for epoch in record.epochs]
    shares = [100 * share for share in training if share is not None]
    if len(shares) == len(values):
        canvas.curves(axes, epochs, {"training": Curve(shares)})
    # The same colours as in the panel of losses.
    canvas.curves(axes, epochs, {"validation": Curve(values)}, first=1)
    values += shares
    if record.test and record.best_epoch:
        test = 100 * record.test.merit
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
        unit = "" if epochs[0].val_accuracy is None else ", nats"
        heat_map.draw(drawn, axes, values, names, f"log₁₀ δ   (RMS of ∂ℓ/∂z{unit})")


def layer_deltas(layers: Sequence[LayerRecord | DepthRecord]) -> list[float]:
    """δ of every layer, from the input up."""
    return [layer.delta_rms for layer in layers]


def _numbers(record: TrainRecord) -> list[float]:
    return [float(epoch.epoch) for epoch in record.epochs]
