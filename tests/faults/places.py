"""Folders that are read-only, full or gone, names that no terminal shows, and little memory."""

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import shell
from faults import forked, syscalls, writers
from faults.judge import HUNG, RIGHT, Outcome, Verdict, loss, refusal, wrong
from faults.writers import WRITERS

NOBODY = 65534
MB = 1 << 20
NAMES = (
    *("\x1b[2J", "a\nb", "a\rb", "-q", "--help", "~", "*", "$(x)", "'", '"', " ", "a b ", "é💥"),
    *("\udcff", "n" * 255, "n" * 256, "a/b", "..", ".", "//", "\u202egnp", "con", "%s"),
    *("{}", "[x]", "[red]x[/red]", "a.ckpt/", "/dev/full", "/dev/null", "/proc/x", "http://x/y"),
)
COMMANDS = [name for name, writer in WRITERS.items() if len(writer.files) == 1 and name != "cache"]


@dataclass(frozen=True)
class Stage:
    """What each writer should leave."""

    right: dict[str, dict[str, bytes]]


def prepare() -> Stage:
    """Run every writer once."""
    syscalls.give()
    return Stage({name: writers.reference(name) for name in COMMANDS})


def run(stage: Stage, rng: Random, _: int) -> Verdict:
    """One writer in one such place."""
    name = rng.choice(COMMANDS)
    trouble = rng.choice((_read_only, _vanishing, _full, _named, _short_of_memory))
    folder = writers.begin(name, Path("work"))
    found = trouble(stage.right[name], name, folder, rng)
    return Verdict(found.outcome, f"{name}, {trouble.__name__[1:]}: {found.detail}")


def _ended(
    name: str, folder: Path, before: Callable[[], None] | None, line: tuple[str, ...] = ()
) -> shell.Result:
    return forked.run(line or WRITERS[name].line, folder, before)


def _judged(right: dict[str, bytes], name: str, folder: Path, result: shell.Result) -> Verdict:
    """A refusal that leaves the old file, or the right file."""
    if result.code == HUNG:
        return Verdict(Outcome.HANG)
    held = writers.left(folder, WRITERS[name])
    if wrongs := writers.damage(held, right, done=result.code == 0):
        return loss(wrongs)
    if found := writers.litter(folder):
        return wrong(f"litter: {found}")
    return RIGHT if result.code == 0 else refusal(*vars(result).values())


def _read_only(right: dict[str, bytes], name: str, folder: Path, rng: Random) -> Verdict:
    """Somebody else's folder."""
    result = _ended(name, folder, lambda: os.setresuid(NOBODY, NOBODY, NOBODY))
    return _judged(right, name, folder, result)


def _vanishing(right: dict[str, bytes], name: str, folder: Path, rng: Random) -> Verdict:
    """The folder is removed while the command runs."""
    (folder / "out").mkdir()
    own = WRITERS[name].files[0]
    line = tuple(f"out/{own}" if word == own else word for word in WRITERS[name].line)
    child = forked.prepare(line, folder)
    child.begin()
    time.sleep(rng.random())
    shutil.rmtree(folder / "out", ignore_errors=True)
    child.wait()
    result = child.result()
    if result.code == HUNG:
        return Verdict(Outcome.HANG)
    return RIGHT if result.code == 0 else refusal(*vars(result).values())


def _full(right: dict[str, bytes], name: str, folder: Path, rng: Random) -> Verdict:
    """A file system of a few kilobytes."""
    (folder / "out").mkdir()
    size = f"size={rng.choice((4, 8, 16, 32))}k"
    mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder / "out")]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        return RIGHT  # no file system can be mounted here
    try:
        own = WRITERS[name].files[0]
        line = tuple(f"out/{own}" if word == own else word for word in WRITERS[name].line)
        result = _ended(name, folder, None, line)
        written = folder / "out" / own
        if result.code == 0 and right and written.read_bytes() != right[own]:
            return loss("said to be written, and is not")
        return _judged({}, name, folder, result)
    finally:
        subprocess.run(["umount", str(folder / "out")], check=True)


def _named(right: dict[str, bytes], name: str, folder: Path, rng: Random) -> Verdict:
    """An odd name for what is written, or for what is read."""
    odd = rng.choice(NAMES)
    chosen = rng.choice([word for word in WRITERS[name].line if "." in word and word[0] != "-"])
    line = tuple(odd if word == chosen else word for word in WRITERS[name].line)
    result = _ended(name, folder, None, line)
    if found := writers.litter(folder):
        return wrong(f"{odd!r}: litter: {found}")
    if result.code == 0:
        return RIGHT
    if result.code == HUNG:
        return Verdict(Outcome.HANG)
    found = refusal(*vars(result).values())
    return Verdict(found.outcome, f"{odd!r}: {found.detail}")


def _short_of_memory(right: dict[str, bytes], name: str, folder: Path, rng: Random) -> Verdict:
    """A limit on what the process may allocate."""
    pages = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limit = pages + rng.randint(1, 400) * MB

    def before() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    result = _ended(name, folder, before)
    found = _judged(right, name, folder, result)
    return Verdict(found.outcome, f"{(limit - pages) // MB} MB: {found.detail}")
