"""`transfer` for people: what is reused, the probes, both curves, and whether it helped."""

from collections.abc import Callable, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dnncli.experiments import statistics
from dnncli.records import (
    ParentRecord,
    ProbeRecord,
    RaceStanding,
    ReuseCandidate,
    ReuseRace,
    RunSummary,
    TransferRecord,
)
from dnncli.report import gradients, text, training
from dnncli.report.merit import merit

CURVE_CELLS = 24
BAR_CELLS = 20
CANDIDATE_COLUMNS = ("name", "keep", "lr", "rung", "epochs", "val_accuracy", "val_loss")
KEPT = " ← tried first: deepest within the best's error"


def parent_line(parent: ParentRecord, predicts: Sequence[str] = ()) -> Iterator[Text]:
    """The parent; predicts: the targets of a regression."""
    trained = f" on {parent.data}" if parent.data else ""
    hidden = len(parent.layers) - 1
    what = f"{hidden} hidden layers, {parent.act}, trained{trained}"
    purpose = f"to tell apart {_classes(parent.classes)}"
    if predicts:
        purpose = f"to predict {_classes(predicts)}"
    yield Text(f"{parent.path}: {what} {purpose}")


def layout_line(kept: Sequence[str], frozen: Sequence[str], run: Sequence[str]) -> Text:
    """What becomes of the layers; `run` are the new network's."""
    new = [name for name in run if name not in kept]
    parts = [("kept", kept), ("frozen", frozen), ("new", new)]
    return Text("; ".join(f"{what}: {_span(names, run)}" for what, names in parts if names))


def _span(names: Sequence[str], layers: Sequence[str]) -> str:
    """Names between commas, or from the first to the last where there are many without a gap."""
    places = [layers.index(name) for name in names]
    if len(names) > 2 and places == list(range(places[0], places[-1] + 1)):
        return f"{names[0]} … {names[-1]}"
    return ", ".join(names)


