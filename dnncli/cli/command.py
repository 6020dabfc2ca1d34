"""How a command reads its options and explains them: sections, variables, sources with names."""

import os
import re
import textwrap
from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from dnncli.cli import waiting
from dnncli.cli.suggestions import meant, renamed
from dnncli.errors import SpecError, suggestion

COMMAND_LINE = "dnncli.command-line"  # where a context keeps the words it was made from
CONFIG_FILE = "dnncli.config-file"  # … the path of its --config
RESULT = "dnncli.result"  # … the record that its command has presented
INSIDE = "dnncli.inside"  # … and whether another command has made it
# Columns of help's first column at most; longer names stand on a line of their own.
WIDEST_NAMES = 26
SOURCE_PRIORITY = {
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


def option_name(option: click.Parameter) -> str:
    """An option's name in files and variables, as on the command line: `batch-size`."""
    return max(option.opts, key=len).lstrip("-")


class Command(click.Command):
    """A command with options in sections, whose errors say where a wrong value came from."""

    def __init__(self, *arguments: Any, examples: str = "", **settings: Any) -> None:
        """`examples` are lines of a shell, shown as they are."""
        super().__init__(*arguments, **settings)
        self.examples = examples

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As Click does; then reject unknown variables, and keep one of --hidden and --depth."""
        prefix = f"{ctx.auto_envvar_prefix or 'DNNCLI'}_"
        variables = {_variable(prefix, option): option for option in _options(self)}
        for variable, option in variables.items():
            # Click would take the function's parameter: DNNCLI_TRAIN_FORMAT_.
            option.envvar = variable
        try:
            rest = super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise _with_suggestion(error, self) from None
        except click.BadParameter as error:
            raise _with_source(error, ctx) from None
        if not ctx.resilient_parsing:
            _check_environment(prefix, set(variables))
            _keep_stronger_sizes(ctx)
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of an option names the file or variable that set it."""
        inside = ctx.meta.get(INSIDE)
        try:
            with waiting.shown(quiet=bool(inside or ctx.params.get("quiet"))):
                return super().invoke(ctx)
        except SpecError as error:
            option = next((o for o in _options(self) if error.option in o.opts), None)
            source = option and _source(ctx, option)
            if not source:
                raise
            raise type(error)(f"{error} ({source} sets it.)", error.option) from error

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Options under their sections' titles, all descriptions in one column."""
        sections = self._sections(ctx)
        names = [name for rows in sections.values() for name, _ in rows]
        width = min(WIDEST_NAMES, max(map(len, names), default=0))
        for title, rows in sections.items():
            with formatter.section(title):
                room = formatter.width - width - 4
                lines = [(name.ljust(width), _wrapped(text, room)) for name, text in rows]
                formatter.write_dl(lines, col_max=width)

    def _sections(self, ctx: click.Context) -> dict[str, list[tuple[str, str]]]:
        """Names and descriptions of options by section."""
        sections: dict[str, list[tuple[str, str]]] = {}
        title = "Options"
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record:
                # An option without a section stands with its neighbour.
                title = getattr(param, "section", title)
                name = record[0].replace(" INTEGER", " N")
                sections.setdefault(title, []).append((name, record[1]))
        return sections

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, never wrapped: they are there to be copied."""
        super().format_epilog(ctx, formatter)
        if lines := self.examples.strip("\n").splitlines():
            with formatter.section("Examples"):
                formatter.write("".join(f"  {line.strip()}\n" for line in lines))


def _variable(prefix: str, option: click.Option) -> str:
    """An option's environment variable: DNNCLI_TRAIN_BATCH_SIZE."""
    return prefix + option_name(option).upper().replace("-", "_")


def _wrapped(text: str, width: int) -> str:
    """Lines that Click leaves alone: it would break names at hyphens, and defaults at spaces."""
    width = max(width, 20)
    whole = re.sub(r"\[default: [^]]*\]", lambda default: _unbroken(default[0], width), text)
    lines = textwrap.wrap(whole, width, break_on_hyphens=False)
    return "\b\n" + "\n".join(lines).replace("\0", " ")


def _unbroken(default: str, width: int) -> str:
    """A default in one piece, or, where it is longer than a line, broken at its commas."""
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


def _with_suggestion(error: click.NoSuchOption, command: Command) -> click.UsageError:
    """An unknown option with the one that was meant, by its name elsewhere or its spelling."""
    names = [name for option in _options(command) for name in _long_names(option)]
    near = meant(error.option_name.lstrip("-"), names)
    hint = f": did you mean --{near}?" if near else "."
    return click.UsageError(f"No such option {error.option_name!r}{hint}", error.ctx)


def _long_names(option: click.Option) -> list[str]:
    """An option's names with two dashes, without them: `bn`, `no-bn`."""
    names = [*option.opts, *option.secondary_opts]
    return [name.removeprefix("--") for name in names if name.startswith("--")]


def _check_environment(prefix: str, known: set[str]) -> None:
    """A misspelt variable is an error, as a misspelt option is."""
    for variable in os.environ:
        if variable.startswith(prefix) and variable not in known:
            hint = _variable_hint(prefix, variable, known)
            raise SpecError(
                f"the environment sets {variable}, which is not the variable of an option: {hint}"
            )


def _variable_hint(prefix: str, variable: str, known: set[str]) -> str:
    """What to do about a variable that is not an option's."""
    names = {name.removeprefix(prefix).lower().replace("_", "-"): name for name in known}
    near = renamed(variable.removeprefix(prefix).lower().replace("_", "-"), names)
    if near:
        return f"did you mean {names[near]!r}?"
    return suggestion(variable, known) or "unset it."


def _keep_stronger_sizes(ctx: click.Context) -> None:
    """Where --hidden and --depth are both set, keep the one from the stronger source."""
    hidden = _priority(ctx, "hidden")
    depth = _priority(ctx, "depth")
    if not hidden or not depth:
        return
    if hidden > depth:
        ctx.params.update(depth=None, width=None)
    elif depth > hidden:
        ctx.params.update(hidden=None)


def _priority(ctx: click.Context, name: str) -> int:
    """How strong the source of an option's value is; 0: it has no value."""
    source = ctx.get_parameter_source(name)
    if ctx.params.get(name) is None or source is None:
        return 0
    return SOURCE_PRIORITY.get(source, 0)
