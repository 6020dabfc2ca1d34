"""The terminal: results to stdout, progress and notices to stderr.

Rich is imported when a screen opens: help, usage errors and completion start without it.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from dnncli import stages
from dnncli.cli import waiting
from dnncli.report.escaping import error_line, escaped

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress, TaskID

WIDE = 1000  # columns of a pipe: a table is never wider, and never cut


def stdout() -> "Console":
    """Where results go: as wide as the terminal or $COLUMNS, or as wide as the table in a pipe."""
    piped = not sys.stdout.isatty() and not _columns()
    width = WIDE if piped else None
    return _console(sys.stdout, width)


def stderr() -> "Console":
    """Where everything else goes."""
    return _console(sys.stderr, None)


def _console(stream: Any, width: int | None) -> "Console":
    from dnncli.cli.console import PatientConsole

    return PatientConsole(file=stream, width=_columns() or width, highlight=False)


def _columns() -> int | None:
    """$COLUMNS where it is a width."""
    text = os.environ.get("COLUMNS", "")
    return int(text) if text.isdecimal() and 0 < int(text) < 10_000 else None


class Screen:
    """One command's output: lines as they happen, above a progress bar."""

    def __init__(self, format_: str, quiet: bool) -> None:
        """`format_` is one of the catalog's; quiet leaves stderr to errors."""
        self.format = format_
        self.quiet = quiet
        self.muted = False
        self.out = stdout()
        self.err = stderr()

    def show(self, *renderables: "RenderableType") -> None:
        """Print for people, in the table format only."""
        if self.format == "table":
            for renderable in renderables:
                self._print(renderable)
            self.out.file.flush()

    def _print(self, renderable: "RenderableType") -> None:
        """Print on a terminal as Rich does; elsewhere without the blanks that pad tables' lines."""
        soft_wrap = isinstance(renderable, str)
        if self.out.file.isatty():
            with stages.printing():
                self.out.print(renderable, soft_wrap=soft_wrap)
            return
        with self.out.capture() as captured:
            self.out.print(renderable, soft_wrap=soft_wrap)
        lines = captured.get().split("\n")
        self.out.file.write("\n".join(line.rstrip(" ") for line in lines))

    def write(self, line: str) -> None:
        """Print a line for programs, at once."""
        if self.out.file.isatty():  # above the bar, if there is one
            with stages.printing():
                self.out.print(line, soft_wrap=True, markup=False, emoji=False)
        else:
            self.out.file.write(line + "\n")
        self.out.file.flush()

    def notice(self, message: str) -> None:
        """Say something beside the result."""
        if not self.quiet:
            with stages.printing():
                self.err.print(escaped(message), soft_wrap=True, markup=False, emoji=False)

    def error(self, message: str) -> None:
        """Say in one line on stderr why the exit code will not be 0."""
        if self.muted:
            return
        with stages.printing():
            print(error_line(message), file=sys.stderr)

    @contextmanager
    def progress(self, what: str, total: int, done: int = 0) -> Iterator["Bar"]:
        """A bar where stderr is a terminal; printing goes on above it.

        It shows the time so far and the time left and, while it waits, when a stage will end.
        """
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        inside = StagesInside()
        visible = sys.stderr.isatty() and not self.err.is_dumb_terminal and not self.quiet
        columns = (
            TextColumn("{task.description}{task.fields[inside]}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        # Where both streams are terminals they are one: the bar must know the lines above it.
        console = self.out if sys.stdout.isatty() else self.err
        # Redirection is off: it would send what is meant for stdout to the bar's stream.
        with (
            stages.watched(inside),
            Progress(
                *columns,
                console=console,
                transient=True,
                disable=not visible,
                redirect_stdout=False,
                redirect_stderr=False,
            ) as bar,
        ):
            task = bar.add_task(what, total=total, completed=done, inside=inside)
            yield Bar(bar, task, inside)


class StagesInside:
    """When the stage that a bar waits for will end, for the bar to draw beside its words."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._stages: list[stages.Stage] = []
        self._waiting = True

    def begin(self, stage: stages.Stage) -> None:
        """Watch one more stage."""
        self._stages.append(stage)

    def end(self, stage: stages.Stage) -> None:
        """Watch it no more."""
        self._stages.remove(stage)

    def printing(self) -> AbstractContextManager[None]:
        """The bar itself makes room for what is printed."""
        return nullcontext()

    def show(self, *, waiting: bool) -> None:
        """Draw it, or not: what goes on beside an epoch, on other threads, is not waited for."""
        self._waiting = waiting

    def __format__(self, _spec: str) -> str:
        """`, about 0:12 left`; nothing where that is not known."""
        expected = [stage for stage in self._stages if stage.expected is not None]
        return waiting.time_left(expected[0]) if expected and self._waiting else ""


class Bar:
    """A handle on one running progress bar."""

    def __init__(self, progress: "Progress", task: "TaskID", inside: StagesInside) -> None:
        """Created by Screen.progress."""
        self._progress = progress
        self._task = task
        self._inside = inside

    def advance(self, what: str, steps: int = 1) -> None:
        """One more is done, or several."""
        self._inside.show(waiting=False)
        self._progress.update(self._task, advance=steps, description=escaped(what))

    def wait(self, what: str) -> None:
        """Nothing moves until a stage has ended."""
        self._inside.show(waiting=True)
        self._progress.update(self._task, description=escaped(what))

    def reach(self, done: int) -> None:
        """So many are done in all."""
        self._progress.update(self._task, completed=done)
