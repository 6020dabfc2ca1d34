"""The terminal: results to stdout, progress and notices to stderr, signals as exceptions."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

WIDE = 1000  # columns of a pipe: a table is never wider, and never cut


class Interrupted(BaseException):
    """SIGINT or SIGTERM arrived; not an Exception, so that nothing on the way swallows it."""

    def __init__(self, number: int) -> None:
        """Keep the signal's number."""
        super().__init__(number)
        self.number = number


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise Interrupted on the first SIGINT or SIGTERM; a second one ends the process at once."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise Interrupted(number)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stdout() -> Console:
    """Where results go: as wide as the terminal, or as wide as the table in a pipe."""
    _forgive_encoding(sys.stdout)
    piped = not sys.stdout.isatty() and not os.environ.get("COLUMNS")
    return Console(file=sys.stdout, width=WIDE if piped else None, highlight=False, soft_wrap=False)


def stderr() -> Console:
    """Where everything else goes."""
    _forgive_encoding(sys.stderr)
    return Console(file=sys.stderr, highlight=False)


def _forgive_encoding(stream: Any) -> None:
    """In a locale without δ or █ print a question mark rather than fail."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")


class Screen:
    """One command's output: lines as they happen above a progress bar, in whatever format was asked."""

    def __init__(self, format_: str, quiet: bool) -> None:
        """`format_` is one of the catalog's; quiet leaves stderr to errors."""
        self.format, self.quiet = format_, quiet
        self.out, self.err = stdout(), stderr()
        self._bar: Progress | None = None

    def show(self, *renderables: RenderableType) -> None:
        """Print for people, in the table format only."""
        if self.format == "table":
            for renderable in renderables:
                self.out.print(renderable, soft_wrap=isinstance(renderable, str))
            self.out.file.flush()

    def write(self, line: str) -> None:
        """Print a line for programs, at once."""
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def notice(self, message: str) -> None:
        """Say something beside the result."""
        if not self.quiet:
            self.err.print(message, soft_wrap=True, markup=False)

    def error(self, message: str) -> None:
        """Say in one line on stderr why the exit code will not be 0."""
        print(message, file=sys.stderr)

    @contextmanager
    def progress(self, what: str, total: int, done: int = 0) -> Iterator["Bar"]:
        """A bar where stderr is a terminal; printing goes on above it."""
        visible = self.err.is_terminal and not self.err.is_dumb_terminal and not self.quiet
        # Where both streams are the same terminal, the bar must know of the lines printed above it.
        console = self.out if sys.stdout.isatty() and self.format == "table" else self.err
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True, disable=not visible) as bar:
            yield Bar(bar, bar.add_task(what, total=total, completed=done))


class Bar:
    """A handle on one running progress bar."""

    def __init__(self, progress: Progress, task: Any) -> None:
        """Created by Screen.progress."""
        self._progress, self._task = progress, task

    def advance(self, what: str) -> None:
        """One more is done."""
        self._progress.update(self._task, advance=1, description=what)
