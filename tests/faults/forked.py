"""Command lines in forked processes: all modules are imported already, and JAX begins in them.

So a case costs tenths of a second where a new process would cost seconds, and system calls can be
counted from the command's own beginning.
"""

import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import shell
from faults import warmed
from faults.judge import HUNG

from dnncli.cli import program

PATIENCE = 300  # seconds for a command, of which most take one: the machine may have other work


@dataclass
class Child:
    """A command line at work, or waiting to begin."""

    pid: int
    folder: Path
    gate: int  # written to, it begins
    code: int | None = None
    began: float = field(default_factory=time.monotonic)

    def begin(self) -> None:
        """Let it run."""
        os.write(self.gate, b"!")
        os.close(self.gate)
        self.began = time.monotonic()

    def alive(self) -> bool:
        """Whether it has not ended yet."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is None

    def wait(self, seconds: float = PATIENCE) -> int | None:
        """Its exit code, negative for a signal; None where it has to be killed for taking too long."""
        end = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return None
            time.sleep(0.005)
        return self.code

    def result(self) -> shell.Result:
        """How it ended and what it printed."""
        out, err = map(_text, _streams(self.folder, self.pid))
        return shell.Result(HUNG if self.code is None else self.code, out, err)


def _streams(folder: Path, pid: int) -> list[Path]:
    """The files of a process's output and of its errors."""
    return [folder / f".{pid}.{name}" for name in ("out", "err")]


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace") if path.exists() else ""


def prepare(
    arguments: Sequence[str], folder: Path, before: Callable[[], None] | None = None
) -> Child:
    """A process that waits to run a command line in a folder; before: what it does first."""
    read, write = os.pipe()
    ready, tell = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(write)
        os.close(ready)
        _become(arguments, folder, (read, tell), before)
    os.close(read)
    os.close(tell)
    # Signals are for the command, not for what comes before it, which takes long on a busy machine.
    os.read(ready, 1)
    os.close(ready)
    return Child(pid, folder, write)


def _become(
    arguments: Sequence[str],
    folder: Path,
    pipes: tuple[int, int],
    before: Callable[[], None] | None,
) -> NoReturn:
    """Be the process, which tells that it is ready and waits; never returns."""
    gate, tell = pipes
    # Not what it is where this harness runs in a shell's background: ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        os.chdir(folder)
        for number, path in enumerate(_streams(Path(), os.getpid()), 1):
            stream = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            os.dup2(stream, number)
            os.close(stream)
        sys.argv = ["dnncli", *arguments]
        if warmed.begun():
            warmed.renew()
        if before:
            before()
        os.close(tell)
        # Not by reading: whoever counts this process's calls would find one more or one less.
        select.select([gate], [], [])
        if os.read(gate, 1):
            program.main()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and _here(error):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)


def _here(error: BaseException) -> bool:
    """Whether an exception arose before the command line began."""
    return error.__traceback__ is not None and error.__traceback__.tb_next is None


def run(
    arguments: Sequence[str], folder: Path, before: Callable[[], None] | None = None
) -> shell.Result:
    """Such a command line run to its end."""
    child = prepare(arguments, folder, before)
    child.begin()
    child.wait()
    return child.result()


def fresh(arguments: Sequence[str], folder: Path) -> Child:
    """The same in a process of its own, which has to import everything first."""
    pid = os.fork()
    if not pid:
        os.chdir(folder)
        for number, path in enumerate(_streams(Path(), os.getpid()), 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), number)
        os.execv(sys.executable, [sys.executable, "-m", "dnncli", *arguments])
    return Child(pid, folder, os.open(os.devnull, os.O_WRONLY))
