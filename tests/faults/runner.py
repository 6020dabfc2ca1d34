"""Runs cases of a kind of fault in a process of their own, counts outcomes, and survives them all.

A case is known by its kind, the seed and its number, and can be run again alone. The process tells
of each case in a line; where it falls silent it is ended and the case counted as a hang, where it
dies as a traceback, and another process goes on with the next case.
"""

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, BinaryIO

from faults.judge import GOOD, Outcome, Verdict, attempt

TOLD = 25  # cases after which one is told how far it is
KEPT = 20  # bad cases that are told of
GRACE = 5  # seconds for a process to end
BROKEN = 99  # exit code of a process whose harness has failed


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    prepare: makes what all cases begin from, in the folder it is called in. run: one case, in the
    same folder. patience: seconds without an answer that make a hang. size: how many different
    cases there are; None: without end.
    """

    title: str
    prepare: Callable[[], Any]
    run: Callable[[Any, Random, int], Verdict]
    patience: float = 120
    size: Callable[[Any], int] | None = None


@dataclass
class Tally:
    """What came of the cases of a kind."""

    title: str
    counts: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak: int = 0  # bytes

    def add(self, index: int, outcome: str, detail: str) -> str:
        """Count one case; returns what is told of it, nothing where all is well."""
        self.counts[outcome] += 1
        if outcome in GOOD:
            return ""
        self.bad.append(f"{index}: {outcome}: {detail}")
        return self.bad[-1]


def rng_of(title: str, seed: int, index: int) -> Random:
    """A case's random numbers."""
    return Random(f"{title}/{seed}/{index}")


def cases(kind: Kind, count: int, seed: int, first: int = 0) -> Iterator[tuple[int, Verdict]]:
    """Run the cases here, one after the other, in a new folder."""
    before = os.getcwd()
    # Not a TemporaryDirectory: a forked process would remove it at its end.
    folder = tempfile.mkdtemp(prefix="dnncli-faults-")
    os.chdir(folder)
    try:
        stage = kind.prepare()
        last = count if kind.size is None else min(count, kind.size(stage))
        for index in range(first, last):
            yield index, attempt(lambda i=index: kind.run(stage, rng_of(kind.title, seed, i), i))
    finally:
        os.chdir(before)
        shutil.rmtree(folder, ignore_errors=True)


def examine(
    kind: Kind, count: int, seed: int, tell: Callable[[str], None], first: int = 0
) -> Tally:
    """Run the cases from `first` to `count` in other processes, forked from this one, and count."""
    began = time.monotonic()
    tally = Tally(kind.title)
    index = first
    while index < count:
        index = _examine_from(kind, count, seed, index, tally, tell)
    tally.seconds = time.monotonic() - began
    return tally


def _examine_from(
    kind: Kind, count: int, seed: int, first: int, tally: Tally, tell: Callable[[str], None]
) -> int:
    """Cases from `first` on until their process ends; returns the next case's number."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        os.setsid()
        _work(kind, count, seed, first, write)
    os.close(write)
    index, silent = first, False
    with os.fdopen(read, "rb") as lines:
        while message := _next(lines, kind.patience):
            if "end" in message:
                index = count
                tally.peak = max(tally.peak, message["end"])
                break
            index = message["index"] + 1
            bad = tally.add(message["index"], message["outcome"], message["detail"])
            if bad:
                tell(bad)  # at once: a run of hours may be stopped
            if index % TOLD == 0:
                tell(f"{kind.title}: {index} of {count}: {dict(tally.counts)}")
        silent = message is None
    ended = _end(child)
    if ended == BROKEN:
        raise RuntimeError("the harness itself has failed")
    if index < count:
        outcome = Outcome.HANG if silent else Outcome.TRACEBACK
        tally.add(index, outcome, f"its process ended with {ended}")
        index += 1
    return index


def _work(kind: Kind, count: int, seed: int, first: int, write: int) -> None:
    """Run cases and tell of each; never returns."""
    with os.fdopen(write, "wb", buffering=0) as out, _last_words():
        for index, verdict in cases(kind, count, seed, first):
            told = {"index": index, "outcome": verdict.outcome, "detail": verdict.detail}
            out.write(json.dumps(told).encode() + b"\n")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        out.write(json.dumps({"end": peak}).encode() + b"\n")
        os._exit(0)


@contextlib.contextmanager
def _last_words() -> Iterator[None]:
    """A fault of the harness ends the process, which is a copy of another, and nothing else."""
    try:
        yield
    except BaseException:
        traceback.print_exc()
        os._exit(BROKEN)


def _next(lines: BinaryIO, patience: float) -> dict[str, Any] | None:
    """The next message; {} at the end of all, None where none comes."""
    if not select.select([lines], [], [], patience)[0]:
        return None
    line = lines.readline()
    return json.loads(line) if line else {}


def _end(child: int) -> int:
    """End a process and those it has started; its exit code, negative for a signal."""
    end = time.monotonic() + GRACE
    pid = 0
    while not pid and time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.05)
    if not pid:
        os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def empty(*kept: str) -> None:
    """Remove everything in this folder but what is named."""
    for entry in os.scandir("."):
        if entry.name in kept:
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.name, ignore_errors=True)
        else:
            os.unlink(entry.name)
