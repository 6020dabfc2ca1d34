"""The gradient report: one row a layer, a log-scale bar of delta, and the verdict."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from dnncli.records import Finding, Health, LayerRecord, Learned
from dnncli.report import chosen_layers, fitting, text

BAR_CELLS = 10
DECADES = 6  # the bars' scale spans at least so many, so that a factor of 2 looks like one
DISPENSABLE = (
    "mean",
    "std",
    "flat",
    "‖∂W‖",
    "ΔW/W",
)  # columns of the table, the least important first

FROZEN = Text("frozen", style="cyan")
LEARNED = {
    "learned": "learned",
    "weakly": "learned little",
    "memorised": "learned by heart only",
    "nothing": "learned nothing",
    "unknown": "not shown to have learned",
}

LEARNED_STYLES = {"learned": "bold green"}

LAYER_COLUMNS = (
    "layer",
    "delta_rms",
    "gradient_norm",
    "weight_norm",
    "update_ratio",
    "activation_mean",
    "activation_std",
    "saturated_fraction",
    "dead_fraction",
    "clipped_fraction",
)


def layer_rows(layers: Sequence[LayerRecord]) -> list[list[object]]:
    """The LAYER table for CSV: a header and a row a layer."""
    return text.rows(LAYER_COLUMNS, layers)


@dataclass(frozen=True)
class GradientTable:
    """A row a layer; the columns that say least give way where the terminal is narrow.

    every: also the layers of a deep network that say least.
    """

    layers: Sequence[LayerRecord]
    title: str
    every: bool = False

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """As many columns as there is room for."""
        yield fitting.widest(self._table, DISPENSABLE, console, options)

    def _table(self, left_out: Sequence[str]) -> Table:
        lowest, highest = decades([layer.delta_rms for layer in self.layers])
        scale = f"{text.power(lowest)}…{text.power(highest)}"
        names = ("layer", "δ", scale, "‖∂W‖", "ΔW/W", "mean", "std", "flat", "dead")
        shown = [column for column, name in enumerate(names) if name not in left_out]
        places = chosen_layers.telling(self.layers, every=self.every)
        table = Table(title=self._title(len(places)), show_edge=False, **text.TABLE)
        for column in shown:
            left = names[column] in ("layer", scale)
            justify: JustifyMethod = "left" if left else "right"
            least = BAR_CELLS if names[column] == scale else None
            table.add_column(names[column], justify=justify, no_wrap=True, min_width=least)
        for place, left_out_layers in zip(places, chosen_layers.gaps(places), strict=True):
            row = _row(self.layers[place], lowest, highest)
            table.add_row(*(row[column] for column in shown))
            if left_out_layers:
                table.add_row(f"… {left_out_layers}")
        return table

    def _title(self, rows: int) -> str:
        """The title, which says where layers are left out."""
        if rows == len(self.layers):
            return self.title
        return f"{self.title}: {rows} of {len(self.layers):,} layers (--all-layers: every one)"


def gradient_table(
    layers: Sequence[LayerRecord], title: str, *, every: bool = False
) -> GradientTable:
    """δ, its bar, ∂W, update ratio, activations, saturated and dead shares; input layer first.

    It fits into 80 columns for any float32 figures and up to 99 layers. Of a network with more than
    `chosen_layers.MOST` it has the first, the worst and the last, unless it is to have `every` one.
    """
    return GradientTable(layers, title, every)


def decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten that a log scale of these values goes from and to."""
    logs = [math.log10(value) for value in values if value > 0 and math.isfinite(value)]
    if not logs:
        return -DECADES, 0
    highest = math.ceil(max(logs))
    return min(math.floor(min(logs)), highest - DECADES), highest


def _row(layer: LayerRecord, lowest: int, highest: int) -> list[str | Text]:
    flow = ("-", FROZEN, "-", "-") if layer.frozen else _flow(layer, lowest, highest)
    return [
        layer.layer,
        *flow,
        text.plain(layer.activation_mean),
        text.plain(layer.activation_std),
        text.percent(layer.saturated_fraction),
        text.percent(layer.dead_fraction),
    ]


