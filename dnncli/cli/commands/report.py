"""`dnncli report`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dnncli.cli import options, outputs
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.types import CheckpointFile, DataSource
from dnncli.errors import DataError, SpecError
from dnncli.stages import stage
from dnncli.storage import files

if TYPE_CHECKING:
    from dnncli.report.page.blocks import Page

LARGEST = 500_000_000  # bytes of a result; no comparison is larger, but /dev/zero is

EXAMPLES = """
  dnncli report elu.ckpt elu.html
  dnncli report adult.ckpt adult.html --importance
  dnncli report adult.ckpt adult.html --data moved/adult.csv
  dnncli report result.json comparison.html      # of --format json
  dnncli report - doctor.html < doctor.json
"""


@define("report", EXAMPLES)
@click.argument("source", metavar="CKPT|RESULT.json|-", type=CheckpointFile())
@click.argument("file", metavar="FILE.html", type=click.Path(path_type=Path))
@section(
    "What to tell",
    click.option(
        "--data",
        type=DataSource(),
        metavar="NAME|PATH",
        help="Where a checkpoint's training data are now.  [default: where they were]",
    ),
    click.option(
        "--no-data",
        is_flag=True,
        help="Tell only what the checkpoint holds: no scores, diagnosis or theory.",
    ),
    click.option(
        "--importance",
        is_flag=True,
        help="A table's columns by their importance too, which takes longer.",
    ),
)
@section(
    "Output",
    outputs.overwrite_option,
    click.option("-q", "--quiet", is_flag=True, help="No notices on stderr."),
)
@options.config_option
def command(
    source: Path,
    file: Path,
    data: str | None,
    no_data: bool,
    importance: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write a page of HTML that stands alone: to mail, to print, to hand out.

    Of a checkpoint it tells the run's story: learning curves, scores with intervals, confusion or
    predictions, calibration, δ of every layer, theory beside measurement, the diagnosis with the
    command line that mends it, how each column was understood, and how to get it again. Scores,
    diagnosis and theory are measured anew on the data it was trained on, which therefore have to
    be there; --no-data leaves them out.

    Of a result of --format json (train, eval, compare-activations, transfer, doctor,
    vanishing-demo, tour) it tells what the result holds; - is stdin. The page is one file without
    scripts, follows the reader's light or dark theme, and asks nothing of a network.
    """
    presenter = Presenter("report", "html", quiet)
    _check_data(no_data, data, importance)
    if str(file) == "-":
        raise SpecError("FILE.html: a page is not printed; give it a name, such as page.html.")
    files.reserve(file, overwrite, "FILE.html")
    from dnncli.report.page import rendering

    page = _page(presenter, source, data, no_data, importance)
    with stage("drawing the page"):
        text = rendering.html(page)
    written = text.encode("utf-8", "backslashreplace")
    files.write(file, written)
    presenter.notice(f"wrote {files.shown(file)} ({len(written):,} bytes).")


def _check_data(no_data: bool, data: str | None, importance: bool) -> None:
    """Raise SpecError where data are asked for and refused."""
    for option, given in (("--data", data is not None), ("--importance", importance)):
        if no_data and given:
            raise SpecError(f"--no-data and {option} exclude each other.", option="--no-data")


def _page(
    presenter: Presenter, source: Path, data: str | None, no_data: bool, importance: bool
) -> "Page":
    """The page of a result's record, or of a checkpoint's story."""
    from dnncli.report.page import pages, reading

    result = _result(source)
    if result is None:
        from dnncli.experiments import story

        presenter.prepare_jax()
        told = story.tell(source, data, read_data=not no_data, importance=importance)
        return pages.page(told)
    for option, given in (("--data", data), ("--no-data", no_data), ("--importance", importance)):
        if given:
            raise SpecError(
                f"{option}: {source} is a result, which holds all that there is to tell.",
                option=option,
            )
    name = "stdin" if str(source) == "-" else files.shown(source)
    return reading.page(result, name)


def _result(source: Path) -> bytes | None:
    """The bytes of a result; None for any other file. Raises DataError for one that is too long."""
    if str(source) == "-":
        found = sys.stdin.buffer.read(LARGEST + 1)
    else:
        with files.reported(source, "read", DataError):
            files.regular(source.stat())
            with open(source, "rb") as file:
                start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
                if not start.startswith(b"{"):
                    return None
                file.seek(0)
                found = file.read(LARGEST + 1)
    if len(found) > LARGEST:
        raise DataError(f"{files.shown(source)} is too large for a result.")
    return found
