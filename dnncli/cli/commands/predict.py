"""`dnncli predict`."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dnncli.cli import options, outputs, sinks
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.types import CheckpointFile, Name
from dnncli.errors import SpecError
from dnncli.spec import DataSpec, catalog
from dnncli.storage import files

if TYPE_CHECKING:
    from dnncli.training.snapshot import Snapshot

SUFFIXES = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
}

EXAMPLES = """
  dnncli predict adult.ckpt new.csv > classes.csv
  dnncli predict adult.ckpt new.parquet --probabilities --out scored.parquet
  dnncli predict adult.ckpt - < new.csv | cut -d, -f1
  dnncli predict adult.ckpt new.csv --keep id,name > named.csv
  dnncli predict elu.ckpt mnist/t10k-images-idx3-ubyte.gz --format jsonl
"""


@define("predict", EXAMPLES)
@click.argument("checkpoint", metavar="CKPT", type=CheckpointFile())
@click.argument("file", metavar="FILE")
@section(
    "Input",
    options.option(
        "--delimiter", metavar="CHAR", default="found out", help="What stands between CSV's fields."
    ),
    options.option(
        "--header/--no-header",
        default="as in training",
        help="Whether CSV's first line names the columns.",
    ),
    options.salvage_option,
)
@section(
    "Output",
    click.option("--probabilities", is_flag=True, help="Every class's probability too."),
    click.option(
        "--keep",
        metavar="COLUMN,…",
        help="Columns of FILE to write before the class: names, patterns (x*) or numbers from 1.",
    ),
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="File for the rows.  [default: stdout]",
    ),
    outputs.overwrite_option,
    click.option(
        "--format",
        "format_",
        type=Name(catalog.ROW_FORMATS, "format"),
        help="How rows are written: csv, jsonl, json or parquet."
        "  [default: by --out's suffix, else csv]",
    ),
    click.option("-q", "--quiet", is_flag=True, help="No notices on stderr."),
)
@options.config_option
def command(
    checkpoint: Path,
    file: str,
    delimiter: str | None,
    header: bool | None,
    salvage: bool,
    probabilities: bool,
    keep: str | None,
    out: Path | None,
    overwrite: bool,
    format_: str | None,
    quiet: bool,
) -> None:
    """Predict the class, or the number, of every row of FILE, in the order of its rows.

    FILE is a table with the columns the network was trained on (matched by name; others are
    ignored unless --keep names them), an IDX file of images, a folder of images, whose names
    stand before the classes, or an .npz file; - is CSV from stdin. A table may be larger than
    memory.
    """
    kind = _format(out, format_)
    delimiter = DataSpec(delimiter=delimiter).delimiter
    if out:
        files.reserve(out, overwrite)
    presenter = Presenter("predict", kind, quiet)
    from dnncli.data.rows import Rows
    from dnncli.experiments import predict
    from dnncli.storage import checkpoint as checkpoints
    from dnncli.training import checkpointing

    presenter.prepare_jax()
    stored = checkpoints.read(checkpoint, salvage=salvage)
    snapshot = checkpointing.from_checkpoint(stored, checkpoint)
    presenter.lost(checkpoint, snapshot.lost)
    rows = Rows(file, snapshot.data.encoding, delimiter, header, sys.stdin.buffer, keep)
    targets = snapshot.data.record.targets
    _check_probabilities(probabilities, targets, checkpoint)
    head = _head(snapshot, checkpoint, file)
    blocks = rows.blocks(snapshot.data.scaling.taken)
    from dnncli.report import prediction as report

    batches = predict.predict(snapshot, blocks, probabilities)
    first = next(batches, None)  # what is wrong with the file shows before anything is printed
    ahead = [first] if first else []
    kept = [(column.name, column.type) for column in rows.carried.columns]
    shape = sinks.Shape(snapshot.data.class_names, probabilities, kept, targets)
    summary = report.Summary(targets)
    with sinks.rows_to(out, kind, shape, head, presenter.screen.write) as write:
        for batch in chain(ahead, batches):
            summary.add(batch)
            write(replace(batch, kept=rows.carried.take(batch.rows)))
    presenter.notices(rows.notices())
    presenter.notice(f"{summary.sentence()}.")


def _check_probabilities(asked: bool, targets: Sequence[str], checkpoint: Path) -> None:
    """Raise SpecError for probabilities of a regression."""
    if asked and targets:
        raise SpecError(
            f"--probabilities: {checkpoint} predicts numbers, which have none.",
            option="--probabilities",
        )


def _head(snapshot: "Snapshot", checkpoint: Path, file: str) -> dict[str, object]:
    """What stands before the rows in JSON."""
    head: dict[str, object] = {
        "config": snapshot.spec.options(),
        "checkpoint": str(checkpoint),
        "file": file,
        "classes": list(snapshot.data.class_names),
        "threshold": snapshot.threshold,
    }
    if snapshot.data.record.targets:
        head["targets"] = list(snapshot.data.record.targets)
    return head


def _format(out: Path | None, format_: str | None) -> str:
    """The rows' format, by --format or by the file's suffix. Raises SpecError for none."""
    if out is None and format_ == "parquet":
        raise SpecError(
            "--format parquet: cannot go to a terminal or pipe; give --out FILE.parquet.",
            option="--format",
        )
    if format_ or out is None:
        return format_ or "csv"
    suffix = out.suffix.lower()
    if suffix not in SUFFIXES:
        raise SpecError(
            f"--out {out}: its suffix must be one of {', '.join(SUFFIXES)}; or give --format.",
            option="--out",
        )
    return SUFFIXES[suffix]
