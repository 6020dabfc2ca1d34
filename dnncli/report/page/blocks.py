"""What a page is made of: sections of texts, tables, pictures and commands; plain data.

Builders make blocks from records, templates make HTML from blocks, and no text is markup.
"""

from dataclasses import dataclass
from typing import ClassVar

from dnncli.report.page.charts import Plot
from dnncli.report.page.heat_maps import HeatMap


@dataclass(frozen=True)
class Prose:
    """A paragraph. tone: empty, `note` for what is said in passing, `strong` for what counts."""

    kind: ClassVar[str] = "prose"
    text: str
    tone: str = ""


@dataclass(frozen=True)
class Fact:
    """A figure with its name; note: its interval, or what else belongs to it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """Names with their values."""

    kind: ClassVar[str] = "facts"
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Command:
    """A command line to copy."""

    kind: ClassVar[str] = "command"
    line: str
    about: str = ""


@dataclass(frozen=True)
class Source:
    """A text whose lines stand as they are."""

    kind: ClassVar[str] = "source"
    text: str
    label: str


@dataclass(frozen=True)
class Interval:
    """A value with its interval on a scale from 0 to 1; mark: what it is compared to."""

    middle: float
    low: float | None = None
    high: float | None = None
    mark: float | None = None


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    tone: good, bad, faint or strong. interval, bar: what is drawn beside the text. shade: a colour
    behind it, and ink the text's own there, both constants of the program.
    """

    text: str
    tone: str = ""
    interval: Interval | None = None
    bar: float | None = None
    shade: str = ""
    ink: str = ""


@dataclass(frozen=True)
class Column:
    """A column's head. numeric: whether its cells are aligned as numbers."""

    name: str
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix: rows are the true classes, columns the answers.

    shares: of each row's examples.
    """

    kind: ClassVar[str] = "matrix"
    caption: str
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    shares: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Charts:
    """Pictures side by side where there is room."""

    kind: ClassVar[str] = "charts"
    charts: tuple["Chart", ...]


@dataclass(frozen=True)
class Diagnosis:
    """A cause, what it explains, and what to do: advice in words, and a command line if any."""

    kind: ClassVar[str] = "diagnosis"
    rule: str
    layer: str
    evidence: str
    advice: str
    command: str
    symptoms: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """Several short texts, each marked as good, bad or not at all."""

    kind: ClassVar[str] = "listing"
    items: tuple[Cell, ...]


@dataclass(frozen=True)
class Details:
    """What most readers skip; printed all the same."""

    kind: ClassVar[str] = "details"
    summary: str
    blocks: tuple["Block", ...]


Chart = Plot | HeatMap
Block = Prose | Facts | Command | Source | Table | Matrix | Charts | Diagnosis | Listing | Details


@dataclass(frozen=True)
class Section:
    """A part of the page under a heading. name: its anchor."""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """A page. kicker: what it is of. lead: its gist. verdict: a word, with its tone."""

    title: str
    kicker: str
    lead: str
    verdict: Cell | None
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]
    language: str = "en"
