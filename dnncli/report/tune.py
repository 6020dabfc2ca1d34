"""The search's report: rounds as they end, what did best, and what that is worth on a test set."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dnncli.records import DataRecord, Gain
from dnncli.records.tune import TriedRecord, TuneRecord
from dnncli.report import text
from dnncli.report.merit import Merit, merit

SHOWN = 10  # settings in the table
COLUMNS = (
    *("name", "flags", "rung", "rungs", "val_accuracy", "val_loss"),
    *("gain", "gain_low", "gain_high", "diverged"),
)


def opening(
    config: Mapping[str, Any], data: DataRecord, searched: Mapping[str, str], seeds: int
) -> Iterator[RenderableType]:
    """What is searched."""
    layers = " → ".join(text.sizes((data.features, *config["hidden"], data.outputs)))
    yield Text(f"{data.name}: {data.train:,} training examples; the defaults: {layers}", "bold")
    for name, values in searched.items():
        yield Text(f"  {name.replace('_', ' ')}: {values}")
    yield Text(f"each setting trains on the same {seeds} seeds; validation examples choose")


def round_line(number: int, tried: int, best: str) -> Text:
    """A round has ended."""
    return Text(f"round {number}: {tried} settings tried; best so far: {best}")


def closing(record: TuneRecord) -> Iterator[RenderableType]:
    """The best settings, the conclusion, and the figures of examples that did not choose."""
    tried = [one for one in record.tried if one.rung]
    shown = merit(record.data)
    if len(tried) > 1:
        yield _table(record, tried, shown)
        yield Text()
    yield Text(record.conclusion, style="bold")
    if record.test_gain is not None:
        yield from _on_test(record, record.test_gain, shown)
    if record.chosen is not None:
        yield Text(f"run: {shlex.join(record.command_line)}", style="bold")


def _on_test(record: TuneRecord, gain: Gain, shown: Merit) -> Iterator[Text]:
    """The chosen setting beside the defaults, where neither was chosen."""
    ours = _mean(record.test_accuracies)
    defaults = _mean(record.default_test_accuracies)
    many = f"{len(record.test_accuracies)} paired seeds"
    yield Text(
        f"on the test set: {shown.name} {shown.end(ours)}, the defaults {shown.end(defaults)}:"
        f" {shown.gain(gain)} over {many}"
    )
    if record.optimism is not None:
        count = sum(one.rung > 0 for one in record.tried) - 1
        yield Text(
            f"validation flatters the best of {count} by {shown.difference(record.optimism)} more"
            " than the defaults",
            style="dim",
        )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _table(record: TuneRecord, tried: Sequence[TriedRecord], shown: Merit) -> Table:
    """The best settings and the defaults."""
    defaults, *others = tried
    best = sorted(others, key=_order)[:SHOWN]
    title = f"Validation {shown.name} over {record.seeds} seeds: the best {len(best)}"
    title += f" of {len(others)} settings, and the defaults"
    table = Table(title=title, show_edge=False, **text.TABLE)
    table.add_column("setting")
    for name in ("trained", shown.name, "gain"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in sorted([*best, defaults], key=_order):
        style = "bold green" if one.name == record.chosen else ""
        value = "" if one.val_accuracy is None else shown.end(one.val_accuracy)
        part = f"{one.rung} / {one.rungs}"
        table.add_row(one.flags or "the defaults", part, value, shown.gain(one.gain), style=style)
    return table


def _order(one: TriedRecord) -> tuple[float, float]:
    """Those that got farther first, and of them the better."""
    return -one.rung, -(one.val_accuracy or 0.0)


def rows(record: TuneRecord) -> list[list[object]]:
    """The settings for CSV: a header and a row each."""
    return [list(COLUMNS), *map(_row, record.tried)]


def _row(one: TriedRecord) -> list[object]:
    values = vars(one) | {"gain": None, "gain_low": None, "gain_high": None}
    if one.gain is not None:
        gain = one.gain
        values |= {"gain": gain.mean, "gain_low": gain.low, "gain_high": gain.high}
    return [values[name] for name in COLUMNS]
