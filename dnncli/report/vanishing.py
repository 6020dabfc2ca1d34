"""`vanishing-demo` for people: a heat map of gradients, and what became of each case."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from dnncli.records import CaseRecord, DemoRecord, PromiseRecord
from dnncli.report import fitting, legend, text
from dnncli.report.layer_table import LayerTable

LAYER_ROOM = 10  # columns that layers' names take
WIDEST_CELL = 16  # columns of a case at most
ROWS = 24  # layers of a heat map; of deeper networks an even selection is drawn
# How far log10 of delta is from the output layer's, and how that is drawn: an arrow, and in colour
# a background from blue (vanished) to red (exploded), which also the colour-blind tell apart.
LEVELS = (
    (-10.0, "▼▼", "white on #2166ac"),
    (-6.0, "▼▼", "black on #4393c3"),
    (-3.0, "▼ ", "black on #92c5de"),
    (-1.0, "▼ ", "black on #d1e5f0"),
    (1.5, "  ", ""),
    (3.0, "▲ ", "black on #fddbc7"),
    (6.0, "▲ ", "black on #f4a582"),
    (10.0, "▲▲", "white on #d6604d"),
    (math.inf, "▲▲", "white on #b2182b"),
)
COLUMNS = (
    "case",
    "depth",
    "layer",
    "delta_rms",
    "predicted_delta_rms",
    "bound",
    "gradient_norm",
    "activation_mean",
    "activation_std",
    "saturated_fraction",
    "dead_fraction",
)


def layer_rows(cases: Sequence[CaseRecord]) -> list[list[object]]:
    """Every layer of every case for CSV."""
    rows: list[list[object]] = [list(COLUMNS)]
    for case in cases:
        _, *layers = text.rows(COLUMNS[2:], case.layers)
        rows += [[case.case, case.depth, *layer] for layer in layers]
    return rows


def report(record: DemoRecord, *, explained: bool = True) -> Iterator[RenderableType]:
    """The map (or, for one case, its layers in full), the cases' table, and the moral.

    explained: whether a legend stands under the tables.
    """
    depths = sorted({case.depth for case in record.cases})
    if len(depths) > 1:
        yield sweep(record.cases, depths)
    elif len(record.cases) == 1:
        yield LayerTable(record.cases[0])
    else:
        yield from heat_map(record.cases)
    if len(depths) == 1:
        yield case_table(record.cases)
    if explained:
        yield legend.legend(record.cases)
    if len(depths) == 1:
        yield from map(promise_lines, record.promises)
    for line in record.growth:
        yield Text(f"{line}.")
    yield Text(record.moral, style="bold")


def heat_map(cases: Sequence[CaseRecord]) -> Iterator[RenderableType]:
    """log10 of delta by layer and case, the output layer on top; arrows: how far from it."""
    yield Text("log10 δ before the first step", style="bold")
    yield Text("▼ vanishing, ▲ exploding towards the input", style="dim")
    yield HeatMap(cases)


@dataclass(frozen=True)
class HeatMap:
    """A column a case, as wide as the terminal allows; in several parts where it is narrow."""

    cases: Sequence[CaseRecord]

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """As many cases side by side as there is room for."""
        left = list(self.cases)
        while left:
            count = len(left)
            while count > 1 and not fitting.fits(map_table(left[:count]), console, options):
                count -= 1
            # A pipe has no width to fill.
            room = (options.max_width - LAYER_ROOM) // count - 1 if console.is_terminal else 0
            yield map_table(left[:count], min(room, WIDEST_CELL))
            left = left[count:]


def map_table(cases: Sequence[CaseRecord], width: int = 0) -> Table:
    """A row a layer, a column a case; columns of at least this width."""
    table = Table(**text.PLAIN_TABLE)
    table.add_column("layer", no_wrap=True)
    for case in cases:
        label = _stacked_label(case)
        table.add_column(label, justify="right", no_wrap=True, min_width=max(width, 0))
    logs = [_logs(case) for case in cases]
    for index in reversed(_selection(len(cases[0].layers))):
        cells = [_cell(column[index], column[-1]) for column in logs]
        table.add_row(cases[0].layers[index].layer, *cells)
    return table


def _stacked_label(case: CaseRecord) -> str:
    extras = "".join(f"+{name}" for name, on in (("bn", case.bn), ("clip", case.clip)) if on)
    short = case.init.removesuffix("-normal")
    return f"{case.act}\n{short}{extras}"


def _selection(layers: int) -> list[int]:
    """All layers, or as many as fit, evenly spread with the first and the last."""
    if layers <= ROWS:
        return list(range(layers))
    return sorted({round(i * (layers - 1) / (ROWS - 1)) for i in range(ROWS)})


def _logs(case: CaseRecord) -> list[float]:
    return [_log(layer.delta_rms) for layer in case.layers]


def _log(value: float) -> float:
    """log10, with -inf for 0."""
    if value > 0:
        return math.log10(value)
    return -math.inf if value == 0 else math.nan


def _cell(value: float, reference: float) -> Text:
    """A number, an arrow and a colour; float32's zero, infinity and nan in words."""
    if math.isnan(value):
        return Text("nan", style="bold red")
    if value == math.inf:
        return Text("▲▲   inf", style="bold red")
    if value == -math.inf:
        return Text("▼▼  zero", style="bold blue")
    away = value - reference if math.isfinite(reference) else value
    arrow, style = next((arrow, style) for limit, arrow, style in LEVELS if away <= limit)
    return Text(f"{arrow}{value:6.1f}", style=style)


