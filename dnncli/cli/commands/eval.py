"""`dnncli eval`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dnncli.cli import options, terminal
from dnncli.cli.command import define, section
from dnncli.cli.types import CheckpointFile, Source

if TYPE_CHECKING:
    from dnncli.data import Dataset
    from dnncli.training.snapshot import Snapshot

SPLITS = ("train", "validation", "test")

EXAMPLES = """
  dnncli eval elu.ckpt
  dnncli eval elu.ckpt --split validation --split test
  dnncli eval elu.ckpt --gradients               # which layers would learn
  dnncli eval elu.ckpt --bn-stats all            # is batch norm's variance off?
  dnncli eval elu.ckpt --format json | jq .splits.test.accuracy
  dnncli eval model.safetensors --act relu --data digits
"""


@define("eval", EXAMPLES)
@click.argument("checkpoint", metavar="CKPT", type=CheckpointFile())
@section(
    "What to measure",
    click.option(
        "--data",
        type=Source(),
        metavar="NAME|PATH",
        help="Other data; of a table every row counts.  [default: what it was trained on]",
    ),
    click.option(
        "--label-strip",
        metavar="CHARS",
        help="Characters to take off both ends of --data's labels.",
    ),
    click.option(
        "--split",
        "splits",
        type=click.Choice(SPLITS),
        multiple=True,
        default=("test",),
        help="Which examples; may be given several times.  [default: test]",
    ),
    click.option("--gradients", is_flag=True, help="Each layer's gradients on the training set."),
    click.option(
        "--bn-stats",
        type=click.Choice(["moving", "batch", "population", "all"]),
        help="Batch-norm statistics: the moving averages, the average of the batches' own, the training"
        " set's exact ones, or all, compared.",
    ),
)
@options.interop_options
@options.output
def command(
    checkpoint: Path,
    data: str | None,
    label_strip: str | None,
    act: str | None,
    alpha: float | None,
    splits: tuple[str, ...],
    gradients: bool,
    bn_stats: str | None,
    format_: str,
    quiet: bool,
) -> None:
    """Measure a trained network: loss, accuracy, every class's figures, the confusion matrix."""
    screen = terminal.Screen(format_, quiet)
    from dnncli.experiments import evaluate
    from dnncli.training import compilation_cache

    compilation_cache.remember()
    given = {"data": data, "label_strip": label_strip}
    snapshot, dataset = (
        _elsewhere(checkpoint, given, act, alpha) if act else _own(checkpoint, given)
    )
    screen.notices("eval", dataset.notices)
    record = evaluate.evaluate(
        snapshot, dataset, splits, str(checkpoint), gradients=gradients, bn_stats=bn_stats
    )
    from dnncli.report import evaluation as report
    from dnncli.report import structured

    screen.show(*report.report(record))
    if screen.format in ("json", "jsonl"):
        screen.write(structured.dumps(structured.document("eval", record)))
    elif screen.format == "csv":
        screen.write(structured.csv_lines(report.class_rows(record.splits)))
        if gradients or bn_stats:
            screen.notice("dnncli eval: csv has the classes' figures only; --format json has all.")


def _own(path: Path, given: dict[str, str | None]) -> "tuple[Snapshot, Dataset]":
    """A checkpoint's network, and its data or others, scaled and labelled as it knows them."""
    from dnncli import data as sources
    from dnncli.experiments import evaluate, models
    from dnncli.training import snapshot as snapshots

    snapshot = models.load(
        path, None, None
    )  # which asks for --act where the file is from elsewhere
    assert isinstance(snapshot, snapshots.Snapshot)
    own, data = snapshot.spec.data, given["data"]
    source = replace(own, scale="none", label_strip=given["label_strip"] or own.label_strip)
    if data:
        source = replace(
            source, data=data, test=None if isinstance(source.test, str) else source.test
        )
    raw = sources.load(source, snapshot.data.encoding, whole=bool(data))
    return snapshot, evaluate.adopt(raw, snapshot.data)


def _elsewhere(
    path: Path, given: dict[str, str | None], act: str, alpha: float | None
) -> "tuple[Snapshot, Dataset]":
    """A model from PyTorch or Keras, and the data it is tried on."""
    from dnncli.experiments import models

    known = {name: value for name, value in given.items() if value is not None}
    snapshot, dataset, _ = models.with_data(path, known, act, alpha)
    return snapshot, dataset
