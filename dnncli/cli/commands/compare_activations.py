"""`dnncli compare-activations`."""

import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dnncli.cli import options, outputs, signals, terminal
from dnncli.cli.command import define, section
from dnncli.cli.types import Numbers, Spellings
from dnncli.errors import ExitCode, SpecError
from dnncli.spec import catalog
from dnncli.spec.comparison import GridSpec

if TYPE_CHECKING:
    from dnncli.data import Dataset
    from dnncli.experiments.comparison.run import Finished, Tick, Timed
    from dnncli.records import ComparisonRecord, Speed, TrialRecord
    from dnncli.theory import Prediction

ACTS = ("sigmoid", "tanh", "relu", "leaky-relu", "elu", "selu", "swish", "gelu")
GRID = ("acts", "inits", "lrs", "seeds", "baseline")

EXAMPLES = """
  dnncli compare-activations                     # eight of them on digits
  dnncli compare-activations --acts sigmoid,relu,elu --seeds 10 --baseline relu
  dnncli compare-activations --acts relu,elu,elu:0.5 --inits he,xavier
  dnncli compare-activations --acts sigmoid,relu --optimizer sgd --lrs 0.01,0.1,1
  dnncli compare-activations --data mnist/ --out mnist-acts --plot acts.svg
  dnncli compare-activations --resume mnist-acts
"""


@define("compare-activations", EXAMPLES)
@section(
    "Comparison",
    options.option(
        "--acts",
        type=Spellings(catalog.ACTIVATIONS, "activation"),
        default=",".join(ACTS),
        help="Activation functions; elu:0.5 gives one its alpha.",
    ),
    options.option(
        "--inits",
        type=Spellings(catalog.INITIALIZERS, "initialiser", ("auto",)),
        default="auto",
        help="Initialisers, crossed with the activations; auto is the one theory gives for each.",
    ),
    options.option(
        "--lrs",
        type=Numbers(),
        help="Learning rates: each combination takes the one that does best on the validation set.",
    ),
    options.option(
        "--seeds", type=int, default="5", help="Runs of each combination; from 5 on, p-values."
    ),
    options.option("--seed", type=int, help="The first run's seed; the others count up from it."),
    options.option(
        "--baseline",
        metavar="NAME",
        default="the best mean validation accuracy",
        help="The row that the others are held against: elu, or elu/he with several --inits.",
    ),
)
@options.data
@options.tables
@options.layers
@options.regularisation
@options.optimisation
@options.stopping
@section(
    "Run",
    click.option(
        "--resume",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Go on with the comparison in this folder, with the options it was begun with.",
    ),
)
@outputs.save_config_option
@section(
    "Output",
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Keep every run's checkpoint here, and what --resume needs.",
    ),
    outputs.plot_option,
    outputs.overwrite_option,
)
@options.output
def command(
    out: Path | None,
    resume: Path | None,
    plot: Path | None,
    save_config: Path | None,
    overwrite: bool,
    format_: str,
    quiet: bool,
    **given: Any,
) -> int:
    """Compare activation functions over several seeds and say which differences are real.

    All combinations train on the same seeds, splits and batches, so that differences are paired by seed.
    Seed k is the run of `dnncli train --seed k`.
    """
    began, screen = time.perf_counter(), terminal.Screen(format_, quiet)
    if out and resume:
        raise SpecError(
            "--out and --resume exclude each other: a resumed comparison stays in its folder."
        )
    extras = outputs.Extras(overwrite, plot=plot, save_config=save_config)
    extras.check()
    varied = {name: given.pop(name) for name in GRID}
    varied = {name: value for name, value in varied.items() if value is not None}
    run = options.run_options(given)
    fingerprint: str | None
    if resume:
        from dnncli.experiments.comparison import state

        stored = state.resume(resume, varied, run)
        grid, fingerprint, trials = stored.grid, stored.fingerprint, stored.trials
    else:
        grid, fingerprint, trials = GridSpec(**{"acts": ACTS, **varied}, options=run), None, ()
    from dnncli import data

    dataset = data.load(grid.combinations()[0].runs[0].data)
    screen.notices("compare-activations", dataset.notices)
    if fingerprint not in (None, dataset.fingerprint):
        raise SpecError(
            f"--resume {resume}: the data are not those it was begun with (another fingerprint)."
        )
    if out:
        from dnncli.experiments.comparison import state

        state.create(out, overwrite)
    extras.keep("compare-activations", _lists(grid.config()))
    return _Comparing(screen, grid, dataset, out or resume, extras, began, list(trials)).run()


