"""`dnncli doctor`."""

import time
from pathlib import Path
from typing import Any

import click

from dnncli.cli import data_options, options, outputs, preset
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.types import CheckpointFile, Number
from dnncli.errors import SpecError
from dnncli.spec import presets

LONGEST = 86_400  # seconds; more are a slip of the keys

EXAMPLES = """
  dnncli doctor --act relu --optimizer sgd --lr 10   # what mends it?
  dnncli doctor sick.ckpt                          # the run of a checkpoint
  dnncli doctor --data table.csv --l2 1 --budget 120
  dnncli doctor --depth 20 --act sigmoid --save-config cured.toml
  dnncli doctor --format json | jq .command_line
"""


@define("doctor", EXAMPLES)
@click.argument("checkpoint", metavar="[CKPT]", required=False, type=CheckpointFile())
@section(
    "Doctor",
    click.option(
        "--budget",
        type=Number(),
        default=60.0,
        show_default=True,
        metavar="SECONDS",
        help="About how long to look for a remedy.",
    ),
    click.option(
        "--seeds",
        type=click.IntRange(2, 100),
        default=5,
        show_default=True,
        help="Seeds of every candidate, the same for all.",
    ),
)
@data_options.data
@data_options.tables
@preset.option
@options.network
@options.optimisation
@options.stopping
@section(
    "Run",
    options.option("--seed", type=int, help="Seed of initialisation, shuffles and dropout."),
)
@outputs.save_config_option
@section("Output", outputs.json_option, outputs.overwrite_option)
@options.output
def command(
    checkpoint: Path | None,
    budget: float,
    seeds: int,
    save_config: Path | None,
    json_file: Path | None,
    overwrite: bool,
    format_: str,
    quiet: bool,
    **given: Any,
) -> int:
    """Find why a network does not learn, prescribe what mends it, and prove it.

    It looks at data and options, trains the network, tries whether it can fit one batch, and races
    remedies over paired seeds; it ends with the command line to train with. Takes the options of
    `train`, or a checkpoint whose run it trains anew. Exits with 0 for a healthy network and with
    4 for a sick one, whether or not it found a remedy.
    """
    began = time.perf_counter()
    presenter = Presenter("doctor", format_, quiet, json_file)
    if not 1 <= budget <= LONGEST:
        raise SpecError(
            f"--budget {budget:g}: must be from 1 to {LONGEST:,} seconds.", option="--budget"
        )
    extras = outputs.Extras(overwrite, save_config=save_config, json=json_file)
    extras.check()
    from dnncli import data
    from dnncli.cli.running.doctor import Doctor
    from dnncli.experiments.doctor.subject import examination, subject

    presenter.prepare_jax()
    run = options.run_options(given)
    if checkpoint is None:
        run = presets.for_data(run)
    spec = subject(checkpoint, run)
    dataset = data.load(spec.data)
    presenter.notices(dataset.notices)
    looked = examination(spec, dataset, budget=budget, seeds=seeds, began=began)
    return Doctor(presenter, looked, extras).run()
