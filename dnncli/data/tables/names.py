"""Names of columns, as options give them."""

import csv
from collections.abc import Sequence
from fnmatch import fnmatchcase


def split(names: str | None) -> list[str]:
    """Names between commas; one with a comma in it stands in double quotes."""
    if not names:
        return []
    return [name.strip() for name in next(csv.reader([names], skipinitialspace=True))]


def matching(pattern: str, names: Sequence[str]) -> list[str]:
    """The names that are this one, or fit a pattern such as x*."""
    return [name for name in names if name == pattern or fnmatchcase(name, pattern)]
