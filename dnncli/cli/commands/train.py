"""`dnncli train`."""

import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dnncli.cli import options, outputs, signals, terminal
from dnncli.cli.command import define, section
from dnncli.cli.types import CheckpointFile, Names
from dnncli.errors import DnncliError, ExitCode, SpecError
from dnncli.spec import RunSpec, catalog, from_options

if TYPE_CHECKING:
    from dnncli.data import Dataset
    from dnncli.records import TrainRecord
    from dnncli.report.tensorboard import Log
    from dnncli.training.run import Progress
    from dnncli.training.snapshot import Snapshot

SAVE_EVERY = 5.0  # seconds between checkpoints while training, so that even a kill loses little

EXAMPLES = """
  dnncli train                                   # bundled digits, a few seconds
  dnncli train --act elu --init he
  dnncli train --data mnist/ --hidden 300,100 --bn --out elu.ckpt
  dnncli train --depth 20 --act sigmoid          # watch the gradients vanish
  dnncli train --resume elu.ckpt --epochs 80
  dnncli train --plot run.svg                    # curves; δ by layer and epoch
  dnncli train --format json | jq .test.accuracy
"""


@define("train", EXAMPLES)
@options.data
@options.tables
@options.network
@options.optimisation
@options.stopping
@section(
    "Run",
    options.option("--seed", type=int, help="Seed of initialisation, shuffles and dropout."),
    click.option(
        "--resume", type=CheckpointFile(), metavar="CKPT", help="Go on from this checkpoint."
    ),
    click.option(
        "--fail-on",
        type=Names(catalog.CONDITIONS, "condition"),
        help="Exit with 4 on these verdicts: vanishing,exploding,dead,saturated.",
    ),
    click.option(
        "--stop-on",
        type=Names(catalog.CONDITIONS, "condition"),
        help="Also stop at the epoch that earns one of them.",
    ),
)
@outputs.save_config_option
@section(
    "Output",
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Checkpoint file.  [default: a new one in runs/]",
    ),
    outputs.plot_option,
    outputs.tensorboard_option,
    outputs.overwrite_option,
)
@options.output
def command(
    out: Path | None,
    plot: Path | None,
    tensorboard: Path | None,
    save_config: Path | None,
    overwrite: bool,
    resume: Path | None,
    fail_on: tuple[str, ...] | None,
    stop_on: tuple[str, ...] | None,
    format_: str,
    quiet: bool,
    **given: Any,
) -> int:
    """Train a multilayer perceptron and report how its layers learn.

    After every epoch it prints losses and validation accuracy; at the end the test accuracy, each layer's
    gradients, and a verdict. The best epoch's network is kept in a checkpoint.
    """
    began = time.perf_counter()
    screen = terminal.Screen(format_, quiet)
    run = options.run_options(given)
    extras = outputs.Extras(overwrite, out, plot, save_config, tensorboard)
    extras.check()
    snapshot, dataset = _resume(resume, run) if resume else _start(from_options(run))
    screen.notices("train", dataset.notices)
    if save_config and snapshot.origin:
        raise SpecError(
            "--save-config: no options give another network's layers again; keep the checkpoint."
        )
    from dnncli.storage import checkpoint

    stem = f"{snapshot.spec.network.act}-{dataset.name}"
    path = out or checkpoint.unused_path(stem)
    checkpoint.reserve(path, overwrite or not out)
    extras.keep("train", {**snapshot.spec.options(), "fail_on": fail_on, "stop_on": stop_on})
    return _Training(screen, dataset, path, extras, began, fail_on or (), stop_on or ()).run(
        snapshot
    )


def _start(spec: RunSpec) -> tuple["Snapshot", "Dataset"]:
    from dnncli import data

    dataset = data.load(
        spec.data
    )  # before JAX is imported: what is wrong with the data shows at once
    from dnncli.training import compilation_cache
    from dnncli.training.run import start

    compilation_cache.enable()
    return start(spec, dataset), dataset


def _resume(path: Path, options: dict[str, Any]) -> tuple["Snapshot", "Dataset"]:
    from dnncli.experiments import train
    from dnncli.training import compilation_cache

    compilation_cache.enable()
    return train.resume(path, options)


