"""`dnncli train`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dnncli.cli import data_options, device_options, options, outputs, preset
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.types import CheckpointFile, Names
from dnncli.errors import SpecError
from dnncli.spec import RunSpec, catalog, checks, from_options, presets

if TYPE_CHECKING:
    from dnncli.data import Dataset
    from dnncli.data.folds import Folds
    from dnncli.training.devices import Devices
    from dnncli.training.snapshot import Snapshot

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
    presenter = Presenter("train", format_, quiet, json_file)
    run = options.run_options(given)
    extras = outputs.Extras(
        overwrite, out, plot=plot, save_config=save_config, tensorboard=tensorboard, json=json_file
    )
    if verify:
        files = {"out": out, "keep": keep, "plot": plot, "tensorboard": tensorboard}
        ends = {"resume": resume, "folds": folds, "fail_on": fail_on, "stop_on": stop_on}
        ends |= {"save_config": save_config, "final": final or None}
        _check_alone(run | files | ends)
        return _verify(verify, run.get("data"), devices, presenter, extras, began)
    extras.check()
    _check_folds(resume, folds, final)
    _check_ensemble(run, folds=folds, stop_on=stop_on)
    if resume:
        snapshot, dataset = _resume(resume, run, devices, presenter)
    else:
        snapshot, dataset = _start(from_options(presets.for_data(run)), presenter)
    presenter.notices(dataset.notices)
    _check_origin(save_config, snapshot)
    from dnncli.cli.running.train import Training
    from dnncli.storage import checkpoint

    stem = f"{snapshot.spec.network.act}-{dataset.name}"
    path = out or checkpoint.unused_path(stem)
    for each in (path, *checkpoint.earlier(path, (keep or 1) - 1)):
        checkpoint.reserve(each, overwrite or not out)
    ends = {"fail_on": fail_on, "stop_on": stop_on, "folds": folds, "final": final, "keep": keep}
    extras.keep("train", {**snapshot.spec.options(), **ends, "devices": devices})
    training = Training(presenter, snapshot, dataset, path, extras, began)
    training.devices = _devices(devices)
    training.keep = keep or 1
    training.fail_on = fail_on or ()
    training.stop_on = stop_on or ()
    training.folds = _folds(snapshot.spec, folds)
    training.all_layers = all_layers
    training.final = final
    return training.run()


def _devices(wanted: int | str | None) -> "Devices | None":
    """The devices that share the work; JAX is ready to be imported."""
    from dnncli.training import devices

    return devices.choose(wanted)


def _check_origin(save_config: Path | None, snapshot: "Snapshot") -> None:
    """Raise SpecError where a config is asked for that cannot give the run again."""
    if save_config and snapshot.origin:
        raise SpecError(
            "--save-config: no options give another network's layers again; keep the checkpoint.",
            option="--save-config",
        )


def _check_alone(given: dict[str, Any]) -> None:
    """Raise SpecError for options beside --verify, which takes the stored ones."""
    for name, value in given.items():
        if value is not None and name != "data":
            option = checks.option(name)
            raise SpecError(
                f"{option}: --verify trains with the stored options; leave it out.",
                option=option,
            )


def _verify(
    path: Path,
    name: str | None,
    devices: int | str | None,
    presenter: Presenter,
    extras: outputs.Extras,
    began: float,
) -> int:
    """Train a stored run again and compare."""
    from dnncli.experiments import verify

    extras.check()
    presenter.prepare_jax()
    repetition = verify.load(path, name)
    presenter.notices(repetition.dataset.notices)
    from dnncli.cli.running.train import Training

    training = Training(presenter, repetition.start, repetition.dataset, None, extras, began)
    training.repetition = repetition
    training.devices = _devices(devices)
    return training.run()


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


def _folds(spec: RunSpec, count: int | None) -> "Folds | None":
    """The folds to cross-validate on, if that was asked for."""
    if count is None:
        return None
    from dnncli.data import folds

    return folds.folds(spec.data, count)


def _start(spec: RunSpec, presenter: Presenter) -> tuple["Snapshot", "Dataset"]:
    from dnncli import data

    # Before JAX is imported: what is wrong with the data shows at once.
    dataset = data.load(spec.data)
    from dnncli.experiments.metrics import temperature, threshold
    from dnncli.training import ensemble, run

    temperature.check(spec, dataset)
    threshold.check(spec, dataset)
    presenter.prepare_jax()
    if spec.network.ensemble > 1:
        return ensemble.start(spec, dataset), dataset
    return run.start(spec, dataset), dataset


def _resume(
    path: Path, options: dict[str, Any], wanted: int | str | None, presenter: Presenter
) -> tuple["Snapshot", "Dataset"]:
    from dnncli.experiments import train
    from dnncli.report import verification
    from dnncli.training.versions import differences

    presenter.prepare_jax()
    devices = _devices(wanted)
    snapshot, dataset = train.resume(path, options)
    count = devices.count if devices else 1
    changes = verification.changes(differences(snapshot.versions, count))
    if changes:
        presenter.notice(f"{path}: not all is as it was, and bytes may differ: {changes}.")
    return snapshot, dataset
