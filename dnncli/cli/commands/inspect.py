"""`dnncli inspect`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dnncli.cli import options
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.types import CheckpointFile
from dnncli.errors import SpecError

if TYPE_CHECKING:
    from dnncli.interop import Model
    from dnncli.records import InspectRecord
    from dnncli.training.snapshot import Snapshot

EXAMPLES = """
  dnncli inspect elu.ckpt                        # layers and tensors by name
  dnncli inspect elu.ckpt --history
  dnncli inspect broken.ckpt --steps             # which layer moved first?
  dnncli inspect broken.ckpt --steps --format csv > steps.csv
  dnncli inspect elu.ckpt --versions             # the same bytes here?
  dnncli inspect model.safetensors --act relu    # how is it understood?
  dnncli inspect model.onnx                      # of any program
"""


@define("inspect", EXAMPLES)
@click.argument("checkpoint", metavar="CKPT", type=CheckpointFile())
@section(
    "What to show",
    click.option(
        "--history",
        is_flag=True,
        help="Losses and accuracy over the epochs as curves; losses far apart on a log scale.",
    ),
    click.option(
        "--steps", is_flag=True, help="The last steps before the run broke, layer by layer."
    ),
    click.option(
        "--versions",
        is_flag=True,
        help="Versions, processor and threads that the numbers depend on, beside those here.",
    ),
)
@options.interop_options
@options.output
def command(
    checkpoint: Path,
    history: bool,
    steps: bool,
    versions: bool,
    act: str | None,
    alpha: float | None,
    format_: str,
    quiet: bool,
) -> None:
    """Show what a checkpoint holds: its run, its layers and tensors by name, its history."""
    presenter = Presenter("inspect", format_, quiet)
    shown = {"history": history, "steps": steps, "versions": versions}
    asked = [f"--{name}" for name, given in shown.items() if given]
    if format_ == "csv" and len(asked) > 1:
        raise SpecError(
            f"{', '.join(asked)}: CSV holds one table; give one of them.", option=asked[-1]
        )
    from dnncli.experiments import models
    from dnncli.report import inspection

    loaded = models.load(checkpoint, act, alpha)
    if versions:
        presenter.prepare_jax()
    record = _record(loaded, checkpoint, versions)
    presenter.show(inspection.report, record, history=history, steps=steps)
    presenter.end(record, _rows(record, history=history, steps=steps))


def _rows(record: "InspectRecord", *, history: bool, steps: bool) -> list[list[object]]:
    """The table for CSV: what was asked for, or else the tensors."""
    from dnncli.report import inspection, training, verification

    if record.changed is not None:
        return verification.version_rows(record.versions, record.changed)
    if steps:
        return inspection.step_rows(record.steps)
    return training.epoch_rows(record.history) if history else inspection.tensor_rows(record)


def _record(loaded: "Snapshot | Model", path: Path, compared: bool) -> "InspectRecord":
    from dnncli import interop
    from dnncli.experiments import inspect

    if isinstance(loaded, interop.Model):
        return inspect.inspect_model(loaded, str(path))
    return inspect.inspect(loaded, str(path), compared)
