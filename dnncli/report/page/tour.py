"""The page of `tour`: each station's question, commands, what was seen, and an exercise."""

from collections.abc import Iterator

from dnncli.records.tour import ListedStation, StationRecord, TourRecord
from dnncli.report import sentences, text
from dnncli.report.page import reproduce
from dnncli.report.page.blocks import (
    Block,
    Cell,
    Command,
    Details,
    Fact,
    Listing,
    Page,
    Prose,
    Section,
    Source,
)
from dnncli.report.sentences import Language


def page(record: TourRecord) -> Page:
    """The whole page, in the tour's language."""
    name = "ko" if record.config.get("lang") == "ko" else "en"
    spoken = sentences.language(name)
    visited = [one for one in record.stations if isinstance(one, StationRecord)]
    listed = [one for one in record.stations if isinstance(one, ListedStation)]
    parts = [_station(station, spoken) for station in visited]
    parts += [_listed(station) for station in listed]
    seen = [observation for station in visited for observation in station.observations]
    shown = sum(observation.shown for observation in seen)
    facts = [Fact("stations", str(len(record.stations)))]
    if seen:
        facts.append(Fact("observations", f"{shown} of {len(seen)}", "shown by these runs"))
    facts.append(Fact("time", text.seconds(record.seconds)))
    return Page(
        title="A tour of deep networks",
        kicker="dnncli tour",
        lead="Ideas of one chapter, each seen in a run.",
        verdict=None,
        facts=tuple(facts),
        sections=(*parts, _again(record)),
        language=name,
    )


def _station(station: StationRecord, spoken: Language) -> Section:
    return Section(station.idea, station.title, tuple(_blocks(station, spoken)))


def _blocks(station: StationRecord, spoken: Language) -> Iterator[Block]:
    """From the question to the exercise's answer."""
    yield Prose(station.question)
    yield Source(station.formula, "")
    yield from (Command(line.removeprefix("$ ")) for line in station.commands)
    yield Prose(spoken.words["see"], "strong")
    marks = {True: "good", False: "fair"}
    yield Listing(tuple(Cell(seen.sentence, marks[seen.shown]) for seen in station.observations))
    yield Prose(f"{spoken.words['exercise']}: {station.exercise}")
    yield Details(spoken.words["answer"], (Prose(station.answer),))


def _listed(station: ListedStation) -> Section:
    return Section(station.idea, station.title, tuple(map(Command, station.commands)))


def _again(record: TourRecord) -> Section:
    """The tour's own command."""
    config = dict(record.config)
    ideas = config.pop("ideas", [])
    words = ["--from", str(ideas[0])] if len(ideas) > 1 else list(map(str, ideas))
    return reproduce.of_command("tour", config, [], words)
