"""Scores with their intervals and baselines, as tables."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from dnncli.records import Metric
from dnncli.records.calibration import CalibrationRecord
from dnncli.records.folds import FoldsRecord
from dnncli.records.scores import Metrics
from dnncli.report import text

LABELS = {
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "brier": "Brier score",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "MAE",
}
SHARES = ("accuracy", "balanced_accuracy")  # shown in per cent
AREAS = ("roc_auc", "pr_auc")


def label(name: str) -> str:
    """A metric's name for people."""
    return LABELS.get(name, name.replace("_", " "))


def table(metrics: Metrics, title: str, headline: str, positive: str | None) -> Table:
    """A row a metric, `headline` first: value, 95 % interval, and what the baseline reaches."""
    shown = Table(title=title, show_edge=False, **text.TABLE)
    shown.add_column("", overflow="fold")
    for name in ("value", "95 % interval", "baseline"):
        shown.add_column(name, justify="right", no_wrap=True)
    for name in sorted(metrics, key=lambda name: name != headline):
        style = "bold" if name == headline else ""
        row = cells(name, metrics[name])
        shown.add_row(_named(name, positive), *row, style=style)
    return shown


def folds_table(record: FoldsRecord, headline: str, positive: str | None) -> Table:
    """A row a metric, `headline` first: mean over folds, corrected interval, and their range."""
    title = f"Test scores over {record.folds} folds"
    shown = Table(title=title, show_edge=False, **text.TABLE)
    shown.add_column("", overflow="fold")
    for name in ("mean", "95 % interval", "lowest fold", "highest"):
        shown.add_column(name, justify="right", no_wrap=True)
    for name in sorted(record.metrics, key=lambda name: name != headline):
        style = "bold" if name == headline else ""
        estimate = record.metrics[name]
        mean = Metric(estimate.mean, estimate.low, estimate.high)
        known = [value for value in estimate.values if value is not None]
        ends = (min(known, default=None), max(known, default=None))
        row = (*cells(name, mean)[:2], *(figure(name, end) for end in ends))
        shown.add_row(_named(name, positive), *row, style=style)
    return shown


def _named(name: str, positive: str | None) -> Text:
    return Text(named(name, positive))


def named(name: str, positive: str | None) -> str:
    """A metric's name, with the class it is about where it is about one of two."""
    if name not in AREAS:
        return label(name)
    of = "mean over classes" if positive is None else f"class {positive}"
    return f"{label(name)} ({of})"


def cells(name: str, metric: Metric) -> tuple[str, str, str]:
    """Value, interval and baseline."""
    value = figure(name, metric.value)
    interval = "-"
    if metric.low is not None and metric.high is not None:
        low = figure(name, metric.low)
        high = figure(name, metric.high)
        interval = f"{low.removesuffix(' %')} to {high}"
    return value, interval, figure(name, metric.baseline)


def figure(name: str, value: float | None) -> str:
    """A metric's value in its own way of writing; a dash for none."""
    if value is None:
        return "-"
    return f"{100 * value:.2f} %" if name in SHARES else text.loss(value)


def first(metrics: Metrics, headline: str) -> str:
    """The headline with its value: balanced accuracy 71.20 %."""
    return f"{label(headline)} {figure(headline, metrics[headline].value)}"


def beside(metrics: Metrics, headline: str) -> str:
    """The headline's 95 % interval and baseline: 94.4 to 98.6 %; the largest class alone 10 %."""
    _, interval, baseline = cells(headline, metrics[headline])
    return f"95 % interval {interval}; the largest class alone {baseline}"


def reason(metrics: Metrics, headline: str) -> Iterator[Text]:
    """Why another score than accuracy comes first, in a line; nothing where accuracy does."""
    largest = metrics["accuracy"].baseline if "accuracy" in metrics else None
    if headline == "balanced_accuracy" and largest is not None:
        yield Text(
            "balanced accuracy, the mean of the classes' recalls, comes first: always answering the"
            f" largest class is right in {text.percent(largest)} of the examples"
        )


def calibrated(record: CalibrationRecord | None) -> Iterator[Text]:
    """What --calibrate found, in a line; nothing where it was not asked for."""
    if record is None:
        return
    before = text.loss(record.before)
    after = text.loss(record.after)
    judged = f"{text.count(record.examples)} validation examples, {record.folds} folds"
    if record.kept:
        yield Text(
            f"calibrated: logits are divided by {record.temperature:.4g}; log loss {after} instead"
            f" of {before} on examples that it was not fitted to ({judged})"
        )
    else:
        yield Text(
            f"not calibrated: a temperature does not lower the log loss of examples that it was not"
            f" fitted to: {after} instead of {before} ({judged})"
        )


def decision(threshold: float | None, positive: str | None) -> Iterator[Text]:
    """From which probability on the second class is answered, in a line; nothing without one."""
    if threshold is not None:
        yield Text(f"answers: class {positive} from a probability of {threshold:.4g} on")
