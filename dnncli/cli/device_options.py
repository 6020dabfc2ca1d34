"""Options that share the work of a run over several devices."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

import click

from dnncli.cli.command import section
from dnncli.cli.types import Count, Number
from dnncli.errors import SpecError
from dnncli.spec.processes import ProcessSpec

Command = TypeVar("Command", bound=Callable[..., Any])
ALL = "all"


def local(shared: str) -> Callable[[Command], Command]:
    """The option --devices of a command whose `shared` devices share."""
    return section(
        "Run",
        click.option(
            "--devices",
            type=Count("devices", ALL),
            help=f"How many of this machine's devices share {shared}.  [default: 1]",
        ),
    )


together = section(
    "Run",
    click.option(
        "--distributed",
        is_flag=True,
        help="Train together with the other processes that Slurm, Open MPI or Kubernetes has"
        " started; the first one prints and saves.",
    ),
    click.option(
        "--coordinator",
        metavar="HOST:PORT",
        help="Train together with others that are told so: where process 0 answers.",
    ),
    click.option("--processes", type=int, help="How many processes there are …"),
    click.option("--process", type=int, help="… and which of them this one is, from 0."),
    click.option(
        "--timeout",
        type=Number(),
        metavar="SECONDS",
        help="Give up where the other processes do not come, or do not end an epoch, within"
        f" this time.  [default: {ProcessSpec.timeout:g}]",
    ),
)


def processes(given: dict[str, Any]) -> ProcessSpec:
    """What the options of `together` ask for; they are taken out of those given.

    Raises SpecError where they do not go together.
    """
    values = {field.name: given.pop(field.name) for field in fields(ProcessSpec)}
    asked = ProcessSpec(**{name: value for name, value in values.items() if value is not None})
    if values["timeout"] is not None and not asked.several:
        raise SpecError(
            "--timeout: a single process waits for nobody; leave it out.", option="--timeout"
        )
    return asked
