"""`dnncli compare-activations`."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dnncli.cli import data_options, device_options, options, outputs, preset
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.types import NamesWithAlpha, Numbers
from dnncli.errors import SpecError
from dnncli.spec import catalog, presets
from dnncli.spec.comparison import ComparisonSpec

if TYPE_CHECKING:
    from dnncli.experiments.comparison.state import StoredComparison

ACTS = ("sigmoid", "tanh", "relu", "leaky-relu", "elu", "selu", "swish", "gelu")
GRID = ("acts", "inits", "lrs", "seeds", "baseline")

EXAMPLES = """
  dnncli compare-activations                     # eight of them on digits
  dnncli compare-activations --acts sigmoid,relu,elu --seeds 10 --baseline relu
  dnncli compare-activations --acts relu,elu,elu:0.5 --inits he,xavier
  dnncli compare-activations --acts sigmoid,relu --optimizer sgd --lrs 0.01,0.1,1
  dnncli compare-activations --data mnist/ --out mnist-acts --plot acts.svg
  dnncli compare-activations --resume mnist-acts
"""


@define("compare-activations", EXAMPLES)
@section(
    "Comparison",
    options.option(
        "--acts",
        type=NamesWithAlpha(catalog.ACTIVATIONS, "activation"),
        default=",".join(ACTS),
        help="Activation functions; elu:0.5 gives one its alpha.",
    ),
    options.option(
        "--inits",
        type=NamesWithAlpha(catalog.INITIALIZERS, "initialiser", ("auto",)),
        default="auto",
        help="Initialisers, crossed with the activations; auto is the one theory gives for each.",
    ),
    options.option(
        "--lrs",
        type=Numbers(),
        help="Learning rates: each combination takes the one that does best on the validation set.",
    ),
    options.option(
        "--seeds", type=int, default="5", help="Runs of each combination; from 5 on, p-values."
    ),
    options.option("--seed", type=int, help="The first run's seed; the others count up from it."),
    options.option(
        "--baseline",
        metavar="NAME",
        default="the best mean validation accuracy",
        help="The row that the others are held against: elu, or elu/he with several --inits.",
    ),
)
@data_options.data
@data_options.tables
@preset.option
@options.layers
@options.regularisation
@options.optimisation
@options.stopping
@section(
    "Run",
    click.option(
        "--resume",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Go on with the comparison in this folder, with the options it was begun with.",
    ),
)
@device_options.local("the seeds")
@outputs.save_config_option
@section(
    "Output",
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Keep every run's checkpoint here, and what --resume needs.",
    ),
    outputs.plot_option,
    outputs.json_option,
    outputs.overwrite_option,
)
@options.output
def command(
    out: Path | None,
    resume: Path | None,
    plot: Path | None,
    save_config: Path | None,
    json_file: Path | None,
    overwrite: bool,
    devices: int | str | None,
    format_: str,
    quiet: bool,
    **given: Any,
) -> int:
    """Compare activation functions over several seeds and say which differences are real.

    All combinations train on the same seeds, splits and batches, so that differences are paired by
    seed. Seed k is the run of `dnncli train --seed k`.
    """
    began = time.perf_counter()
    presenter = Presenter("compare-activations", format_, quiet, json_file)
    if out and resume:
        raise SpecError(
            "--out and --resume exclude each other: a resumed comparison stays in its folder.",
            option="--out",
        )
    extras = outputs.Extras(overwrite, plot=plot, save_config=save_config, json=json_file)
    extras.check()
    varied = {name: given.pop(name) for name in GRID}
    varied = {name: value for name, value in varied.items() if value is not None}
    run = options.run_options(given)
    stored = _resume(resume, varied, run) if resume else None
    grid = stored.grid if stored else _grid(varied, run)
    from dnncli import data

    dataset = data.load(grid.combinations()[0].runs[0].data)
    grid = grid.resolved(dataset.task)
    presenter.notices(dataset.notices)
    if stored and stored.fingerprint != dataset.fingerprint:
        raise SpecError(
            f"--resume {resume}: the data are not those it was begun with (another fingerprint).",
            option="--resume",
        )
    if out:
        from dnncli.experiments.comparison import state

        state.create(out, overwrite)
    extras.keep("compare-activations", _lists(grid.config()) | {"devices": devices})
    from dnncli.cli.running.compare_activations import Comparing

    folder = out or resume
    trials = list(stored.trials) if stored else []
    return Comparing(presenter, grid, dataset, folder, extras, began, trials, devices).run()


def _grid(varied: dict[str, Any], run: dict[str, Any]) -> ComparisonSpec:
    return ComparisonSpec(**{"acts": ACTS, **varied}, options=presets.for_data(run))


def _resume(folder: Path, varied: dict[str, Any], run: dict[str, Any]) -> "StoredComparison":
    from dnncli.experiments.comparison import state

    return state.resume(folder, varied, run)


def _lists(config: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a comparison as a config file has them."""
    return {name: value for name, value in config.items() if value != []}
