"""A regression's scores for people: R², RMSE and MAE with intervals, beside the mean's."""

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from dnncli.records import Metric, SplitRecord
from dnncli.report import text

TITLES = {"r2": "R²", "rmse": "RMSE", "mae": "MAE"}
ROW_NAMES = ("split", "metric", "value", "low", "high", "method", "baseline")


def title(name: str) -> str:
    """A metric's name, and after it its target's: RMSE a."""
    metric, _, target = name.partition("_")
    return f"{TITLES.get(metric, metric)} {target}".strip()


def headline(metrics: Mapping[str, Metric]) -> str:
    """The first score: `R² 0.832`."""
    value = metrics["r2"].value
    return "R² undefined" if value is None else f"R² {value:.3f}"


def table(metrics: Mapping[str, Metric], heading: str = "") -> Table:
    """A row a score: its value, its 95 % interval, and the baseline: always answering the mean."""
    drawn = Table(title=heading or None, show_edge=False, **text.TABLE)
    drawn.add_column("", no_wrap=True)
    for name in ("value", "95 % interval", "baseline"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for name, metric in metrics.items():
        interval = "-"
        if metric.low is not None and metric.high is not None:
            interval = f"{shown(name, metric.low)} to {shown(name, metric.high)}"
        cells = (shown(name, metric.value), interval, shown(name, metric.baseline))
        drawn.add_row(Text(title(name)), *cells)
    return drawn


def shown(name: str, value: float | None) -> str:
    """R² with three decimals; errors with four digits, in the target's unit."""
    if value is None:
        return "-"
    if name.startswith("r2"):
        return f"{value:.3f}".replace("-0.000", "0.000")
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def rows(splits: Mapping[str, SplitRecord]) -> list[list[object]]:
    """The scores for CSV: a header and a row for each score of each split."""
    found: list[list[object]] = [list(ROW_NAMES)]
    for split, record in splits.items():
        for name, metric in record.metrics.items():
            own = [getattr(metric, field) for field in ROW_NAMES[2:]]
            found.append([split, name, *own])
    return found
