"""Options that commands share, in groups; their defaults are the spec's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from dnncli.cli import config
from dnncli.cli.command import section
from dnncli.cli.types import Count, Name, Number, Sizes
from dnncli.spec import RunSpec, catalog, monitors, objective, resolved
from dnncli.spec.network import FLOAT32
from dnncli.spec.training import AUTO

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULTS = RunSpec().options()


def option(
    *names: str, default: str | None = None, **settings: Any
) -> Callable[[Command], Command]:
    """A Click option that stays None unless given, so that the spec fills it.

    Help shows the spec's default, or `default` where a choice of another option decides it.
    """
    field = names[0].split("/")[0].lstrip("-").replace("-", "_")
    shown = default or _shown(DEFAULTS.get(field))
    if isinstance(settings.get("type"), Name):
        settings["help"] += (
            f" One of {', '.join((*settings['type'].table, *settings['type'].extra))}."
        )
    if shown:
        settings["help"] += f"  [default: {shown}]"
    return click.option(*names, default=None, **settings)


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, list):
        return ",".join(map(str, default))
    if isinstance(default, float):
        return f"{default:g}"
    return "" if default is None else str(default)


def group(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, shown in this order."""

    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


config_option = section(
    "Run",
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=config.read,
        help="TOML file with options in a section named as the command, such as [train]. The"
        " environment (DNNCLI_TRAIN_LR=0.01) wins over it, and options over both.",
    ),
)
result_options = section(
    "Output",
    click.option(
        "--format",
        "format_",
        type=Name(catalog.FORMATS, "format"),
        default="table",
        show_default=True,
        help="How the result is printed: table, json, jsonl or csv.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="No progress and no notices on stderr."),
)
output = group(config_option, result_options)  # what every command has
all_layers = section(
    "Output",
    click.option(
        "--all-layers",
        is_flag=True,
        help="Of a deep network the table has every layer, not the first, the worst and the last;"
        " JSON always has all.",
    ),
)

layers = section(
    "Network",
    option("--hidden", type=Sizes(), help="Sizes of the hidden layers, from the input up."),
    click.option("--depth", type=int, help="Number of hidden layers, instead of --hidden."),
    click.option("--width", type=int, help="Size of each of --depth layers.  [default: 100]"),
)
units = section(
    "Network",
    option("--act", type=Name(catalog.ACTIVATIONS, "activation"), help="Activation function."),
    option(
        "--alpha",
        type=Number(),
        default="by activation",
        help="Slope or scale of leaky-relu, prelu, elu, celu.",
    ),
    option(
        "--init",
        type=Name(catalog.INITIALIZERS, "initialiser", ("auto",)),
        default="auto",
        help="Weight initialiser; auto is the one theory gives for the activation. he is true He"
        " (variance 2/n_in); much published code calls lecun-normal (1/n_in) He.",
    ),
)
regularisation = section(
    "Network",
    option("--bn/--no-bn", help="Batch normalisation before each hidden activation."),
    option("--bn-momentum", type=Number(), default="0.9", help="Momentum of the moving averages."),
    option("--bn-output/--no-bn-output", help="Batch normalisation of the logits too."),
    option(
        "--dropout", type=Number(), help="Share of hidden outputs dropped (SELU: alpha-dropout)."
    ),
)
network = group(layers, units, regularisation)
ensemble = section(
    "Network",
    option("--ensemble", type=int, help="Train N networks, and answer their outputs' mean."),
)

optimisation = section(
    "Optimisation",
    option("--loss", type=Name(objective.LOSSES, "loss"), help="What training minimises."),
    option("--optimizer", type=Name(catalog.OPTIMIZERS, "optimizer"), help="Update rule."),
    option("--lr", type=Number(), default="by optimizer", help="Learning rate."),
    option("--momentum", type=Number(), default="by optimizer", help="Momentum."),
    option(
        "--schedule", type=Name(catalog.SCHEDULES, "schedule"), help="Course of the learning rate."
    ),
    option(
        "--decay-rate", type=Number(), default="0.1", help="Factor of the exponential schedule …"
    ),
    option("--decay-steps", type=int, default="the whole run", help="… every so many steps."),
    option("--warmup", type=Number(), help="Epochs of linear rise of the learning rate from 0."),
    option(
        "--batch-size",
        type=Count("examples", AUTO),
        help="Examples a step; auto: a quarter of the training examples, at most 256.",
    ),
    option("--epochs", type=int, help="Epochs at most."),
    option(
        "--precision",
        type=Name(catalog.PRECISIONS, "precision"),
        default=FLOAT32,
        help="Of the factors in layers' products; weights and all else stay float32.",
    ),
    option("--l1", type=Number(), help="Penalty on the sum of |W|."),
    option("--l2", type=Number(), help="Penalty on the sum of W²."),
    option("--weight-decay", type=Number(), default="by optimizer", help="Decoupled weight decay."),
    option("--max-norm", type=Number(), help="Largest norm of a unit's incoming weights."),
    option("--clip-value", type=Number(), help="Clip every gradient to ± this value."),
    option("--clip-norm", type=Number(), help="Clip each layer's gradient to this norm."),
    option("--clip-global-norm", type=Number(), help="Clip the whole gradient to this norm."),
)

stopping = section(
    "Stopping",
    option("--patience", type=int, help="Stop after so many epochs without improvement; 0: never."),
    option("--min-delta", type=Number(), help="What counts as an improvement."),
    option(
        "--monitor", type=Name(monitors.MONITORS, "monitor"), help="The figure that must improve."
    ),
)


decision = group(
    option(
        "--calibrate/--no-calibrate",
        help="Divide logits by a temperature fitted to the validation examples, where that lowers"
        " the log loss of those it was not fitted to.",
    ),
    option(
        "--threshold",
        metavar="auto|P",
        default="the more probable class",
        help="Of two classes answer the second from this probability on; auto: where balanced"
        " accuracy is highest on the validation examples.",
    ),
)


def inherited(decorator: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """A section whose options, unless given, are those of the run in CKPT; help says so."""

    def decorate(command: Command) -> Command:
        before = len(getattr(command, "__click_params__", ()))
        command = decorator(command)
        for param in command.__click_params__[before:]:  # type: ignore[attr-defined]
            param.help = f"{param.help.partition('  [default: ')[0]}  [default: CKPT's]"
        return command

    return decorate


def run_options(options: dict[str, Any]) -> dict[str, Any]:
    """Options as the spec takes them: those given, layer sizes resolved, patience 0 as never."""
    return resolved({name: value for name, value in options.items() if value is not None})


salvage_option = click.option(
    "--salvage",
    is_flag=True,
    help="Take the network out of a damaged checkpoint, as long as its own part is whole.",
)
interop_options = section(
    "Models from elsewhere",
    click.option(
        "--act",
        type=Name(catalog.ACTIVATIONS, "activation"),
        help="CKPT is a safetensors file from PyTorch or Keras, trained with this activation; an"
        " ONNX file knows its own.",
    ),
    option(
        "--alpha", type=Number(), default="by activation", help="The activation's slope or scale."
    ),
)
