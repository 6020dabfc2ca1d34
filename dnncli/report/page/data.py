"""What a page shows of data: counts, and how the network understands each column."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from dnncli.records import DataRecord
from dnncli.records.story import ColumnStory, Known
from dnncli.report import notices, text
from dnncli.report.page.blocks import Block, Cell, Column, Details, Fact, Facts, Listing, Table
from dnncli.report.page.cells import columns

FEW = 15  # rows of a table that is not folded away
LEVELS = 12  # that are named of a column
SCALINGS = {
    "none": "as they are",
    "unit": "divided by the largest value",
    "standard": "to mean 0 and standard deviation 1",
    "robust": "median to 0, distance between the quartiles to 1, far values bent to within 3",
    "piecewise": "as pieces between quantiles, each -1/2 below it and 1/2 above it",
}


def facts(record: DataRecord, scaling: str = "") -> Facts:
    """Counts of examples, features and classes."""
    train, validation, test = text.splits(record)
    found = [
        Fact("data", record.name),
        Fact("training examples", train),
        Fact("validation examples", validation),
        Fact("test examples", test),
        Fact("features", text.count(record.features)),
    ]
    if record.targets:
        found.append(Fact("predicts", ", ".join(record.targets)))
    else:
        found.append(Fact("classes", text.count(record.classes)))
    if scaling:
        found.append(Fact("numbers are scaled", SCALINGS.get(scaling, scaling)))
    return Facts(tuple(found))


def blocks(
    record: DataRecord, scaling: str, understood: tuple[ColumnStory, ...], known: Known | None
) -> Iterator[Block]:
    """Everything known of a run's data."""
    yield facts(record, scaling)
    if understood:
        yield _folded(_columns(understood))
    if known is None:
        return
    if known.classes:
        yield _folded(_classes(known))
    if known.targets:
        yield _targets(known)
    if known.notices:
        said = notices.sentences(known.notices)
        yield Listing(tuple(Cell(f"{sentence}.") for sentence in said))


def _folded(table: Table) -> Block:
    """A table, folded away where it is long."""
    if len(table.rows) <= FEW:
        return table
    return Details(f"{table.caption} ({len(table.rows)})", (table,))


def _columns(understood: tuple[ColumnStory, ...]) -> Table:
    """A row a column."""
    heads = (
        Column("column", numeric=False),
        Column("understood as", numeric=False),
        Column("what becomes of it", numeric=False),
        Column("features"),
    )
    rows = tuple(
        (Cell(one.name), Cell(one.kind), Cell(_encoding(one)), Cell(str(one.features)))
        for one in understood
    )
    return Table("How each column is understood", heads, rows)


def _encoding(one: ColumnStory) -> str:
    """What becomes of a column, in words."""
    missing = ", and a feature that says so" if one.missing else ""
    if one.median is None:
        named = ", ".join(one.levels[:LEVELS])
        more = ", …" if len(one.levels) > LEVELS else ""
        absent = ", one for missing" if one.missing else ""
        if one.effects_on:
            effects = f"the effect of each of {len(one.levels)} levels ({named}{more})"
            return f"{effects} on {', '.join(one.effects_on)}{missing}"
        levels = f"each of {len(one.levels)} levels ({named}{more})"
        return f"a feature for {levels}, one for any other{absent}"
    shown = _date(one.median) if one.kind == "time" else f"{one.median:g}"
    what = "days, scaled" if one.kind == "time" else "scaled"
    return f"{what}; {shown}, the median, where missing{missing}"


def _date(days: float) -> str:
    """A day, given in days since 1970."""
    try:
        return f"{datetime(1970, 1, 1) + timedelta(days=days):%Y-%m-%d}"
    except OverflowError:
        return f"day {days:g}"


def _classes(known: Known) -> Table:
    """A row a class, with its share of the training examples."""
    total = max(1, sum(one.examples for one in known.classes))
    most = max(1, max(one.examples for one in known.classes))
    heads = (*columns("class", "training examples", "share"), Column("", numeric=False))
    rows = tuple(
        (
            Cell(one.name),
            Cell(text.count(one.examples)),
            Cell(text.percent(one.examples / total)),
            Cell("", bar=one.examples / most),
        )
        for one in known.classes
    )
    return Table("Classes", heads, rows)


def _targets(known: Known) -> Table:
    """A row a target."""
    heads = columns("target", "least", "mean", "greatest", "standard deviation")
    rows = []
    for one in known.targets:
        figures = (one.least, one.mean, one.greatest, one.deviation)
        rows.append((Cell(one.name), *(Cell(f"{value:.4g}") for value in figures)))
    return Table("Targets in the training examples", heads, tuple(rows))
