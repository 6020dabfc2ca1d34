"""`vanishing-demo --plot`: gradients by layer and case, measured and predicted."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dnncli.records import CaseRecord
from dnncli.report.figures import canvas, heat_map
from dnncli.report.figures.canvas import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

COLUMNS = 2  # of panels


def figure(cases: Sequence[CaseRecord]) -> "Figure":
    """At one depth a heat map beside curves with theory; for several depths the ratio by depth."""
    depths = sorted({case.depth for case in cases})
    if len(depths) > 1:
        with canvas.canvas(canvas.TEXT_WIDTH / 2, 2.8) as drawn:
            _sweep(drawn.subplots(), cases, depths)
        return drawn
    rows = math.ceil(len(cases) / COLUMNS)
    with canvas.canvas(canvas.TEXT_WIDTH, max(3.2, 1.0 + 0.9 * rows)) as drawn:
        canvas.title(drawn, f"untrained networks of {depths[0]} hidden layers")
        left, right = drawn.subfigures(1, 2, squeeze=False)[0]
        _panels(left, rows, cases)
        # Against the last hidden layer: the output layer's δ is the same for all.
        names = [layer.layer for layer in cases[0].layers[:-1]]
        columns = [_relative(case) for case in cases]
        values = list(zip(*columns, strict=True))
        label = "log₁₀ of δ over the last hidden layer's"
        axes = right.subplots()
        heat_map.draw(right, axes, values, names, label, list(map(_label, cases)), level=1.0)
        axes.set_title(_heading(cases))
    return drawn


def _relative(case: CaseRecord) -> list[float]:
    """δ of the hidden layers over that of the last; NaN where that is 0."""
    *hidden, _ = case.layers
    last = hidden[-1].delta_rms
    if not last:
        return [math.nan] * len(hidden)
    return [layer.delta_rms / last for layer in hidden]


def _label(case: CaseRecord) -> str:
    """A case's name, and what it came to where it was trained."""
    if case.trained is None:
        return case.short
    accuracy = case.trained.val_accuracy
    ended = "diverged" if accuracy is None else f"{100 * accuracy:.1f} %"
    return f"{case.short}  {ended}"


def _heading(cases: Sequence[CaseRecord]) -> str:
    """What the map shows, and of which examples accuracies are."""
    trained = [case.trained for case in cases if case.trained]
    if not trained:
        return "red: exploding, blue: vanishing"
    return f"below: validation accuracy after {trained[0].epochs} epochs"


def _panels(figure: "SubFigure", rows: int, cases: Sequence[CaseRecord]) -> None:
    """A panel a case, so that no curve hides another, all with the same axes."""
    columns = min(COLUMNS, len(cases))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    panels = list(grid.flat)
    for index, case in enumerate(cases):
        _curve(panels[index], case, index)
    for empty in panels[len(cases) :]:
        empty.set_axis_off()
    figure.supxlabel("layer, from the input up  (crosses: theory)", fontsize=8)
    figure.supylabel("δ   (RMS of ∂ℓ/∂z, nats)", fontsize=8)


def _curve(axes: "Axes", case: CaseRecord, index: int) -> None:
    """Measured as a line within the seeds' range, theory as crosses."""
    layers = list(range(1, len(case.layers) + 1))
    spans = [layer.ranges["delta_rms"] for layer in case.layers]
    measured = Curve(
        [layer.delta_rms for layer in case.layers],
        [low for low, _ in spans],
        [high for _, high in spans],
    )
    canvas.curves(axes, layers, {case.short: measured}, first=index)
    known = [(x, layer.predicted_delta_rms) for x, layer in zip(layers, case.layers, strict=True)]
    points = [(x, y) for x, y in known if y]
    colour = canvas.COLOURS[index % len(canvas.COLOURS)]
    axes.plot([x for x, _ in points], [y for _, y in points], "x", color=colour, markersize=3)
    axes.set_yscale("log")
    canvas.whole_numbers(axes.xaxis)
    axes.set_title(canvas.literal(case.short), fontsize=7)


def _sweep(axes: "Axes", cases: Sequence[CaseRecord], depths: Sequence[int]) -> None:
    """The delta ratio by depth, theory as crosses where float64 holds it."""
    for index, name in enumerate(dict.fromkeys(case.short for case in cases)):
        own = [case for case in cases if case.short == name]
        canvas.curves(
            axes, [c.depth for c in own], {name: Curve([c.delta_ratio for c in own])}, first=index
        )
        known = [
            (case.depth, case.predicted_delta_ratio) for case in own if case.predicted_delta_ratio
        ]
        colour = canvas.COLOURS[index % len(canvas.COLOURS)]
        axes.plot([x for x, _ in known], [y for _, y in known], "x", color=colour, markersize=4)
    axes.set_yscale("log")
    axes.set_xscale("log")
    axes.set_xticks(list(depths), [str(depth) for depth in depths])
    axes.minorticks_off()
    axes.set_xlabel("hidden layers  (crosses: theory)")
    axes.set_ylabel("δ ratio, first to last hidden layer")
    axes.legend(fontsize=6, frameon=True, framealpha=0.9, edgecolor="none")
