"""`tour` for people: each station's question, commands, what is seen, and an exercise."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dnncli.records.tour import Observation, StationRecord
from dnncli.report import text
from dnncli.report.sentences import Language, told
from dnncli.spec.tour import Station

MARKS = {True: ("✓ ", "bold green"), False: ("– ", "bold yellow")}
COLUMNS = ("idea", "observation", "shown", "sentence")


def record(
    station: Station,
    commands: Sequence[str],
    observations: Iterable[Observation],
    spoken: Language,
    *,
    picture: str | None,
    seconds: float,
) -> StationRecord:
    """A station after its run, in a language."""
    words = spoken.stations[station.name]
    return StationRecord(
        idea=station.name,
        title=spoken.title(station),
        question=words["question"],
        formula=station.formula,
        commands=tuple(commands),
        observations=tuple(told(observation, spoken) for observation in observations),
        exercise=words["exercise"],
        answer=words["answer"],
        picture=picture,
        seconds=seconds,
    )


def rows(stations: Sequence[StationRecord]) -> list[list[object]]:
    """Every observation for CSV."""
    found: list[list[object]] = [list(COLUMNS)]
    for station in stations:
        for seen in station.observations:
            found.append([station.idea, seen.observation, seen.shown, seen.sentence])
    return found


def listing(stations: Iterable[Station], spoken: Language) -> Iterator[RenderableType]:
    """The stations' names and titles."""
    table = Table(**text.PLAIN_TABLE, show_header=False)
    table.add_column("idea", style="bold", no_wrap=True)
    table.add_column("title", overflow="fold")
    for station in stations:
        table.add_row(station.name, spoken.title(station))
    yield table


def opening(
    station: Station, place: int, count: int, commands: Sequence[str], spoken: Language
) -> Iterator[RenderableType]:
    """The question, the formula and the command lines, before they run."""
    where = spoken.words["station"].format(place=place, count=count)
    yield ""
    yield Text.assemble((f"{where} · {station.name}", "dim"))
    yield Text(spoken.title(station), style="bold")
    yield Text(spoken.stations[station.name]["question"])
    yield Padding(Text(station.formula, style="italic"), (1, 0, 1, 2))
    yield from (command_line(line) for line in commands)
    yield ""


def command_line(line: str) -> Text:
    """A command as a person copies it: on one line, without anything behind it."""
    return Text.assemble(("$ ", "dim"), (line, "bold cyan"), overflow="fold")


def seen(station: StationRecord, spoken: Language) -> Iterator[RenderableType]:
    """What the figures show, and the exercise."""
    yield ""
    yield Text(spoken.words["see"], style="bold")
    for observation in station.observations:
        mark, style = MARKS[observation.shown]
        grid = Table.grid()
        grid.add_column(no_wrap=True)
        # Rich would take a line of wide letters and a blank for too long, and cut its end off.
        grid.add_column(overflow="fold")
        grid.add_row(Text(mark, style=style), Text(observation.sentence))
        yield grid
    yield ""
    yield Text.assemble((f"{spoken.words['exercise']}: ", "bold"), station.exercise)


def answer(station: StationRecord, spoken: Language) -> Iterator[RenderableType]:
    """The exercise's answer."""
    yield Text.assemble((f"{spoken.words['answer']}: ", "bold"), station.answer)
