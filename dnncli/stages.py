"""What a command is doing now: told by the code that does it, shown by whoever watches.

Only the shell knows whether somebody watches. So the watcher is not handed down to every reader and
measurement, but set for all that runs inside `watched`.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@dataclass(eq=False)
class Stage:
    """One piece of work; total: how many steps it has, expected: seconds, where they are known."""

    what: str
    total: int | None = None
    expected: float | None = None
    done: int = 0
    began: float = field(default_factory=time.monotonic)

    def reach(self, done: int) -> None:
        """So many steps are done."""
        self.done = done

    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self.began

    def left(self) -> float | None:
        """How many seconds it takes yet: at its pace so far, or as expected.

        None where that is not known, and where it has taken longer than expected.
        """
        if self.total and self.done:
            return self.seconds() * max(0, self.total - self.done) / self.done
        if self.expected is None or self.seconds() > self.expected:
            return None
        return self.expected - self.seconds()


@runtime_checkable
class Watcher(Protocol):
    """Who is told of stages; one may stand inside another."""

    def begin(self, stage: Stage) -> None:
        """A stage begins."""

    def end(self, stage: Stage) -> None:
        """It has ended, well or not."""

    def printing(self) -> AbstractContextManager[None]:
        """Something else is printed inside."""


_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def stage(what: str, total: int | None = None, expected: float | None = None) -> Iterator[Stage]:
    """A piece of work that may take seconds."""
    watcher = _watcher.get()
    told = Stage(what, total, expected)
    if watcher:
        watcher.begin(told)
    try:
        yield told
    finally:
        if watcher:
            watcher.end(told)


def printing() -> AbstractContextManager[None]:
    """Keep the watcher from the terminal while something is printed there."""
    watcher = _watcher.get()
    return watcher.printing() if watcher else nullcontext()


@contextmanager
def watched(watcher: Watcher | None) -> Iterator[None]:
    """Tell this watcher of all stages inside; None: nobody."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)
