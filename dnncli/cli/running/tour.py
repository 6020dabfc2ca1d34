"""`tour` at work: stations one after the other, each with the commands that it shows."""

import contextlib
import io
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import click

from dnncli.cli import program, signals, terminal
from dnncli.cli.outputs import PictureFolder
from dnncli.cli.presenter import Presenter
from dnncli.errors import ExitCode
from dnncli.experiments.tour.observing import OBSERVE
from dnncli.records.tour import ListedStation, StationRecord, TourRecord
from dnncli.report import sentences
from dnncli.report import tour as report
from dnncli.report.sentences import Language
from dnncli.spec.tour import FULL, QUICK, STATIONS, Budget, Station

# A Korean keyboard has ㅂ where others have q.
LEAVE = ("q", "Q", "ㅂ")


def picture_name(station: Station) -> str:
    """The file of a station's picture: 03-exploding.png."""
    return f"{list(STATIONS).index(station.name) + 1:02d}-{station.name}.png"


def show_list(presenter: Presenter, stations: Sequence[Station], lang: str) -> int:
    """List the stations; returns the exit code."""
    spoken = sentences.language(lang)
    presenter.show(report.listing, stations, spoken=spoken)
    listed = tuple(
        ListedStation(station.name, spoken.title(station), tuple(station.commands(FULL)))
        for station in stations
    )
    rows = [["idea", "title"], *([station.idea, station.title] for station in listed)]
    presenter.end(TourRecord({"list": True, "lang": lang}, listed, seconds=0.0), rows)
    return ExitCode.DONE


class Left(BaseException):
    """Somebody leaves the tour; not an Exception, so that nothing on the way swallows it."""

    def __init__(self, code: ExitCode) -> None:
        """Keep the exit code."""
        super().__init__(code)
        self.code = code


@dataclass
class Touring:
    """One `tour` at work: what it visits, and what it has seen so far."""

    presenter: Presenter
    stations: Sequence[Station]
    budget: Budget
    lang: str
    pictures: PictureFolder | None
    data: str
    visited: list[StationRecord] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)

    def run(self) -> int:
        """Visit the stations; returns the exit code."""
        self.presenter.start({"config": self._config()})
        self.presenter.notice(self.spoken.words["folder"])
        code = self._walk()
        seconds = time.perf_counter() - self.began
        record = TourRecord(self._config(), tuple(self.visited), seconds)
        self.presenter.end(record, report.rows(self.visited), streamed=["stations"])
        return code

    @property
    def spoken(self) -> Language:
        """The language of what is explained."""
        return sentences.language(self.lang)

    def _config(self) -> dict[str, object]:
        return {
            "ideas": [station.name for station in self.stations],
            "quick": self.budget is QUICK,
            "lang": self.lang,
            "data": self.data,
        }

    def _walk(self) -> ExitCode:
        """Visit one station after the other, until the end or until somebody leaves."""
        try:
            with signals.interruptible(), self._bar() as bar:
                for station in self.stations:
                    self._visit(station)
                    if bar:
                        bar.advance(station.name)
        except Left as left:
            return self._left(left.code)
        except signals.Interrupted as interruption:
            return self._left(signals.CODES[interruption.number])
        except (KeyboardInterrupt, EOFError):  # Ctrl-C or Ctrl-D where a key is awaited
            return self._left(ExitCode.INTERRUPTED)
        return ExitCode.DONE

    @contextlib.contextmanager
    def _bar(self) -> Iterator[terminal.Bar | None]:
        """A bar over stations where the commands' own output is not shown."""
        if self.presenter.format == "table":
            yield None
            return
        with self.presenter.progress(self.spoken.words["running"], len(self.stations)) as bar:
            yield bar

    def _left(self, code: ExitCode) -> ExitCode:
        """Say how to go on from the first station that is not done."""
        rest = self.stations[len(self.visited) :]
        if rest:
            words = ["dnncli", "tour", "--from", rest[0].name, "--lang", self.lang]
            if self.budget is QUICK:
                words.append("--quick")
            words += ["--data", self.data]
            told = self.spoken.words["left"].format(idea=rest[0].name, command=shlex.join(words))
            self.presenter.notice(told)
        return code

    def _visit(self, station: Station) -> None:
        """Ask, run, and say what is seen. Raises Left where the tour ends."""
        began = time.perf_counter()
        place = list(STATIONS).index(station.name) + 1
        commands = list(station.commands(self.budget, self.data))
        picture = None
        if self.pictures:
            picture = str(self.pictures.path(picture_name(station)))
            commands[station.drawn] += shlex.join(["", *self.pictures.options(picture)])
        self.presenter.show(
            report.opening, station, place, len(STATIONS), commands, spoken=self.spoken
        )
        results = self._results(commands)
        record = report.record(
            station,
            commands,
            OBSERVE[station.name](results),
            self.spoken,
            picture=picture,
            seconds=time.perf_counter() - began,
        )
        self.visited.append(record)
        self.presenter.event("station", record)
        self.presenter.show(report.seen, record, spoken=self.spoken)
        self._await_key("reveal")
        self.presenter.show(report.answer, record, spoken=self.spoken)
        if station is not self.stations[-1]:
            self._await_key("next")

    def _results(self, commands: Sequence[str]) -> list[object]:
        """The records of the command lines, run in a new folder.

        Raises Left where a command has answered a signal.
        """
        results = []
        with (
            tempfile.TemporaryDirectory(prefix="dnncli-tour-") as folder,
            contextlib.chdir(folder),
            self._output(),
        ):
            for line in commands:
                code, result = program.invoke(shlex.split(line)[1:])
                if code in signals.CODES.values():
                    raise Left(ExitCode(code))
                results.append(result)
        return results

    @contextlib.contextmanager
    def _output(self) -> Iterator[None]:
        """The commands print as they always do; for programs they print nothing."""
        if self.presenter.format == "table":
            yield
            return
        nowhere = io.StringIO()
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            yield

    def _await_key(self, hint: str) -> None:
        """Wait for a key where somebody sits at a terminal. Raises Left."""
        if not self._at_terminal():
            return
        click.secho(self.spoken.words[hint], dim=True)
        if click.getchar() in LEAVE:
            raise Left(ExitCode.DONE)

    def _at_terminal(self) -> bool:
        """Whether somebody reads along."""
        return self.presenter.format == "table" and sys.stdin.isatty() and sys.stdout.isatty()
