"""The doctor's report: what was found, what each remedy gained, and the command to train with."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dnncli.records import (
    CandidateRecord,
    DataRecord,
    DoctorRecord,
    Finding,
    OneBatchRecord,
    TrainRecord,
)
from dnncli.report import gradients, text
from dnncli.report.merit import Merit, merit

CANDIDATE_COLUMNS = (
    "name",
    "flags",
    "rung",
    "rungs",
    "epochs",
    "val_accuracy",
    "val_loss",
    "gain",
    "gain_low",
    "gain_high",
    "diverged",
    "verdict",
    "healthy",
)


def opening(config: Mapping[str, Any], data: DataRecord) -> Iterator[RenderableType]:
    """What is examined."""
    layers = " → ".join(text.sizes((data.features, *config["hidden"], data.outputs)))
    yield Text(f"{data.name}: {data.train:,} training examples, {layers}, {config['act']}")


def looked(findings: Sequence[Finding]) -> Iterator[RenderableType]:
    """What was found before training."""
    if not findings:
        yield Text("before training: nothing speaks against it.", style="dim")
    for finding in findings:
        yield Text(f"before training: {finding.heading()}: {finding.evidence}.", style="yellow")


def trained(record: TrainRecord) -> Iterator[RenderableType]:
    """How the run as it is went."""
    if record.stopped == "signal":
        done = f"{len(record.epochs)} of its {record.config['epochs']} epochs"
        yield Text(f"its share of the budget allowed {done}:", style="yellow")
    yield from gradients.learned_line(record.health.learned)
    layers = record.epochs[-1].layers if record.epochs else ()
    yield from gradients.verdict_lines(record.health, layers)


def one_batch(
    record: OneBatchRecord, data: DataRecord, found: bool = True
) -> Iterator[RenderableType]:
    """Whether one batch can be fitted, and what that means. found: whether a fault is known."""
    known = [accuracy for accuracy in record.accuracies if accuracy is not None]
    best = max(known, default=0.0)
    share = f"R² {best:.2f} on" if data.targets else f"{best:.0%} of"
    reached = f"{share} {record.examples} examples after {record.steps} steps"
    if record.fits:
        verb = "is" if found else "would be"
        yield Text(f"it can fit one batch ({reached}): the fault {verb} in the steps or the data.")
    else:
        yield Text(f"it cannot fit even one batch ({reached}).", style="yellow")


def racing(names: Sequence[str], seeds: int) -> Text:
    """What is about to be raced."""
    return Text(f"trying {len(names) - 1} remedies over {seeds} paired seeds …", style="dim")


def closing(record: DoctorRecord) -> Iterator[RenderableType]:
    """The table of candidates, the conclusion, and the command line."""
    tried = [candidate for candidate in record.candidates if candidate.rung]
    if len(tried) > 1:
        yield _table(record, tried)
        yield Text()
    good = record.healthy or record.basis is not None
    style = "bold green" if good else "bold"
    yield Text(record.conclusion, style=style)
    if record.test_gain is not None:
        counted = "in R²" if record.data.targets else "points of accuracy"
        yield Text(f"on the test set: {merit(record.data).gain(record.test_gain)} {counted}.")
    if record.basis is not None:
        yield Text(f"run: {shlex.join(record.command_line)}", style="bold")


def _table(record: DoctorRecord, tried: Sequence[CandidateRecord]) -> Table:
    """The candidates that were tried, the best first."""
    shown = merit(record.data)
    title = f"Validation {shown.name} over {seeds_of(record)} seeds, against the run as it is"
    table = Table(title=title, show_edge=False, **text.TABLE)
    table.add_column("change")
    for name in ("epochs", shown.name, "gain", "layers"):
        table.add_column(name, justify="right", no_wrap=True)
    for candidate in sorted(tried, key=order):
        style = "bold green" if candidate.name == record.chosen else ""
        row = (
            candidate.flags or candidate.name,
            str(candidate.epochs),
            _merit(candidate, shown),
            shown.gain(candidate.gain),
            candidate.verdict or "",
        )
        table.add_row(*row, style=style)
    return table


def seeds_of(record: DoctorRecord) -> str:
    """How many seeds candidates had: finalists may have had more than the others."""
    counts = [len(candidate.val_accuracies) for candidate in record.candidates if candidate.rung]
    most = max(counts, default=record.seeds)
    return f"{record.seeds}" if most <= record.seeds else f"{record.seeds} (finalists {most})"


def order(candidate: CandidateRecord) -> tuple[float, float]:
    """Those that got farther first, and of them the more accurate."""
    return -candidate.rung, -(candidate.val_accuracy or 0.0)


def _merit(candidate: CandidateRecord, shown: Merit) -> str:
    """A candidate's accuracy, or R²."""
    return "" if candidate.val_accuracy is None else shown.end(candidate.val_accuracy)


def candidate_rows(record: DoctorRecord) -> list[list[object]]:
    """The candidates for CSV: a header and a row each."""
    return [list(CANDIDATE_COLUMNS), *(_row(candidate) for candidate in record.candidates)]


def _row(candidate: CandidateRecord) -> list[object]:
    gain = candidate.gain
    values = vars(candidate) | {"gain": None, "gain_low": None, "gain_high": None}
    if gain is not None:
        values |= {"gain": gain.mean, "gain_low": gain.low, "gain_high": gain.high}
    return [values[name] for name in CANDIDATE_COLUMNS]
