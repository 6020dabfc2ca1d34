"""How the tests of the shell run command lines: in this process for speed, in another for what needs one."""

import importlib
import importlib.util
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click
import numpy as np
import warm

from dnncli.cli import program
from dnncli.report import schema

TINY = ["--data", "tiny.npz", "--hidden", "4,3", "--epochs", "2", "--batch-size", "8"]


@dataclass(frozen=True)
class Result:
    """How a command line ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The one object on stdout, refusing what strict JSON has not."""
        return strict(self.out)


def strict(text):
    """JSON without NaN and infinities."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


@cache
def validator(command):
    """What checks a command's results; None where jsonschema is not installed."""
    if importlib.util.find_spec("jsonschema") is None:
        return None
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema.of_command(command))


def check_schema(document):
    """Raise ValidationError unless a result is what `dnncli schema` says."""
    checking = validator(document["command"].replace(" ", "-"))
    if checking:
        checking.validate(document)


def check_output(out):
    """The same for what was printed, where that is one result and not a stream of events."""
    if out.startswith('{"command"') and '"event"' not in out.partition("\n")[0][:99]:
        check_schema(strict(out))


def recorded(path):
    """The result that --json wrote to a file, held against its command's schema."""
    document = strict(Path(path).read_text())
    check_schema(document)
    return document


def run(*arguments, stdin=b""):
    """One command line in this process; an exception that a user would see as a traceback is raised."""
    before = sys.stdin, sys.stdout, sys.stderr
    streams = [io.TextIOWrapper(io.BytesIO(data), "utf-8", "replace") for data in (stdin, b"", b"")]
    sys.stdin, sys.stdout, sys.stderr = streams
    try:
        code = program.run([str(argument) for argument in arguments])
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
    for stream in streams[1:]:
        stream.flush()
    out, err = (stream.buffer.getvalue().decode() for stream in streams[1:])
    check_output(out)
    return Result(code, out, err)


def refused(code, *arguments):
    """The one line on stderr of a command line that ends with `code` and prints no result."""
    result = run(*arguments)
    assert result.code == code, result
    assert not result.out
    assert len(result.err.splitlines()) == 1, result.err
    assert result.err.startswith("dnncli")
    return result.err


def environment(**variables):
    """The environment of these tests with other variables; None removes one."""
    given = {key: value for key, value in variables.items() if value is not None}
    # JAX sets the last one when it is imported, here as in any process that it is imported by.
    own = {*variables, "COLUMNS", "NO_COLOR", "TF_CPP_MIN_LOG_LEVEL"}
    return {key: value for key, value in os.environ.items() if key not in own} | given


def start(*arguments, **settings):
    """A command line in a process of its own, its streams pipes unless `settings` say otherwise.

    It is forked from one that has imported everything, unless variables that Python or a library
    reads at its start are other than here.
    """
    command = [sys.executable, "-m", "dnncli", *map(str, arguments)]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return warm.Command(command, **{**pipes, "env": environment(), **settings})


def process(*arguments, **settings):
    """Such a command line run to its end; output as text, whatever bytes it is."""
    with start(*arguments, **settings) as running:
        out, err = running.communicate(timeout=120)
    return Result(
        running.returncode, *((stream or b"").decode("utf-8", "replace") for stream in (out, err))
    )


def shell(line, **settings):
    """A line of Bash with `dnncli` in it, as a person types it."""
    line = f'dnncli() {{ "{sys.executable}" -m dnncli "$@"; }}; {line}'
    command = ["bash", "-c", line]
    ran = subprocess.run(
        command, capture_output=True, timeout=120, check=False, **{"env": environment(), **settings}
    )
    return Result(
        ran.returncode, ran.stdout.decode("utf-8", "replace"), ran.stderr.decode("utf-8", "replace")
    )


def write_tiny(path, examples=60, features=3, classes=3, seed=0):
    """A data set that trains in milliseconds: Gaussian clouds, one a class."""
    rng = np.random.Generator(np.random.Philox(seed))
    y = np.arange(examples) % classes
    x = rng.normal(size=(examples, features)) + 2 * np.eye(classes, features)[y]
    np.savez(path, x=x.astype(np.float32), y=y)
    return path


def leaves():
    """Every command that does something, with the words that call it."""
    for name in program.COMMANDS:
        command = importlib.import_module(f"dnncli.cli.commands.{name.replace('-', '_')}").command
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", leaf) for sub, leaf in command.commands.items())
        else:
            yield name, command


LEAVES = dict(leaves())
