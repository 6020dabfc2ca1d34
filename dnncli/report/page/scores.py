"""What a page shows of scores: intervals, classes, confusion, calibration, importance."""

from collections.abc import Iterator

from dnncli.records import Metric, Metrics, SplitRecord
from dnncli.records.calibration import CalibrationRecord
from dnncli.records.importance import ColumnImportance, ImportanceRecord
from dnncli.report import confusion, evaluation, importance, numbers, scores, text
from dnncli.report.page import charts
from dnncli.report.page.blocks import (
    Block,
    Cell,
    Charts,
    Column,
    Details,
    Interval,
    Matrix,
    Prose,
    Table,
)
from dnncli.report.page.cells import Span, from_rich, sentences

FEW_CLASSES = 12  # whose figures are not folded away
MOST_COLUMNS = 30  # whose importance is shown
PAIRS = 12  # of confused classes that are named where the matrix is too large
IN_UNITS = "Values are in the target's unit."
ABOUT_INTERVALS = (
    "Intervals are of 95 % and speak of other examples of the same kind, for this very network. The"
    " upright mark and the last column are the baseline, which answers without looking."
)


def metrics_table(
    metrics: Metrics, caption: str, headline: str, positive: str | None = None
) -> Table:
    """A row a score, `headline` first: value, interval in numbers and drawn, and the baseline."""
    names = sorted(metrics, key=lambda name: name != headline)
    rows = [_row(name, metrics[name], positive, name == headline) for name in names]
    heads = (
        Column("score", numeric=False),
        Column("value"),
        Column("95 % interval"),
        Column("from 0 to 1", numeric=False),
        Column("baseline"),
    )
    return Table(caption, heads, tuple(rows), ABOUT_INTERVALS)


def _row(name: str, metric: Metric, positive: str | None, first: bool) -> tuple[Cell, ...]:
    """One score; those that lie between 0 and 1 are drawn."""
    tone = "strong" if first else ""
    if name.split("_")[0] in numbers.TITLES:
        told = numbers.title(name)
        shown = (numbers.shown(name, metric.value), _interval(name, metric))
        baseline = numbers.shown(name, metric.baseline)
    else:
        told = scores.named(name, positive)
        *shown_list, baseline = scores.cells(name, metric)
        shown = (shown_list[0], shown_list[1])
    drawn = Cell("", interval=_drawn(metric)) if _is_share(metric, name) else Cell("")
    return (Cell(told, tone), Cell(shown[0], tone), Cell(shown[1]), drawn, Cell(baseline))


def _interval(name: str, metric: Metric) -> str:
    """The interval of a regression's score."""
    if metric.low is None or metric.high is None:
        return "-"
    return f"{numbers.shown(name, metric.low)} to {numbers.shown(name, metric.high)}"


def _is_share(metric: Metric, name: str) -> bool:
    """Whether a score has its place between 0 and 1, where more is better."""
    return name in (*scores.SHARES, *scores.AREAS) or name.startswith("r2")


def _drawn(metric: Metric) -> Interval | None:
    """A score with its interval and its baseline on a scale from 0 to 1."""
    span = Span([0.0, 1.0])
    return span.interval(metric.value, metric.low, metric.high, metric.baseline)


def split(
    record: SplitRecord,
    name: str,
    calibration: CalibrationRecord | None,
    threshold: float | None,
    target: str = "",
) -> Iterator[Block]:
    """Everything about a split's scores. target: the first one of a regression."""
    about = f"{text.count(record.examples)} examples"
    if record.unseen:
        about += f", {text.count(record.unseen)} of them of classes that training had not"
    caption = f"Scores on the {name} examples ({about})"
    yield metrics_table(record.metrics, caption, record.headline, record.positive)
    if record.accuracy is None:
        yield from _predictions(record, name, target)
    else:
        yield from _of_classes(record, calibration, threshold)
    if record.importance:
        yield from importances(record.importance, name)


def _of_classes(
    record: SplitRecord, calibration: CalibrationRecord | None, threshold: float | None
) -> Iterator[Block]:
    """What only classes have: confusions, retrieval by class, calibration."""
    lines = [
        *scores.reason(record.metrics, record.headline),
        *scores.decision(threshold, record.positive),
    ]
    yield from (Prose(f"{line}.", "note") for line in sentences(lines))
    yield from _confusion(record)
    by_class = from_rich(evaluation.class_table(record), "Each class against the rest")
    if len(by_class.rows) <= FEW_CLASSES:
        yield by_class
    else:
        yield Details(by_class.caption, (by_class,))
    yield from _calibration(record, calibration)


