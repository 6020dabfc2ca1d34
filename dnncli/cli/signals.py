"""Signals as exceptions that arrive: SIGINT, SIGTERM, and SIGHUP of a terminal that closes.

Python raises an exception wherever the main thread happens to be. Where that is a callback of the
garbage collector (JAX has one) it is swallowed; it is raised again until somebody has caught it.
While modules are imported it waits: libraries in C++ can crash where their import is torn apart.

A flag that the loop over epochs looks at would need neither the alarm nor `held`, but a signal is
also answered where no loop of ours comes by: while the tour awaits a key (after a handler that
returns, Python goes on reading), while DuckDB reads a table, while a deep network is traced or
SciPy solves. `tests/cli/test_signals.py` holds that.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from dnncli.errors import ExitCode

AGAIN = 0.3  # seconds after which an exception that nobody caught is raised anew
REPEATED = 1.0  # seconds: a signal that comes again so soon is the same wish (`timeout` sends two)
CODES: dict[int, ExitCode] = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGHUP: ExitCode.HUNG_UP,
}


class Interrupted(BaseException):
    """A signal arrived; not an Exception, so that nothing on the way swallows it."""

    def __init__(self, number: int) -> None:
        """Keep the signal's number."""
        super().__init__(number)
        self.number = number


class Signals:
    """Raises Interrupted for a signal: at once, or after what must not be torn apart."""

    def __init__(self) -> None:
        """Created by interruptible."""
        self._held = False
        self._caught = 0
        self._since = 0.0

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Answer the first signal; one that comes later, though not at once, ends the process."""
        if self._caught and time.monotonic() - self._since > REPEATED:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        if not self._caught:
            self._caught = number
            self._since = time.monotonic()
            self.insist(number, frame)

    def insist(self, _number: int = 0, frame: FrameType | None = None) -> None:
        """Raise, and again if that is swallowed; what is held raises at its own end.

        The alarm may ring for a Ctrl-C that came before this object and was swallowed.
        """
        self._caught = self._caught or signal.SIGINT
        if self._held:
            return
        signal.setitimer(signal.ITIMER_REAL, AGAIN)
        if not _importing(frame):
            raise Interrupted(self._caught)

    @property
    def caught(self) -> int:
        """The number of the signal that has come; 0: none has."""
        return self._caught

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the block finish before a signal is answered."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._caught:
            self.insist()


@contextmanager
def interruptible() -> Iterator[Signals]:
    """Raise Interrupted on a signal, but not on one that the parent process ignores (`nohup`).

    After a signal the process is expected to save and end: only one that comes later kills it then.
    """
    signals = Signals()
    numbers = [number for number in CODES if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, signals.handle) for number in numbers}
    before[signal.SIGALRM] = signal.signal(signal.SIGALRM, signals.insist)
    stopped = False
    try:
        yield signals
    except Interrupted:
        stopped = True
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            if not stopped or number == signal.SIGALRM:
                signal.signal(number, handler)


def install_early_handlers() -> None:
    """Make Ctrl-C arrive once modules are imported, and say nothing where it was swallowed."""

    def insist(_number: int, frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, AGAIN)
        if not _importing(frame):
            raise KeyboardInterrupt

    def tell(unraisable: "sys.UnraisableHookArgs") -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt | Interrupted):
            sys.__unraisablehook__(unraisable)

    sys.unraisablehook = tell
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, insist)
        signal.signal(signal.SIGALRM, insist)


def _importing(frame: FrameType | None) -> bool:
    """Whether the code that a signal has interrupted imports a module."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def disarm() -> None:
    """End the insistence: the exception has arrived."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def ignore() -> None:
    """Answer no signal any more: all is said and written."""
    for number in CODES:
        signal.signal(number, signal.SIG_IGN)
    disarm()
