"""What a page shows of layers: δ over the epochs, the last epoch's figures, theory beside them."""

import math
from collections.abc import Iterator, Sequence

from dnncli.records import EpochRecord, LayerRecord, Prediction, StepRecord
from dnncli.report import gradients, inspection, text, training
from dnncli.report.page import charts, colours, heat_maps
from dnncli.report.page.blocks import Block, Cell, Chart, Charts, Prose, Table
from dnncli.report.page.cells import columns, sentences, tables
from dnncli.report.page.charts import Series
from dnncli.report.page.heat_maps import HeatMap

RATIO = "‖ΔW‖/‖W‖"
DELTA = "RMS of ∂ℓ/∂z, logarithmic"


def blocks(epochs: Sequence[EpochRecord]) -> Iterator[Block]:
    """δ of every layer over the epochs, and all figures of the last one."""
    if not epochs:
        yield Prose("No epoch was finished.", "note")
        return
    last = epochs[-1]
    yield Prose(
        "δ is the gradient of an example's loss at a layer's pre-activations. A layer whose δ is"
        " much smaller than the output's hardly learns; one whose δ is much larger is thrown about."
    )
    yield Charts(tuple(_charts(epochs)))
    yield table(last.layers, f"Layers in epoch {last.epoch}")
    yield from tables(inspection.movement(last))


def _charts(epochs: Sequence[EpochRecord]) -> Iterator[Chart]:
    """The heat map; of more than one epoch the steps' sizes too."""
    names = [layer.layer for layer in epochs[0].layers]
    rows = _rows(names, epochs, "delta_rms")
    numbers = [str(epoch.epoch) for epoch in epochs]
    yield heat("δ of every layer over the epochs", rows, numbers, ("epoch", "δ"))
    ratios = _rows(names, epochs, "update_ratio")
    if any(value for row in ratios.values() for value in row):
        yield heat("Size of a step against its weights", ratios, numbers, ("epoch", RATIO))


def steps(records: Sequence[StepRecord]) -> Iterator[Block]:
    """δ and the steps' sizes in the last steps before a run broke, or met a condition."""
    if not records:
        return
    names = [layer.layer for layer in records[-1].layers]
    numbers = [str(record.step) for record in records]
    deltas = _rows(names, records, "delta_rms")
    ratios = _rows(names, records, "update_ratio")
    first = records[0]
    last = records[-1]
    yield Charts(
        (
            heat("δ in the last steps", deltas, numbers, ("step", "δ")),
            heat("Size of a step against its weights", ratios, numbers, ("step", RATIO)),
        )
    )
    yield Prose(
        f"Epoch {last.epoch}, steps {first.step} to {last.step}: the loss went from"
        f" {text.loss(first.loss)} to {text.loss(last.loss)}. Grey: not finite, or 0.",
        "note",
    )


def _rows(
    names: Sequence[str], records: Sequence[EpochRecord] | Sequence[StepRecord], field: str
) -> dict[str, list[float]]:
    """A figure of every layer over epochs or steps."""
    return {name: _figure(records, place, field) for place, name in enumerate(names)}


def _figure(
    records: Sequence[EpochRecord] | Sequence[StepRecord], place: int, field: str
) -> list[float]:
    """One layer's figure over epochs or steps."""
    return [getattr(record.layers[place], field) for record in records]


def heat(
    title: str,
    rows: dict[str, list[float]],
    names: Sequence[str],
    labels: tuple[str, str],
) -> HeatMap:
    """A heat map that says in words where it is lowest and highest."""
    known = [
        (value, name, names[place])
        for name, values in rows.items()
        for place, value in enumerate(values)
        if 0 < value < math.inf
    ]
    about = f"{title}: no positive value."
    if known:
        low = min(known)
        high = max(known)
        about = (
            f"{title}: from {low[0]:.1e} in {low[1]} ({labels[0]} {low[2]}) to {high[0]:.1e} in"
            f" {high[1]} ({labels[0]} {high[2]})."
        )
    return heat_maps.heat(title, about, rows, names, labels, colours.SEQUENTIAL)


