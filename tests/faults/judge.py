"""What can come of a fault, and how an end is judged: six outcomes, of which two are good."""

import re
import traceback
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import shell


class Outcome(StrEnum):
    """The classes that are counted."""

    RIGHT = "right result"
    REFUSED = "one clear line"
    TRACEBACK = "traceback"
    HANG = "hang"
    WRONG = "wrong result"
    LOSS = "loss"


GOOD = (Outcome.RIGHT, Outcome.REFUSED)
CODES = (0, 1, 2, 3, 4)  # with which a command may end that no signal has stopped
JOINERS = "\u200c\u200d"
HUNG = 1000  # no exit code: the process had to be killed for taking too long
SAVED = re.compile(r"dnncli train: stopped; go on with: dnncli train --resume \S+$")
LONGEST_LINE = 1000  # characters of an error; one that quotes its file may be long


@dataclass(frozen=True)
class Verdict:
    """What came of one case, and where it was bad, why."""

    outcome: Outcome
    detail: str = ""


RIGHT = Verdict(Outcome.RIGHT)
REFUSED = Verdict(Outcome.REFUSED)


def wrong(detail: str) -> Verdict:
    """A result that is not the right one."""
    return Verdict(Outcome.WRONG, detail)


def loss(detail: str) -> Verdict:
    """Something that was saved is gone, or was said to be saved and is not."""
    return Verdict(Outcome.LOSS, detail)


def attempt(function: Callable[[], Verdict]) -> Verdict:
    """The function's verdict; an exception is what a user would see as a traceback."""
    try:
        return function()
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
        return Verdict(Outcome.TRACEBACK, f"{type(error).__name__} at {where}: {error}"[:300])


def success(result: shell.Result) -> Verdict:
    """Of a command line that must have done its work: RIGHT, or how it has failed."""
    if result.code == HUNG:
        return Verdict(Outcome.HANG)
    if result.code or "Traceback" in result.err:
        return Verdict(Outcome.TRACEBACK, f"code {result.code}: {result.err[-300:]!r}")
    return RIGHT


def refusal(code: int, out: str, err: str) -> Verdict:
    """Of a command that must have failed: one line on stderr that a terminal can show.

    Before it stands the line of a run that could be saved all the same.
    """
    lines = err.splitlines()
    if len(lines) > 1 and SAVED.match(lines[0]):
        del lines[0]
    if "Traceback" in err:
        return Verdict(Outcome.TRACEBACK, lines[-1][:300])
    if code not in (1, 2) or not lines:
        return wrong(f"code {code}, said {err[-200:]!r}")
    if len(lines) > 1 or not lines[0].startswith("dnncli") or any(map(_hidden, lines[0])):
        return wrong(f"said {len(lines)} lines: {err[-300:]!r}")
    if len(lines[0]) > LONGEST_LINE:
        return wrong(f"a line of {len(lines[0])} characters: {err[:200]!r}")
    return REFUSED


def _hidden(sign: str) -> bool:
    """Whether a sign is not seen, or moves what is: all but the joiners of words and emoji."""
    kind = unicodedata.category(sign)
    return kind in ("Cc", "Cs", "Zl", "Zp") or (kind == "Cf" and sign not in JOINERS)


def answer(result: shell.Result, expected: str | None = None) -> Verdict:
    """Of a command line: a refusal, or a result, which must be the expected one where that is known."""
    if result.code in (1, 2):
        return refusal(result.code, result.out, result.err)
    if result.code not in CODES or "Traceback" in result.err:
        return Verdict(Outcome.TRACEBACK, f"code {result.code}: {result.err[-200:]!r}")
    if expected is not None and result.out != expected:
        return wrong(f"another result: {result.out[:200]!r}")
    return RIGHT
