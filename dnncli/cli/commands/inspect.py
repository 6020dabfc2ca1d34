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
)
@options.interop_options
@options.output
def command(
    checkpoint: Path,
    history: bool,
    steps: bool,
    act: str | None,
    alpha: float | None,
    format_: str,
    quiet: bool,
) -> None:
    """Show what a checkpoint holds: its run, its layers and tensors by name, its history."""
    presenter = Presenter("inspect", format_, quiet)
    if format_ == "csv" and history and steps:
        raise SpecError(
            "--history, --steps: CSV holds one table; give one of them.", option="--steps"
        )
    from dnncli.experiments import models
    from dnncli.report import inspection

    loaded = models.load(checkpoint, act, alpha)
    record = _record(loaded, checkpoint)
    presenter.show(inspection.report, record, history=history, steps=steps)
    presenter.end(record, _rows(record, history=history, steps=steps))


def _rows(record: "InspectRecord", *, history: bool, steps: bool) -> list[list[object]]:
    """The table for CSV: what was asked for, or else the tensors."""
    from dnncli.report import inspection, training

    if steps:
        return inspection.step_rows(record.steps)
    return training.epoch_rows(record.history) if history else inspection.tensor_rows(record)


def _record(loaded: "Snapshot | Model", path: Path) -> "InspectRecord":
    from dnncli import interop
    from dnncli.experiments import inspect

    if isinstance(loaded, interop.Model):
        return inspect.inspect_model(loaded, str(path))
    return inspect.inspect(loaded, str(path))