@dataclass
class _Training:
    """One `train` at work: what its epochs are printed to, saved to and judged by."""

    screen: terminal.Screen
    dataset: "Dataset"
    path: Path
    extras: outputs.Extras
    began: float
    fail_on: tuple[str, ...]
    stop_on: tuple[str, ...]
    saved: float = field(default_factory=time.perf_counter)
    log: "Log | None" = None

    def run(self, snapshot: "Snapshot") -> int:
        """Train, print and save; returns the exit code."""
        from dnncli.experiments import train
        from dnncli.training.run import run as epochs_of

        self._open(snapshot)
        self.log = self.extras.log(self.path.stem)
        progress, caught = None, None
        epochs = snapshot.spec.schedule.epochs
        try:
            with (
                signals.interruptible() as stop,
                self.screen.progress("compiling", epochs, snapshot.history.epoch) as bar,
            ):
                for progress in epochs_of(snapshot, self.dataset, self.stop_on):
                    with stop.held():
                        snapshot = progress.snapshot
                        bar.advance(f"epoch {progress.record.epoch}")
                        self._epoch(progress)
        except signals.Interrupted as interruption:
            caught = interruption.number
        except (OSError, DnncliError):
            self._rescue(snapshot)
            raise
        train.save(snapshot, self.path)
        record = train.result(
            snapshot,
            progress,
            self.dataset,
            interrupted=caught is not None,
            checkpoint_path=str(self.path),
            began=self.began,
        )
        self._close(record)
        self._leave(record, snapshot)
        return self._exit_code(record, caught)

    def _rescue(self, snapshot: "Snapshot") -> None:
        """Keep what was learned where it can no longer be printed or logged."""
        from dnncli.experiments import train

        if self.log:
            self.log.abandon()
        if snapshot.history.epochs:
            train.save(snapshot, self.path)
            self.screen.notice(f"dnncli train: stopped; {self._continue()}")

    def _continue(self) -> str:
        return f"go on with: dnncli train --resume {shlex.quote(str(self.path))}"

    def _leave(self, record: "TrainRecord", snapshot: "Snapshot") -> None:
        """What was asked for besides the result."""
        from dnncli.report.figures import training as training_figure
        from dnncli.training.snapshot import kernels

        if self.log:
            self.log.close(record, kernels(snapshot))
        self.extras.draw(lambda: training_figure.figure(record))

    def _open(self, snapshot: "Snapshot") -> None:
        from dnncli.experiments import train
        from dnncli.nn.network import count
        from dnncli.report import structured, training

        config, data = snapshot.spec.options(), snapshot.data.record
        parameters = count(snapshot.network.parameters)
        self.screen.show(*training.opening(config, data, parameters))
        if snapshot.origin is None:  # theory is of untrained networks
            prediction = train.predict(snapshot.spec, self.dataset)
            chosen = train.chosen_variances(snapshot.spec, self.dataset)
            self.screen.show(
                *training.forecast(prediction, len(snapshot.spec.network.hidden), chosen)
            )
        self.screen.show("", training.epoch_header())
        if self.screen.format == "jsonl":
            head = {"event": "start", "config": config, "data": data, "parameters": parameters}
            self.screen.write(structured.dumps(structured.document("train", head)))

    def _epoch(self, progress: "Progress") -> None:
        from dnncli.experiments import train
        from dnncli.report import structured
        from dnncli.report import training as report

        if self.log:
            self.log.epoch(progress.record)
        best = progress.snapshot.history.best_epoch == progress.record.epoch
        self.screen.show(report.epoch_line(progress.record, best))
        if self.screen.format == "jsonl":
            self.screen.write(structured.dumps(structured.event("epoch", progress.record)))
        if time.perf_counter() - self.saved > SAVE_EVERY:
            train.save(progress.snapshot, self.path)
            self.saved = time.perf_counter()

    def _close(self, record: "TrainRecord") -> None:
        from dnncli.report import structured, training

        self.screen.show("", *training.closing(record))
        document = structured.document("train", record)
        if self.screen.format == "json":
            self.screen.write(structured.dumps(document))
        elif self.screen.format == "jsonl":
            rest = {key: value for key, value in document.items() if key != "epochs"}
            self.screen.write(structured.dumps({"event": "end", **rest}))
        elif self.screen.format == "csv":
            self.screen.write(structured.csv_lines(training.epoch_rows(record.epochs)))

    def _exit_code(self, record: "TrainRecord", caught: int | None) -> int:
        if caught is not None:
            return self.screen.stopped("train", caught, self._continue())
        if record.stopped == "diverged":
            return self.screen.diverged("train", record.health.findings[0])
        conditions = (*self.fail_on, *self.stop_on)
        met = [finding for finding in record.health.findings if finding.rule in conditions]
        if met:
            self.screen.error(f"dnncli train: {met[0].rule} in {met[0].layer}: {met[0].evidence}.")
            return ExitCode.UNHEALTHY
        return ExitCode.DONE
