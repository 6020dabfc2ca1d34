"""`dnncli eval`."""

from pathlib import Path

import click

from dnncli.cli import options
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.types import CheckpointFile, DataSource

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
        type=DataSource(),
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
        help="Batch-norm statistics: the moving averages, the average of the batches' own, the"
        " training set's exact ones, or all, compared.",
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
    presenter = Presenter("eval", format_, quiet)
    from dnncli.experiments import evaluate, models
    from dnncli.report import evaluation as report
    from dnncli.training import compilation_cache

    compilation_cache.enable()
    given = {"data": data, "label_strip": label_strip}
    snapshot, dataset = models.for_evaluation(checkpoint, given, act, alpha)
    presenter.notices(dataset.notices)
    record = evaluate.evaluate(
        snapshot, dataset, splits, str(checkpoint), gradients=gradients, bn_stats=bn_stats
    )
    presenter.show(report.report, record)
    presenter.end(record, report.class_rows(record.splits))
    if format_ == "csv" and (gradients or bn_stats):
        presenter.notice("csv has the classes' figures only; --format json has all.")
