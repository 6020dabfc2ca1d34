"""The page of `compare-activations`: who leads, by how much, and what that is worth."""

import math
from collections.abc import Iterator, Sequence

from dnncli.experiments import statistics
from dnncli.records import ComparisonRecord, RowRecord
from dnncli.report import comparison, text, training
from dnncli.report import comparison_tables as tables
from dnncli.report.merit import merit
from dnncli.report.page import charts, data, layers, reproduce
from dnncli.report.page.blocks import (
    Block,
    Cell,
    Chart,
    Charts,
    Column,
    Fact,
    Page,
    Prose,
    Section,
    Table,
)
from dnncli.report.page.cells import Span, from_rich, sentences
from dnncli.report.page.charts import Series

MOST_LINES = 6  # learning curves in one picture


def page(record: ComparisonRecord) -> Page:
    """The whole page."""
    rows = record.rows
    parts = [
        Section("scores", "Scores", tuple(_scores(record))),
        Section("learning", "Learning and gradients", tuple(_learning(record))),
        Section("data", "Data", (data.facts(record.data),)),
        reproduce.of_command("compare-activations", record.config, [reproduce.data(record.data)]),
    ]
    hidden = record.config.get("hidden", ())
    config = record.config
    settings = f"{training.sizes(record.data, hidden)} · {config.get('optimizer', '')}"
    lead = comparison.conclusion(record).plain if rows else "Nothing is finished yet."
    return Page(
        title=f"{len(rows)} activations on {record.data.name}",
        kicker=f"dnncli compare-activations · {settings}",
        lead=lead,
        verdict=None,
        facts=tuple(_key_facts(record)),
        sections=tuple(part for part in parts if part.blocks),
    )


def _key_facts(record: ComparisonRecord) -> Iterator[Fact]:
    """The leader, the seeds and the time."""
    shown = merit(record.data)
    if record.rows:
        leader = record.rows[0]
        estimate = leader.test_accuracy
        note = ""
        if estimate.low is not None and estimate.high is not None:
            ends = f"{shown.bare(estimate.low)} to {shown.shown(estimate.high)}"
            note = f"95 % interval {ends}"
        yield Fact(f"test {shown.name} of {leader.name}", shown.shown(estimate.mean), note)
    yield Fact("seeds", str(record.config.get("seeds", "")), "the same for every row")
    yield Fact("baseline", record.baseline or "–", _why(record))
    yield Fact("time", text.seconds(record.seconds.total))


def _why(record: ComparisonRecord) -> str:
    return "best on validation" if record.baseline_chosen else "as asked"


def _scores(record: ComparisonRecord) -> Iterator[Block]:
    """Test scores with intervals, the differences, and what to know about them."""
    if not record.rows:
        return
    yield _table(record)
    if any(row.versus_baseline for row in record.rows):
        yield _versus(record)
    yield from_rich(tables.training_table(record.rows, merit(record.data)))
    notes = sentences(comparison.notes(record))
    yield from (Prose(note, "note") for note in notes[1:])


def _table(record: ComparisonRecord) -> Table:
    """A row each: mean over seeds, its interval in numbers and drawn."""
    shown = merit(record.data)
    estimates = [row.test_accuracy for row in record.rows]
    span = Span([end for one in estimates for end in (one.mean, one.low, one.high)])
    rows = []
    for row in record.rows:
        estimate = row.test_accuracy
        interval = tables.interval_text(shown, estimate.low, estimate.high)
        drawn = Cell("", interval=span.interval(estimate.mean, estimate.low, estimate.high))
        tone = "strong" if row.name == record.baseline else ""
        seeds = f"{row.seeds - row.diverged} of {row.seeds}"
        rows.append(
            (
                Cell(row.name, tone),
                Cell(shown.bare(estimate.mean)),
                Cell(interval),
                drawn,
                Cell(seeds),
            )
        )
    ends = f"{shown.end(span.low)} to {shown.end(span.high)}"
    heads = (
        Column("activation", numeric=False),
        Column("mean"),
        Column("95 % interval"),
        Column(ends, numeric=False),
        Column("seeds"),
    )
    caption = f"Test {shown.heading}: mean over {record.config.get('seeds')} seeds"
    return Table(caption, heads, tuple(rows))


def _versus(record: ComparisonRecord) -> Table:
    """Differences from the baseline, paired by seed; the mark is no difference."""
    shown = merit(record.data)
    known = [(row, row.versus_baseline) for row in record.rows if row.versus_baseline]
    ends = [end for _, one in known for end in (one.difference, one.low, one.high)]
    span = Span(ends, zero=True)
    rows = []
    for row, one in known:
        interval = tables.interval_text(shown, one.low, one.high, "+")
        drawn = Cell("", interval=span.interval(one.difference, one.low, one.high, 0.0))
        p = (text.p_value(one.p), text.p_value(one.p_holm))
        own = (Cell(row.name), Cell(shown.bare(one.difference, "+")), Cell(interval), drawn)
        rows.append((*own, *map(Cell, p)))
    heads = (
        Column("activation", numeric=False),
        Column("difference"),
        Column("95 % interval"),
        Column("worse | better", numeric=False),
        Column("p"),
        Column("p (Holm)"),
    )
    counted = "Points of test accuracy" if shown.unit else f"Test {shown.name}"
    caption = f"{counted} above {record.baseline} ({_why(record)}), paired by seed"
    return Table(caption, heads, tuple(rows))


def _learning(record: ComparisonRecord) -> Iterator[Block]:
    """Curves, δ by layer, and the table of how the gradient flows."""
    rows = [row for row in record.rows if row.test_accuracy.mean is not None]
    if not rows:
        return
    yield Charts((*_curves(record, rows), _deltas(rows)))
    if len(rows) > MOST_LINES:
        yield Prose(f"Curves are of the {MOST_LINES} best; the tables have all.", "note")
    yield from_rich(tables.gradient_table(record.rows))


def _curves(record: ComparisonRecord, rows: Sequence[RowRecord]) -> Iterator[Chart]:
    """Errors on the validation set on a logarithmic axis: 97 and 98 % are well apart there."""
    shown = merit(record.data)
    smallest = shown.factor / 2 / max(record.data.validation, 1)
    series = {}
    for row in rows[:MOST_LINES]:
        errors = [shown.factor * (1 - value) for value in tables.learning_curve(row)]
        series[row.name] = Series([max(smallest, error) for error in errors])
    leader = next(iter(series))
    yield charts.curves(
        f"Validation errors, means over {record.config.get('seeds')} seeds",
        f"Errors on the validation examples over the epochs, one line each for"
        f" {', '.join(series)}; {leader} ends lowest on the test examples.",
        series,
        ("epoch", shown.wrong),
        logarithmic=True,
    )


def _deltas(rows: Sequence[RowRecord]) -> Chart:
    """Geometric means over seeds of δ at the best epoch, a column each."""
    columns = {row.name: _mean_deltas(row) for row in rows}
    depth = max(len(values) for values in columns.values())
    names = [*(f"hidden{place + 1}" for place in range(depth - 1)), "output"]
    filled = [[*values, *[math.nan] * (depth - len(values))] for values in columns.values()]
    by_layer = dict(zip(names, map(list, zip(*filled, strict=True)), strict=True))
    title = "δ of every layer at the best epoch"
    return layers.heat(title, by_layer, list(columns), ("activation", "δ"))


def _mean_deltas(row: RowRecord) -> list[float]:
    seeds = [run.best_delta for run in row.runs if run.best_delta]
    return [statistics.geometric_mean(values) or 0.0 for values in zip(*seeds, strict=True)]
