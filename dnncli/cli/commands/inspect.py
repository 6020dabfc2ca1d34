"""`dnncli inspect`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dnncli.cli import options, outputs
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.types import CheckpointFile
from dnncli.errors import SpecError
from dnncli.storage import files

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
  dnncli inspect elu.ckpt --export torch elu.safetensors
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
@section(
    "Output",
    click.option(
        "--export",
        type=(click.Choice(["torch", "keras"]), click.Path(path_type=Path)),
        metavar="torch|keras FILE",
        help="Write the network as a safetensors file that loads there.",
    ),
    outputs.overwrite_option,
)
@options.output
def command(
    checkpoint: Path,
    history: bool,
    steps: bool,
    act: str | None,
    alpha: float | None,
    export: tuple[str, Path] | None,
    overwrite: bool,
    format_: str,
    quiet: bool,
) -> None:
    """Show what a checkpoint holds: its run, its layers and tensors by name, its history."""
    presenter = Presenter("inspect", format_, quiet)
    if format_ == "csv" and history and steps:
        raise SpecError(
            "--history, --steps: CSV holds one table; give one of them.", option="--steps"
        )
    if export:
        files.reserve(export[1], overwrite, "--export")
    from dnncli.experiments import models
    from dnncli.report import inspection

    loaded = models.load(checkpoint, act, alpha)
    record = _record(loaded, checkpoint)
    if export:
        for line in _export(loaded, *export):
            presenter.screen.notice(line)
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
    from dnncli.storage import checkpoint

    if isinstance(loaded, interop.Model):
        return inspect.inspect_model(loaded, str(path))
    return inspect.inspect(loaded, str(path), checkpoint.read(path).metadata.get("versions", {}))


def _export(loaded: "Snapshot | Model", framework: str, target: Path) -> list[str]:
    """Write the network for a framework; the lines of Python that load it there."""
    from dnncli import interop
    from dnncli.storage import tensorfile

    if isinstance(loaded, interop.Model):
        raise SpecError("--export: only dnncli's own checkpoints are exported.", option="--export")
    spec = loaded.spec.network
    sizes = (loaded.data.record.features, loaded.data.record.outputs)
    tensors = interop.export(spec, loaded.answering, framework)
    tensorfile.write(target, tensors, {"torch": "pt"}.get(framework, framework))
    return interop.recipe(spec, *sizes, framework, str(target))
