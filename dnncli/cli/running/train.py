"""`train` at work: one run, its epochs as they happen, and what is left behind."""

import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from dnncli.cli import terminal
from dnncli.cli.outputs import Extras
from dnncli.cli.presenter import Presenter
from dnncli.cli.running import together
from dnncli.data import Dataset
from dnncli.data.folds import Folds
from dnncli.errors import DnncliError, ExitCode
from dnncli.experiments import final, train
from dnncli.experiments.final import Final
from dnncli.experiments.folds import Fold, cross_validate, summarise
from dnncli.experiments.verify import Repetition
from dnncli.records import TrainRecord
from dnncli.records.verification import VerificationRecord
from dnncli.report import training as report
from dnncli.report import verification
from dnncli.report.figures import training as figures
from dnncli.report.tensorboard import Log
from dnncli.training import ensemble, run
from dnncli.training.devices import Devices
from dnncli.training.processes import Group
from dnncli.training.run import Progress, Underway
from dnncli.training.snapshot import Snapshot, kernels

SAVE_EVERY = 5.0  # seconds between checkpoints while training, so that even a kill loses little


@dataclass
class Training:
    """One `train` at work: what its epochs are printed to, saved to and judged by."""

    presenter: Presenter
    snapshot: Snapshot
    dataset: Dataset
    path: Path | None  # None: nothing is saved
    extras: Extras
    began: float
    fail_on: tuple[str, ...] = ()
    stop_on: tuple[str, ...] = ()
    progress: Progress | None = None
    saved: float = field(default_factory=time.perf_counter)
    log: Log | None = None
    folds: Folds | None = None
    all_layers: bool = False
    tested: list[Fold] = field(default_factory=list)
    final: bool = False
    on_all: Progress | None = None
    whole: Final | None = None
    save_every: float = SAVE_EVERY
    keep: int = 1  # checkpoints of the run, the newest and those before it
    repetition: Repetition | None = None  # of the stored run that is verified
    devices: Devices | None = None  # those that share the work
    group: Group | None = None  # the processes that share it

    def run(self) -> int:
        """Train, print and save; returns the exit code."""
        self._open()
        self.log = self.extras.log(self.path.stem) if self.path else None
        epochs = self.snapshot.spec.schedule.epochs
        steps = self._steps()
        try:
            done = self.snapshot.history.epoch
            agree = self.group.largest if self.group else None
            caught = self.presenter.follow(steps, self._take, epochs, done, agree)
        except (OSError, DnncliError):
            self._rescue()
            raise
        if caught is None:
            self.snapshot = train.decided(self.snapshot, self.dataset)
        self._save()
        interrupted = caught is not None
        caught = caught or self._cross_validate() or self._train_on_all()
        record = self._record(interrupted=interrupted)
        self._close(record)
        return self._exit_code(record, caught)

    def share(self, group: Group) -> None:
        """Train together with other processes.

        Raises DnncliError where they are about to train another run.
        """
        together.check_same(group, self.snapshot, self.dataset)
        self.devices = group.devices
        self.group = group

    def _steps(self) -> Iterator[Progress | Underway]:
        """The run's epochs, and their blocks where they have several."""
        if self.repetition:
            return self.repetition.run(self.devices)
        if self.snapshot.spec.network.ensemble > 1:
            return ensemble.run(self.snapshot, self.dataset, self.devices)
        run_of = (self.snapshot, self.dataset, self.stop_on)
        if self.group:
            return self.group.watched(run.run(*run_of, devices=self.devices))
        return run.events(*run_of, devices=self.devices)

    def _open(self) -> None:
        spec = self.snapshot.spec
        config = spec.options()
        data = self.snapshot.data.record
        parameters = self.snapshot.parameters
        self.presenter.show(report.opening, config, data, parameters)
        if self.snapshot.origin is None:  # theory is of untrained networks
            prediction = train.predict(spec, self.dataset)
            chosen = train.chosen_variances(spec, self.dataset)
            self.presenter.show(report.forecast, prediction, len(spec.network.hidden), chosen)
        self.presenter.space()
        self.presenter.line(report.epoch_header, data)
        self.presenter.start({"config": config, "data": data, "parameters": parameters})

    def _take(self, progress: Progress | Underway, bar: terminal.Bar) -> None:
        """One more epoch: show it, log it, and save the network now and then."""
        self.snapshot = progress.snapshot
        if isinstance(progress, Underway):
            self._take_block(progress, bar)
            return
        record = progress.record
        self.progress = progress
        bar.advance(f"epoch {record.epoch}")
        if self.log:
            self.log.epoch(record)
        self.presenter.line(
            report.epoch_line, record, self.snapshot.history.best_epoch == record.epoch
        )
        self.presenter.event("epoch", record)
        # Where the process that saves is lost, the others go on from what it has saved.
        first = self.group is not None and record.epoch == 1
        self._save_now_and_then(at_once=first)

    def _take_block(self, progress: Underway, bar: terminal.Bar) -> None:
        """One more block of an epoch that has several."""
        assert self.snapshot.within is not None
        done = self.snapshot.within.blocks
        bar.advance(f"epoch {progress.epoch}, block {done} of {progress.blocks}", steps=0)
        self._save_now_and_then()

    def _save_now_and_then(self, *, at_once: bool = False) -> None:
        """Save the run where the last time was long ago."""
        if at_once or time.perf_counter() - self.saved > self.save_every:
            self._save()
            self.saved = time.perf_counter()

    def _save(self, other: Snapshot | None = None) -> None:
        """Write the run, or another in its place, where anything is saved."""
        if self.path:
            train.save(other or self.snapshot, self.path, self.keep)

    def _cross_validate(self) -> int | None:
        """A network for each fold, if that was asked for; the number of a signal that ended it."""
        diverged = self.progress is not None and self.progress.stopped == "diverged"
        if self.folds is None or diverged:
            return None
        steps = cross_validate(self.snapshot.spec, self.folds.datasets(), self.devices)
        return self.presenter.follow(steps, self._take_fold, len(self.folds))

    def _take_fold(self, fold: Fold, bar: terminal.Bar) -> None:
        """One more fold."""
        self.tested.append(fold)
        bar.advance(f"fold {len(self.tested)}")
        self.presenter.event("fold", fold._asdict())

    def _train_on_all(self) -> int | None:
        """The network of --final, which takes the first one's place in the checkpoint."""
        if not self.final or self.folds is None or not self.tested:
            return None
        last = final.epochs(summarise(self.tested))
        if last is None:
            self.presenter.notice("--final: every fold diverged; the first network is kept.")
            return None
        began = time.perf_counter()
        steps = final.train(self.snapshot.spec, self.folds.everything(), last, self.devices)
        caught = self.presenter.follow(steps, self._take_of_all, last)
        if caught is None and self.on_all is not None:
            self.whole = final.result(self.on_all, self.folds.examples, self.snapshot, began)
        if self.whole is not None:
            self._save(self.whole.snapshot)
        elif caught is None:
            self.presenter.notice(
                "--final: training on all rows diverged; the first network is kept."
            )
        return caught

    def _take_of_all(self, progress: Progress, bar: terminal.Bar) -> None:
        """One more epoch on all rows."""
        self.on_all = progress
        bar.advance(f"all rows, epoch {progress.record.epoch}")
        self.presenter.event("final", progress.record)

    def _rescue(self) -> None:
        """Keep what was learned where it can no longer be printed or logged."""
        if self.log:
            self.log.abandon()
        if self.path and (self.snapshot.history.epochs or self.snapshot.within):
            self._save()
            self.presenter.notice(f"stopped; {self._continue()}")

    def _undone(self) -> str:
        """What a signal has left undone after the run itself."""
        done = self.folds is not None and len(self.tested) == len(self.folds)
        return "that of all rows is" if done else "the folds are"

    def _continue(self) -> str:
        if self.repetition:
            return f"{self.repetition.path} is not verified."
        if self.snapshot.spec.network.ensemble > 1:
            return "the networks so far are saved; an ensemble cannot be resumed."
        return f"go on with: dnncli train --resume {shlex.quote(str(self.path))}"

    def _record(self, *, interrupted: bool) -> TrainRecord:
        path = None if self.path is None else str(self.path)
        record = train.result(
            self.snapshot,
            self.progress,
            self.dataset,
            interrupted=interrupted,
            checkpoint_path=path,
            began=self.began,
        )
        if self.repetition and not interrupted:
            return replace(record, verification=self.repetition.compare(self.snapshot))
        if self.folds is None or len(self.tested) < len(self.folds):
            return record
        trained = self.whole.record if self.whole else None
        return replace(record, folds=summarise(self.tested), final=trained)

    def _close(self, record: TrainRecord) -> None:
        """The result, and what was asked for besides."""
        self.presenter.space()
        self.presenter.show(report.closing, record, all_layers=self.all_layers)
        self.presenter.end(record, report.epoch_rows(record.epochs), streamed=["epochs"])
        if self.log:
            self.log.close(record, kernels(self.snapshot))
        self.extras.draw(lambda: figures.figure(record, self.snapshot.steps))

    def _exit_code(self, record: TrainRecord, caught: int | None) -> int:
        if caught is not None and record.stopped != "signal":
            return self.presenter.stopped(
                caught, f"the network is saved, {self._undone()} not done."
            )
        if caught is not None:
            return self.presenter.stopped(caught, self._continue())
        if record.verification:
            return self._verified(record.verification)
        if record.stopped == "diverged":
            return self.presenter.diverged(record.health.divergence())
        conditions = (*self.fail_on, *self.stop_on)
        met = [finding for finding in record.health.all_findings() if finding.rule in conditions]
        if met:
            self.presenter.error(f"{met[0].heading()}: {met[0].evidence}.")
            return ExitCode.UNHEALTHY
        return ExitCode.DONE

    def _verified(self, found: VerificationRecord) -> int:
        if found.same:
            return ExitCode.DONE
        self.presenter.error(f"{verification.sentence(found)}.")
        return ExitCode.FAILED
