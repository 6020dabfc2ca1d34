"""How a command reads its options and explains them: sections, environment variables, named sources."""

import os
import re
import textwrap
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import click
from click.core import ParameterSource

from dnncli.errors import SpecError

COMMAND_LINE = "dnncli.command-line"  # where a context keeps the words it was made from
CONFIG_FILE = "dnncli.config-file"  # … and the path of its --config
WIDEST_NAMES = (
    26  # columns of help's first column at most; longer names stand on a line of their own
)
STRENGTH = {
    ParameterSource.COMMANDLINE: 3,
    ParameterSource.ENVIRONMENT: 2,
    ParameterSource.DEFAULT_MAP: 1,
}


def section(title: str, *decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one decorator, shown in this order under a title of their own in help."""

    def decorate(function: Any) -> Any:
        before = len(getattr(function, "__click_params__", ()))
        for decorator in reversed(decorators):
            function = decorator(function)
        for param in function.__click_params__[before:]:
            param.section = title
        return function

    return decorate


def define(
    name: str, examples: str = "", **settings: Any
) -> Callable[[Callable[..., Any]], "Command"]:
    """Make a function a command of the program; its examples close its help."""
    return click.command(name, cls=Command, examples=examples, **settings)


def field(option: click.Parameter) -> str:
    """An option's name in files and variables, as on the command line: `batch-size`."""
    return max(option.opts, key=len).lstrip("-")


class Command(click.Command):
    """A command with options in sections, whose errors say where a wrong value came from."""

    def __init__(self, *arguments: Any, examples: str = "", **settings: Any) -> None:
        """`examples` are lines of a shell, shown as they are."""
        super().__init__(*arguments, **settings)
        self.examples = examples

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As Click does; then nothing in the environment may be left over, and the later of rivals wins."""
        prefix = f"{ctx.auto_envvar_prefix or 'DNNCLI'}_"
        variables = {
            prefix + field(option).upper().replace("-", "_"): option for option in _options(self)
        }
        for variable, option in variables.items():
            option.envvar = (
                variable  # Click would take the function's parameter: DNNCLI_TRAIN_FORMAT_
            )
        try:
            rest = super().parse_args(ctx, args)
        except click.BadParameter as error:
            raise _with_source(error, ctx) from None
        if not ctx.resilient_parsing:
            _check_environment(prefix, set(variables))
            _settle(ctx)
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what its spec refuses is told with the file or variable that set it."""
        try:
            return super().invoke(ctx)
        except SpecError as error:
            option = next((o for o in _options(self) if error.option in o.opts), None)
            source = option and _source(ctx, option)
            if not source:
                raise
            raise type(error)(f"{error} ({source} sets it.)", error.option) from error

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Options under their sections' titles, all descriptions in one column."""
        sections: dict[str, list[tuple[str, str]]] = {}
        title = "Options"
        for param in self.get_params(ctx):
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx)):
                title = getattr(
                    param, "section", title
                )  # what is in no section stands with its neighbour
                sections.setdefault(title, []).append(
                    (record[0].replace(" INTEGER", " N"), record[1])
                )
        names = [name for rows in sections.values() for name, _ in rows]
        width = min(WIDEST_NAMES, max(map(len, names), default=0))
        for title, rows in sections.items():
            with formatter.section(title):
                room = formatter.width - width - 4
                lines = [(name.ljust(width), _wrapped(text, room)) for name, text in rows]
                formatter.write_dl(lines, col_max=width)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, never wrapped: they are there to be copied."""
        super().format_epilog(ctx, formatter)
        if lines := self.examples.strip("\n").splitlines():
            with formatter.section("Examples"):
                formatter.write("".join(f"  {line.strip()}\n" for line in lines))


def _wrapped(text: str, width: int) -> str:
    """Lines for Click to take as they are: it would break names at hyphens, and defaults at spaces."""
    width = max(width, 20)
    whole = re.sub(r"\[default: [^]]*\]", lambda default: _unbroken(default[0], width), text)
    lines = textwrap.wrap(whole, width, break_on_hyphens=False)
    return "\b\n" + "\n".join(lines).replace("\0", " ")


def _unbroken(default: str, width: int) -> str:
    """A default that stays in one piece, or a list of defaults longer than a line, apart at its commas."""
    return default.replace(" ", "\0") if len(default) <= width else default.replace(",", ", ")


def _options(command: click.Command) -> list[click.Option]:
    return [param for param in command.params if isinstance(param, click.Option)]


def _source(ctx: click.Context, param: click.Parameter) -> str | None:
    """What set an option, where that is not the command line itself."""
    source = ctx.get_parameter_source(param.name or "")
    if source is ParameterSource.ENVIRONMENT:
        return str(param.envvar)
    return str(ctx.meta.get(CONFIG_FILE)) if source is ParameterSource.DEFAULT_MAP else None


def _with_source(error: click.BadParameter, ctx: click.Context) -> click.BadParameter:
    if error.param and (source := _source(ctx, error.param)):
        error.param_hint = f"'{max(error.param.opts, key=len)}' in {source}"
    return error


def _check_environment(prefix: str, known: set[str]) -> None:
    """A misspelt variable is an error, as a misspelt option is."""
    for variable in os.environ:
        if variable.startswith(prefix) and variable not in known:
            near = get_close_matches(variable, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "unset it."
            raise SpecError(
                f"the environment sets {variable}, which is no option's variable: {hint}"
            )


def _settle(ctx: click.Context) -> None:
    """Sizes given twice in two forms: the form given later (file, environment, flag) counts."""
    strengths = {
        name: STRENGTH.get(ctx.get_parameter_source(name), 0)  # type: ignore[arg-type]
        for name in ("hidden", "depth", "width")
        if ctx.params.get(name) is not None
    }
    sizes, depth = strengths.get("hidden", 0), strengths.get("depth", 0)
    if sizes and depth:
        weaker = ("depth", "width") if sizes > depth else ("hidden",) if depth > sizes else ()
        ctx.params.update(dict.fromkeys(weaker))
