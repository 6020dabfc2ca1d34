"""`dnncli transfer`."""

import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dnncli.cli import options, outputs, signals, terminal
from dnncli.cli.command import define, section
from dnncli.cli.types import CheckpointFile, Name, Number, Sizes
from dnncli.errors import ExitCode
from dnncli.spec import catalog
from dnncli.spec import transfer as transfer_spec
from dnncli.spec.transfer import TransferSpec

if TYPE_CHECKING:
    from dnncli.experiments.transfer.run import RunProgress
    from dnncli.experiments.transfer.task import Run, Transfer
    from dnncli.records import TransferRecord
    from dnncli.training.run import Progress

SAVE_EVERY = 5.0  # seconds between checkpoints while training, so that even a kill loses little
OWN = (
    "keep",
    "add",
    "reinit",
    "head",
    "freeze",
    "unfreeze",
    "lr_decay",
    "seeds",
    "baseline",
    "cache",
)

EXAMPLES = """
  dnncli transfer elu.ckpt --classes 5-9         # all layers, other classes
  dnncli transfer elu.ckpt --classes 5-9 --per-class 100 --keep 1 --freeze 1
  dnncli transfer elu.ckpt --data mnist/ --keep auto --freeze all
  dnncli transfer elu.ckpt --keep 3 --add 20 --freeze hidden1,hidden2
  dnncli transfer elu.ckpt --freeze all --unfreeze "5:hidden4 10:hidden3 15:all"
  dnncli transfer elu.ckpt --classes 5-9 --seeds 5 --plot proof.svg
  dnncli transfer model.safetensors --act relu --data mnist/   # from elsewhere
"""


@define("transfer", EXAMPLES)
@click.argument("checkpoint", metavar="CKPT", type=CheckpointFile())
@section(
    "Layers",
    options.option(
        "--keep",
        metavar="N|all|auto|NAME,…",
        default="all",
        help="Hidden layers to reuse, from the bottom; auto asks a linear classifier on each.",
    ),
    options.option("--add", type=Sizes(), help="Sizes of new hidden layers on top of them."),
    options.option("--reinit", metavar="NAME,…", help="Kept layers to draw anew."),
    options.option(
        "--head",
        type=click.Choice(transfer_spec.HEADS),
        default="keep where the classes and the layers below are the same",
        help="Whether the output layer is new.",
    ),
    options.option(
        "--freeze",
        metavar="N|all|NAME,…",
        default="0",
        help="Kept layers that stay as they are, from the bottom.",
    ),
    options.option(
        "--unfreeze",
        metavar="EPOCH:NAME,…",
        help="When frozen layers thaw: '5:hidden4 10:hidden3 15:all' trains hidden4 from epoch 5 on.",
    ),
    options.option(
        "--lr-decay",
        type=Number(),
        default="1",
        help="Factor of the learning rate from a layer to the one below.",
    ),
    options.option(
        "--init",
        type=Name(catalog.INITIALIZERS, "initialiser", ("auto",)),
        default="CKPT's",
        help="Initialiser of new layers.",
    ),
    options.option(
        "--dropout", type=Number(), default="CKPT's", help="Share of hidden outputs dropped."
    ),
)
@options.inherited(options.data)
@options.inherited(options.tables)
@options.inherited(options.optimisation)
@options.inherited(options.stopping)
@section(
    "Run",
    options.option(
        "--seeds",
        type=int,
        default="3",
        help="Pairs of runs: with layers reused, and from scratch.",
    ),
    options.option("--seed", type=int, help="The first seed; its network is kept."),
    options.option(
        "--baseline/--no-baseline",
        default="on",
        help="Train the same architecture from scratch, to compare.",
    ),
    options.option(
        "--cache/--no-cache",
        default="on",
        help="Compute once what frozen layers put out. The results are the same.",
    ),
)
@options.interop_options
@section(
    "Output",
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Checkpoint file.  [default: a new one in runs/]",
    ),
    outputs.plot_option,
    outputs.overwrite_option,
)
@options.output
def command(
    checkpoint: Path,
    act: str | None,
    alpha: float | None,
    out: Path | None,
    plot: Path | None,
    overwrite: bool,
    format_: str,
    quiet: bool,
    **given: Any,
) -> int:
    """Reuse the lower layers of a trained network on another task, and prove that it helped.

    Layers are kept with their weights, frozen or trained on, under a new output layer where the classes
    are others. Activation, batch norm, feature scaling and how it is trained come from CKPT unless given.
    The same architecture is trained from scratch on the same data, seed by seed, to compare.
    """
    began, screen = time.perf_counter(), terminal.Screen(format_, quiet)
    own = {name: given.pop(name) for name in OWN}
    spec = TransferSpec(**_own(own), options=options.run_options(given))
    extras = outputs.Extras(overwrite, out, plot)
    extras.check()
    task = _prepare(checkpoint, spec, act, alpha, screen)
    from dnncli.storage import checkpoint as checkpoints

    path = out or checkpoints.unused_path(
        f"transfer-{task.layout.run.network.act}-{task.dataset.name}"
    )
    checkpoints.reserve(path, overwrite or not out)
    return _Transferring(screen, task, path, extras, began).run()


def _own(given: dict[str, Any]) -> dict[str, Any]:
    """The options that only a transfer has, lists of names as tuples."""
    values = {name: value for name, value in given.items() if value is not None}
    if "reinit" in values:
        values["reinit"] = tuple(name.strip() for name in values["reinit"].split(","))
    return values


