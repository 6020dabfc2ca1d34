"""`data` for people: which data there are, and what a table or a set of images holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from dnncli.records import (
    ClassCount,
    ClearRecord,
    ColumnRecord,
    DataListRecord,
    DescriptionRecord,
    FetchRecord,
    TargetRecord,
)
from dnncli.report import text
from dnncli.storage import memory

LIST_NAMES = ("name", "here", "place", "summary", "source")
COLUMN_NAMES = ("name", "role", "type", "kind", "missing", "values", "encoding", "features")
TARGET_NAMES = ("name", "least", "greatest", "mean", "deviation")
FILE_NAMES = ("name", "bytes", "sha256", "mirror")
STYLES = {"target": "bold", "dropped": "dim", "empty": "dim"}  # by a column's role
BAR_CELLS = 30
MOST_CLASSES = 30  # that the histogram draws
ALL_COLUMNS = 60  # a wider table's middle is left out
WIDE = 3  # blanks between the columns of a table that has room …
TIGHT = 2  # … and of one that has not
EDGES = 2  # blanks beside a table
LEAST = 12  # cells that a column of texts folds to


@dataclass(frozen=True)
class Fitting:
    """A table that keeps names and numbers whole: texts fold, and then columns give way.

    cells: by column. folding: columns of texts. dispensable: columns that give way, the least
    important first.
    """

    cells: Mapping[str, Sequence[Text]]
    folding: Sequence[str] = ()
    dispensable: Sequence[str] = ()
    right: Sequence[str] = ()
    styles: Sequence[str] = ()

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """The widest table that there is room for."""
        widths = {
            name: max(map(cell_len, (name, *map(str, self.cells[name])))) for name in self.cells
        }
        if sum(widths.values()) + WIDE * (len(widths) - 1) + EDGES <= options.max_width:
            yield self._table(widths, (0, 1, 0, 1))
            return
        widths |= {name: min(widths[name], LEAST) for name in self.folding}
        for name in self.dispensable:
            if sum(widths.values()) + TIGHT * (len(widths) - 1) + EDGES > options.max_width:
                del widths[name]
        yield self._table(widths, (0, 1, 0, 0))

    def _table(self, widths: Mapping[str, int], padding: tuple[int, int, int, int]) -> Table:
        """The columns that have a width, each at least as wide: else Rich would cut names first."""
        table = Table(**text.TABLE | {"padding": padding})
        for name, width in widths.items():
            justify: JustifyMethod = "right" if name in self.right else "left"
            whole = name not in self.folding
            table.add_column(name, justify=justify, no_wrap=whole, overflow="fold", min_width=width)
        rows = zip_longest(*(self.cells[name] for name in widths), fillvalue="")
        for row, style in zip_longest(rows, self.styles, fillvalue=""):
            table.add_row(*row, style=style)
        return table


def list_rows(record: DataListRecord) -> list[list[object]]:
    """The list for CSV."""
    return text.rows(LIST_NAMES, record.datasets)


def list_table(record: DataListRecord) -> Iterator[RenderableType]:
    """Every data set with a name."""
    sets = record.datasets
    cells = {
        "name": [Text(entry.name) for entry in sets],
        "": [_here(entry.here) for entry in sets],
        "where": [Text(entry.place) for entry in sets],
        "what": [Text(entry.summary) for entry in sets],
        "source": [Text(entry.source) for entry in sets],
    }
    yield Fitting(cells, folding=("where", "what", "source"), dispensable=("source", "where"))
    yield Text("Your own: dnncli data show FILE.csv, then dnncli train --data FILE.csv")


def _here(here: bool) -> Text:
    return Text("here", "green") if here else Text("not here", "yellow")


def column_rows(record: DescriptionRecord) -> list[list[object]]:
    """The columns for CSV, or the classes of what has none."""
    if not record.columns and record.targets:
        return text.rows(TARGET_NAMES, record.targets)
    if not record.columns:
        counts = [[entry.name, entry.examples] for entry in record.classes]
        return [["class", "examples"], *counts]
    return text.rows(COLUMN_NAMES, record.columns)


def description(record: DescriptionRecord) -> Iterator[RenderableType]:
    """Rows, columns and the class histogram."""
    what = "rows"
    if record.image_shape:
        what = "images of {} × {}".format(*record.image_shape)
    test = f" and {text.count(record.test)} for test" if record.test else ""
    predicted = f"{len(record.classes)} classes"
    if record.targets:
        predicted = f"a regression of {', '.join(target.name for target in record.targets)}"
    shape = f"{text.count(record.examples)} {what}{test}, {predicted}"
    yield Text.assemble(
        (record.name, "bold"), f"  {record.place}: {shape}, {text.count(record.features)} features"
    )
    if record.values:
        yield Text(f"values from {record.values[0]:g} to {record.values[1]:g}")
    if record.columns:
        yield _columns(record.columns)
    if record.targets:
        yield _targets(record.targets)
    else:
        yield _histogram(record.classes, record.examples)


def _columns(columns: Sequence[ColumnRecord]) -> Fitting:
    shown = [_column(column) for column in columns]
    styles = [STYLES.get(column.role, "") for column in columns]
    if len(shown) > ALL_COLUMNS:
        first = ALL_COLUMNS - 10
        shown[first:-9] = [(f"… {len(columns) - ALL_COLUMNS + 1:,} more", *[""] * 5)]
        styles[first:-9] = ["dim"]
    names = ("column", "type", "missing", "values", "becomes", "features")
    texts = [list(map(Text, row)) for row in shown]
    return Fitting(
        dict(zip(names, zip(*texts, strict=True), strict=True)),
        folding=("values", "becomes"),
        dispensable=("type", "values", "missing", "features"),
        right=("missing", "features"),
        styles=styles,
    )


def _column(column: ColumnRecord) -> tuple[str, ...]:
    name = f"{column.name} (target)" if column.role == "target" else column.name
    missing = text.count(column.missing) if column.missing else ""
    features = str(column.features) if column.features else ""
    return name, column.type, missing, column.values, column.encoding, features


def _targets(targets: Sequence[TargetRecord]) -> Fitting:
    """The targets of a regression: range, mean and deviation."""
    names = ("least", "mean", "greatest", "deviation")
    numbers = {name: _numbers(targets, name) for name in names}
    return Fitting({"target": [Text(target.name) for target in targets], **numbers}, right=names)


def _numbers(targets: Sequence[TargetRecord], name: str) -> list[Text]:
    """One figure of every target."""
    return [Text(f"{getattr(target, name):.6g}") for target in targets]


def _histogram(classes: Sequence[ClassCount], total: int) -> Fitting:
    """A bar a class, the whole width for the largest."""
    largest = max((entry.examples for entry in classes), default=1) or 1
    shown = classes[:MOST_CLASSES]
    cells = {
        "class": [Text(entry.name) for entry in shown],
        "examples": [Text(text.count(entry.examples)) for entry in shown],
        "share": [Text(text.percent(entry.examples / total)) for entry in shown],
        "": [Text(text.bar(entry.examples / largest, BAR_CELLS), "blue") for entry in shown],
    }
    if len(classes) > MOST_CLASSES:
        cells["class"].append(Text(f"… {len(classes) - MOST_CLASSES:,} more", "dim"))
    return Fitting(cells, dispensable=("", "share"), right=("examples", "share"))


CLEARED = ("place", "sets", "bytes", "busy")


def clear_rows(record: ClearRecord) -> list[list[object]]:
    """What was removed, for CSV."""
    return text.rows(CLEARED, [record])


def cleared(record: ClearRecord) -> Iterator[RenderableType]:
    """What was removed, and what could not be."""
    yield Text(
        f"removed {memory.shown(record.bytes)} from {record.place}"
        f" (encoded sets: {text.count(record.sets)})"
    )
    if record.busy:
        yield Text(f"left there, since they are being written: {text.count(record.busy)}")


def fetch_rows(record: FetchRecord) -> list[list[object]]:
    """The files for CSV."""
    return text.rows(FILE_NAMES, record.files)


def fetched(record: FetchRecord) -> Iterator[RenderableType]:
    """What is there now, and where it came from."""
    for file in record.files:
        origin = f"from {file.mirror}" if file.mirror else "was there"
        yield Text(f"{file.name}  {text.count(file.bytes)} bytes, {origin}")
    yield Text(
        f"{record.name} is in {record.place}: dnncli train --data {record.name}", style="bold"
    )