def _confusion(record: SplitRecord) -> Iterator[Block]:
    """The matrix, or the largest confusions of many classes."""
    names = tuple(score.name for score in record.per_class)
    if len(names) <= confusion.MOST_CLASSES:
        shares = tuple(map(_shares, record.confusion))
        yield Matrix("Which class is taken for which", names, record.confusion, shares)
        return
    found = confusion.most_confused(names, record.confusion)
    rows = tuple(
        (Cell(true), Cell(answered), Cell(text.count(count)), Cell(text.count(total)))
        for count, total, true, answered in found[:PAIRS]
    )
    heads = (Column("class", numeric=False), Column("taken for", numeric=False))
    counts = (Column("examples"), Column("of"))
    yield Table("Classes most often confused", (*heads, *counts), rows)


def _shares(row: tuple[int, ...]) -> tuple[float, ...]:
    """Shares of a row's sum."""
    total = max(1, sum(row))
    return tuple(count / total for count in row)


def _calibration(record: SplitRecord, found: CalibrationRecord | None) -> Iterator[Block]:
    """Whether probabilities mean what they say."""
    yield from (Prose(f"{line}.", "note") for line in sentences(scores.calibrated(found)))
    if not record.reliability:
        return
    pairs = [(one.confidence, one.accuracy) for one in record.reliability]
    intervals = [(one.low, one.high) for one in record.reliability]
    error = record.metrics.get("calibration_error", Metric(None)).value
    shown = "" if error is None else f" Calibration error {text.loss(error)}."
    plot = charts.scatter(
        "Calibration: do probabilities mean what they say?",
        f"Share of right answers against the probability claimed, in {len(pairs)} groups; on the"
        f" dotted diagonal both are equal.{shown}",
        pairs,
        ("probability of the answer", "share of right answers"),
        intervals=intervals,
        note=f"Groups of equally many examples with 95 % intervals. Below the diagonal the network"
        f" is too sure, above it not sure enough.{shown}",
    )
    yield Charts((plot,))


def _predictions(record: SplitRecord, name: str, target: str) -> Iterator[Block]:
    """Predicted against actual values."""
    yield Prose(IN_UNITS, "note")
    if record.predictions:
        yield Charts((predictions(record.predictions, name, target),))


def predictions(pairs: tuple[tuple[float, float], ...], name: str, target: str) -> charts.Plot:
    """Predicted against actual values of a target."""
    of = f" of {target}" if target else ""
    return charts.scatter(
        f"Predicted against actual values{of}",
        f"{len(pairs)} {name} examples; on the dotted diagonal the prediction is right.",
        pairs,
        ("actual", "predicted"),
        note=f"{len(pairs)} evenly spread {name} examples.",
    )


def importances(record: ImportanceRecord, name: str) -> Iterator[Block]:
    """What permuting each column costs, the most important first."""
    shown = record.columns[:MOST_COLUMNS]
    ranks = [one.metrics[record.headline] for one in shown]
    ends = [end for metric in ranks for end in (metric.value, metric.low, metric.high, 0.0)]
    span = Span(ends)
    unit = importance.unit(record.headline)
    heads = (Column("column", numeric=False), Column(unit), Column("95 % interval"))
    rows = tuple(_importance(one, record.headline, span) for one in shown)
    about = f"{text.count(record.examples)} {name} examples, {record.permutations} permutations"
    hidden = len(record.columns) - len(shown)
    more = f" {hidden} columns more are not shown." if hidden else ""
    yield Table(
        f"What permuting a column costs ({about})",
        (*heads, Column("", numeric=False)),
        rows,
        f"Columns that are alike share their importance: one stands in for the other.{more}",
    )


def _importance(one: ColumnImportance, headline: str, span: Span) -> tuple[Cell, ...]:
    """A column's cost, in numbers and drawn; the mark is 0."""
    metric = one.metrics[headline]
    value, interval = importance.cells(headline, metric)
    drawn = span.interval(metric.value, metric.low, metric.high, 0.0)
    return (Cell(one.column), Cell(value), Cell(interval), Cell("", interval=drawn))
