"""Whether a table fits the terminal, and what is left out of one that does not."""

from collections.abc import Callable, Sequence

from rich.console import Console, ConsoleOptions
from rich.table import Table

UNLIMITED = 10_000  # columns


def fits(table: Table, console: Console, options: ConsoleOptions) -> bool:
    """Whether all columns fit as wide as they are."""
    unlimited = options.update(max_width=UNLIMITED)
    return console.measure(table, options=unlimited).maximum <= options.max_width


def widest(
    draw: Callable[[Sequence[str]], Table],
    dispensable: Sequence[str],
    console: Console,
    options: ConsoleOptions,
) -> Table:
    """The table with as many columns as there is room for.

    draw: the table without these columns. dispensable: columns, the least important first.
    """
    for number in range(len(dispensable)):
        table = draw(dispensable[:number])
        if fits(table, console, options):
            return table
    return draw(dispensable)
