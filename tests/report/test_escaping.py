"""Names from files: what could move a cursor or turn a line around is written out."""

from dataclasses import dataclass
from typing import NamedTuple

import pytest

from dnncli.report.escaping import escaped, escaped_strings


@dataclass(frozen=True)
class Record:
    """A record as the results have them."""

    name: str
    others: tuple[str, ...] = ()
    shares: dict[str, float] | None = None


class Pair(NamedTuple):
    """A tuple with names."""

    name: str
    value: int


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\x00\x07\x7f\x9b", r"\x00\x07\x7f\x9b"),
        ("\u202eevil\u2069\u200f", r"\u202eevil\u2069\u200f"),
        ("one\u2028two\u2029three\x85", r"one\u2028two\u2029three\x85"),
        ("\udcff", r"\udcff"),
        ("l\ufeffabel", r"l\ufeffabel"),
        ("zero\u200bwidth, soft\xadhyphen", r"zero\u200bwidth, soft\xadhyphen"),
        ("hidden\U000e0041", r"hidden\U000e0041"),
    ],
)
def test_controls_breaks_and_turns_of_direction_are_written_out(raw: str, shown: str) -> None:
    assert escaped(raw) == shown


@pytest.mark.parametrize("name", ["naïve", "日本語", "C:\\new", "it's", "👩\u200d🔬", "עברית", " "])
def test_names_of_every_language_stay_as_they_are(name: str) -> None:
    assert escaped(name) is name


def test_every_string_of_a_record_is_escaped_at_every_depth() -> None:
    record = Record("a\x1b", ("b\n", "c"), {"d\r": 1.0})
    shown = escaped_strings({"rows": [record], "pair": Pair("e\x07", 2)})
    assert shown["rows"] == [Record(r"a\x1b", (r"b\n", "c"), {r"d\r": 1.0})]
    assert shown["pair"] == Pair(r"e\x07", 2)
    assert record.name == "a\x1b"


def test_what_holds_no_such_name_is_not_copied() -> None:
    record = Record("a", ("b",), {"c": 1.0})
    assert escaped_strings(record) is record