def _prepare(
    path: Path, spec: TransferSpec, act: str | None, alpha: float | None, screen: terminal.Screen
) -> "Transfer":
    """Read the parent and the data, choose how deep to keep where that is asked for, resolve the rest."""
    from dnncli.experiments import models
    from dnncli.experiments.transfer import task
    from dnncli.training import compilation_cache

    parent, dataset, record = models.for_new_task(path, spec.options, act, alpha)
    screen.notices("transfer", dataset.notices)
    compilation_cache.enable()
    return task.prepare(spec, parent, record, dataset)


@dataclass
class _Transferring:
    """One `transfer` at work: what its epochs are printed to and its network is saved to."""

    screen: terminal.Screen
    task: "Transfer"
    path: Path
    extras: outputs.Extras
    began: float
    ends: dict["Run", "Progress"] = field(default_factory=dict)
    saved: float = field(default_factory=time.perf_counter)

    def run(self) -> int:
        """Train, print and save; returns the exit code."""
        from dnncli.experiments.transfer.result import result
        from dnncli.experiments.transfer.run import run

        self._open()
        runs, caught = self.task.runs, None
        epochs = self.task.layout.run.schedule.epochs
        try:
            with (
                signals.interruptible() as stop,
                self.screen.progress("compiling", epochs * len(runs)) as bar,
            ):
                for step in run(self.task):
                    with stop.held():
                        self._step(step, bar, epochs)
        except signals.Interrupted as interruption:
            caught = interruption.number
            self._save(self.ends.get(runs[0]), at_once=True)
        if not self.ends:
            self.screen.error(
                "dnncli transfer: stopped before the first epoch ended; nothing is saved."
            )
            assert caught is not None
            return signals.CODES[caught]
        record = result(
            self.task,
            self.ends,
            finished=caught is None,
            checkpoint_path=str(self.path),
            began=self.began,
        )
        self._close(record)
        return self._exit_code(record, caught)

    def _open(self) -> None:
        from dnncli.report import structured, training
        from dnncli.report import transfer as report

        task, layout = self.task, self.task.layout
        config, names = layout.run.options(), layout.run.network.layers()
        self.screen.show(*report.opening(task.parent_record, layout.kept, layout.frozen, names))
        self.screen.show(*training.opening(config, task.dataset.record(), self._count()), "")
        if task.probes:
            self.screen.show(report.probe_table(task.probes, layout.kept[-1]), "")
        if layout.frozen and layout.run.network.dropout and task.spec.cache:
            self.screen.notice(
                "dnncli transfer: dropout acts on the frozen layers: their outputs are not cached."
            )
        self.screen.show(training.epoch_header())
        if self.screen.format == "jsonl":
            head = {
                "event": "start",
                "parent": task.parent_record,
                "kept": layout.kept,
                "frozen": layout.frozen,
            }
            self.screen.write(structured.dumps(structured.document("transfer", head)))

    def _count(self) -> int:
        from dnncli.nn import network

        spec, data = self.task.layout.run.network, self.task.dataset
        return network.count(network.shapes(spec, data.features, data.classes)[0])

    def _step(self, step: "RunProgress", bar: terminal.Bar, epochs: int) -> None:
        from dnncli.report import structured, training

        record, run = step.progress.record, step.run
        skipped = epochs - record.epoch if step.progress.stopped else 0
        bar.advance(f"{run.kind}, seed {run.seed}, epoch {record.epoch}", 1 + skipped)
        self.ends[run] = step.progress
        if run == self.task.runs[0]:
            self.screen.show(
                training.epoch_line(
                    record, step.progress.snapshot.history.best_epoch == record.epoch
                )
            )
            self._save(step.progress)
        if self.screen.format == "jsonl":
            event = {"run": run.kind, "seed": run.seed, **structured.event("epoch", record)}
            self.screen.write(structured.dumps(event))

    def _save(self, progress: "Progress | None", at_once: bool = False) -> None:
        """Save the network that is kept: now and then, and when it is done."""
        from dnncli.storage import checkpoint
        from dnncli.training.checkpointing import to_checkpoint

        due = (
            at_once
            or (progress and progress.stopped)
            or time.perf_counter() - self.saved > SAVE_EVERY
        )
        if progress and due:
            checkpoint.write(self.path, to_checkpoint(progress.snapshot))
            self.saved = time.perf_counter()

    def _close(self, record: "TransferRecord") -> None:
        from dnncli.report import structured, transfer
        from dnncli.report.figures import transfer as transfer_figure

        self.screen.show("", *transfer.closing(record))
        document = structured.document("transfer", record)
        if self.screen.format == "json":
            self.screen.write(structured.dumps(document))
        elif self.screen.format == "jsonl":
            rest = {key: value for key, value in document.items() if key != "epochs"}
            self.screen.write(structured.dumps({"event": "end", **rest}))
        elif self.screen.format == "csv":
            self.screen.write(structured.csv_lines(transfer.run_rows(record)))
        if record.epochs:
            self.extras.draw(lambda: transfer_figure.figure(record))

    def _exit_code(self, record: "TransferRecord", caught: int | None) -> int:
        if caught is not None:
            path = shlex.quote(str(self.path))
            resume, complete = (
                f"go on with: dnncli train --resume {path}",
                f"{path} is complete, the comparison is not",
            )
            return self.screen.stopped("transfer", caught, complete if record.test else resume)
        if record.stopped == "diverged":
            return self.screen.diverged("transfer", record.health.findings[0])
        return ExitCode.DONE
