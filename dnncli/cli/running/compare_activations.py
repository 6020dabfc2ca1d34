"""`compare-activations` at work: combinations as they are done, and the table of all of them."""

import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path

from dnncli.cli import terminal
from dnncli.cli.outputs import Extras
from dnncli.cli.presenter import Presenter
from dnncli.data import Dataset
from dnncli.errors import ExitCode
from dnncli.experiments.comparison import run as comparison
from dnncli.experiments.comparison import state
from dnncli.experiments.comparison.run import Finished, Tick, Timed
from dnncli.records import ComparisonRecord, Seconds, Speed, TrialRecord
from dnncli.report import comparison as report
from dnncli.report.figures import comparison as figures
from dnncli.spec.comparison import ComparisonSpec
from dnncli.theory import Prediction
from dnncli.training import devices


@dataclass
class Comparing:
    """One comparison at work: what its events are printed to and saved in."""

    presenter: Presenter
    grid: ComparisonSpec
    dataset: Dataset
    folder: Path | None
    extras: Extras
    began: float
    trials: list[TrialRecord]
    wanted: int | str | None = None  # how many devices share the seeds
    theory: dict[str, Prediction] = field(default_factory=dict)
    speeds: dict[str, Speed] = field(default_factory=dict)
    compiling: float = 0.0
    ticks: int = 0

    def run(self) -> int:
        """Train, print and save; returns the exit code."""
        self.presenter.prepare_jax()
        shared = devices.choose(self.wanted)
        self.theory = comparison.predictions(self.grid, self.dataset)
        self._open()
        left = len(comparison.remaining(self.grid, self.trials))
        events = comparison.run(self.grid, self.dataset, self.trials, shared)
        caught = self.presenter.follow(events, self._take, left * self._epochs())
        record = self._record()
        self._close(record)
        return self._exit_code(record, caught)

    def _epochs(self) -> int:
        return self.grid.combinations()[0].runs[0].schedule.epochs

    def _open(self) -> None:
        config = self.grid.config()
        data = self.dataset.record()
        self.presenter.about(data)
        self.presenter.show(report.opening, config, data, len(self.grid.combinations()))
        self.presenter.space()
        for trial in self.trials:
            self.presenter.line(report.trial_line, trial, self._width(), data)
        if self.folder:
            self._save_state(self.folder)
        self.presenter.start({"config": config, "data": data})

    def _width(self) -> int:
        """Columns of the longest row's name."""
        return max(len(row.name) for row in self.grid.combinations())

    def _take(self, event: Tick | Finished | Timed, bar: terminal.Bar) -> None:
        if isinstance(event, Tick):
            self.ticks += 1
            bar.advance(f"{event.name}, epoch {event.epoch}")
            self.presenter.event("epoch", event)
        elif isinstance(event, Finished):
            bar.advance(event.trial.name, self._epochs() - self.ticks)
            self.ticks = 0
            self._finish(event)
        else:
            self.speeds = event.speeds

    def _finish(self, event: Finished) -> None:
        """One more combination: show it and save its networks."""
        self.compiling += event.compile_seconds
        self.trials.append(event.trial)
        data = self.dataset.record()
        self.presenter.line(report.trial_line, event.trial, self._width(), data)
        self.presenter.event("trial", event.trial)
        if self.folder:
            comparison.save(event, self.folder)
            self._save_state(self.folder)

    def _save_state(self, folder: Path) -> None:
        state.save(folder, self.grid, self.dataset.fingerprint, self.trials)

    def _record(self) -> ComparisonRecord:
        total = time.perf_counter() - self.began
        trained = sum(trial.seconds for trial in self.trials)
        return comparison.result(
            self.grid,
            self.dataset,
            self.trials,
            self.theory,
            self.speeds,
            folder=self.folder,
            seconds=Seconds(total, self.compiling, trained),
        )

    def _close(self, record: ComparisonRecord) -> None:
        self.presenter.space()
        self.presenter.show(report.report, record)
        self.presenter.end(record, report.csv_rows(record.rows), streamed=[])
        if record.rows:
            self.extras.draw(lambda: figures.figure(record))

    def _exit_code(self, record: ComparisonRecord, caught: int | None) -> int:
        for row in record.rows:
            if row.diverged and self.presenter.format != "table":
                lost = f"{row.name}: {row.diverged} of {row.seeds} seeds diverged."
                self.presenter.screen.notice(lost)
        if caught is not None:
            return self.presenter.stopped(caught, self._continue())
        if all(row.diverged == row.seeds for row in record.rows):
            self.presenter.error("every seed of every combination diverged; lower --lr.")
            return ExitCode.DIVERGED
        return ExitCode.DONE

    def _continue(self) -> str:
        if not self.folder:
            return "give --out FOLDER next time, and it can go on where it stopped."
        return f"go on with: dnncli compare-activations --resume {shlex.quote(str(self.folder))}"