def table(layers: Sequence[LayerRecord], caption: str) -> Table:
    """Every figure of every layer, the input layer first, with δ drawn on a logarithmic scale."""
    lowest, highest = gradients.decades([layer.delta_rms for layer in layers])
    scale = f"δ  ({text.power(lowest)} … {text.power(highest)})"
    heads = columns("layer", scale, "‖∂W‖", "ΔW/W", "mean", "std", "flat", "dead")
    rows = [_row(layer, lowest, highest) for layer in layers]
    note = (
        "‖∂W‖: norm of the kernel's gradient. ΔW/W: size of a step against the weights. mean, std:"
        " of the outputs. flat: share of them where the activation's slope is below 1 % of its"
        " largest. dead: share of units that no example moves."
    )
    return Table(caption, heads, tuple(rows), note)


def _row(layer: LayerRecord, lowest: int, highest: int) -> tuple[Cell, ...]:
    """One layer; nothing flows into a frozen one."""
    own = (
        Cell(text.plain(layer.activation_mean)),
        Cell(text.plain(layer.activation_std)),
        Cell(text.percent(layer.saturated_fraction)),
        Cell(text.percent(layer.dead_fraction)),
    )
    if layer.frozen:
        return (Cell(layer.layer), Cell("frozen", "faint"), Cell("–"), Cell("–"), *own)
    share = text.logarithmic(layer.delta_rms, lowest, highest)
    drawn = Cell(text.scientific(layer.delta_rms), bar=min(1.0, max(0.0, share)))
    flow = (text.scientific(layer.gradient_norm), text.scientific(layer.update_ratio))
    return (Cell(layer.layer), drawn, *map(Cell, flow), *own)


def theory(prediction: Prediction, initial: Sequence[LayerRecord]) -> Iterator[Block]:
    """What mean-field theory predicts before the first step, beside what the step measured."""
    yield Prose(
        "Mean-field theory predicts, from the widths, the activation and the initial weights alone,"
        " how the gradient flows before the first step."
    )
    said = sentences(training.forecast(prediction, len(prediction.layers) - 1, None))
    for line in said:
        yield Prose(f"{line.removeprefix('theory: ')}.")
    if prediction.band and prediction.delta_ratio is not None:
        low, high = prediction.band
        yield Prose(
            f"In 95 % of networks of these widths the δ ratio lies between {low:.2g} and"
            f" {high:.2g}.",
            "note",
        )
    if not prediction.layers:
        return
    measured = {layer.layer: layer for layer in initial}
    yield Charts((_theory_chart(prediction, measured),))
    yield _theory_table(prediction, measured)


def _theory_chart(prediction: Prediction, measured: dict[str, LayerRecord]) -> charts.Plot:
    """δ by layer: a line for theory, dots for the first step."""
    names = [layer.layer for layer in prediction.layers]
    series = {"theory": Series([layer.delta_rms for layer in prediction.layers])}
    if measured:
        deltas = {name: layer.delta_rms for name, layer in measured.items()}
        seen = [deltas.get(name) for name in names]
        series["measured at the first step"] = Series(seen, dotted=True)
    return charts.curves(
        "δ by layer before any update",
        "δ by layer: theory as a line, the measurement as dots; the table has the numbers.",
        series,
        ("layer, from the input up", DELTA),
        logarithmic=True,
        names=[name.removeprefix("hidden") for name in names],
    )


def _theory_table(prediction: Prediction, measured: dict[str, LayerRecord]) -> Table:
    """Predicted and measured figures of every layer."""
    heads = columns("layer", "δ predicted", "δ measured", "std predicted", "std measured")
    rows = []
    for layer in prediction.layers:
        seen = measured.get(layer.layer)
        delta = "–" if seen is None else text.scientific(seen.delta_rms)
        deviation = "–" if seen is None else text.plain(seen.activation_std)
        predicted = "–" if layer.delta_rms is None else text.scientific(layer.delta_rms)
        own = (layer.layer, predicted, delta, text.plain(layer.activation_std), deviation)
        rows.append(tuple(map(Cell, own)))
    return Table("Theory and measurement, layer by layer", heads, tuple(rows))
