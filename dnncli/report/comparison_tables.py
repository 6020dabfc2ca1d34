"""The four tables of `compare-activations`: accuracy, differences, training, gradient flow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from dnncli.experiments import statistics
from dnncli.records import ComparisonRecord, Estimate, RowRecord, Versus
from dnncli.report import text
from dnncli.report.merit import ACCURACY, Merit, merit

ZERO_MARKS = {"─": "┼", " ": "│"}  # how zero shows on an interval, and beside one
DRAWN = 18  # columns of a drawn interval
CURVE = 12  # columns of the longest learning curve
LEAST_UNEXPLAINED = 1e-4  # of the variance that a scale of R² tells apart
LEAST_REACH = 1e-9  # of a scale of differences


def _table(title: str, *columns: str) -> Table:
    """Columns of numbers beside the rows' names; `<` before a head turns its column to the left."""
    table = Table(title=title, **text.TABLE)
    table.add_column("activation", overflow="fold")  # the only one to give way in a narrow terminal
    for column in columns:
        justify: JustifyMethod = "left" if column.startswith("<") else "right"
        table.add_column(column.removeprefix("<"), justify=justify, no_wrap=True)
    return table


def interval_text(shown: Merit, low: float | None, high: float | None, sign: str = "") -> str:
    """An interval's ends without their unit; a dash for none."""
    if low is None or high is None:
        return "-"
    return f"{shown.bare(low, sign)} … {shown.bare(high, sign)}"


def accuracy_table(record: ComparisonRecord) -> Table:
    """Test accuracy, its interval in numbers and drawn, and validation accuracy over the epochs."""
    shown = merit(record.data)
    scale = _scale([row.test_accuracy for row in record.rows], record.data.test, shown)
    ends = shown.end(scale.worst).ljust(DRAWN - 8) + shown.end(scale.best).rjust(8)
    lost = any(row.diverged for row in record.rows)
    title = f"Test {shown.heading}: mean over {record.config['seeds']} seeds, 95 % interval"
    counts = ["<seeds"] if lost else []
    table = _table(title, "mean", "interval", f"<{ends}", "<learning", *counts)
    curves = _sparklines(record.rows)
    for row in record.rows:
        accuracy = row.test_accuracy
        cells = [
            shown.bare(accuracy.mean),
            interval_text(shown, accuracy.low, accuracy.high),
            scale.draw(accuracy),
        ]
        seeds = [f"{row.seeds - row.diverged} of {row.seeds}"] if lost else []
        style = "bold" if row.name == record.baseline else ""
        table.add_row(Text(row.name, style=style), *cells, curves[row.name], *seeds)
    return table


@dataclass(frozen=True)
class _Scale:
    """Accuracies on a scale of the error's logarithm: from 98 to 99 % is as far as from 80 to 90 %.

    So is R², whose error is the share of the variance that is not explained.
    From the worst to the best that is drawn; no error is smaller than `floor`.
    """

    worst: float
    best: float
    floor: float

    def place(self, accuracy: float) -> float:
        """From 0 for the worst to 1 for the best; they are apart."""
        low = self._log_error(self.worst)
        high = self._log_error(self.best)
        return (low - self._log_error(accuracy)) / (low - high) if low > high else 0.5

    def _log_error(self, accuracy: float) -> float:
        return math.log(max(1 - accuracy, self.floor))

    def draw(self, accuracy: Estimate) -> str:
        """The interval, or the mean alone where there is none."""
        if accuracy.mean is None:
            return ""
        low = accuracy.mean if accuracy.low is None else accuracy.low
        high = accuracy.mean if accuracy.high is None else accuracy.high
        dot = self.place(accuracy.mean)
        return text.whiskers(self.place(low), dot, self.place(high), DRAWN)


def _scale(accuracies: Sequence[Estimate], examples: int, shown: Merit) -> _Scale:
    """The scale that shows all intervals; half an example is the smallest error of an accuracy."""
    floor = 0.5 / max(examples, 1) if shown.unit else LEAST_UNEXPLAINED
    lows = [x for a in accuracies for x in (a.low, a.mean) if x is not None]
    highs = [x for a in accuracies for x in (a.high, a.mean) if x is not None]
    if not lows:
        return _Scale(0.0, 1.0, floor)
    worst = max(0.0, min(lows)) if shown.unit else min(lows)
    return _Scale(worst, min(1 - floor, max(highs)), floor)


def learning_curve(row: RowRecord) -> list[float]:
    """Mean validation accuracy by epoch; a seed that has stopped counts with its last epoch."""
    seeds = [run.val_accuracies for run in row.runs if run.stopped != "diverged"]
    return [sum(values) / len(values) for values in statistics.by_epoch(seeds)]


def _sparklines(rows: Sequence[RowRecord]) -> dict[str, str]:
    """Learning curves on one scale of accuracy and one of epochs."""
    curves = {row.name: learning_curve(row) for row in rows}
    every = [accuracy for curve in curves.values() for accuracy in curve]
    if not every:
        return dict.fromkeys(curves, "")
    scale = _Scale(min(every), max(every), 1e-4)
    epochs = max(1.0, max(map(len, curves.values())) / CURVE)  # that a column stands for
    return {name: _sparkline(curve, scale, epochs) for name, curve in curves.items()}


