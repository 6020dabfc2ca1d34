"""`compare-activations` for people: four small tables that fit a narrow terminal."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from dnncli.records import ComparisonRecord, DataRecord, RowRecord, TrialRecord, Versus
from dnncli.report import comparison_tables as tables
from dnncli.report import text
from dnncli.report.merit import Merit, merit

LEVEL = 0.05  # what the closing sentence calls a difference
WIDTH = 1e-9  # of an interval that is more than rounding
COLUMNS: dict[str, Callable[[RowRecord], object]] = {
    "act": lambda row: row.act,
    "init": lambda row: row.init,
    "lr": lambda row: row.lr,
    "seeds": lambda row: row.seeds,
    "diverged": lambda row: row.diverged,
    "test_accuracy": lambda row: row.test_accuracy.mean,
    "test_accuracy_low": lambda row: row.test_accuracy.low,
    "test_accuracy_high": lambda row: row.test_accuracy.high,
    "val_accuracy": lambda row: row.val_accuracy.mean,
    "train_accuracy": lambda row: row.train_accuracy.mean,
    "best_epoch": lambda row: row.best_epoch.mean,
    "seconds_per_epoch": lambda row: row.seconds_per_epoch,
    "inference_examples_per_second": lambda row: row.inference_examples_per_second,
    "delta_ratio_initial": lambda row: row.delta_ratio.initial,
    "delta_ratio_predicted": lambda row: row.delta_ratio.predicted,
    "delta_ratio_best": lambda row: row.delta_ratio.best,
    "dead_fraction": lambda row: row.dead_fraction,
    "saturated_fraction": lambda row: row.saturated_fraction,
    "activation_mean": lambda row: row.activation_mean,
    "verdict": lambda row: row.verdict,
    "difference": lambda row: row.versus_baseline and row.versus_baseline.difference,
    "difference_low": lambda row: row.versus_baseline and row.versus_baseline.low,
    "difference_high": lambda row: row.versus_baseline and row.versus_baseline.high,
    "p": lambda row: row.versus_baseline and row.versus_baseline.p,
    "p_holm": lambda row: row.versus_baseline and row.versus_baseline.p_holm,
}


def csv_rows(rows: Sequence[RowRecord]) -> list[list[object]]:
    """The table for CSV: a header and a row a combination."""
    return [list(COLUMNS), *map(_cells, rows)]


def _cells(row: RowRecord) -> list[object]:
    return [value(row) for value in COLUMNS.values()]


def opening(config: dict[str, Any], data: DataRecord, rows: int) -> Iterator[RenderableType]:
    """What is about to be compared on what."""
    layers = " → ".join(text.sizes([data.features, *config["hidden"], data.outputs]))
    parts = [layers] + ["batch norm"] * bool(config["bn"] or config["bn_output"])
    parts += [f"dropout {config['dropout']:g}"] * bool(config["dropout"])
    parts += [str(config["optimizer"]), text.batches(config, data)]
    last = config["seed"] + config["seeds"] - 1
    yield Text(
        f"{rows} combinations × {config['seeds']} seeds ({config['seed']} to {last})", style="bold"
    )
    sizes = " / ".join(text.splits(data))
    yield Text(f"{data.name}: {sizes} train / validation / test;  {', '.join(parts)}")


def trial_line(trial: TrialRecord, width: int, data: DataRecord) -> Text:
    """One combination as it is done; validation only, since the test set chooses nothing."""
    known = [run.val_accuracy for run in trial.runs if run.val_accuracy is not None]
    init = f"{trial.init}, " if trial.name == trial.act else ""
    line = Text(f"{trial.name:{width}}  {init}rate {trial.lr:g}:  ")
    lost = len(trial.runs) - len(known)
    if not known:
        line.append("every seed diverged")
    else:
        line.append(f"validation {merit(data).shown(sum(known) / len(known))}")
        if lost:
            line.append(f", {lost} of {len(trial.runs)} seeds diverged", style="red")
    return line.append(f"  ({text.seconds(trial.seconds)})")


def report(record: ComparisonRecord) -> Iterator[RenderableType]:
    """The tables, what they mean, and what to know about them."""
    if not record.rows:
        yield Text("nothing is finished yet.")
        return
    yield tables.accuracy_table(record)
    if any(row.versus_baseline for row in record.rows):
        yield tables.versus_table(record)
    yield tables.training_table(record.rows, merit(record.data))
    yield tables.gradient_table(record.rows)
    yield from notes(record)


def notes(record: ComparisonRecord) -> Iterator[RenderableType]:
    """The answer in a sentence, and what is needed to judge it."""
    yield conclusion(record)
    for row in record.rows:
        yield from _about(row, merit(record.data))
    if record.note:
        yield Text(record.note)
    if any(row.versus_baseline and row.versus_baseline.p is not None for row in record.rows):
        yield Text(
            f"test: {record.test}, two-sided, with Holm's correction; over seeds, not over other"
            " data"
        )
    yield Text(_took(record))


def _about(row: RowRecord, shown: Merit) -> Iterator[Text]:
    """The seeds that are missing from a row, and how it came by its learning rate."""
    lost = [run.seed for run in row.runs if run.stopped == "diverged"]
    if lost:
        seeds = f"seed{'s' * (len(lost) > 1)} {', '.join(map(str, lost))}"
        left = f"{row.seeds - len(lost)} of {row.seeds}"
        yield Text(f"{row.name}: {seeds} diverged, left out of its means ({left})")
    if len(row.rates) > 1:
        tried = ", ".join(f"{rate.lr:g} → {shown.bare(rate.val_accuracy)}" for rate in row.rates)
        rates = [rate.lr for rate in row.rates]
        ends = {min(rates): "smaller", max(rates): "larger"}
        more = f"; a {ends[row.lr]} one may do better" if row.lr in ends else ""
        yield Text(f"{row.name}: rate {row.lr:g} is best on validation ({tried}{shown.unit}){more}")


def conclusion(record: ComparisonRecord) -> Text:
    """Which row leads, and which of the others differ from the baseline by the seeds' evidence."""
    if not record.finished:
        return Text("stopped before every combination was trained: no conclusion", style="bold red")
    leader = record.rows[0]
    if leader.test_accuracy.mean is None:
        return Text("every seed of every combination diverged: lower --lr", style="bold red")
    shown = merit(record.data)
    best = shown.shown(leader.test_accuracy.mean)
    parts = [f"{leader.name} has the best mean test {shown.name}, {best}."]
    compared = [(row.name, row.versus_baseline) for row in record.rows if row.versus_baseline]
    tested = any(versus.p_holm is not None for _, versus in compared)
    evidence = f"p < {LEVEL:g}" if tested else "95 % interval without 0"
    kinds = (
        (f"Worse than {record.baseline} ({evidence})", -1),
        (f"Better ({evidence})", 1),
        (f"Not told from {record.baseline}", 0),
    )
    for words, wanted in kinds:
        names = [name for name, versus in compared if _sign(versus) == wanted]
        if names:
            parts.append(f"{words}: {', '.join(names)}.")
    return Text(" ".join(parts), style="bold")


def _sign(versus: Versus) -> int:
    """-1 or 1 where there is a difference by the corrected p or, without one, by the interval."""
    if not _is_real(versus):
        return 0
    return 1 if versus.difference > 0 else -1


def _is_real(versus: Versus) -> bool:
    """An interval of no width says nothing: few seeds that happen to differ alike."""
    if versus.p_holm is not None:
        return versus.p_holm < LEVEL
    if versus.low is None or versus.high is None:
        return False
    return versus.high - versus.low > WIDTH and not versus.low <= 0 <= versus.high


def _took(record: ComparisonRecord) -> str:
    total = f"{text.seconds(record.seconds.total)} in all"
    return f"saved in {record.folder}  ({total})" if record.folder else total
