"""The three standard streams, whatever the caller left of them."""

import io
import os
import sys


def prepare() -> None:
    """Give a closed stream its number back: the next file opened would get it and the output.

    Writing to a closed stdout stays an error; what is written to a closed stderr is lost.
    In a locale without δ or █ a question mark is printed.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # the lowest free number, which is this one
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def keep_for_python() -> None:
    """Send what libraries in C++ print nowhere: only Python's own lines reach stdout."""
    sys.stdout.flush()
    own = os.dup(sys.stdout.fileno())
    discard()
    encoding = getattr(sys.stdout, "encoding", None)
    sys.stdout = os.fdopen(own, "w", encoding=encoding, errors="replace")


def discard() -> None:
    """Send what is left of stdout nowhere, so that the interpreter's last flush does not fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