def _flow(layer: LayerRecord, lowest: int, highest: int) -> tuple[str | Text, ...]:
    """Delta, its bar, gradient and update; none of them is computed for frozen layers."""
    filled = text.logarithmic(layer.delta_rms, lowest, highest)
    return (
        text.scientific(layer.delta_rms),
        Text(text.bar(filled, BAR_CELLS), style=_colour(filled)),
        text.scientific(layer.gradient_norm),
        text.scientific(layer.update_ratio),
    )


def _colour(filled: float) -> str:
    """Colour-blind-safe: blue is strong, yellow weak, magenta all but gone."""
    if filled > 0.5:
        return "blue"
    return "yellow" if filled > 0.25 else "magenta"


def verdict_lines(health: Health, layers: Sequence[LayerRecord] = ()) -> list[Text]:
    """The verdict in words: a headline, then a line for each finding and what to do about it."""
    if health.verdict == "unknown":
        return [Text("no verdict: no epoch was finished.")]
    if not health.findings:
        frozen = any(layer.frozen for layer in layers)
        which = "every layer that is not frozen" if frozen else "every layer"
        healthy = Text.assemble(("healthy", "bold green"), f": {which} learns.")
        return [healthy, *_notes(health)]
    lines = []
    for finding in health.findings:
        place = f" in {finding.layer}" if finding.layer else ""
        lines.append(Text.assemble((finding.rule, "bold red"), f"{place}: {finding.evidence}."))
        lines.append(Text.assemble("  → ", (finding.advice, "bold"), "."))
        lines += [_symptom_line(symptom) for symptom in finding.symptoms]
    return [*lines, *_notes(health)]


def _notes(health: Health) -> list[Text]:
    """What was measured and is not a finding."""
    return [Text(f"{note}.") for note in health.notes]


def _symptom_line(symptom: Finding) -> Text:
    """What a finding explains, under it."""
    return Text(f"  explains {symptom.heading()}: {symptom.evidence}.", style="dim")


def learned_line(learned: Learned | None) -> Iterator[Text]:
    """Whether the network learned anything, against the largest class and a linear model."""
    if learned is not None and learned.r2 is not None:
        yield _learned_numbers(learned)
    if learned is None or learned.accuracy is None:
        return
    parts = [f"{learned.accuracy:.0%} of the held-out examples"]
    parts += [f"{learned.train_accuracy:.0%} of the training examples"]
    against = [f"the largest class alone {learned.majority:.0%}"]
    if learned.linear is not None:
        against.append(f"a linear model {learned.linear:.0%}")
    style = LEARNED_STYLES.get(learned.verdict, "bold yellow")
    counted = ", each counted with its class's weight" if learned.weighted else ""
    told = f"right on {', '.join(parts)}{counted} ({', '.join(against)})"
    yield Text.assemble((LEARNED[learned.verdict], style), f"{_by_loss(learned)}: {told}.")


def _by_loss(learned: Learned) -> str:
    """That the answers alone would not show it, in words."""
    if not learned.by_loss:
        return ""
    losses = (
        f"log loss {learned.loss:.3g}, of the classes' frequencies {learned.frequency_loss:.3g}"
    )
    return f", as its probabilities show ({losses})"


def _learned_numbers(learned: Learned) -> Text:
    """The same of a regression, against the mean and a linear model."""
    against = ["always answering the mean 0"]
    if learned.linear_r2 is not None:
        against.append(f"a linear model {learned.linear_r2:.2f}")
    told = (
        f": R² {learned.r2:.2f} on the held-out examples, {learned.train_r2:.2f} on the training"
        f" examples ({', '.join(against)})."
    )
    style = LEARNED_STYLES.get(learned.verdict, "bold yellow")
    return Text.assemble((LEARNED[learned.verdict], style), told)
