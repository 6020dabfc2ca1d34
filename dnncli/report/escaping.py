"""Names from files as people see them: control characters and line breaks are shown, never obeyed.

A class, a column or a layer of another framework's file may be called anything, also what moves a
terminal's cursor. Tables, notices, errors and pictures show such names escaped; JSON and CSV keep
them as they are. This file imports nothing of Rich, since errors are printed without it.
"""

import copy
import dataclasses
import re
from collections.abc import Mapping
from typing import Any

# C0, DEL and C1; the marks and overrides that turn the direction of a text (Unicode's
# bidirectional algorithm, UAX #9); separators of lines and paragraphs; halves of surrogate pairs,
# as Python has them for bytes that are not UTF-8; and what nobody sees, by which two names look
# alike: byte order marks, soft hyphens, spaces without width, tags. Joiners stay: words and emoji
# need them.
UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0001\U000e0020-\U000e007f]"
)


LONGEST_ERROR = 1000  # characters; what is longer quotes a file or an option at length
TAIL = 250  # of them at the end, where it says what to do


def error_line(message: str) -> str:
    """An error on one line, without the middle of what would fill a screen."""
    text = escaped(message)
    if len(text) <= LONGEST_ERROR:
        return text
    return f"{text[: LONGEST_ERROR - TAIL - 3]} … {text[-TAIL:]}"


def escaped(text: str) -> str:
    r"""The text on one line, a control character as Python writes it: `\x1b`, `\n`, `\u202e`."""
    return UNSAFE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return ascii(found[0]).strip("'")


def escaped_strings(value: Any) -> Any:
    """A record, or a container of records, with every string in it escaped.

    What holds no such string is returned as it is and not copied.
    """
    if value is None or isinstance(value, int | float):
        return value  # most of a record by far
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, list | tuple):
        return _sequence(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _record(value)
    return value


def _mapping(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    items = {escaped_strings(key): escaped_strings(item) for key, item in value.items()}
    pairs = zip(items.items(), value.items(), strict=False)
    same = all(new[0] is old[0] and new[1] is old[1] for new, old in pairs)
    return value if same and len(items) == len(value) else items


def _sequence(value: list[Any] | tuple[Any, ...]) -> list[Any] | tuple[Any, ...]:
    items = [escaped_strings(item) for item in value]
    if all(new is old for new, old in zip(items, value, strict=True)):
        return value
    if isinstance(value, list):
        return items
    return type(value)(*items) if hasattr(value, "_fields") else tuple(items)


def _record(value: Any) -> Any:
    """A copy that its own checks do not see: they hold for the names as they are."""
    changed = None
    for field in dataclasses.fields(value):
        old = getattr(value, field.name)
        new = escaped_strings(old)
        if new is not old:
            changed = changed or copy.copy(value)
            object.__setattr__(changed, field.name, new)
    return changed or value
