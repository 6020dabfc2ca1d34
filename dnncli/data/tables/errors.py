"""DuckDB's errors, which are paragraphs, as one line that names file, line and cause."""

import re

from dnncli.errors import DataError, DnncliError, SpecError

LONGEST = 200  # characters of what DuckDB says
WHERE = re.compile(r"CSV Error on Line: (?P<line>\d+)")
FILE = re.compile(r"^  file ?= ?(?P<file>.+)$", re.MULTILINE)
FIELDS = re.compile(r"Expected Number of Columns: (?P<need>\d+) Found: (?P<found>\d+)")
CONVERSION = re.compile(
    r'Error when converting column "(?P<column>.*?)"\.'
    r' Could not convert string "(?P<value>.*?)" to',
    re.DOTALL,
)
KNOWN = {  # a part of what DuckDB says: what it means
    "unterminated quote": "a quote is opened and never closed",
    "Invalid unicode": "it is not UTF-8: say what it is with --encoding",
    "Maximum line size": "it is longer than 2 MB, as if a quote were never closed",
    "GZIP": "it is a damaged gzip file",
    "state machine": "its lines do not all end alike: convert it, e.g. with sed -i 's/\\r$//'",
    "magic bytes": "it is not a Parquet file",
    "sniffing file": "no delimiter makes a table of it: give --delimiter, and --header or"
    " --no-header",
}


FORM = ("Invalid unicode", "state machine")  # of these a second look at the file may tell more


class ConversionError(DataError):
    """A value that does not fit the type that the first rows of its column have."""


class FormError(DataError):
    """Text that is not of the encoding, or has not the line ends, that its first lines have."""


def reason(message: str) -> str:
    """The first line of a message, without its class and its final stop."""
    lines = message.strip().splitlines() or [""]
    return re.sub(r"^\w[\w ]* Error: ", "", lines[0])[:LONGEST].rstrip(" .!:")


def explain(message: str, location: str, where: str | None = None) -> DnncliError:
    """The error to raise for what DuckDB says of a table that messages call `location`."""
    of_where = message.startswith(("Conversion Error", "Binder Error"))
    if where and of_where and not WHERE.search(message):
        return SpecError(f"--where {where}: {reason(message)}.", option="--where")
    if file := FILE.search(message):
        location = file["file"]
    if line := WHERE.search(message):
        location = f"{location}, line {line['line']}"
    if fields := FIELDS.search(message):
        return DataError(f"{location}: {_fields(int(fields['need']), int(fields['found']))}.")
    if value := CONVERSION.search(message):
        text = value["value"][:40]
        return ConversionError(
            f"{location}: {text!r} in column {value['column']!r} is not a number."
        )
    for part, meaning in KNOWN.items():
        if part in message:
            kind = FormError if part in FORM else DataError
            return kind(f"{location}: {meaning}.")
    kind = ConversionError if "transform error" in message else DataError
    return kind(f"{location}: {reason(message)}.")


def _fields(need: int, found: int) -> str:
    """How many fields a line has; DuckDB counts no further than one too many."""
    count = f"{found:,}" if found < need else f"more than {need:,}"
    plural = "s" * (count != "1")
    return f"{count} field{plural} where {need:,} are needed"
