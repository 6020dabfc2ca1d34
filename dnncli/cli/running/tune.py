"""`tune` at work: a search's events as they happen, and what it has found."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnncli.cli import signals, terminal
from dnncli.cli.outputs import Extras
from dnncli.cli.presenter import Presenter
from dnncli.errors import ExitCode
from dnncli.experiments.halving import Halved
from dnncli.experiments.race import Advanced
from dnncli.experiments.tune import state
from dnncli.experiments.tune.result import result
from dnncli.experiments.tune.run import Ended, Event, Proposed, Search
from dnncli.records.tune import TuneRecord
from dnncli.report import tune as report


@dataclass
class Tuning:
    """One `tune` at work; given: the options that it keeps when it is resumed."""

    presenter: Presenter
    search: Search
    folder: Path | None
    given: Mapping[str, Any]
    extras: Extras

    def run(self) -> int:
        """Search, print and write what was asked for; returns the exit code."""
        config = self.search.spec.options()
        data = self.search.dataset.record()
        searched = {name: str(values) for name, values in self.search.space.items()}
        self.presenter.about(data)
        self.presenter.show(report.opening, config, data, searched, self.search.seeds)
        self.presenter.start({"config": config, "data": data, "searched": searched})
        events = self.search.run()
        caught = self.presenter.follow(events, self._take, round(self.search.budget))
        # An interrupt leaves the generator as it is: closed, it keeps what its round has found.
        events.close()
        self._save()
        record = result(self.search, self.folder)
        self.presenter.space()
        self.presenter.show(report.closing, record)
        self.presenter.end(record, report.rows(record), streamed=[])
        return self._exit_code(record, caught)

    def _exit_code(self, record: TuneRecord, caught: int | None) -> int:
        if caught is None:
            self.extras.keep("train", record.options)
            return ExitCode.DONE
        self.presenter.stopped(caught, self._continue())
        return signals.CODES[caught]

    def _continue(self) -> str:
        if self.folder is None:
            return "give --out FOLDER next time, and it can go on where it stopped."
        return f"go on with: dnncli tune --resume {shlex.quote(str(self.folder))}"

    def _save(self) -> None:
        """Write what is known into the folder, where there is one."""
        if self.folder is not None:
            state.save(self.folder, self.search, self.given)

    def _take(self, event: Event, bar: terminal.Bar) -> None:
        """Show an event; the bar counts seconds of the budget."""
        bar.reach(round(self.search.budget - self.search.deadline.left))
        match event:
            case Proposed():
                self.presenter.event("proposed", event)
            case Advanced():
                bar.advance(f"{event.name}, epoch {event.epoch}", 0)
                self.presenter.event("advanced", event)
            case Halved():
                self.presenter.event("halved", event)
            case Ended():
                self._save()
                self.presenter.line(report.round_line, event.round, event.tried, event.best)
                self.presenter.event("round", event)
