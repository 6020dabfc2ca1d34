"""Files as DuckDB can read them: odd text and other formats become ordinary CSV in UTF-8."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from dnncli.data import growth
from dnncli.data.tables import conversion, text_encoding, text_form
from dnncli.data.tables.options import Reading
from dnncli.data.tables.rewriting import Scratch, open_bytes, rewrite, separator
from dnncli.data.tables.text_form import BLANKS, TextForm
from dnncli.errors import DataError
from dnncli.records import Notice
from dnncli.spec import suffixes

WHOLE = 1 << 24  # bytes of a file that is looked at as a whole
HEAD = 1 << 18  # bytes that are looked at of a larger one
PLAIN = ("utf-8", "utf-16")  # that DuckDB reads itself, utf-16 with a byte order mark
ZSTD = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class Prepared:
    """A file to read with DuckDB. None: DuckDB finds it out."""

    path: Path
    kind: str | None
    delimiter: str | None = None
    header: bool | None = None
    notices: tuple[Notice, ...] = ()


def prepare(path: Path, kind: str | None, how: Reading, scratch: Scratch) -> Prepared:
    """A file as DuckDB can read it, which stays as it is where it is ordinary.

    Raises DataError for what cannot be read.
    """
    grown = False
    if kind in suffixes.ZIPPED:
        with_suffix = partial(scratch.file, path)
        path, kind, grown = conversion.unzip(path, with_suffix, how.memory)
    grown |= growth.check(path, how.memory)
    prepared = _prepared(path, kind, how, scratch)
    if grown:
        prepared = replace(prepared, notices=(Notice("grown", facts={}), *prepared.notices))
    return prepared


def _prepared(path: Path, kind: str | None, how: Reading, scratch: Scratch) -> Prepared:
    """The same for a file that is not an archive."""
    if kind in suffixes.SHEETS:
        sheet = scratch.file(path)
        conversion.write(path, kind, sheet)
        return _prepared_text(sheet, ".csv", Reading(delimiter=","), scratch)
    if kind in suffixes.CONVERTED:
        target = scratch.file(path)
        conversion.write(path, kind, target)
        return Prepared(target, ".csv", ",", conversion.has_header(path, kind))
    if kind in suffixes.DELIMITED:
        return _prepared_text(path, kind, how, scratch)
    return Prepared(path, kind)


def _prepared_text(path: Path, kind: str | None, how: Reading, scratch: Scratch) -> Prepared:
    """A text file, rewritten where it is not ordinary."""
    delimiter = how.delimiter
    if delimiter is None and kind in (".tsv", ".tab"):
        delimiter = "\t"
    with path.open("rb") as file:
        if file.read(4) == ZSTD:
            return Prepared(path, kind, delimiter, how.header)
    data, complete = _head(path, how.whole)
    if not data.strip():
        raise DataError(f"{path} is empty.")
    encoding = how.encoding or text_encoding.find(data, str(path))
    form = _form(data, encoding, delimiter, complete)
    notices = tuple(_notices(form, data, encoding, how))
    packed = path.suffix.lower() in (".bz2", ".xz")
    if form.ordinary and encoding in PLAIN and not packed:
        return Prepared(path, kind, delimiter or _hint(form), how.header, notices)
    target = scratch.file(path)
    try:
        scratch.left_out[str(target)] = rewrite(path, form, encoding, target)
    except UnicodeError:
        raise DataError(
            f"{path} is not {encoding} throughout: say its encoding with --encoding."
        ) from None
    except growth.DAMAGED as error:
        raise DataError(f"{path} cannot be unpacked or rewritten: {error}.") from None
    header = True if form.header and how.header is None else how.header
    return Prepared(target, kind, separator(form) or delimiter, header, notices)


def _head(path: Path, whole: bool) -> tuple[bytes, bool]:
    """The bytes that a file's form is found from, unpacked, and whether they are all."""
    with open_bytes(path) as file:
        try:
            data = file.read() if whole else file.read(WHOLE + 1)
        except growth.DAMAGED as error:
            kind = "gzip" if isinstance(file, gzip.GzipFile) else "packed"
            raise DataError(f"{path} is a damaged {kind} file: {error}") from None
    if whole or len(data) <= WHOLE:
        return data, True
    return data[:HEAD], False


def _form(data: bytes, encoding: str, delimiter: str | None, complete: bool) -> TextForm:
    """What is odd about a text file."""
    text = data[:HEAD].decode(encoding, "replace").lstrip("\ufeff")
    if len(data) > HEAD:
        text = text[: text.rfind("\n") + 1] or text
    form = text_form.detect(text, delimiter)
    end = data[-HEAD:].decode(encoding, "replace")
    tabs = form.delimiter == "\t" and b'"' in data
    return replace(
        form,
        line_ends=not encoding.startswith("utf-16") and text_form.mixed_line_ends(data),
        cut=complete and text_form.is_cut(end, form, data.count(b'"') % 2 == 0),
        unquoted=tabs and text_form.has_lone_quotes(data.decode(encoding, "replace")),
    )


def _hint(form: TextForm) -> str | None:
    """A delimiter that DuckDB might not prefer: semicolons around decimal commas."""
    return form.delimiter if form.delimiter == ";" else None


def _notices(form: TextForm, data: bytes, encoding: str, how: Reading) -> Sequence[Notice]:
    """What was understood of the file's form."""
    found = []
    if encoding not in PLAIN and not how.encoding:
        example = text_encoding.example(data, encoding)
        found.append(Notice("encoding", facts={"encoding": encoding, "example": example}))
    if form.above:
        first = form.above[0].strip()[:40]
        found.append(Notice("lines above", facts={"lines": len(form.above), "first": first}))
    if form.comment:
        found.append(Notice("comments", facts={"mark": form.comment, "header": form.header}))
    if form.wrapped:
        found.append(Notice("wrapped lines", facts={"delimiter": form.delimiter}))
    if form.delimiter == BLANKS:
        found.append(Notice("blanks", facts={}))
    if form.trailing:
        found.append(Notice("trailing delimiters", facts={"delimiter": form.delimiter}))
    if form.cut:
        found.append(Notice("cut", facts={}))
    if form.row_names:
        found.append(Notice("row names", facts={"column": "row"}))
    return found
