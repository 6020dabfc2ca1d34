"""`dnncli --version`, and with `--verbose` all that a run's numbers can depend on."""

from collections.abc import Iterator
from typing import Any

import click

from dnncli import __version__


class VersionOption(click.Option):
    """`--version`, which knows whether `--verbose` stands beside it, before it or behind it."""

    def handle_parse_result(
        self, ctx: click.Context, opts: Any, args: list[str]
    ) -> tuple[Any, list[str]]:
        """Print and end, whatever else stands on the command line."""
        if opts.get("version") and not ctx.resilient_parsing:
            click.echo("\n".join(lines(verbose=bool(opts.get("verbose")))))
            ctx.exit()
        return super().handle_parse_result(ctx, opts, args)


def refuse_alone(ctx: click.Context, param: click.Parameter, given: bool) -> None:
    """`--verbose` without `--version`, which would have ended before, says nothing."""
    if given and not ctx.resilient_parsing:
        raise click.UsageError("--verbose goes with --version only.", ctx)


version_option = click.option(
    "--version",
    cls=VersionOption,
    is_flag=True,
    is_eager=True,
    expose_value=False,
    allow_from_autoenv=False,
    help="Show the version and exit.",
)
verbose_option = click.option(
    "--verbose",
    is_flag=True,
    expose_value=False,
    allow_from_autoenv=False,
    callback=refuse_alone,
    help="With --version: also those of Python, of the libraries and of what they need, each with"
    " its licence, and the machine.",
)


def lines(verbose: bool) -> Iterator[str]:
    """The program's version; verbose: a line each for what it runs on and with."""
    yield f"dnncli {__version__}"
    if verbose:
        from dnncli.cli import installed  # 40 ms that help and completion do not pay

        yield from installed.lines()
