"""The layers of one case of `vanishing-demo`, as many columns as the terminal has room for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from dnncli.records import CaseRecord, DepthRecord
from dnncli.report import fitting, gradients, text


@dataclass(frozen=True)
class LayerTable:
    """One case in full; the columns that say least give way where the terminal is narrow."""

    case: CaseRecord

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """As many columns as there is room for."""
        yield Text(self.case.case, style="bold")
        yield fitting.widest(self._table, LAYER_DISPENSABLE, console, options)

    def _table(self, left_out: Sequence[str]) -> Table:
        low, high = gradients.decades([layer.delta_rms for layer in self.case.layers])
        columns = dict(LAYER_COLUMNS)
        if self.case.layers[0].bound is None:
            del columns["bound"]
        table = Table(**text.TABLE)
        table.add_column("layer", no_wrap=True)
        shown = [name for name in columns if name not in left_out]
        for name in shown:
            table.add_column(name, justify="right", no_wrap=True)
        bar = f"10^{low} … 10^{high}"
        table.add_column(bar, no_wrap=True, min_width=8)
        for layer in self.case.layers:
            drawn = text.bar(text.logarithmic(layer.delta_rms, low, high), 8)
            table.add_row(layer.layer, *(columns[name](layer) for name in shown), drawn)
        return table


def _range(layer: DepthRecord) -> str:
    least, most = layer.ranges["delta_rms"]
    return f"{least:.1e}…{most:.1e}"


def _known(value: float | None) -> str:
    return "none" if value is None else text.scientific(value)


LAYER_COLUMNS: dict[str, Callable[[DepthRecord], str]] = {
    "δ": lambda layer: text.scientific(layer.delta_rms),
    "seeds' range": _range,
    "theory": lambda layer: _known(layer.predicted_delta_rms),
    "bound": lambda layer: _known(layer.bound),
    "mean": lambda layer: text.plain(layer.activation_mean),
    "std": lambda layer: text.plain(layer.activation_std),
    "flat": lambda layer: text.percent(layer.saturated_fraction),
}
LAYER_DISPENSABLE = ("seeds' range", "mean", "std", "bound")  # the least important first
