"""`transfer` at work: pairs of runs, the first seed's network saved as it learns."""

import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path

from dnncli.cli import signals, terminal
from dnncli.cli.outputs import Extras
from dnncli.cli.presenter import Presenter
from dnncli.errors import ExitCode
from dnncli.experiments.halving import Halved
from dnncli.experiments.transfer.budget import short_of_steps
from dnncli.experiments.transfer.race import Event, Race, Racing, Tried
from dnncli.experiments.transfer.result import result
from dnncli.experiments.transfer.run import RunProgress, run
from dnncli.experiments.transfer.task import Run, Transfer
from dnncli.nn import network
from dnncli.records import TransferRecord
from dnncli.report import training
from dnncli.report import transfer as report
from dnncli.report.figures import transfer as figures
from dnncli.storage import checkpoint
from dnncli.training.checkpointing import to_checkpoint
from dnncli.training.devices import Devices
from dnncli.training.run import Progress

SAVE_EVERY = 5.0  # seconds between checkpoints while training, so that even a kill loses little


@dataclass
class Transferring:
    """One `transfer` at work: what its epochs are printed to and its network is saved to."""

    presenter: Presenter
    task: Transfer
    path: Path
    extras: Extras
    began: float
    all_layers: bool = False
    devices: Devices | None = None  # those that share each batch
    ends: dict[Run, Progress] = field(default_factory=dict)
    saved: float = field(default_factory=time.perf_counter)

    def run(self) -> int:
        """Race where --keep auto asks for it, train, print and save; returns the exit code."""
        self.presenter.about(self.task.dataset.record())
        predicts = self.task.parent.data.record.targets
        self.presenter.show(report.parent_line, self.task.parent_record, predicts)
        if self.task.reusing:
            stopped = self._race()
            if stopped is not None:
                return stopped
        self._open()
        runs = self.task.runs
        epochs = self.task.layout.run.schedule.epochs * len(runs)
        caught = self.presenter.follow(run(self.task, self.devices), self._take, epochs)
        if caught is not None:
            self._save(self.ends.get(runs[0]), at_once=True)
        if not self.ends:
            assert caught is not None
            return self._nothing(caught)
        record = result(
            self.task,
            self.ends,
            finished=caught is None,
            checkpoint_path=str(self.path),
            began=self.began,
        )
        self._close(record)
        return self._exit_code(record, caught)

    def _nothing(self, caught: int) -> int:
        """Say that a signal came before there was anything to save; returns the exit code."""
        self.presenter.error("stopped before the first epoch ended; nothing is saved.")
        return signals.CODES[caught]

    def _race(self) -> int | None:
        """Choose what is reused, if anything; returns the exit code where a signal ended that."""
        race = Race(self.task)
        examples = len(self.task.dataset.train)
        few = short_of_steps(self.task.layout.run, examples)
        if few:
            self.presenter.notice(few)
        self.presenter.space()
        self.presenter.line(report.probe_table, self.task.probes, self.task.first_depth)
        caught = self.presenter.follow(race.run(), self._tried, race.most_epochs)
        if caught is not None:
            return self._stopped(race, caught)
        self.task = race.settled()
        self.presenter.space()
        self.presenter.show(report.race, self.task.race)
        self.presenter.space()
        return None

    def _tried(self, event: Event, bar: terminal.Bar) -> None:
        """One more epoch of a candidate, the candidates, or who of them goes on."""
        match event:
            case Tried():
                bar.advance(f"{event.name}, epoch {event.epoch}")
                self.presenter.event("tried", event)
            case Racing():
                self.presenter.event("racing", event)
            case Halved():
                # Nothing limits its time: what is left of it says nothing.
                self.presenter.event("halved", {"rung": event.rung, "kept": event.kept})

    def _stopped(self, race: Race, caught: int) -> int:
        """Tell what was known of the candidates when a signal came; returns the exit code."""
        standing = race.standing()
        if standing is None:
            return self._nothing(caught)
        self.presenter.space()
        self.presenter.show(report.standing, standing)
        self.presenter.end(standing, report.standing_rows(standing), streamed=[])
        best = f"the best so far is {standing.leader}"
        self.presenter.error(f"stopped before --keep auto had chosen: {best}; nothing is saved.")
        return signals.CODES[caught]

    def _open(self) -> None:
        task = self.task
        layout = task.layout
        config = layout.run.options()
        names = layout.run.network.layers()
        self.presenter.line(report.layout_line, layout.kept, layout.frozen, names)
        self.presenter.show(training.opening, config, task.dataset.record(), self._count())
        self.presenter.space()
        if layout.frozen and layout.run.network.dropout and task.spec.cache:
            self.presenter.notice(
                "dropout acts on the frozen layers: their outputs are not cached."
            )
        self.presenter.line(training.epoch_header, task.dataset.record())
        self.presenter.start(
            {"parent": task.parent_record, "kept": layout.kept, "frozen": layout.frozen}
        )
        if task.race:
            self.presenter.event("race", task.race)

    def _count(self) -> int:
        data = self.task.dataset
        spec = self.task.layout.run.network
        return network.count(network.shapes(spec, data.features, data.outputs)[0])

    def _take(self, step: RunProgress, bar: terminal.Bar) -> None:
        """One more epoch of one run; the first run's are shown and saved."""
        record = step.progress.record
        which = step.run
        epochs = self.task.layout.run.schedule.epochs
        skipped = epochs - record.epoch if step.progress.stopped else 0
        bar.advance(f"{which.kind}, seed {which.seed}, epoch {record.epoch}", 1 + skipped)
        self.ends[which] = step.progress
        if which == self.task.runs[0]:
            best = step.progress.snapshot.history.best_epoch == record.epoch
            self.presenter.line(training.epoch_line, record, best)
            self._save(step.progress)
        self.presenter.event("epoch", record, run=which.kind, seed=which.seed)

    def _save(self, progress: Progress | None, at_once: bool = False) -> None:
        """Save the network that is kept: now and then, and when it is done."""
        if progress is None:
            return
        due = time.perf_counter() - self.saved > SAVE_EVERY
        if at_once or progress.stopped or due:
            checkpoint.write(self.path, to_checkpoint(progress.snapshot))
            self.saved = time.perf_counter()

    def _close(self, record: TransferRecord) -> None:
        self.presenter.space()
        self.presenter.show(report.closing, record, all_layers=self.all_layers)
        self.presenter.end(record, report.run_rows(record), streamed=["epochs"])
        if record.epochs:
            self.extras.draw(lambda: figures.figure(record))

    def _exit_code(self, record: TransferRecord, caught: int | None) -> int:
        if caught is not None:
            path = shlex.quote(str(self.path))
            how = f"go on with: dnncli train --resume {path}"
            if record.test:
                how = f"{path} is complete, the comparison is not"
            return self.presenter.stopped(caught, how)
        if record.stopped == "diverged":
            return self.presenter.diverged(record.health.findings[0])
        return ExitCode.DONE
