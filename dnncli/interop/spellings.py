"""How categories and missing values may stand in a person's data, as the tables' SQL reads them."""

from collections.abc import Sequence
from itertools import product

from dnncli.data.tables import notation

# What stands for a missing text, as `data.tables.sql.MISSING` has it, in any case.
MISSING = ("", "?", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null")
TRUTHS = ("true", "false")  # levels of these are found in any case
# Before and behind a text: files with ", " between fields are often read so. More is not told
# apart, since ONNX has no operator that strips a text.
BLANKS = (("", ""), (" ", ""), ("", " "), (" ", " "))


def of_level(level: str) -> list[str]:
    """A level as it may stand: with a blank on either side; truths in any case."""
    names = _in_any_case(level) if level in TRUTHS else [level]
    return _with_blanks(names)


def of_missing(marks: Sequence[str]) -> list[str]:
    """What may stand for a missing text, a column's own marks included."""
    words = list(of_texts(marks))
    for word in MISSING:
        words += _in_any_case(word)
    return _with_blanks(words)


def of_numbers(marks: Sequence[str]) -> list[float]:
    """The marks of missing values that can stand in a column of numbers."""
    return [float(mark) for mark in marks if notation.is_number(mark, "")]


def of_texts(marks: Sequence[str]) -> list[str]:
    """The marks as they may stand in a column of texts: numbers also as floats are written."""
    found = list(marks)
    for number in of_numbers(marks):
        found.append(repr(number))
        if number.is_integer():
            found.append(str(int(number)))
    return list(dict.fromkeys(found))


def _in_any_case(word: str) -> list[str]:
    """A word with each letter in either case."""
    letters = [sorted({letter.lower(), letter.upper()}) for letter in word]
    return ["".join(choice) for choice in product(*letters)]


def _with_blanks(names: Sequence[str]) -> list[str]:
    """Names alone and with a blank before or behind them."""
    return [f"{before}{name}{behind}" for name in names for before, behind in BLANKS]
