"""`vanishing-demo --plot`: gradients by layer and case, measured and predicted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dnncli.records import CaseRecord
from dnncli.report.figures import canvas, training
from dnncli.report.figures.canvas import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figure(cases: Sequence[CaseRecord]) -> "Figure":
    """At one depth a heat map beside curves with theory; for several depths the ratio by depth."""
    depths = sorted({case.depth for case in cases})
    if len(depths) > 1:
        with canvas.canvas(canvas.TEXT_WIDTH / 2, 2.8) as drawn:
            _sweep(drawn.subplots(), cases, depths)
        return drawn
    with canvas.canvas(canvas.TEXT_WIDTH, 3.6) as drawn:
        left, right = drawn.subplots(1, 2, width_ratios=(1, 1.15))
        canvas.title(drawn, f"untrained networks of {depths[0]} hidden layers")
        _curves(left, cases)
        names = [layer.layer for layer in cases[0].layers]
        columns = [training.layer_deltas(case.layers) for case in cases]
        values = list(zip(*columns, strict=True))
        labels = [case.short for case in cases]
        canvas.heat_map(drawn, right, values, names, "log₁₀ δ   (RMS of ∂ℓ/∂z, nats)", labels)
        right.set_title("δ at each layer")
    return drawn


def _curves(axes: "Axes", cases: Sequence[CaseRecord]) -> None:
    """Measured as lines within the seeds' range, theory as crosses."""
    layers = list(range(1, len(cases[0].layers) + 1))
    series = {}
    for case in cases:
        spans = [layer.ranges["delta_rms"] for layer in case.layers]
        series[case.short] = Curve(
            [layer.delta_rms for layer in case.layers],
            [low for low, _ in spans],
            [high for _, high in spans],
        )
    canvas.curves(axes, layers, series)
    for index, case in enumerate(cases):
        known = [
            (x, layer.predicted_delta_rms) for x, layer in zip(layers, case.layers, strict=True)
        ]
        points = [(x, y) for x, y in known if y]
        colour = canvas.COLOURS[index % len(canvas.COLOURS)]
        axes.plot([x for x, _ in points], [y for _, y in points], "x", color=colour, markersize=3)
    axes.set_yscale("log")
    axes.set_xlabel("layer, from the input up  (crosses: theory)")
    axes.set_ylabel("δ   (RMS of ∂ℓ/∂z, nats)")
    axes.set_title("before the first step")
    # Lines fan out to every corner: the names stand below.
    axes.legend(fontsize=6, loc="upper left", bbox_to_anchor=(-0.1, -0.2), ncols=2)


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
