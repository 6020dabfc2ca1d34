"""The picture of a run that diverged in its first epoch: its steps, since it has no epochs."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dnncli.records import StepRecord
from dnncli.report.figures import canvas, heat_map
from dnncli.report.figures.canvas import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figure(title: str, steps: Sequence[StepRecord], height: float) -> "Figure":
    """Loss by step, and every layer's δ and step over weights, layers upwards, steps to the right.

    steps: the last ones of the run; at least one.
    """
    with canvas.canvas(canvas.TEXT_WIDTH, height) as drawn:
        left, middle, right = drawn.subplots(1, 3, width_ratios=(0.9, 1.2, 1.2))
        canvas.title(drawn, f"{title},  diverged in step {steps[-1].step}")
        _losses(left, steps)
        middle.set_title("δ at each layer")
        _heat_map(drawn, middle, steps, "delta_rms", "log₁₀ δ   (RMS of ∂ℓ/∂z, nats)")
        right.set_title("step over weights")
        _heat_map(drawn, right, steps, "update_ratio", "log₁₀ ‖ΔW‖ / ‖W‖")
        for axes in (left, middle, right):
            axes.set_xlabel(f"step of epoch {steps[-1].epoch}")
            canvas.whole_numbers(axes.xaxis)
    return drawn


def _losses(axes: "Axes", steps: Sequence[StepRecord]) -> None:
    """The training loss of each step; a gap where it was not finite."""
    numbers = [float(step.step) for step in steps]
    losses = [_finite(step.loss) for step in steps]
    canvas.curves(axes, numbers, {"training": Curve(losses)})
    canvas.logarithmic(axes)
    axes.set_title("loss")
    axes.set_ylabel("of the step's batch")
    axes.set_xlim(numbers[0] - 0.5, numbers[-1] + 0.5)


def _finite(value: float) -> float:
    """A value, and NaN, of which nothing is drawn, for what is not finite."""
    return value if math.isfinite(value) else math.nan


def _heat_map(
    drawn: "Figure", axes: "Axes", steps: Sequence[StepRecord], field: str, label: str
) -> None:
    """A statistic of the layers by layer and step."""
    names = [layer.layer for layer in steps[0].layers]
    columns = [_values(step, field) for step in steps]
    values = list(zip(*columns, strict=True))
    heat_map.draw(drawn, axes, values, names, label, first=steps[0].step)


def _values(step: StepRecord, field: str) -> list[float]:
    """A statistic of every layer in one step, from the input up."""
    return [getattr(layer, field) for layer in step.layers]