def _classes(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 10 else f"{len(names)} classes"


def probe_table(probes: Sequence[ProbeRecord], chosen: str) -> Table:
    """Accuracy of a linear classifier on each layer's outputs; chosen: the last layer kept."""
    table = _table("What a linear classifier reads off each layer (cross-validated)")
    table.add_column("layer", no_wrap=True)
    table.add_column("accuracy", justify="right", no_wrap=True)
    table.add_column("± error", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, min_width=BAR_CELLS)
    for record in probes:
        bar = text.bar(record.accuracy, BAR_CELLS)
        drawn = Text(bar, style="blue")
        if record.layer == chosen:
            drawn.append(KEPT, style="bold")
        accuracy = f"{100 * record.accuracy:.2f} %"
        error = f"{100 * record.error:.2f} %"
        table.add_row(record.layer, accuracy, error, drawn)
    return table


def race(record: ReuseRace) -> Iterator[RenderableType]:
    """What --keep auto tried, the best first, and what it chose."""
    length = f"up to {record.epochs} epochs ({record.steps:,} steps)"
    title = f"Tried on the validation set: {record.seeds} seeds, {length}"
    yield _candidates(title, record.candidates, record.chosen)
    yield Text()
    yield Text(record.conclusion, style="bold")


def standing(record: RaceStanding) -> Iterator[RenderableType]:
    """What --keep auto knew of its candidates when a signal stopped it."""
    title = f"Tried so far on the validation set: {record.seeds} seeds"
    yield _candidates(title, record.candidates, record.leader)


def standing_rows(record: RaceStanding) -> list[list[object]]:
    """The same for CSV: a header and a row a candidate."""
    return text.rows(CANDIDATE_COLUMNS, record.candidates)


def _candidates(title: str, candidates: Sequence[ReuseCandidate], best: str) -> Table:
    """A row a candidate, those that got farthest first."""
    table = _table(title)
    table.add_column("", no_wrap=True)
    for name in ("epochs", "accuracy", "loss"):
        table.add_column(name, justify="right", no_wrap=True)
    for candidate in sorted(candidates, key=_race_order):
        style = "bold green" if candidate.name == best else ""
        loss = "diverged" if candidate.val_loss is None else text.loss(candidate.val_loss)
        accuracy = f"{100 * candidate.val_accuracy:.2f} %"
        table.add_row(candidate.name, str(candidate.epochs), accuracy, loss, style=style)
    return table


def _race_order(candidate: ReuseCandidate) -> tuple[float, float]:
    """Those that got farther first, and of them the more accurate."""
    return -candidate.rung, -candidate.val_accuracy


def _table(title: str) -> Table:
    style = text.TABLE | {"pad_edge": True, "padding": (0, 2, 0, 0)}
    return Table(title=title, show_edge=False, **style)


def closing(record: TransferRecord, all_layers: bool = False) -> Iterator[RenderableType]:
    """Both runs side by side, the difference, the gradient report and the verdict."""
    last = record.epochs[-1].epoch if record.epochs else 0
    stopped = training.STOPPED.get(record.stopped, record.stopped)
    yield Text(f"stopped after epoch {last} ({stopped}); best epoch: {record.best_epoch}")
    if record.seeds:
        yield Text()
        yield comparison_table(record)
        yield Text()
        yield difference_line(record)
        yield from which_baseline(record)
    if record.epochs:
        yield Text()
        title = f"Gradients in epoch {last}"
        yield gradients.gradient_table(record.epochs[-1].layers, title, every=all_layers)
        yield Text()
        yield from gradients.verdict_lines(record.health, record.epochs[-1].layers)
    if record.checkpoint:
        yield training.saved(record.checkpoint, record.seconds)


def which_baseline(record: TransferRecord) -> Iterator[Text]:
    """Which of the ways from scratch stands in the table, where several were tried."""
    if record.race and record.baseline:
        best = f"the best of those tried so ({record.race.scratch})"
        yield Text(f"from scratch is {best}, on seeds that the choice has not seen", style="dim")


def comparison_table(record: TransferRecord, *, curves: bool = True) -> Table:
    """A column for the transferred network and one for the baseline; means over seeds.

    curves: whether validation accuracy over the epochs is drawn in a last row.
    """
    baseline = record.baseline.seeds if record.baseline else ()
    seeds = f" (means over {len(record.seeds)} seeds)" if len(record.seeds) > 1 else ""
    names = kinds(record)
    table = _table(f"{' against '.join(names).capitalize()}{seeds}")
    columns = [record.seeds, baseline] if baseline else [record.seeds]
    table.add_column("", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for name, cell in ROWS.items():
        if baseline or cell is not _reached:
            shown = name.replace("accuracy", merit(record.data).name)
            table.add_row(shown, *(cell(record, runs) for runs in columns))
    if curves:
        drawn = (Text(text.sparkline(curve), style="blue") for curve in _curves(columns))
        table.add_row(f"validation {merit(record.data).name}", *drawn)
    return table


def kinds(record: TransferRecord) -> tuple[str, ...]:
    """What the columns are."""
    if record.race and not record.race.helps:
        return ("from scratch",)
    return ("transferred", "from scratch") if record.baseline else ("transferred",)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _share(record: TransferRecord, values: Sequence[float | None]) -> str:
    return merit(record.data).shown(_mean(values))


def _reached(record: TransferRecord, runs: Sequence[RunSummary]) -> str:
    """Epochs to the best of the runs from scratch: a median, and how many seeds got there."""
    epochs = sorted(run.reached for run in runs if run.reached is not None)
    if not epochs:
        return "never"
    few = f" ({len(epochs)} of {len(runs)})" if len(epochs) < len(runs) else ""
    return f"{epochs[(len(epochs) - 1) // 2]}{few}"


def _trained(record: TransferRecord, runs: Sequence[RunSummary]) -> str:
    number = record.trained_parameters
    if record.baseline and runs is record.baseline.seeds:
        number = record.baseline.parameters
    return text.count(number)


def _frozen(record: TransferRecord, runs: Sequence[RunSummary]) -> str:
    number = record.frozen_parameters if runs is record.seeds else 0
    return text.count(number)


ROWS: dict[str, Callable[[TransferRecord, Sequence[RunSummary]], str]] = {
    "first epoch": lambda record, runs: _share(record, [run.first_accuracy for run in runs]),
    "best epoch": lambda record, runs: _share(record, [run.best_accuracy for run in runs]),
    "epochs to scratch's best": _reached,
    "test accuracy": lambda record, runs: _share(record, [run.test.merit for run in runs]),
    "training time": lambda record, runs: text.seconds(_mean([run.seconds for run in runs])),
    "trained parameters": _trained,
    "frozen parameters": _frozen,
}


def _curves(columns: Sequence[Sequence[RunSummary]]) -> list[list[float]]:
    """Mean validation accuracies by epoch, at evenly spread epochs, on one scale for all."""
    values = [value for runs in columns for run in runs for value in run.val_accuracies]
    lowest = min(values, default=0.0)
    highest = max(values, default=1.0)
    return [text.normalised(_curve(runs), lowest, highest) for runs in columns]


def _curve(runs: Sequence[RunSummary]) -> list[float]:
    """Means over seeds; a seed that has stopped counts with its last epoch."""
    seeds = [run.val_accuracies for run in runs if run.val_accuracies]
    means = [sum(values) / len(values) for values in statistics.by_epoch(seeds)]
    return text.resample(means, CURVE_CELLS)


def difference_line(record: TransferRecord) -> Text:
    """How many points of test accuracy the transfer gained, and how sure that is."""
    difference = record.difference
    shown = merit(record.data)
    if difference is None:
        if not record.seeds:
            return Text()
        first = record.seeds[0]
        which = f"  (seed {first.seed}, whose network is kept)" if len(record.seeds) > 1 else ""
        return Text(
            f"test {shown.name} {shown.shown(first.test.merit)},"
            f" loss {text.loss(first.test.loss)}{which}"
        )
    points = f"{shown.bare(difference.mean, '+')} {shown.gained}"
    line = Text.assemble(f"test {shown.name}: ", (points, _style(difference.low, difference.high)))
    if difference.low is None or difference.high is None:
        return line.append(" against from scratch (one seed: how sure that is, --seeds 5 tells)")
    interval = f" [{shown.bare(difference.low, '+')}, {shown.bare(difference.high, '+')}]"
    p = f", p {text.p_value(difference.p)}" if difference.p is not None else ""
    told = _answer(difference.low, difference.high)
    return line.append(
        f"{interval} against from scratch: {told} (95 % interval, {difference.pairs} seeds{p})"
    )


def _answer(low: float, high: float) -> str:
    if low > 0:
        return "it helped"
    return "it hurt" if high < 0 else "no difference told"


def _style(low: float | None, high: float | None) -> str:
    if low is None or high is None or low <= 0 <= high:
        return "bold"
    return "bold green" if low > 0 else "bold red"


RUN_COLUMNS = (
    "run",
    "seed",
    "first_accuracy",
    "best_accuracy",
    "best_epoch",
    "reached",
    "test_accuracy",
    "test_loss",
    "seconds",
)


def run_rows(record: TransferRecord) -> list[list[object]]:
    """The runs for CSV: a header and a row for each seed of each kind."""
    baseline = record.baseline.seeds if record.baseline else ()
    kinds = {"transfer": record.seeds, "baseline": baseline}
    rows: list[list[object]] = [list(RUN_COLUMNS)]
    for kind, runs in kinds.items():
        for run in runs:
            own = [getattr(run, name) for name in RUN_COLUMNS[1:6]]
            rows.append([kind, *own, run.test.merit, run.test.loss, run.seconds])
    return rows
