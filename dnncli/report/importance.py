"""`eval --importance` for people and for programs: what each column's permutation costs."""

from collections.abc import Iterator, Mapping

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dnncli.records import Metric, SplitRecord
from dnncli.records.importance import ColumnImportance, ImportanceRecord
from dnncli.report import scores, text

MOST_COLUMNS = 30  # shown of many
BAR = 8  # cells of the longest one
ROW_NAMES = ("split", "column", "features", "metric", "value", "low", "high", "method")


def rows(splits: Mapping[str, SplitRecord]) -> list[list[object]]:
    """The importances for CSV: a header, and a row for each column's scores on each split."""
    found: list[list[object]] = [list(ROW_NAMES)]
    known = {split: record.importance for split, record in splits.items() if record.importance}
    for split, importance in known.items():
        for one in importance.columns:
            for name, metric in one.metrics.items():
                ends = (metric.value, metric.low, metric.high, metric.method)
                found.append([split, one.column, one.features, name, *ends])
    return found


def report(record: ImportanceRecord, split: str) -> Iterator[RenderableType]:
    """A row a column with its bar, the most important first, and what to know about them."""
    shown = record.columns[:MOST_COLUMNS]
    longest = max(_value(record, one) for one in shown)
    about = f"{text.count(record.examples)} examples, {record.permutations} permutations"
    table = Table(title=f"What permuting a column costs  ({split}: {about})", **text.TABLE)
    table.add_column("column", overflow="fold")
    table.add_column("", min_width=BAR, no_wrap=True)
    for name in shown[0].metrics:
        table.add_column(unit(name), justify="right")
        table.add_column("95 % interval", justify="right", no_wrap=True)
    for one in shown:
        bar = text.bar(_value(record, one) / longest, BAR) if longest > 0 else ""
        row = [cell for name, metric in one.metrics.items() for cell in cells(name, metric)]
        table.add_row(Text(one.column), bar, *row)
    yield table
    hidden = len(record.columns) - len(shown)
    if hidden:
        yield Text(f"… and {hidden} columns more; --format csv has all")
    yield Text("columns that are alike share their importance: one stands in for the other")


def _value(record: ImportanceRecord, one: ColumnImportance) -> float:
    """What ranks a column; 0 where it is undefined."""
    return one.metrics[record.headline].value or 0.0


def cells(name: str, metric: Metric) -> tuple[str, str]:
    """The value and its interval."""
    if metric.low is None or metric.high is None:
        return _figure(name, metric.value), "-"
    return _figure(
        name, metric.value
    ), f"{_figure(name, metric.low)} to {_figure(name, metric.high)}"


def _figure(name: str, value: float | None) -> str:
    """A share in points with two decimals, others with three; a dash for none."""
    if value is None:
        return "-"
    shown = f"{100 * value:.2f}" if name in scores.SHARES else f"{value:.3f}"
    return shown.lstrip("-") if float(shown) == 0 else shown


def unit(name: str) -> str:
    """What a cost is counted in: of shares points."""
    return f"points of {scores.label(name)}" if name in scores.SHARES else scores.label(name)
