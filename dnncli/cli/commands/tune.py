"""`dnncli tune`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dnncli.cli import data_options, options, outputs, preset
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.types import Number
from dnncli.errors import SpecError
from dnncli.spec import from_options, presets, tuning

if TYPE_CHECKING:
    from dnncli.experiments.tune.state import Stored

SEEDS = 5  # with fewer an interval of their gain is so wide that nothing is better
LONGEST = 604_800  # seconds; more are a slip of the keys

EXAMPLES = """
  dnncli tune --data table.csv                   # five minutes
  dnncli tune --data table.csv --budget 3600 --out search
  dnncli tune --resume search --budget 3600      # go on
  dnncli tune --data table.csv --act selu        # all but the activation
  dnncli tune --data table.csv --save-config best.toml
"""


@define("tune", EXAMPLES)
@section(
    "Search",
    click.option(
        "--budget",
        type=Number(),
        default=300.0,
        show_default=True,
        metavar="SECONDS",
        help="About how long to search.",
    ),
    options.option(
        "--seeds",
        type=int,
        default=str(SEEDS),
        help="Seeds of every setting, the same for all; 2 to 100.",
    ),
    click.option(
        "--resume",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Go on with the search in this folder, with the options it was begun with.",
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
@section(
    "Output",
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Keep here what --resume needs.",
    ),
    outputs.json_option,
    outputs.overwrite_option,
)
@options.output
def command(
    budget: float,
    seeds: int | None,
    resume: Path | None,
    out: Path | None,
    save_config: Path | None,
    json_file: Path | None,
    overwrite: bool,
    format_: str,
    quiet: bool,
    **given: Any,
) -> int:
    """Search for better settings, and say honestly what the best of them is worth.

    Layers, units, activation, learning rate, batch size, dropout and weight decay are searched, but
    for those that are given. Settings race over paired seeds; the validation examples choose, and
    the test examples, which do not, say what the choice is worth beside the defaults.
    """
    presenter = Presenter("tune", format_, quiet, json_file)
    _check(budget, seeds, resume, out)
    extras = outputs.Extras(overwrite, save_config=save_config, json=json_file)
    extras.check()
    run = options.run_options(given)
    stored = _resumed(resume, run, seeds) if resume else None
    kept = stored.given if stored else run
    from dnncli import data
    from dnncli.cli.running.tune import Tuning
    from dnncli.experiments.tune import sampler, state
    from dnncli.experiments.tune.run import Search

    sampler.check_installed()
    presenter.prepare_jax()
    spec = from_options(presets.for_data(kept))
    dataset = data.load(spec.data)
    presenter.notices(dataset.notices)
    search = Search(
        spec.resolved(dataset.task), dataset, tuning.space(kept), budget, seeds or SEEDS
    )
    if not search.space:
        raise SpecError("everything that is searched was given: leave out some of the options.")
    if stored:
        state.restore(search, stored, str(resume))
    if out:
        state.create(out, overwrite)
    return Tuning(presenter, search, out or resume, kept, extras).run()


def _check(budget: float, seeds: int | None, resume: Path | None, out: Path | None) -> None:
    """Raise SpecError for numbers that cannot be, and for options that exclude each other."""
    if not 1 <= budget <= LONGEST:
        raise SpecError(
            f"--budget {budget:g}: must be from 1 to {LONGEST:,} seconds.", option="--budget"
        )
    if seeds is not None and not 2 <= seeds <= 100:
        raise SpecError(f"--seeds {seeds}: must be from 2 to 100.", option="--seeds")
    if out and resume:
        raise SpecError(
            "--out and --resume exclude each other: a resumed search stays in its folder.",
            option="--out",
        )


def _resumed(folder: Path, run: dict[str, Any], seeds: int | None) -> "Stored":
    """The search in a folder. Raises SpecError for options that are given anew."""
    from dnncli.experiments.tune import state

    stored = state.load(folder)
    same = all(name in stored.given and stored.given[name] == run[name] for name in run)
    if not same or seeds not in (None, stored.seeds):
        raise SpecError(
            f"--resume {folder}: a resumed search keeps the options it was begun with.",
            option="--resume",
        )
    return stored
