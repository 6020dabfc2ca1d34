"""A line on the terminal that says what takes long, for how long yet or for how long already."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from dnncli import stages
from dnncli.report.escaping import escaped
from dnncli.stages import Stage

AFTER = 1.0  # seconds before a stage is shown: most are over by then
EVERY = 0.25  # seconds between two looks at it
CLEAR = "\r\x1b[K"


class WaitingLine:
    """The innermost stage, drawn over and over by a thread of its own, and gone when it ends."""

    def __init__(self, stream: Any) -> None:
        """stream: a terminal."""
        self._stream = stream
        self._lock = threading.RLock()
        self._stages: list[Stage] = []
        self._drawn = False
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, stage: Stage) -> None:
        """Watch one more stage."""
        with self._lock:
            self._stages.append(stage)
        if not self._thread:
            self._thread = threading.Thread(target=self._draw_on, daemon=True)
            self._thread.start()

    def end(self, stage: Stage) -> None:
        """Take its line away, before anything else is printed."""
        with self._lock:
            self._stages.remove(stage)
            self._clear()

    @contextmanager
    def printing(self) -> Iterator[None]:
        """Take the line away while something is printed."""
        with self._lock:
            self._clear()
            yield

    def close(self) -> None:
        """Draw no more."""
        self._over.set()
        with self._lock:
            self._stages.clear()
            self._clear()

    def _draw_on(self) -> None:
        while not self._over.wait(EVERY):
            with self._lock:
                if self._stages and self._stages[-1].seconds() > AFTER:
                    self._write(f"{CLEAR}{sentence(self._stages[-1], _columns() - 1)}")
                    self._drawn = True

    def _clear(self) -> None:
        if self._drawn:
            self._write(CLEAR)
            self._drawn = False

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # the terminal has gone
            self._stream.write(text)
            self._stream.flush()


def sentence(stage: Stage, width: int) -> str:
    """`reading adult.csv: 0:12 so far, about 0:30 left`, within so many columns."""
    from rich.cells import cell_len, set_cell_size

    told = f": {_clock(stage.seconds())} so far"
    left = time_left(stage)
    if left:
        told += left
    elif stage.done:
        told += f", {stage.done:,} done"
    what = escaped(stage.what)
    room = max(0, width - len(told))
    if cell_len(what) > room:
        what = set_cell_size(what, max(0, room - 1)) + "…"
    return f"{what}{told}"


def time_left(stage: Stage) -> str:
    """`, about 0:30 left`; nothing where that is not known."""
    left = stage.left()
    return "" if left is None else f", about {_clock(left)} left"


def _clock(seconds: float) -> str:
    """`1:02:03` or `2:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _columns() -> int:
    """The terminal's width; 80 where it does not say."""
    with suppress(OSError, ValueError):
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    return 80


@contextmanager
def shown(*, quiet: bool) -> Iterator[None]:
    """Show what takes long inside, where stderr is a terminal that can move its cursor."""
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        yield
        return
    line = WaitingLine(sys.stderr)
    try:
        with stages.watched(line):
            yield
    finally:
        line.close()
