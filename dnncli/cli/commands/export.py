"""`dnncli export`."""

from pathlib import Path

import click

from dnncli.cli import options, outputs
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.types import CheckpointFile, Name
from dnncli.errors import SpecError
from dnncli.spec.exports import EXPORTS
from dnncli.storage import files

EXAMPLES = """
  dnncli export adult.ckpt adult.onnx
  dnncli export adult.ckpt adult.onnx > use.py   # the lines that load it
  dnncli export elu.ckpt elu.safetensors --format torch
  dnncli export elu.ckpt elu.stablehlo           # JAX, without dnncli
"""


@define("export", EXAMPLES)
@click.argument("checkpoint", metavar="CKPT", type=CheckpointFile())
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@section(
    "Output",
    options.option(
        "--format",
        "format_",
        type=Name(EXPORTS, "format"),
        default="by FILE's suffix",
        help="What to write.",
    ),
    outputs.overwrite_option,
    click.option("-q", "--quiet", is_flag=True, help="No notices on stderr."),
)
@options.config_option
def command(
    checkpoint: Path, file: Path, format_: str | None, overwrite: bool, quiet: bool
) -> None:
    """Write a trained network for other programs, and print the Python that uses it there.

    An ONNX file takes what a person has: a table's columns by name, texts and missing values
    included, or an image's bytes; out come classes by name and probabilities, or numbers in the
    target's unit. Files for PyTorch and Keras hold the tensors, and scaling, columns and classes
    in their metadata.

    A file of StableHLO is a program that JAX runs on CPU, GPU (CUDA, ROCm) and TPU for any number
    of rows; scaling is inside, columns and classes stand in a ZIP archive at the file's end. JAX
    promises to run it in versions up to 6 months newer than the one that wrote it, and 3 weeks
    older.
    """
    kind = _format(file, format_)
    files.reserve(file, overwrite, "FILE")
    presenter = Presenter("export", kind, quiet)
    from dnncli.experiments import export, models

    done = export.export(models.load_checkpoint(checkpoint), kind, file)
    presenter.screen.write("\n".join(done.recipe))
    presenter.notice(f"wrote {files.shown(file)} ({done.size:,} bytes, {kind}).")


def _format(file: Path, given: str | None) -> str:
    """The format, by --format or by the file's suffix. Raises SpecError where neither tells."""
    if given:
        return given
    suffix = file.suffix.lower()
    found = [entry.name for entry in EXPORTS.values() if entry.suffix == suffix]
    if len(found) == 1:
        return found[0]
    there = " or ".join(found or EXPORTS)
    raise SpecError(f"--format: {file.name} may be {there}; say which.", option="--format")
