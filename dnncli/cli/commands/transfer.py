"""`dnncli transfer`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dnncli.cli import data_options, device_options, options, outputs
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.types import CheckpointFile, Name, Number, Sizes
from dnncli.spec import catalog
from dnncli.spec import transfer as transfer_spec
from dnncli.spec.transfer import TransferSpec

if TYPE_CHECKING:
    from dnncli.experiments.transfer.task import Transfer

OWN = (
    "keep",
    "add",
    "reinit",
    "head",
    "freeze",
    "unfreeze",
    "lr_decay",
    "seeds",
    "baseline",
    "cache",
)

EXAMPLES = """
  dnncli transfer elu.ckpt --classes 5-9         # all layers, other classes
  dnncli transfer elu.ckpt --classes 5-9 --per-class 100 --keep 1 --freeze 1
  dnncli transfer elu.ckpt --data mnist/ --keep auto      # by trial
  dnncli transfer elu.ckpt --keep 3 --add 20 --freeze hidden1,hidden2
  dnncli transfer elu.ckpt --freeze all --unfreeze "5:hidden4 10:hidden3 15:all"
  dnncli transfer elu.ckpt --classes 5-9 --seeds 5 --plot proof.svg
  dnncli transfer model.safetensors --act relu --data mnist/   # from elsewhere
  dnncli transfer model.onnx --data mnist/
"""


@define("transfer", EXAMPLES)
@click.argument("checkpoint", metavar="CKPT", type=CheckpointFile())
@section(
    "Layers",
    options.option(
        "--keep",
        metavar="N|all|auto|NAME,…",
        default="all",
        help="Hidden layers to reuse, from the bottom;"
        " auto tries several against training from scratch.",
    ),
    options.option("--add", type=Sizes(), help="Sizes of new hidden layers on top of them."),
    options.option("--reinit", metavar="NAME,…", help="Kept layers to draw anew."),
    options.option(
        "--head",
        type=click.Choice(transfer_spec.HEADS),
        default="keep where the classes and the layers below are the same",
        help="Whether the output layer is new.",
    ),
    options.option(
        "--freeze",
        metavar="N|all|NAME,…",
        default="0",
        help="Kept layers that stay as they are, from the bottom.",
    ),
    options.option(
        "--unfreeze",
        metavar="EPOCH:NAME,…",
        help="When frozen layers are unfrozen: '5:hidden4 10:hidden3 15:all' trains hidden4 from"
        " epoch 5 on.",
    ),
    options.option(
        "--lr-decay",
        type=Number(),
        default="1",
        help="Factor of the learning rate from a layer to the one below.",
    ),
    options.option(
        "--init",
        type=Name(catalog.INITIALIZERS, "initialiser", ("auto",)),
        default="CKPT's",
        help="Initialiser of new layers.",
    ),
    options.option(
        "--dropout", type=Number(), default="CKPT's", help="Share of hidden outputs dropped."
    ),
)
@options.inherited(data_options.data)
@options.inherited(data_options.tables)
@options.inherited(options.optimisation)
@options.inherited(options.stopping)
@section(
    "Run",
    options.option(
        "--seeds",
        type=int,
        default="3",
        help="Pairs of runs: with layers reused, and from scratch.",
    ),
    options.option("--seed", type=int, help="The first seed; its network is kept."),
    options.option(
        "--baseline/--no-baseline",
        default="on",
        help="Train the same architecture from scratch, to compare.",
    ),
    options.option(
        "--cache/--no-cache",
        default="on",
        help="Compute once what frozen layers put out. The results are the same.",
    ),
)
@device_options.local("each batch")
@options.interop_options
@section(
    "Output",
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Checkpoint file.  [default: a new one in runs/]",
    ),
    outputs.plot_option,
    outputs.json_option,
    outputs.overwrite_option,
)
@options.all_layers
@options.output
def command(
    checkpoint: Path,
    act: str | None,
    alpha: float | None,
    out: Path | None,
    plot: Path | None,
    json_file: Path | None,
    overwrite: bool,
    all_layers: bool,
    devices: int | str | None,
    format_: str,
    quiet: bool,
    **given: Any,
) -> int:
    """Reuse the lower layers of a trained network on another task, and prove that it helped.

    Layers are kept with their weights, frozen or trained on, under a new output layer where the
    classes are others. Activation, batch norm, feature scaling and how it is trained come from CKPT
    unless given. The same architecture is trained from scratch on the same data, seed by seed, to
    compare.
    """
    began = time.perf_counter()
    presenter = Presenter("transfer", format_, quiet, json_file)
    own = {name: given.pop(name) for name in OWN}
    spec = TransferSpec(**_own(own), options=options.run_options(given))
    extras = outputs.Extras(overwrite, out=out, plot=plot, json=json_file)
    extras.check()
    task = _prepare(checkpoint, spec, act, alpha, presenter)
    from dnncli.cli.running.transfer import Transferring
    from dnncli.storage import checkpoint as checkpoints

    path = out or checkpoints.unused_path(
        f"transfer-{task.layout.run.network.act}-{task.dataset.name}"
    )
    checkpoints.reserve(path, overwrite or not out)
    from dnncli.training import devices as sharing

    shared = sharing.choose(devices)
    return Transferring(presenter, task, path, extras, began, all_layers, shared).run()


def _own(given: dict[str, Any]) -> dict[str, Any]:
    """The options that only a transfer has, lists of names as tuples."""
    values = {name: value for name, value in given.items() if value is not None}
    if "reinit" in values:
        values["reinit"] = tuple(name.strip() for name in values["reinit"].split(","))
    return values


def _prepare(
    path: Path, spec: TransferSpec, act: str | None, alpha: float | None, presenter: Presenter
) -> "Transfer":
    """Read the parent and the data, and resolve what is kept, frozen and new."""
    from dnncli.experiments import models
    from dnncli.experiments.transfer import task

    parent, dataset, record = models.for_new_task(path, spec.options, act, alpha)
    presenter.notices(dataset.notices)
    presenter.prepare_jax()
    return task.prepare(spec, parent, record, dataset)
