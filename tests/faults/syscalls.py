"""A kill or an error at every system call with which a writer touches its folder, by `strace`.

A run without a fault is traced, and each call on the writer's folder is a place: its name and how
often the main thread had called it before. Then the writer runs once for each place and fault.
"""

import itertools
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import shell
from faults import forked, writers
from faults.judge import HUNG, REFUSED, RIGHT, Outcome, Verdict, loss, refusal, wrong
from faults.writers import WRITERS

CALLS = (
    *("openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "link", "flock"),
    *("mkdir", "ftruncate", "fchmod", "close", "lseek", "read", "pread64", "newfstatat", "fstat"),
    *("getdents64", "readlink", "connect", "recvfrom", "sendto"),
)
WRITING = ("openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "mkdir")
NETWORK = ("connect", "recvfrom", "sendto")
ERRORS = dict.fromkeys(WRITING, ("ENOSPC", "EIO")) | dict.fromkeys(NETWORK, ("ECONNRESET",))
KILL = "KILL"
LINE = re.compile(r"(\w+)\((.*)")


@dataclass(frozen=True)
class Point:
    """A writer, a system call by name and number, and what happens there."""

    writer: str
    call: str
    number: int
    fault: str

    def injection(self) -> str:
        """What strace is told."""
        what = "signal=KILL" if self.fault == KILL else f"error={self.fault}"
        return f"inject={self.call}:{what}:when={self.number}"


@dataclass(frozen=True)
class Stage:
    """Every place of every writer, in a random order, and what each writer should leave."""

    points: tuple[Point, ...]
    right: dict[str, dict[str, bytes]]


def available() -> bool:
    """Whether strace is installed and may trace."""
    try:
        trial = ["strace", "-o", os.devnull, "true"]
        return not subprocess.run(trial, capture_output=True, check=False).returncode
    except FileNotFoundError:
        return False


def prepare(names: tuple[str, ...] = tuple(WRITERS)) -> Stage:
    """Run every writer, and trace it."""
    give()
    writers.serve()
    for name in names:
        writers.trace_here(name)
    right = {name: writers.reference(name) for name in names}
    points = [point for name in names for point in _points(name)]
    Random(0).shuffle(points)
    return Stage(tuple(points), right)


def give() -> None:
    """The folder that each case begins from: data, and a trained network."""
    Path("given").mkdir()
    shell.write_tiny(Path("given", "tiny.npz"))
    trained = forked.run((*writers.TRAIN, "--out", "given.ckpt"), Path("given"))
    assert trained.code == 0, trained.err


def traced(name: str, folder: Path, *injections: str) -> tuple[shell.Result, list[str]]:
    """A writer run under strace: how it ended, and the lines of the trace."""
    child = writers.started(name, WRITERS[name].line, folder)
    options = [word for text in injections for word in ("-e", text)]
    log = folder.with_suffix(".trace")
    # Without -f: the main thread alone, which writes; JAX's own threads are no writers.
    command = ["strace", "-y", "-e", f"trace={','.join(CALLS)}", *options]
    command += ["-o", str(log), "-p", str(child.pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        line = tracer.stderr.readline()
        assert "attached" in line, line
        child.begin()
        child.wait()
        tracer.wait(30)
    return child.result(), log.read_text(errors="replace").splitlines()


def _points(name: str) -> Iterator[Point]:
    """The places of a writer."""
    folder = writers.begin(name, Path("work"))
    _, lines = traced(name, folder)
    here = str(folder.absolute())
    counts: Counter[str] = Counter()
    for line in lines:
        match = LINE.match(line)
        if not match:
            continue
        call, arguments = match.groups()
        counts[call] += 1
        if call in NETWORK or _touches(arguments, here):
            faults = (KILL, *ERRORS.get(call, ("EIO",)))
            yield from (Point(name, call, counts[call], fault) for fault in faults)


def _touches(arguments: str, folder: str) -> bool:
    """Whether a call's arguments name something in the folder, but for the process's own streams."""
    named = arguments.replace(f"AT_FDCWD<{folder}>", "")
    relative = re.match(r', "[^/]', named)
    return bool(relative or folder in named) and not re.search(r"\.\d+\.(out|err)\b", named)


def size(stage: Stage) -> int:
    """How many cases there are."""
    return len(stage.points)


def run(stage: Stage, _: Random, index: int) -> Verdict:
    """One place and fault, and then the writer again."""
    point = stage.points[index]
    writer = WRITERS[point.writer]
    folder = writers.begin(point.writer, Path("work"))
    result, lines = traced(point.writer, folder, point.injection())
    found = _judged(point, result, writers.left(folder, writer), stage.right[point.writer])
    if found.outcome in (Outcome.RIGHT, Outcome.REFUSED):
        found = _afterwards(point, folder, stage.right[point.writer]) or found
    hits = [line for line in lines if "INJECTED" in line]
    where = "; ".join(line[:160] for line in itertools.islice(hits, 2))
    return Verdict(found.outcome, f"{point}: {found.detail} [{where}]")


def _judged(
    point: Point, result: shell.Result, files: dict[str, bytes], right: dict[str, bytes]
) -> Verdict:
    """How the command ended, and what it left."""
    if result.code == HUNG:
        return Verdict(Outcome.HANG)
    if wrongs := writers.damage(files, right, done=result.code == 0):
        return loss(wrongs)
    if result.code == 0 or (point.fault == KILL and result.code == -9):
        return RIGHT if "Traceback" not in result.err else wrong(result.err[-200:])
    return refusal(result.code, result.out, result.err)


def _afterwards(point: Point, folder: Path, right: dict[str, bytes]) -> Verdict | None:
    """What is wrong with the writer's next run, if anything: a fault may leave no trap."""
    writer = WRITERS[point.writer]
    line = writer.line
    if writer.again and (folder / writer.folder).exists():
        line = writer.again
    child = writers.started(point.writer, line, folder)
    child.begin()
    child.wait()
    result = child.result()
    if result.code and line == writer.again:
        shutil.rmtree(folder / writer.folder)
        return None if refusal(*vars(result).values()) == REFUSED else loss(result.err[-200:])
    if result.code or "Traceback" in result.err:
        return wrong(f"and the next run said {result.err[-300:]!r}")
    if wrongs := writers.damage(writers.left(folder, writer), right, done=True):
        return loss(f"and the next run: {wrongs}")
    if point.writer == "cache" and result.err:
        return wrong(f"and the next run said {result.err[-300:]!r}")
    if found := writers.litter(folder):
        return wrong(f"litter: {found}")
    return None
