"""What can go wrong, and the exit code each kind of failure has in a shell."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import IntEnum


class ExitCode(IntEnum):
    """Every status with which a `dnncli` process ends."""

    DONE = 0
    FAILED = 1  # unreadable data or checkpoint, full disk, …
    USAGE = 2  # a wrong option, value or combination
    DIVERGED = 3  # training reached NaN or infinity
    UNHEALTHY = 4  # a --fail-on condition was met
    HUNG_UP = 129  # stopped by SIGHUP, after saving
    INTERRUPTED = 130  # stopped by SIGINT, after saving
    TERMINATED = 143  # stopped by SIGTERM, after saving


class DnncliError(Exception):
    """A failure the user can cause: one line that says what is wrong and what to do."""

    exit_code: ExitCode = ExitCode.FAILED


class SpecError(DnncliError):
    """An option, a value or a combination of options that makes no run."""

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, option: str | None = None) -> None:
        """`option` is the option that must change, as on the command line: "--weight-decay"."""
        super().__init__(message)
        self.option = option


class UnknownNameError(SpecError):
    """A name that its registry does not have."""


class DataError(DnncliError):
    """Data that cannot be read or cannot be learned from."""


class CheckpointError(DnncliError):
    """A checkpoint that cannot be read, trusted or written."""


class LostProcessError(DnncliError):
    """Another process of a run has ended, or does not answer."""


def suggestion(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """`did you mean 'relu'?`: the known name nearest to a misspelt one; empty where none is."""
    near = get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"did you mean {near[0]!r}?" if near else ""
