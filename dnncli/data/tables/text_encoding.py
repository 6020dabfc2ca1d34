"""The encoding of a text file, found from its bytes where they are not UTF-8."""

import codecs
import re

from dnncli.errors import DataError, SpecError

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
HEAD = 65_536  # bytes in which text has no zeros
SHARE = 0.3  # of a UTF-16 file's bytes are zero where its letters are Latin
CP1252_UNUSED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
NOT_ASCII = re.compile(rb"[\x80-\xff]")
AROUND = 64  # bytes before and after a letter that are shown at most
WORD = re.compile(r"[^\s,;|]*[^\x00-\x7f][^\s,;|]*")


def find(data: bytes, location: str) -> str:
    """The encoding of a file that starts with `data`. Raises DataError for what is not text."""
    if data[:2] in UTF16:
        return "utf-16"
    if b"\0" in data[:HEAD]:
        return _utf16(data[:HEAD], location)
    if _is_utf8(data):
        return "utf-8"
    return "latin-1" if CP1252_UNUSED.search(data) else "cp1252"


def _is_utf8(data: bytes) -> bool:
    """Whether bytes are UTF-8; the last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def _utf16(data: bytes, location: str) -> str:
    """UTF-16 without a byte order mark, by where the zeros are."""
    even = data[0::2].count(0) / len(data)
    odd = data[1::2].count(0) / len(data)
    if odd > SHARE and even < SHARE / 10:
        return "utf-16-le"
    if even > SHARE and odd < SHARE / 10:
        return "utf-16-be"
    raise DataError(
        f"{location} holds NUL bytes: it is not text; if it is, say its encoding with --encoding."
    )


def check(name: str) -> str:
    """The name of an encoding that Python knows. Raises SpecError for any other."""
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise SpecError(
            f"--encoding {name}: no encoding is called so; try utf-8, cp1252, latin-1, utf-16,"
            " shift_jis or gb18030.",
            option="--encoding",
        ) from None


def example(data: bytes, encoding: str) -> str:
    """The first word with a letter beyond ASCII, to show whether an encoding is right."""
    first = NOT_ASCII.search(data)
    if first is None:
        return ""
    start = max(0, first.start() - AROUND) // 2 * 2
    near = data[start : first.start() + AROUND].decode(encoding, "ignore")
    found = WORD.search(near)
    return found[0].strip("\"',;|")[:30] if found else ""
