"""The confusion matrix for people: counts where they fit, else shades and the most confused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from dnncli.report import fitting, text

SHADES = " ░▒▓█"
MOST_CLASSES = 30  # a larger matrix is not drawn
CELL = 2  # columns of a class where only shades fit
NAMED = 10  # confusions that are named beside shades
Row = Sequence[int]


@dataclass(frozen=True)
class ConfusionMatrix:
    """Rows are the true classes, columns the predicted; shades show a cell's share of its row."""

    names: Sequence[str]
    counts: Sequence[Row]

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """Counts where all columns fit, for which a pipe always has room."""
        yield Text("true ↓  predicted →")
        table = _counted(self.names, self.counts)
        if fitting.fits(table, console, options):
            yield table
        else:
            yield from _shaded(self.names, self.counts, options.max_width)
            yield from _largest(self.names, self.counts)


def _counted(names: Sequence[str], counts: Sequence[Row]) -> Table:
    """A table of counts, each with its shade."""
    table = Table(**text.PLAIN_TABLE)
    table.add_column("", no_wrap=True)
    for name in names:
        table.add_column(Text(name), justify="right", no_wrap=True)
    for index, (name, row) in enumerate(zip(names, counts, strict=True)):
        cells = [_cell(row, column, index, str(row[column])) for column in range(len(row))]
        table.add_row(Text(name, style="bold"), *cells)
    return table


def _cell(row: Row, column: int, index: int, before: str = "") -> Text:
    """A cell's shade behind what stands before it; a dot for no examples."""
    count = row[column]
    if not count:
        return Text("·", style="dim")
    shade = SHADES[min(4, 1 + int(4 * count / sum(row)))]
    style = "green" if column == index else "red"
    return Text(f"{before}{shade}", style=style)


def _shaded(names: Sequence[str], counts: Sequence[Row], width: int) -> Iterator[Text]:
    """Lines of shades; columns have the classes' numbers, one digit above the other."""
    number = len(str(len(names)))
    room = max(number, width - CELL * len(names) - 1)
    longest = max(Text(name).cell_len for name in names)
    label = min(room, number + 1 + longest)
    numbers = [str(column + 1).rjust(number) for column in range(len(names))]
    for digit in range(number):
        heads = "".join(f" {name[digit]}" for name in numbers)
        yield Text(" " * label + heads)
    for index, (name, row) in enumerate(zip(names, counts, strict=True)):
        line = Text(f"{numbers[index]} {name}", style="bold", no_wrap=True)
        line.truncate(label, overflow="ellipsis", pad=True)
        cells = [_cell(row, column, index) for column in range(len(row))]
        yield Text.assemble(line, *(part for cell in cells for part in (" ", cell)))


def _largest(names: Sequence[str], counts: Sequence[Row]) -> Iterator[Text]:
    """The confusions of most examples, in words."""
    wrong = most_confused(names, counts)
    told = [f"{true} → {to} {count} of {total}" for count, total, true, to in wrong[:NAMED]]
    if told:
        yield Text(f"most often confused: {', '.join(told)}")


def most_confused(names: Sequence[str], counts: Sequence[Row]) -> list[tuple[int, int, str, str]]:
    """Each confusion with its number of examples and its class's, the most frequent first."""
    wrong = [
        (count, sum(row), true, predicted)
        for true, row in zip(names, counts, strict=True)
        for predicted, count in zip(names, row, strict=True)
        if count and true != predicted
    ]
    return sorted(wrong, key=lambda found: -found[0])
