"""The four tables of `compare-activations`: accuracy, differences, training, gradient flow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from dnncli.experiments import statistics
from dnncli.records import ComparisonRecord, Estimate, RowRecord, Versus
from dnncli.report import text

DRAWN = 18  # columns of a drawn interval
CURVE = 12  # columns of the longest learning curve


def _table(title: str, *columns: str) -> Table:
    """Columns of numbers beside the rows' names; `<` before a column's head turns it to the left."""
    table = Table(title=title, **text.TABLE)
    table.add_column("activation", overflow="fold")  # the only one to give way in a narrow terminal
    for column in columns:
        left = column.startswith("<")
        table.add_column(
            column.removeprefix("<"), justify="left" if left else "right", no_wrap=True
        )
    return table


def percent(share: float | None) -> str:
    """A share in percent with two decimals, without the sign."""
    return "-" if share is None else f"{100 * share:.2f}"


def _range(low: float | None, high: float | None, sign: str = "") -> str:
    if low is None or high is None:
        return "-"
    return f"{100 * low:{sign}.2f} … {100 * high:{sign}.2f}"


def accuracy_table(record: ComparisonRecord) -> Table:
    """Test accuracy, its interval in numbers and drawn, and validation accuracy over the epochs."""
    scale = _scale([row.test_accuracy for row in record.rows], record.data.test)
    ends = f"{100 * scale.worst:.1f} %".ljust(DRAWN - 8) + f"{100 * scale.best:.1f} %".rjust(8)
    lost = any(row.diverged for row in record.rows)
    title = f"Test accuracy in %: mean over {record.config['seeds']} seeds, 95 % interval"
    columns = ("mean", "interval", f"<{ends}", "<learning", *(["<seeds"] if lost else []))
    table = _table(title, *columns)
    curves = _sparklines(record.rows)
    for row in record.rows:
        accuracy = row.test_accuracy
        cells = [percent(accuracy.mean), _range(accuracy.low, accuracy.high), scale.draw(accuracy)]
        seeds = [f"{row.seeds - row.diverged} of {row.seeds}"] if lost else []
        style = "bold" if row.name == record.baseline else ""
        table.add_row(Text(row.name, style=style), *cells, curves[row.name], *seeds)
    return table


@dataclass(frozen=True)
class _Scale:
    """Accuracies on a scale of the error's logarithm: from 98 to 99 % is as far as from 80 to 90 %.

    From the worst to the best that is drawn; no error is smaller than `floor`.
    """

    worst: float
    best: float
    floor: float

    def place(self, accuracy: float) -> float:
        """From 0 for the worst to 1 for the best; they are apart."""
        low, here, high = (
            math.log(max(1 - x, self.floor)) for x in (self.worst, accuracy, self.best)
        )
        return (low - here) / (low - high) if low > high else 0.5

    def draw(self, accuracy: Estimate) -> str:
        """The interval, or the mean alone where there is none."""
        if accuracy.mean is None:
            return ""
        low, high = accuracy.low, accuracy.high
        ends = (accuracy.mean if low is None else low, accuracy.mean if high is None else high)
        return text.whiskers(
            self.place(ends[0]), self.place(accuracy.mean), self.place(ends[1]), DRAWN
        )


def _scale(accuracies: Sequence[Estimate], examples: int) -> _Scale:
    """The scale that shows all intervals; half an example is the smallest error."""
    floor = 0.5 / max(examples, 1)
    lows = [x for a in accuracies for x in (a.low, a.mean) if x is not None]
    highs = [x for a in accuracies for x in (a.high, a.mean) if x is not None]
    if not lows:
        return _Scale(0.0, 1.0, floor)
    return _Scale(max(0.0, min(lows)), min(1 - floor, max(highs)), floor)


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
    step = max(map(len, curves.values())) / CURVE
    return {
        name: text.sparkline([scale.place(value) for value in _sampled(curve, step)])
        for name, curve in curves.items()
    }


def _sampled(curve: Sequence[float], step: float) -> list[float]:
    """The last value of every `step` epochs, at least one a column."""
    if step <= 1:
        return list(curve)
    return [
        curve[min(len(curve) - 1, math.ceil((i + 1) * step) - 1)]
        for i in range(math.ceil(len(curve) / step))
    ]


def versus_table(record: ComparisonRecord) -> Table:
    """Differences from the baseline, paired by seed."""
    why = "best on validation" if record.baseline_chosen else "as asked"
    known = [row.versus_baseline for row in record.rows if row.versus_baseline]
    reach = max(
        [abs(x) for v in known for x in (v.low, v.difference, v.high) if x is not None] + [1e-9]
    )
    title = f"Points of test accuracy above {record.baseline} ({why}), paired by seed"
    table = _table(
        title, "difference", "95 % interval", f"<{'worse  0  better':^{DRAWN}}", "p", "p (Holm)"
    )
    for row in record.rows:
        versus = row.versus_baseline
        if versus:
            p, holm = text.p_value(versus.p), text.p_value(versus.p_holm)
            difference = f"{100 * versus.difference:+.2f}"
            interval = _range(versus.low, versus.high, "+")
            table.add_row(row.name, difference, interval, _around_zero(versus, reach), p, holm)
    return table


def _around_zero(versus: Versus, reach: float) -> str:
    """The interval beside a mark for no difference."""
    low, high = (versus.difference if x is None else x for x in (versus.low, versus.high))
    first, dot, last = ((x / reach + 1) / 2 for x in (low, versus.difference, high))
    width = DRAWN - 1 + DRAWN % 2  # odd: zero has a cell of its own
    drawn = text.whiskers(first, dot, last, width)
    middle = width // 2
    return (
        drawn
        if drawn[middle] == "●"
        else drawn[:middle] + ("┼" if drawn[middle] == "─" else "│") + drawn[middle + 1 :]
    )


def training_table(rows: Sequence[RowRecord]) -> Table:
    """What training took and gave; the initialiser where the rows are not named by it."""
    named = any(row.name != row.act for row in rows)
    table = _table(
        "Training and its price; inference is the forward pass alone",
        *([] if named else ["<\ninitialiser"]),
        "\nrate",
        "train\n%",
        "valid.\n%",
        "best\nepoch",
        "epoch\ntakes",
        "inference\nexamples/s",
    )
    for row in rows:
        epoch = "-" if row.best_epoch.mean is None else f"{row.best_epoch.mean:.1f}"
        accuracies = (percent(row.train_accuracy.mean), percent(row.val_accuracy.mean))
        rate = row.inference_examples_per_second
        speed = (_milliseconds(row.seconds_per_epoch), "-" if rate is None else _thousands(rate))
        init = [] if named else [row.init]
        table.add_row(row.name, *init, f"{row.lr:g}", *accuracies, epoch, *speed)
    return table


def _milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{1000 * seconds:.1f} ms" if seconds < 0.1 else text.seconds(seconds)


def _thousands(rate: float) -> str:
    """Three significant digits."""
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
        ratios = (_ratio(value) for value in (ratio.initial, ratio.predicted, ratio.best))
        shares = (
            "-" if x is None else text.percent(x)
            for x in (row.dead_fraction, row.saturated_fraction)
        )
        mean = "-" if row.activation_mean is None else f"{row.activation_mean:+.3f}"
        table.add_row(row.name, *ratios, *shares, mean, _verdict(row))
    return table


def _ratio(value: float | None) -> str:
    return "-" if value is None else text.plain(value)


def _verdict(row: RowRecord) -> Text:
    count = row.verdicts[row.verdict]
    share = "" if count == row.seeds else f" ({count} of {row.seeds})"
    return Text(row.verdict + share, style="green" if row.verdict == "healthy" else "red")
