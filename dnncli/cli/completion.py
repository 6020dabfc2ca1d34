"""What <TAB> offers: answers for the shells' completion scripts, and checkpoint files."""

import os
import re
from pathlib import Path

import click
from click.shell_completion import (
    BashComplete,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    shell_complete,
)

VARIABLE = "_DNNCLI_COMPLETE"  # what the scripts set, to `bash_complete` or `bash_source`
MOST = 200  # files offered at most
PLAIN = re.compile(r"[\w./+@%:,-]+")  # names that no shell needs quoted


class Bash(BashComplete):
    """Bash splits `--act=relu` at the equals sign, which Click then takes for an argument."""

    name = "bash"

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor without lone equals signs, and the unfinished one."""
        words, incomplete = super().get_completion_args()
        return [word for word in words if word != "="], incomplete.removeprefix("=")


class Fish(FishComplete):
    """Click's script cuts its answers at every comma; our lists and summaries hold some."""

    name = "fish"
    source_template = FishComplete.source_template.replace(
        'string split ","', 'string split --max 1 ","'
    )


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": ZshComplete, "fish": Fish}
for kind in (Bash, Fish):
    add_completion_class(kind)


def answer(program: click.Command, instruction: str) -> int:
    """Print a completion script, or what completes the words given; returns the exit code."""
    return shell_complete(program, {}, "dnncli", VARIABLE, instruction)


def script(program: click.Command, shell: str) -> str:
    """The completion script of one of SHELLS."""
    complete = SHELLS[shell](program, {}, "dnncli", VARIABLE)
    # Not Bash's own `source`, which starts a Bash to learn its version.
    return ShellComplete.source(complete)


def checkpoint_files(incomplete: str) -> list[str]:
    """Checkpoints whose path starts so, newest first, also those one folder further down.

    Empty where a name would need quoting: then the shell's own completion of files does better.
    """
    head, start = os.path.split(incomplete)
    near = _entries(Path(head), start)
    found = [entry for entry in near if entry.name.endswith(".ckpt")]
    for folder in (entry for entry in near if entry.is_dir() and not entry.name.startswith(".")):
        found += [
            entry for entry in _entries(Path(folder.path), "") if entry.name.endswith(".ckpt")
        ]
    newest = sorted(found, key=_age)[:MOST]
    names = [os.path.join(head, os.path.relpath(entry.path, head or ".")) for entry in newest]
    return names if all(map(PLAIN.fullmatch, names)) else []


def _entries(folder: Path, start: str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if entry.name.startswith(start)][: 10 * MOST]
    except OSError:
        return []


def _age(entry: "os.DirEntry[str]") -> tuple[float, str]:
    try:
        return -entry.stat().st_mtime, entry.name
    except OSError:
        return 0.0, entry.name
