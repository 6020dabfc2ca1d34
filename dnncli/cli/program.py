"""The `dnncli` program: its commands, and the one place where errors become exit codes."""

import atexit
import importlib
import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from dnncli.cli import command, completion, signals, streams, versions
from dnncli.errors import DnncliError, ExitCode
from dnncli.report.escaping import error_line

COMMANDS = {
    "train": "Train a network and report how its layers learn.",
    "eval": "Measure a trained network: scores, confusion, gradients, batch norm.",
    "doctor": "Find why a network does not learn, prescribe what mends it, and prove it.",
    "tune": "Search for better settings, and say what the best of them is worth.",
    "transfer": "Reuse a trained network's layers on another task, and prove that it helped.",
    "data": "See which data there are and what they hold, and fetch data sets.",
    "predict": "Predict the class of every row of a table, or of images.",
    "report": "Write a checkpoint's or a result's page of HTML, to mail or to print.",
    "export": "Write a trained network for other programs: ONNX, PyTorch, Keras, StableHLO.",
    "inspect": "Show what a checkpoint holds: layers and tensors by name, history.",
    "compare-activations": "Compare activation functions over paired seeds: which differences"
    " are real.",
    "vanishing-demo": "Show how gradients vanish and explode with depth.",
    "schema": "Print the JSON Schema of a command's result.",
    "tour": "Walk through the chapter, an idea a station, each seen in a run.",
    "completion": "Print the script with which bash, zsh or fish completes dnncli.",
}


class LazyCommands(click.Group):
    """A group whose commands' modules are imported only when they run or show their own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import `dnncli.cli.commands.<name>` and take its command."""
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"dnncli.cli.commands.{name.replace('-', '_')}")
        return module.command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands' summaries, from the table above: no module is imported for help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As Click does, naming the commands there are when one is unknown."""
        if args and args[0] not in COMMANDS and not ctx.resilient_parsing:
            ctx.fail(f"no command is called {args[0]!r}. There are {', '.join(COMMANDS)}.")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that start so, from the table above, and the program's own options."""
        commands = [CompletionItem(name, help=text) for name, text in COMMANDS.items()]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [item for item in commands if item.value.startswith(incomplete)] + options


@click.group(
    cls=LazyCommands,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "DNNCLI",
        "max_content_width": 120,
    },
    epilog="`dnncli COMMAND --help` shows a command's options and examples.",
)
@versions.version_option
@versions.verbose_option
def program() -> None:
    """Train deep multilayer perceptrons and see which layers learn, which do not, and why.

    Start with `dnncli train`: it trains on bundled images of digits in seconds.
    """


def main() -> NoReturn:
    """Run the program and end the process with the right exit code; bugs keep their traceback.

    Nothing is left to do then but what was registered for the end. Python's own takes apart what
    XLA's threads may still compile or compute with, as after a signal, and crashes.
    """
    code = answer()
    signals.ignore()
    atexit._run_exitfuncs()
    with suppress(OSError, ValueError):  # stderr is closed
        sys.stderr.flush()
    os._exit(code)


def answer() -> int:
    """The exit code of this process's command line, whatever becomes of its output."""
    # XLA reports a tuning preference that it stored itself as a mismatch of processors.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # NumPy's products here are small: a second BLAS thread would only spin on XLA's processors.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    streams.prepare()
    signals.install_early_handlers()
    try:
        code = _asked()
        sys.stdout.flush()
    except BrokenPipeError:
        code = ExitCode.DONE
        streams.discard()
    except OSError as error:
        if error.filename:  # not stdout: an error of a file that nobody turned into a DnncliError
            raise
        reason = (error.strerror or str(error)).lower()
        code = complain(
            f"cannot write the output: {reason}.", ExitCode.FAILED, _command(sys.argv[1:])
        )
        streams.discard()
    return code


def _asked() -> int:
    """The exit code of what was asked: completion by a shell's script, or a command line."""
    if instruction := os.environ.get(completion.VARIABLE):
        return completion.answer(program, instruction)
    return run(sys.argv[1:])


def run(arguments: list[str]) -> int:
    """Parse and run one command line; returns its exit code."""
    try:
        code, _ = _invoke(arguments, {})
        return code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return ExitCode.USAGE
    except click.ClickException as error:
        return complain(_one_line(error), ExitCode.USAGE, _path(error) or _command(arguments))
    except DnncliError as error:
        return complain(str(error), error.exit_code, _command(arguments))
    except (click.Abort, KeyboardInterrupt):
        signals.disarm()
        return ExitCode.INTERRUPTED
    except MemoryError:
        advice = "not enough memory: make the network or the data smaller."
        return complain(advice, ExitCode.FAILED, _command(arguments))


def invoke(arguments: list[str]) -> tuple[int, Any]:
    """Run a command line inside another command: its exit code and the record it has presented.

    Raises what the command raises.
    """
    return _invoke(arguments, {command.INSIDE: True})


def _invoke(arguments: list[str], more: dict[str, Any]) -> tuple[int, Any]:
    """Parse and run one command line; its exit code and its record, if it has presented one."""
    with program.make_context("dnncli", list(arguments)) as context:
        context.meta.update({command.COMMAND_LINE: ("dnncli", *arguments), **more})
        result: Any = program.invoke(context)
        return int(result or ExitCode.DONE), context.meta.get(command.RESULT)


def complain(message: str, code: ExitCode, where: str = "dnncli") -> ExitCode:
    """One line on stderr; what a name from a file could do to a terminal is escaped."""
    print(error_line(f"{where}: {message}"), file=sys.stderr)
    return code


def _one_line(error: click.ClickException) -> str:
    message = " ".join(error.format_message().split())
    if isinstance(error, click.UsageError) and not message.endswith((".", "?", ")")):
        message += "."
    return message


def _path(error: click.ClickException) -> str | None:
    context = getattr(error, "ctx", None)
    return context.command_path if context else None


def _command(arguments: list[str]) -> str:
    named = next((argument for argument in arguments if argument in COMMANDS), None)
    return f"dnncli {named}" if named else "dnncli"
