"""`doctor` at work: an examination's events as they happen, and what it prescribes."""

from dataclasses import dataclass

from dnncli.cli import signals, terminal
from dnncli.cli.outputs import Extras
from dnncli.cli.presenter import Presenter
from dnncli.errors import ExitCode
from dnncli.experiments.doctor.result import result
from dnncli.experiments.doctor.run import (
    Event,
    Examination,
    FittedOneBatch,
    Looked,
    Racing,
    Trained,
)
from dnncli.experiments.halving import Halved
from dnncli.experiments.race import Advanced
from dnncli.report import doctor as report
from dnncli.training.run import Progress


@dataclass
class Doctor:
    """One `doctor` at work."""

    presenter: Presenter
    examination: Examination
    extras: Extras

    def run(self) -> int:
        """Examine, print and write what was asked for; returns the exit code."""
        spec = self.examination.spec
        data = self.examination.dataset.record()
        self.presenter.about(data)
        self.presenter.show(report.opening, spec.options(), data)
        self.presenter.start({"config": spec.options(), "data": data})
        budget = round(self.examination.budget)
        caught = self.presenter.follow(self.examination.run(), self._take, budget)
        record = result(self.examination)
        self.presenter.space()
        self.presenter.show(report.closing, record)
        self.presenter.end(record, report.candidate_rows(record), streamed=[])
        if caught is not None:
            self.presenter.notice("stopped: this is what is known so far.")
            return signals.CODES[caught]
        if record.basis is not None or record.healthy:
            self.extras.keep("train", record.options)
        return ExitCode.DONE if record.healthy else ExitCode.UNHEALTHY

    def _found(self) -> bool:
        """Whether a fault is known, and not only that there was no time to learn."""
        trained = self.examination.trained
        assert trained is not None
        healthy = trained.record.health.verdict == "healthy" and not self.examination.before
        return not (trained.cut and healthy)

    def _take(self, event: Event, bar: terminal.Bar) -> None:
        """Show an event; the bar counts seconds of the budget, and says what comes next."""
        spent = self.examination.budget - self.examination.deadline.left
        # Never all of them: a full bar's clock stands still, and the last step may take longer.
        bar.reach(min(round(spent), round(self.examination.budget) - 1))
        match event:
            case Looked():
                self.presenter.show(report.looked, event.findings)
                self.presenter.event("looked", event)
            case Progress():
                bar.advance(f"as it is, epoch {event.record.epoch}", 0)
                self.presenter.event("epoch", event.record)
            case Trained():
                self.presenter.show(report.trained, event.record)
                self.presenter.event("trained", {"health": event.record.health})
                bar.wait("fitting one batch")
            case FittedOneBatch():
                data = self.examination.dataset.record()
                self.presenter.show(report.one_batch, event.record, data, self._found())
                self.presenter.event("one_batch", event.record)
            case Racing():
                self.presenter.line(report.racing, event.names, event.seeds)
                self.presenter.event("racing", event)
                bar.wait("compiling the changes")
            case Advanced():
                bar.advance(f"{event.name}, epoch {event.epoch}", 0)
                self.presenter.event("advanced", event)
            case Halved():
                self.presenter.event("halved", event)
