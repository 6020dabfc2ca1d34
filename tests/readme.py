"""The README's commands and options; `python tests/readme.py` writes consoles and options.

The Korean page has the blocks of the README's first half, word for word.
"""

import importlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from dnncli.cli.program import COMMANDS

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
KOREAN = ROOT / "dnncli" / "docs" / "README.ko.md"
SECOND_HALF = "\n## Show it to somebody\n"  # the Korean page ends before it
MNIST = ROOT.parent / "shared" / "data" / "mnist"
TABLES = ROOT.parent / "shared" / "data" / "tables"
CONSOLE = re.compile(r"```console\n\$ (?P<command>[^\n]+)\n(?P<output>.*?)```", re.DOTALL)
SHELL = re.compile(r"```sh\n(?P<body>.*?)```", re.DOTALL)
BLOCK = re.compile(r"^```\w+\n.*?^```$", re.DOTALL | re.MULTILINE)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
ROW = re.compile(r"^\|.*?\| `(?P<command>dnncli [^`]+)` \|", re.MULTILINE)
RUN = re.compile(r"([A-Z_]+=\S+ )?dnncli |cmp ")  # not what installs something
DEFAULT = re.compile(r"\[default: ([^]]*)\]")
OPTIONS = re.compile(r"(?<=<!-- options -->\n).*?(?=<!-- end of options -->)", re.DOTALL)


@dataclass(frozen=True)
class Console:
    """A command and what it printed when the README was written."""

    command: str
    output: str


def consoles() -> list[Console]:
    """Every console block."""
    return [Console(m["command"], m["output"]) for m in CONSOLE.finditer(README.read_text())]


def commands() -> list[str]:
    """Every other command, in the README's order: later ones use the files of earlier ones."""
    text = README.read_text()
    found = [(m.start(), line) for m in SHELL.finditer(text) for line in m["body"].splitlines()]
    found += [(m.start(), m["command"]) for m in ROW.finditer(text)]
    # sorted() is stable: lines of one block keep their order.
    lines = [line.split("  #")[0].strip() for _, line in sorted(found, key=lambda pair: pair[0])]
    return [line for line in lines if RUN.match(line)]


def blocks_of_first_half() -> list[str]:
    """Every block of commands or of their output that the Korean page shows too."""
    first, _, _ = README.read_text().partition(SECOND_HALF)
    return BLOCK.findall(first)


def leaves() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with the words that call it."""
    for name in COMMANDS:
        command = importlib.import_module(f"dnncli.cli.commands.{name.replace('-', '_')}").command
        inner = command.commands if isinstance(command, click.Group) else {}
        yield from ((f"{name} {sub}", leaf) for sub, leaf in inner.items())
        if not inner:
            yield name, command


def options() -> str:
    """Tables of all options by section; those that several commands share stand in one row."""
    sections: dict[str, dict[tuple[str, str], dict[str, list[str]]]] = {}
    for name, leaf in leaves():
        context = click.Context(leaf, info_name=name)
        for param in leaf.params:
            if isinstance(param, click.Option) and (record := param.get_help_record(context)):
                names = _cell(record[0])
                text = _cell(record[1])
                default = DEFAULT.search(text)
                row = (names.replace(" INTEGER", " N"), DEFAULT.sub("", text).strip())
                rows = sections.setdefault(getattr(param, "section", "Output"), {})
                shown = default[1] if default else ""
                rows.setdefault(row, {}).setdefault(shown, []).append(name)
    return "".join(_table(title, rows) for title, rows in sections.items())


def _cell(text: str) -> str:
    """A text on one line, as a cell of a table holds it."""
    return " ".join(text.replace("|", "\\|").split())


def _table(title: str, rows: dict[tuple[str, str], dict[str, list[str]]]) -> str:
    """A table of options by (names, what they do): for each default, the commands that have it.

    Where commands differ, the column has the first one's default and theirs stand behind their
    names.
    """
    lines = []
    for (names, text), defaults in rows.items():
        usual, *others = defaults
        where = [
            *defaults[usual],
            *(f"{name} [{other}]" for other in others for name in defaults[other]),
        ]
        lines.append(f"| `{names}` | {text} | {usual} | {', '.join(where)} |")
    head = ["", "| option | what it does | default | commands |", "| --- | --- | --- | --- |"]
    return "\n".join(
        [f"<details><summary>{title}</summary>", *head, *lines, "", "</details>", "", ""]
    )


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command line in a shell, in a folder, as in a pipe of 80 columns or more."""
    scripts = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("COLUMNS", None)
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def shape(output: str) -> list[str]:
    """An output without what changes from machine to machine: numbers, bars and blanks."""
    plain = re.sub(r"[-+]?\d[\d,.]*(e[-+]?\d+)?|[█▉▊▋▌▍▎▏▁-▇]+", "0", output)
    plain = re.sub(r"\b0 (ms|s|min)\b", "0 s", plain)
    return [" ".join(line.replace("*", "").split()) for line in plain.splitlines() if line.strip()]


def link(folder: Path) -> None:
    """The data that stand beside the repository, by the names the README gives them."""
    for name, source in (("mnist", MNIST), ("tables", TABLES)):
        if source.is_dir():
            (folder / name).symlink_to(source)


def main() -> None:
    """Write every console's output and the tables of options anew, in both languages."""
    with tempfile.TemporaryDirectory() as folder:
        link(Path(folder))
        text = OPTIONS.sub(lambda _: options(), README.read_text())
        for console in consoles():
            done = run(console.command, Path(folder))
            fresh = "\n".join(line.rstrip() for line in done.stdout.splitlines()).strip("\n") + "\n"
            old = f"```console\n$ {console.command}\n{console.output}```"
            text = text.replace(old, f"```console\n$ {console.command}\n{fresh}```")
        README.write_text(text)
    blocks = iter(blocks_of_first_half())
    KOREAN.write_text(BLOCK.sub(lambda _: next(blocks), KOREAN.read_text()))


if __name__ == "__main__":
    main()
