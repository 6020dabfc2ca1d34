"""The man page and the completion scripts, from what help and <TAB> know.

`python tests/manual.py` writes them into `completions/`, from where a wheel takes them.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click
from readme import leaves

from dnncli import __version__
from dnncli.cli import completion
from dnncli.cli.program import COMMANDS, program
from dnncli.errors import ExitCode

FOLDER = Path(__file__).parents[1] / "completions"
PAGE = FOLDER / "dnncli.1"

EXIT_CODES = {
    ExitCode.DONE: "Done.",
    ExitCode.FAILED: "Failed: unreadable data or checkpoint, full disk.",
    ExitCode.USAGE: "Wrong usage: an option, a value or a combination of them.",
    ExitCode.DIVERGED: "Training diverged; the last finite checkpoint was kept.",
    ExitCode.UNHEALTHY: "A --fail-on or --stop-on condition was met, or the doctor found a fault.",
    ExitCode.HUNG_UP: "Stopped by SIGHUP, after saving.",
    ExitCode.INTERRUPTED: "Stopped by SIGINT, after saving.",
    ExitCode.TERMINATED: "Stopped by SIGTERM, after saving.",
}
ENVIRONMENT = {
    "DNNCLI_COMMAND_OPTION": "An option's value, such as DNNCLI_TRAIN_LR=0.01; options of the"
    " command line win over it, and it wins over --config.",
    "DNNCLI_CACHE": "Folder of compiled programs and fetched data, instead of the XDG cache"
    " folder's dnncli.",
    "NO_COLOR": "Set to anything, it turns colours off.",
    "COLUMNS": "Width of tables and help, also in a pipe.",
}
FILES = {
    "runs/": "Checkpoints of runs without --out.",
    "*.ckpt": "A checkpoint: a safetensors file with a SHA-256 over everything in it.",
}


def page() -> str:
    """The whole page in roff."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    summary, *rest = _paragraphs(program)
    yield "'\\\" -*- coding: utf-8 -*-"
    yield '.\\" Written by tests/manual.py.'
    yield f'.TH DNNCLI 1 "" "dnncli {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"dnncli \\- {roff(summary[0].lower() + summary[1:]).rstrip('.')}"
    yield ".SH SYNOPSIS"
    yield "\\fBdnncli\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]..."
    yield ".SH DESCRIPTION"
    yield from _text([summary, *rest])
    yield from _options(program, "dnncli")
    yield from _list({"-h, --help": "Show a command's options and examples, and exit."})
    yield ".SH COMMANDS"
    yield from _list(COMMANDS)
    for words, leaf in leaves():
        yield from _command(words, leaf)
    yield ".SH EXIT STATUS"
    yield from _list({str(int(code)): text for code, text in EXIT_CODES.items()})
    yield ".SH ENVIRONMENT"
    yield from _list(ENVIRONMENT)
    yield ".SH FILES"
    yield from _list(FILES)


def _command(words: str, leaf: click.Command) -> Iterator[str]:
    """A command: how it is called, what it does, its options by section, its examples."""
    pieces = leaf.collect_usage_pieces(_context(leaf, words))
    yield f".SH DNNCLI {words.upper()}"
    yield f"\\fBdnncli {roff(words)}\\fR {roff(' '.join(pieces))}"
    yield ".PP"
    yield from _text(_paragraphs(leaf))
    yield from _options(leaf, words)
    examples = getattr(leaf, "examples", "").strip().splitlines()
    yield ".SS Examples"
    yield ".nf"
    yield from (roff(line.strip()) for line in examples)
    yield ".fi"


def _options(command: click.Command, words: str) -> Iterator[str]:
    """Options under their sections' titles."""
    context = _context(command, words)
    shown = None
    for param in command.params:
        record = param.get_help_record(context) if isinstance(param, click.Option) else None
        if record is None:
            continue
        title = getattr(param, "section", shown or "Options")
        if title != shown:
            yield f".SS {title}"
        shown = title
        yield from _list({record[0].replace(" INTEGER", " N"): record[1]})


def _context(command: click.Command, words: str) -> click.Context:
    """As the program makes it: a command keeps the names of its help option from the first one."""
    return click.Context(command, info_name=words, **program.context_settings)


def _list(entries: dict[str, str]) -> Iterator[str]:
    """Names in bold, each above its text."""
    for name, text in entries.items():
        yield ".TP"
        yield f"\\fB{roff(name)}\\fR"
        yield roff(text)


def _paragraphs(command: click.Command) -> list[str]:
    """A command's help text, each paragraph on one line."""
    text = inspect.cleandoc(command.help or "")
    return [" ".join(part.split()) for part in text.split("\n\n")]


def _text(paragraphs: list[str]) -> Iterator[str]:
    for place, paragraph in enumerate(paragraphs):
        if place:
            yield ".PP"
        yield roff(paragraph)


def roff(text: str) -> str:
    """A text as it stands: backslashes, hyphens and dots at a line's start mean nothing."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", plain)


def main() -> None:
    """Write the page and the scripts."""
    PAGE.write_text(page(), encoding="utf-8")
    for shell in completion.SHELLS:
        (FOLDER / f"dnncli.{shell}").write_text(completion.script(program, shell))


if __name__ == "__main__":
    main()