def _lists(config: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a comparison as a config file has them."""
    return {name: value for name, value in config.items() if value != []}


@dataclass
class _Comparing:
    """One comparison at work: what its events are printed to and saved in."""

    screen: terminal.Screen
    grid: GridSpec
    dataset: "Dataset"
    folder: Path | None
    extras: outputs.Extras
    began: float
    trials: list["TrialRecord"]
    theory: dict[str, "Prediction"] = field(default_factory=dict)
    speeds: dict[str, "Speed"] = field(default_factory=dict)
    compiling: float = 0.0
    ticks: int = 0

    def run(self) -> int:
        """Train, print and save; returns the exit code."""
        from dnncli.experiments.comparison import run as comparison
        from dnncli.training import compilation_cache

        compilation_cache.enable()
        self.theory = comparison.predictions(self.grid, self.dataset)
        self._open()
        epochs = self.grid.combinations()[0].runs[0].schedule.epochs
        left, caught = len(comparison.remaining(self.grid, self.trials)), None
        try:
            with signals.interruptible(), self.screen.progress("compiling", left * epochs) as bar:
                for event in comparison.run(self.grid, self.dataset, self.trials):
                    self._take(event, bar, epochs)
        except signals.Interrupted as interruption:
            caught = interruption.number
        record = self._record()
        self._close(record)
        return self._exit_code(record, caught)

    def _open(self) -> None:
        from dnncli.report import comparison, structured

        config, data = self.grid.config(), self.dataset.record()
        self.screen.show(*comparison.opening(config, data, len(self.grid.combinations())), "")
        for trial in self.trials:
            self.screen.show(self._line(trial))
        if self.folder:
            self._save_state()
        if self.screen.format == "jsonl":
            head = {"event": "start", "config": config, "data": data}
            self.screen.write(structured.dumps(structured.document("compare-activations", head)))

    def _take(self, event: "Tick | Finished | Timed", bar: terminal.Bar, epochs: int) -> None:
        from dnncli.experiments.comparison import run as comparison

        if isinstance(event, comparison.Tick):
            self.ticks += 1
            bar.advance(f"{event.name}, epoch {event.epoch}")
            self._stream("epoch", event)
        elif isinstance(event, comparison.Finished):
            bar.advance(event.trial.name, epochs - self.ticks)
            self.ticks = 0
            self._finish(event)
        else:
            self.speeds = event.speeds

    def _finish(self, event: "Finished") -> None:
        from dnncli.experiments.comparison import run as comparison

        self.compiling += event.compile_seconds
        self.trials.append(event.trial)
        self.screen.show(self._line(event.trial))
        self._stream("trial", event.trial)
        if self.folder:
            comparison.save(event, self.folder)
            self._save_state()

    def _line(self, trial: "TrialRecord") -> Any:
        from dnncli.report import comparison

        return comparison.trial_line(trial, max(len(row.name) for row in self.grid.combinations()))

    def _stream(self, kind: str, record: Any) -> None:
        from dnncli.report import structured

        if self.screen.format == "jsonl":
            self.screen.write(structured.dumps(structured.event(kind, record)))

    def _save_state(self) -> None:
        from dnncli.experiments.comparison import state

        assert self.folder
        state.save(self.folder, self.grid, self.dataset.fingerprint, self.trials)

    def _record(self) -> "ComparisonRecord":
        from dnncli.experiments.comparison import run as comparison
        from dnncli.records import Seconds

        total, train = time.perf_counter() - self.began, sum(trial.seconds for trial in self.trials)
        return comparison.result(
            self.grid,
            self.dataset,
            self.trials,
            self.theory,
            self.speeds,
            folder=self.folder,
            seconds=Seconds(total, self.compiling, train),
        )

    def _close(self, record: "ComparisonRecord") -> None:
        from dnncli.report import comparison, structured
        from dnncli.report.figures import comparison as comparison_figure

        self.screen.show("", *comparison.report(record))
        document = structured.document("compare-activations", record)
        if self.screen.format == "json":
            self.screen.write(structured.dumps(document))
        elif self.screen.format == "jsonl":
            self.screen.write(structured.dumps({"event": "end", **document}))
        elif self.screen.format == "csv":
            self.screen.write(structured.csv_lines(comparison.csv_rows(record.rows)))
        if record.rows:
            self.extras.draw(lambda: comparison_figure.figure(record))

    def _exit_code(self, record: "ComparisonRecord", caught: int | None) -> int:
        for row in record.rows:
            if row.diverged and self.screen.format != "table":
                self.screen.notice(f"{row.name}: {row.diverged} of {row.seeds} seeds diverged.")
        if caught is not None:
            return self.screen.stopped("compare-activations", caught, self._continue())
        if all(row.diverged == row.seeds for row in record.rows):
            self.screen.error(
                "dnncli compare-activations: every seed of every combination diverged; lower --lr."
            )
            return ExitCode.DIVERGED
        return ExitCode.DONE

    def _continue(self) -> str:
        if not self.folder:
            return "give --out FOLDER next time, and it can go on where it stopped."
        return f"go on with: dnncli compare-activations --resume {shlex.quote(str(self.folder))}"
