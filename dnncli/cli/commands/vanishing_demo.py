"""`dnncli vanishing-demo`."""

from pathlib import Path

import click

from dnncli.cli import options, outputs
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.types import DataSource, Name, Sizes
from dnncli.errors import SpecError
from dnncli.spec import DataSpec, catalog
from dnncli.spec import vanishing as known

DEPTH = 20  # hidden layers, unless asked otherwise

EXAMPLES = """
  dnncli vanishing-demo                          # the chapter on one screen
  dnncli vanishing-demo --cases sigmoid:xavier   # one case, layer by layer
  dnncli vanishing-demo --cases tanh:he,tanh:critical,relu:he+bn --depth 50
  dnncli vanishing-demo --depths 5,10,20,50,100
  dnncli vanishing-demo --train 20 --seeds 3     # who learns
  dnncli vanishing-demo --train 20 --seeds 1 --animate learning.gif
"""


@define("vanishing-demo", EXAMPLES)
@section(
    "What to compare",
    click.option(
        "--cases",
        metavar="LIST",
        default=known.DEFAULT,
        help="ACT:INIT[+bn][+clip] between commas; INIT may be left out."
        f"  [default: {known.DEFAULT}]",
    ),
    click.option("--depth", type=int, help="Number of hidden layers.  [default: 20]"),
    click.option("--depths", type=Sizes(), help="Several depths instead, for a sweep."),
    click.option(
        "--width", type=int, default=100, help="Units of every hidden layer.  [default: 100]"
    ),
    click.option(
        "--seeds", type=int, default=5, help="Initialisations to average over.  [default: 5]"
    ),
    click.option(
        "--train",
        type=int,
        default=0,
        help="Train every case for so many epochs, too.  [default: 0]",
    ),
)
@section(
    "Data",
    click.option(
        "--data",
        type=DataSource(),
        metavar="NAME|PATH",
        default="digits",
        help="The data.  [default: digits]",
    ),
    click.option(
        "--scale",
        type=Name(catalog.SCALINGS, "scaling"),
        default="standard",
        help="How features are scaled.  [default: standard]",
    ),
)
@section(
    "Output",
    click.option(
        "--legend/--no-legend",
        default=True,
        help="Explain the tables' words and signs under them.  [default: on]",
    ),
    outputs.plot_option,
    click.option(
        "--animate",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Show δ by layer as --train goes on: .gif, .svg, or .mp4 where ffmpeg is installed."
        "  (needs dnncli[plot])",
    ),
    outputs.json_option,
    outputs.overwrite_option,
)
@options.output
def command(
    cases: str,
    depth: int | None,
    depths: tuple[int, ...] | None,
    width: int,
    seeds: int,
    train: int,
    data: str,
    scale: str,
    legend: bool,
    plot: Path | None,
    animate: Path | None,
    json_file: Path | None,
    overwrite: bool,
    format_: str,
    quiet: bool,
) -> None:
    """Show how gradients vanish and explode with depth, and what keeps them level.

    Every case is an untrained network. δ is the gradient at a layer's pre-activations: measured on
    one batch and predicted by mean-field theory, layer by layer.
    """
    presenter = Presenter("vanishing-demo", format_, quiet, json_file)
    chosen = known.parse_all(cases)
    levels = _depths(depth, depths)
    for name, value, least in (("width", width, 1), ("seeds", seeds, 1), ("train", train, 0)):
        if value < least:
            raise SpecError(f"--{name} {value}: must be at least {least}.", option=f"--{name}")
    if animate and (not train or len(levels) > 1):
        raise SpecError("--animate: give --train N too, and one depth.", option="--animate")
    extras = outputs.Extras(overwrite, plot=plot, animate=animate, json=json_file)
    extras.check()
    from dnncli import data as sources

    source = DataSpec(data=data, scale=scale, task="classification")
    dataset = sources.load(source)
    from dnncli.cli.running.vanishing_demo import demonstrate
    from dnncli.experiments.vanishing.run import VanishingSpec

    spec = VanishingSpec(chosen, levels, width, seeds, train, watch=animate is not None)
    demonstrate(presenter, spec, source, dataset, extras, explained=legend)


def _depths(depth: int | None, depths: tuple[int, ...] | None) -> tuple[int, ...]:
    if depth is not None and depths is not None:
        raise SpecError("--depth and --depths exclude each other.", option="--depth")
    level = DEPTH if depth is None else depth
    chosen = depths or (level,)
    if min(chosen) < 1:
        raise SpecError(f"--depth {min(chosen)}: must be at least 1.", option="--depth")
    twice = [level for level in chosen if chosen.count(level) > 1]
    if twice:
        raise SpecError(f"--depths: {twice[0]} is given twice.", option="--depths")
    return chosen
