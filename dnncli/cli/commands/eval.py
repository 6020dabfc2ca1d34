"""`dnncli eval`."""

from pathlib import Path

import click

from dnncli.cli import options, outputs
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.types import CheckpointFile, DataSource, Number
from dnncli.errors import SpecError

SPLITS = ("train", "validation", "test")

EXAMPLES = """
  dnncli eval elu.ckpt
  dnncli eval elu.ckpt --split validation --split test
  dnncli eval elu.ckpt --gradients               # which layers would learn
  dnncli eval elu.ckpt --bn-stats all            # is batch norm's variance off?
  dnncli eval bn.ckpt --along-gradient 0.1       # how smooth is the loss?
  dnncli eval adult.ckpt --importance            # which columns matter
  dnncli eval elu.ckpt --format json | jq .splits.test.accuracy
  dnncli eval model.safetensors --act relu --data digits
  dnncli eval model.onnx --data digits
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
    options.option(
        "--header/--no-header",
        default="as in training",
        help="Whether the first line of --data names the columns.",
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
    click.option(
        "--along-gradient",
        type=Number(),
        metavar="RATE",
        help="How smooth the loss is ahead: its range, and the gradient's change, half a step to"
        " four steps of this rate along the gradient.",
    ),
    click.option(
        "--importance",
        is_flag=True,
        help="Each column's importance: how much worse scores are where its values are permuted,"
        " ten times, with 95 % intervals. Columns that are alike share theirs.",
    ),
)
@options.interop_options
@section("Damage", options.salvage_option)
@section("Output", outputs.plot_option, outputs.json_option, outputs.overwrite_option)
@options.all_layers
@options.output
def command(
    checkpoint: Path,
    data: str | None,
    label_strip: str | None,
    header: bool | None,
    act: str | None,
    alpha: float | None,
    splits: tuple[str, ...],
    gradients: bool,
    bn_stats: str | None,
    along_gradient: float | None,
    importance: bool,
    salvage: bool,
    plot: Path | None,
    json_file: Path | None,
    overwrite: bool,
    all_layers: bool,
    format_: str,
    quiet: bool,
) -> None:
    """Measure a trained network: loss, accuracy, every class's figures, the confusion matrix."""
    presenter = Presenter("eval", format_, quiet, json_file)
    if plot and not importance:
        raise SpecError("--plot: it draws what --importance finds; give that too.", option="--plot")
    if along_gradient is not None and along_gradient <= 0:
        raise SpecError(
            f"--along-gradient {along_gradient:g}: must be above 0.", option="--along-gradient"
        )
    extras = outputs.Extras(overwrite, plot=plot, json=json_file)
    extras.check()
    from dnncli.experiments import evaluate, models
    from dnncli.report import evaluation as report
    from dnncli.report.figures import importance as figures

    presenter.prepare_jax()
    given = {"data": data, "label_strip": label_strip, "header": header}
    snapshot, dataset = models.for_evaluation(checkpoint, given, act, alpha, salvage=salvage)
    presenter.lost(checkpoint, snapshot.lost)
    presenter.notices(dataset.notices)
    record = evaluate.evaluate(
        snapshot,
        dataset,
        splits,
        str(checkpoint),
        gradients=gradients,
        bn_stats=bn_stats,
        importance=importance,
        along_gradient=along_gradient,
    )
    presenter.show(report.report, record, all_layers=all_layers)
    presenter.end(record, report.main_rows(record.splits))
    if format_ == "csv" and (gradients or bn_stats or along_gradient):
        presenter.notice("csv has one table only; --format json has all.")
    extras.draw(lambda: figures.figure(record))
