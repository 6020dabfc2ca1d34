"""`dnncli train`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dnncli.cli import data_options, device_options, options, outputs, preset, streams
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.running import train_setup
from dnncli.cli.types import CheckpointFile, Names
from dnncli.errors import SpecError
from dnncli.spec import catalog, checks

if TYPE_CHECKING:
    from dnncli.training.processes import Group

MOST_KEPT = 100
EXAMPLES = """
  dnncli train                                   # bundled digits, a few seconds
  dnncli train --act elu --init he
  dnncli train --data mnist/ --hidden 300,100 --bn --out elu.ckpt
  dnncli train --depth 20 --act sigmoid          # watch the gradients vanish
  dnncli train --resume elu.ckpt --epochs 80
  dnncli train --plot run.svg                    # curves; δ by layer and epoch
  dnncli train --folds 5 --epochs 20             # a score from every example
  dnncli train --format json | jq .test.accuracy
"""


@define("train", EXAMPLES)
@data_options.data
@data_options.memory
@data_options.tables
@preset.option
@options.network
@options.ensemble
@options.optimisation
@options.stopping
@section(
    "Run",
    options.decision,
    options.option("--seed", type=int, help="Seed of initialisation, shuffles and dropout."),
    click.option(
        "--resume", type=CheckpointFile(), metavar="CKPT", help="Go on from this checkpoint."
    ),
    click.option(
        "--verify",
        type=CheckpointFile(),
        metavar="CKPT",
        help="Train this checkpoint's run again, save nothing, and compare bit for bit; exit with 1"
        " where it differs.",
    ),
    click.option(
        "--folds",
        type=int,
        metavar="K",
        help="Also cross-validate: train on all of K folds but one, test on that one, for each.",
    ),
    click.option(
        "--final",
        is_flag=True,
        help="After --folds: keep a network trained on all rows, for the median of the folds' best"
        " epochs. No score is of this network; the folds' are to be expected of it.",
    ),
    click.option(
        "--fail-on",
        type=Names(catalog.RULES, "condition"),
        help=f"Exit with 4 on any of these verdicts: {', '.join(catalog.RULES)}.",
    ),
    click.option(
        "--stop-on",
        type=Names(catalog.RULES, "condition"),
        help="Also stop at the epoch that earns one of them.",
    ),
)
@device_options.local("each batch, or the networks of an ensemble")
@device_options.together
@outputs.save_config_option
@section(
    "Output",
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Checkpoint file.  [default: a new one in runs/]",
    ),
    click.option(
        "--keep",
        type=click.IntRange(1, MOST_KEPT),
        metavar="N",
        help="How many checkpoints of the run to keep, the newest and earlier ones (net.1.ckpt, …)."
        "  [default: 1]",
    ),
    click.option(
        "--save-every",
        type=click.FloatRange(min=0),
        metavar="MINUTES",
        help="How often to save the run while it trains: after an epoch, and inside one that comes"
        " in blocks (--memory).  [default: 5 seconds]",
    ),
    outputs.plot_option,
    outputs.tensorboard_option,
    outputs.json_option,
    outputs.overwrite_option,
)
@options.all_layers
@options.output
def command(
    out: Path | None,
    keep: int | None,
    save_every: float | None,
    plot: Path | None,
    tensorboard: Path | None,
    save_config: Path | None,
    json_file: Path | None,
    overwrite: bool,
    resume: Path | None,
    verify: Path | None,
    folds: int | None,
    final: bool,
    fail_on: tuple[str, ...] | None,
    stop_on: tuple[str, ...] | None,
    all_layers: bool,
    devices: int | str | None,
    format_: str,
    quiet: bool,
    **given: Any,
) -> int:
    """Train a multilayer perceptron and report how its layers learn.

    After every epoch it prints losses and validation accuracy; at the end the test accuracy, each
    layer's gradients, and a verdict. The best epoch's network is kept in a checkpoint.
    """
    began = time.perf_counter()
    asked = device_options.processes(given)
    if asked.several:
        streams.keep_for_python()  # Gloo says there who is connected
    presenter = Presenter("train", format_, quiet, json_file)
    run = options.run_options(given)
    extras = outputs.Extras(
        overwrite, out, plot=plot, save_config=save_config, tensorboard=tensorboard, json=json_file
    )
    if verify:
        files: dict[str, Any] = {"out": out, "keep": keep, "plot": plot, "tensorboard": tensorboard}
        files |= {"save_every": save_every}
        others = {"resume": resume, "folds": folds, "fail_on": fail_on, "stop_on": stop_on}
        others |= {"save_config": save_config, "final": final or None}
        others |= {"distributed": asked.several or None}
        _check_alone(run | files | others)
        return train_setup.repeat(verify, run.get("data"), devices, presenter, extras, began)
    _check_folds(resume, folds, final)
    _check_ensemble(run, folds=folds, stop_on=stop_on)
    ends: dict[str, Any] = {"save_every": save_every}
    ends |= {"fail_on": fail_on, "stop_on": stop_on, "folds": folds, "final": final, "keep": keep}

    def prepare(group: "Group | None" = None) -> int:
        """Train in this process, or in this one of several."""
        training = train_setup.prepare(run, resume, ends, devices, presenter, extras, began, group)
        training.all_layers = all_layers
        return training.run()

    if not asked.several:
        return prepare()
    from dnncli.cli.running import together

    together.check_options({"folds": folds, "ensemble": run.get("ensemble", 1) > 1})
    return together.parted(lambda: prepare(together.join(asked, devices, presenter)))


def _check_alone(given: dict[str, Any]) -> None:
    """Raise SpecError for options beside --verify, which takes the stored ones."""
    for name, value in given.items():
        if value is not None and name != "data":
            option = checks.option(name)
            raise SpecError(
                f"{option}: --verify trains with the stored options; leave it out.",
                option=option,
            )


def _check_folds(resume: Path | None, folds: int | None, final: bool) -> None:
    """Raise SpecError for folds of a run that has none, and for what needs them."""
    if resume and folds:
        raise SpecError("--folds: a resumed run is of one split; leave it out.", option="--folds")
    if final and not folds:
        raise SpecError(
            "--final: the epochs to train on all rows are found by --folds K; give that too.",
            option="--final",
        )


def _check_ensemble(run: dict[str, Any], **ends: Any) -> None:
    """Raise SpecError for options that look at one network, of which an ensemble has several."""
    given = [name for name, value in ends.items() if value]
    if run.get("ensemble", 1) > 1 and given:
        option = checks.option(given[0])
        raise SpecError(f"{option}: it is for one network; leave out --ensemble.", option=option)
