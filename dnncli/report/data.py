"""`data` for people: which data there are, and what a table or a set of images holds."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dnncli.records import (
    ClassCount,
    ColumnRecord,
    DataListRecord,
    DescriptionRecord,
    FetchRecord,
)
from dnncli.report import text

BAR_CELLS = 30
MOST_CLASSES = 30  # that the histogram draws
ALL_COLUMNS = 60  # a wider table's middle is left out


def list_rows(record: DataListRecord) -> list[list[object]]:
    """The list for CSV."""
    rows: list[list[object]] = [["name", "here", "place", "summary", "source"]]
    return rows + [[d.name, d.here, d.place, d.summary, d.source] for d in record.datasets]


def list_table(record: DataListRecord) -> Iterator[RenderableType]:
    """Every data set with a name."""
    table = _table("name", "", "where", "what", "source")
    for entry in record.datasets:
        here = Text("here", style="green") if entry.here else Text("not here", style="yellow")
        table.add_row(entry.name, here, entry.place, entry.summary, entry.source)
    yield table
    yield Text("Your own: dnncli data show FILE.csv, then dnncli train --data FILE.csv")


def column_rows(record: DescriptionRecord) -> list[list[object]]:
    """The columns for CSV, or the classes of what has none."""
    if not record.columns:
        return [["class", "examples"], *([c.name, c.examples] for c in record.classes)]
    names = ("name", "role", "type", "kind", "missing", "values", "encoding", "features")
    return [list(names), *([getattr(column, name) for name in names] for column in record.columns)]


def description(record: DescriptionRecord) -> Iterator[RenderableType]:
    """Rows, columns and the class histogram."""
    what = "images of {} × {}".format(*record.image_shape) if record.image_shape else "rows"
    test = f" and {text.count(record.test)} for test" if record.test else ""
    shape = f"{text.count(record.examples)} {what}{test}, {len(record.classes)} classes"
    yield Text.assemble(
        (record.name, "bold"), f"  {record.place}: {shape}, {text.count(record.features)} features"
    )
    if record.values:
        yield Text(f"values from {record.values[0]:g} to {record.values[1]:g}")
    if record.columns:
        yield _columns(record.columns)
    yield _histogram(record.classes, record.examples)


def _columns(columns: Sequence[ColumnRecord]) -> Table:
    table = _table("column", "type", "missing", "values", "becomes", "features")
    table.columns[2].justify = table.columns[5].justify = "right"
    shown = list(columns)
    if len(shown) > ALL_COLUMNS:
        shown = [*columns[: ALL_COLUMNS - 10], *columns[-9:]]
    for place, column in enumerate(shown):
        if len(shown) < len(columns) and place == len(shown) - 9:
            table.add_row(Text(f"… {len(columns) - len(shown):,} more", style="dim"))
        missing = text.count(column.missing) if column.missing else ""
        style = {"target": "bold", "dropped": "dim", "empty": "dim"}.get(column.role)
        name = f"{column.name} (target)" if column.role == "target" else column.name
        count = str(column.features) if column.features else ""
        cells = (name, column.type, missing, column.values, column.encoding, count)
        table.add_row(*(Text(cell) for cell in cells), style=style)
    return table


def _histogram(classes: Sequence[ClassCount], total: int) -> Table:
    """A bar a class, the whole width for the largest."""
    table = _table("class", "examples", "share", "")
    table.columns[1].justify = table.columns[2].justify = "right"
    largest = max((entry.examples for entry in classes), default=1) or 1
    for entry in classes[:MOST_CLASSES]:
        drawn = Text(text.bar(entry.examples / largest, BAR_CELLS), style="blue")
        table.add_row(
            Text(entry.name), text.count(entry.examples), text.percent(entry.examples / total), drawn
        )
    if len(classes) > MOST_CLASSES:
        table.add_row(Text(f"… {len(classes) - MOST_CLASSES:,} more", style="dim"))
    return table


def fetch_rows(record: FetchRecord) -> list[list[object]]:
    """The files for CSV."""
    rows: list[list[object]] = [["name", "bytes", "sha256", "mirror"]]
    return rows + [[file.name, file.bytes, file.sha256, file.mirror] for file in record.files]


def fetched(record: FetchRecord) -> Iterator[RenderableType]:
    """What is there now, and where it came from."""
    for file in record.files:
        origin = f"from {file.mirror}" if file.mirror else "was there"
        yield Text(f"{file.name}  {text.count(file.bytes)} bytes, {origin}")
    yield Text(f"{record.name} is in {record.place}: dnncli train --data {record.name}", style="bold")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=True)
    return table
