"""Odd files made ordinary: text in UTF-8 with one delimiter, in a temporary folder."""

import csv
import io
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from dnncli.data import growth
from dnncli.data.tables.text_form import BLANKS, TextForm, fields, unwrapped

TAB = "\t"


class Scratch:
    """A temporary folder that is removed once nobody refers to it."""

    def __init__(self) -> None:
        """Make the folder."""
        self.folder = Path(tempfile.mkdtemp(prefix="dnncli-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self.originals: dict[str, str] = {}  # path of a file here: the file it was made from
        self.left_out: dict[str, int] = {}  # path of a file here: lines left out at its start

    def file(self, original: Path, suffix: str = ".csv") -> Path:
        """A path for a file that is made from another."""
        path = self.folder / f"{len(self.originals)}{suffix}"
        self.originals[str(path)] = str(original)
        return path

    def renamed(self, text: str) -> str:
        """A message with the names of the original files."""
        for path, original in reversed(self.originals.items()):
            first = self.left_out.get(path, 0)
            if line := re.search(re.escape(path) + r", line (\d+)", text):
                text = text.replace(line[0], f"{original}, line {int(line[1]) + first}")
            text = text.replace(path, original)
        return text


def open_bytes(path: Path) -> io.BufferedIOBase:
    """A file's bytes, unpacked where it is compressed. Raises OSError."""
    with path.open("rb") as file:
        unpack = growth.opener(file.read(3))
    return unpack(path) if unpack else path.open("rb")


def open_text(path: Path, encoding: str) -> io.TextIOWrapper:
    """A file's text, with one kind of line end."""
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        encoding = "utf-8-sig"
    return io.TextIOWrapper(open_bytes(path), encoding, newline=None)  # type: ignore[arg-type]


def rewrite(path: Path, form: TextForm, encoding: str, target: Path) -> int:
    """Write a file as ordinary CSV, with its lines one by one; how many are left out at its start.

    Raises OSError, UnicodeError for text in another encoding.
    """
    with open_text(path, encoding) as source, target.open("w", encoding="utf-8") as out:
        lines = _lines(source, form)
        first = 0
        for line in lines:
            if line:
                out.write(line + "\n")
                break
            first += 1
        for line in lines:
            out.write(line + "\n")
    return first


def _lines(source: Iterable[str], form: TextForm) -> Iterator[str]:
    """The lines of the ordinary file: empty ones for what is left out."""
    above = len(form.above)
    inside = False  # a quoted field that goes on over several lines
    names = form.row_names
    lines = _without_last(source) if form.cut else source
    for raw in lines:
        line = raw.rstrip("\n")
        continued = inside
        inside ^= not form.unquoted and line.count('"') % 2 == 1
        if continued:
            yield line
        elif not line.strip():
            yield ""
        elif form.comment and line.lstrip().startswith(form.comment):
            text = line.lstrip().removeprefix(form.comment).strip()
            yield _ordinary(text, form) * (text == form.header)
        elif above:
            above -= 1
            yield ""
        else:
            first = f"row{separator(form)}" if names else ""
            yield first + _ordinary(line, form)
            names = False


def _without_last(lines: Iterable[str]) -> Iterator[str]:
    """All lines but the last."""
    return (line for line, _ in pairwise(lines))


def separator(form: TextForm) -> str:
    """The delimiter of the ordinary file."""
    return TAB if form.delimiter == BLANKS else form.delimiter


def _ordinary(line: str, form: TextForm) -> str:
    """A line of the table."""
    if form.wrapped:
        line = unwrapped(line)
    if form.delimiter == BLANKS:
        return TAB.join(fields(line, BLANKS))
    if form.trailing:
        for _ in range(form.trailing):
            line = line.rstrip(" ").removesuffix(form.delimiter)
        return line
    if form.single_quotes:
        cells = next(csv.reader([line], delimiter=form.delimiter, quotechar="'"), [])
        return form.delimiter.join(f'"{cell}"' for cell in cells)
    if form.unquoted:
        return TAB.join(map(_quoted, line.split(TAB)))
    return line


def _quoted(field: str) -> str:
    """A field with its quotes kept as letters."""
    return '"' + field.replace('"', '""') + '"' if '"' in field else field