def _sparkline(curve: Sequence[float], scale: _Scale, epochs: float) -> str:
    shown = text.resample(curve, math.ceil(len(curve) / epochs))
    return text.sparkline([scale.place(accuracy) for accuracy in shown])


def versus_table(record: ComparisonRecord) -> Table:
    """Differences from the baseline, paired by seed."""
    why = "best on validation" if record.baseline_chosen else "as asked"
    known = [row.versus_baseline for row in record.rows if row.versus_baseline]
    reach = max([_reach(versus) for versus in known], default=LEAST_REACH)
    shown = merit(record.data)
    counted = "Points of test accuracy" if shown.unit else f"Test {shown.name}"
    title = f"{counted} above {record.baseline} ({why}), paired by seed"
    table = _table(
        title, "difference", "95 % interval", f"<{'worse  0  better':^{DRAWN}}", "p", "p (Holm)"
    )
    for row in record.rows:
        versus = row.versus_baseline
        if versus:
            p = text.p_value(versus.p)
            holm = text.p_value(versus.p_holm)
            difference = shown.bare(versus.difference, "+")
            interval = interval_text(shown, versus.low, versus.high, "+")
            table.add_row(row.name, difference, interval, _around_zero(versus, reach), p, holm)
    return table


def _reach(versus: Versus) -> float:
    """How far the interval is from zero."""
    ends = (versus.low, versus.difference, versus.high)
    return max(LEAST_REACH, *(abs(end) for end in ends if end is not None))


def _around_zero(versus: Versus, reach: float) -> str:
    """The interval beside a mark for no difference."""
    low = versus.difference if versus.low is None else versus.low
    high = versus.difference if versus.high is None else versus.high
    width = DRAWN - 1 + DRAWN % 2  # odd: zero has a cell of its own
    first = _share_of_width(low, reach)
    dot = _share_of_width(versus.difference, reach)
    last = _share_of_width(high, reach)
    drawn = text.whiskers(first, dot, last, width)
    middle = width // 2
    zero = ZERO_MARKS.get(drawn[middle], drawn[middle])
    return drawn[:middle] + zero + drawn[middle + 1 :]


def _share_of_width(difference: float, reach: float) -> float:
    """Where a difference is drawn, from 0 for -reach to 1 for reach."""
    return (difference / reach + 1) / 2


def training_table(rows: Sequence[RowRecord], shown: Merit = ACCURACY) -> Table:
    """What training took and gave; the initialiser where the rows are not named by it."""
    named = any(row.name != row.act for row in rows)
    initialiser = [] if named else ["<\ninitialiser"]
    table = _table(
        "Training and its price; inference is the forward pass alone",
        *initialiser,
        "\nrate",
        f"train\n{shown.unit.strip() or shown.name}",
        f"valid.\n{shown.unit.strip() or shown.name}",
        "best\nepoch",
        "epoch\ntakes",
        "inference\nexamples/s",
    )
    for row in rows:
        epoch = "-" if row.best_epoch.mean is None else f"{row.best_epoch.mean:.1f}"
        accuracies = map(shown.bare, (row.train_accuracy.mean, row.val_accuracy.mean))
        speed = (
            _milliseconds(row.seconds_per_epoch),
            _thousands(row.inference_examples_per_second),
        )
        init = [] if named else [row.init]
        table.add_row(row.name, *init, f"{row.lr:g}", *accuracies, epoch, *speed)
    return table


def _milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{1000 * seconds:.1f} ms" if seconds < 0.1 else text.seconds(seconds)


def _thousands(rate: float | None) -> str:
    """Three significant digits."""
    if rate is None:
        return "-"
    digits = 2 - math.floor(math.log10(rate))
    return text.count(round(round(rate, digits)))


def gradient_table(rows: Sequence[RowRecord]) -> Table:
    """How the gradient flows, and what the units do."""
    table = _table(
        "Gradient flow, δ hidden1 / δ last hidden layer; state of the units",
        "first\nstep",
        "theory\nfor it",
        "best\nepoch",
        "dead\nunits",
        "flat\noutputs",
        "mean\noutput",
        "<\nverdict",
    )
    for row in rows:
        ratio = row.delta_ratio
        ratios = map(_ratio, (ratio.initial, ratio.predicted, ratio.best))
        shares = map(_share, (row.dead_fraction, row.saturated_fraction))
        mean = "-" if row.activation_mean is None else f"{row.activation_mean:+.3f}"
        table.add_row(row.name, *ratios, *shares, mean, _verdict(row))
    return table


def _ratio(value: float | None) -> str:
    return "-" if value is None else text.plain(value)


def _share(value: float | None) -> str:
    return "-" if value is None else text.percent(value)


def _verdict(row: RowRecord) -> Text:
    count = row.verdicts[row.verdict]
    share = "" if count == row.seeds else f" ({count} of {row.seeds})"
    style = "green" if row.verdict == "healthy" else "red"
    return Text(row.verdict + share, style=style)
