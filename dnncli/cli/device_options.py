"""Options that share the work of a run over several devices."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from dnncli.cli.command import section

Command = TypeVar("Command", bound=Callable[..., Any])
ALL = "all"


class DeviceCount(click.ParamType):
    """How many devices: a number from 1 on, or all of them."""

    name = "devices"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What help calls it."""
        return "N|all"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Parse a positive whole number or `all`."""
        if value == ALL:
            return ALL
        try:
            count = int(value)
        except (TypeError, ValueError):
            count = 0
        if count < 1:
            self.fail(f"{value!r} is neither a number of devices from 1 on nor all", param, ctx)
        return count


def local(shared: str) -> Callable[[Command], Command]:
    """The option --devices of a command whose `shared` devices share."""
    return section(
        "Run",
        click.option(
            "--devices",
            type=DeviceCount(),
            help=f"How many of this machine's devices share {shared}.  [default: 1]",
        ),
    )