@dataclass(frozen=True)
class CaseTable:
    """A row a case; the columns that say least give way where the terminal is narrow."""

    cases: Sequence[CaseRecord]

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """As many columns as there is room for."""
        yield fitting.widest(self.table, DISPENSABLE, console, options)

    def table(self, left_out: Sequence[str] = ()) -> Table:
        """The table without some of its columns."""
        table = Table(**text.TABLE)
        columns = {name: cell for name, cell in self._columns().items() if name not in left_out}
        table.add_column("case", no_wrap=True)
        for name in columns:
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("verdict", no_wrap=True)
        for case in self.cases:
            row = (cell(case) for cell in columns.values())
            table.add_row(case.short, *row, _verdict(case))
        return table

    def _columns(self) -> dict[str, Callable[[CaseRecord], str]]:
        """Those between the case and the verdict."""
        several = len({case.depth for case in self.cases}) > 1
        depth = {"depth": lambda case: str(case.depth)} if several else {}
        trained = any(case.trained for case in self.cases)
        accuracy = {"val. acc.": _accuracy} if trained else {}
        return {**depth, **CASE_COLUMNS, **accuracy}


def case_table(cases: Sequence[CaseRecord]) -> CaseTable:
    """Measured and predicted delta ratio, how deep it trains, flat units, and the verdict."""
    return CaseTable(cases)


def _chi(case: CaseRecord) -> str:
    return "-" if case.chi is None else f"{case.chi:.3g}"


def _reach(case: CaseRecord) -> str:
    depth = case.trainable_depth
    return "-" if depth is None else text.span(*depth)


def _flat(case: CaseRecord) -> str:
    return text.percent(max(layer.saturated_fraction for layer in case.layers))


def _plain_ratio(value: float) -> str:
    plain = value == 0 or 0.01 <= value < 1000 or not math.isfinite(value)
    if 100 <= value < 1000:
        return f"{value:.0f}"
    return f"{value:.2g}" if plain else text.scientific(value)


def _predicted(case: CaseRecord) -> str:
    ratio = case.predicted_delta_ratio
    log = case.predicted_log10_delta_ratio
    if ratio is None or log is None:
        return "none"
    return _plain_ratio(ratio) if 0 < ratio < math.inf else f"1e{log:.0f}"


CASE_COLUMNS: dict[str, Callable[[CaseRecord], str]] = {
    "δ ratio": lambda case: _plain_ratio(case.delta_ratio),
    "theory": _predicted,
    "χ": _chi,
    "trains to": _reach,
    "flat": _flat,
}
DISPENSABLE = ("χ", "trains to", "theory", "flat")  # the least important first


def _accuracy(case: CaseRecord) -> str:
    """The mean after training, with how many seeds diverged."""
    if case.trained is None:
        return ""
    mean = case.trained.val_accuracy
    if mean is None:
        return "diverged"
    values = case.trained.val_accuracy_values
    lost = values.count(None)
    share = f" ({lost} of {len(values)} diverged)" if lost else ""
    return f"{100 * mean:.1f} %{share}"


def _verdict(case: CaseRecord) -> Text:
    style = "green" if case.verdict == "healthy" else "bold red"
    return Text(case.verdict, style=style)


def promise_lines(promise: PromiseRecord) -> Text:
    """A case's worst finding, and what mends it."""
    place = f" in {promise.layer}" if promise.layer else ""
    return Text.assemble(
        (promise.short, "bold"),
        f"{place}: {promise.evidence}.\n  → ",
        (promise.advice, "bold"),
        ".",
    )


def sweep(cases: Sequence[CaseRecord], depths: Sequence[int]) -> Table:
    """Measured delta ratio by case and depth, in powers of ten, with theory's below it."""
    table = Table(title="log10 of the δ ratio by depth (theory in brackets)", **text.TABLE)
    table.add_column("case", no_wrap=True)
    for depth in depths:
        table.add_column(str(depth), justify="right", no_wrap=True)
    for label in dict.fromkeys(case.short for case in cases):
        own = {case.depth: case for case in cases if case.short == label}
        table.add_row(label, *(_sweep_cell(own[depth]) for depth in depths))
    return table


def _sweep_cell(case: CaseRecord) -> str:
    theory = case.predicted_log10_delta_ratio
    predicted = "-" if theory is None else f"{theory:.1f}"
    return f"{_measured(_log(case.delta_ratio))} ({predicted})"


def _measured(log: float) -> str:
    if log == -math.inf:
        return "zero"
    return f"{log:.1f}" if math.isfinite(log) else "lost"
