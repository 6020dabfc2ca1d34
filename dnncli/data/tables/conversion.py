"""Tables in other formats as CSV: ARFF, svmlight, NumPy arrays, Excel sheets, and zipped files."""

import csv
import re
import shutil
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from dnncli.data import growth
from dnncli.data.tables.rewriting import open_text
from dnncli.errors import DataError
from dnncli.spec import suffixes

ATTRIBUTE = re.compile(r"@attribute\s+('(?:[^'\\]|\\.)*'|\"[^\"]*\"|\S+)\s+(.+)", re.IGNORECASE)
MOST_FEATURES = 20_000  # of svmlight, whose absent features are zeros
Row = Sequence[object]
# What zipfile and its decompressors raise for damaged bytes, a password and unknown compression.
DAMAGED_ZIP = (
    *(zipfile.BadZipFile, RuntimeError, ValueError, OverflowError, struct.error),
    *growth.DAMAGED,
)


def rows(path: Path, suffix: str) -> Iterator[Row]:
    """The rows of a table in another format. Raises DataError for what cannot be read."""
    try:
        yield from CONVERTERS[suffix](path)
    except (UnicodeError, csv.Error, ValueError, *growth.DAMAGED) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path} is not a sound {suffix} file: {reason}.") from None


def write(path: Path, suffix: str, target: Path) -> None:
    """Write a table in another format as CSV. Raises DataError."""
    try:
        with target.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows(path, suffix))
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path} cannot be converted in {target.parent}: {reason}.") from None


def has_header(path: Path, suffix: str) -> bool | None:
    """Whether the CSV starts with names; None: to be found out."""
    if suffix in suffixes.ARFF + suffixes.SPARSE:
        return True
    if suffix in suffixes.ARRAY:
        return bool(_array(path).dtype.names)
    return None


def _unquoted(text: str) -> str:
    """A name or value of ARFF without its quotes."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _arff(path: Path) -> Iterator[Row]:
    """ARFF, dense or sparse (waikato.github.io/weka-wiki/formats_and_processing/arff_stable)."""
    names: list[str] = []
    defaults: list[str] = []  # of values that sparse rows leave out
    with open_text(path, "utf-8") as file:
        for line in file:
            text = line.strip()
            if text.lower().startswith("@data"):
                break
            if match := ATTRIBUTE.match(text):
                names.append(_unquoted(match[1]))
                defaults.append(_default(match[2]))
        if not names:
            raise ValueError("it has no @attribute lines")
        yield names
        for line in file:
            text = line.strip()
            if text.startswith("{"):
                yield _sparse_row(text, defaults)
            elif text and not text.startswith("%"):
                yield _arff_values(text)


def _default(kind: str) -> str:
    """What a sparse row leaves out: 0, or the first of the values that an attribute can have."""
    nominal = re.match(r"\{\s*('[^']*'|\"[^\"]*\"|[^,}]*)", kind)
    return _unquoted(nominal[1]) if nominal else "0"


def _arff_values(text: str) -> list[str]:
    """The values of a line; those with a comma or blank in them stand in quotes of either kind."""
    quote = '"' if '"' in text and "'" not in text else "'"
    values = next(csv.reader([text], quotechar=quote, skipinitialspace=True, escapechar="\\"))
    return [value.strip() for value in values]


def _sparse_row(text: str, defaults: Sequence[str]) -> Row:
    """`{1 0.5, 3 x}`: indices from 0 with their values."""
    values = [*defaults]
    for entry in _arff_values(text.strip("{} ")):
        index, _, value = entry.partition(" ")
        if index:
            values[int(index)] = _unquoted(value)
    return values


def _svmlight(path: Path) -> Iterator[Row]:
    """`label index:value …`, as svmlight and libsvm write it; the label becomes the last column."""
    examples: list[tuple[str, dict[int, str]]] = []
    indices = {1}
    with open_text(path, "utf-8") as file:
        for line in file:
            words = line.partition("#")[0].split()
            if words:
                pairs = [word.split(":") for word in words[1:] if not word.startswith("qid:")]
                values = {int(index): value for index, value in pairs}
                examples.append((words[0].removeprefix("+"), values))
                indices.update(values)
    if not examples or max(indices) > MOST_FEATURES or min(indices) < 0:
        raise ValueError(f"it needs examples with at most {MOST_FEATURES:,} features")
    columns = range(min(indices), max(indices) + 1)
    yield [*(f"f{index}" for index in columns), "label"]
    for label, values in examples:
        yield [*(values.get(index, "0") for index in columns), label]


def _array(path: Path) -> Any:
    """The array of an .npy file, mapped; never Python objects, which could run code."""
    # Of Python 2 NumPy warns, and it raises errors of any kind for damaged bytes.
    try:
        with warnings.catch_warnings(action="ignore"):
            return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(str(error)) from None


def _npy(path: Path) -> Iterator[Row]:
    """A matrix, or a row of records with names."""
    array = _array(path)
    if array.dtype.names:
        yield list(array.dtype.names)
    elif array.ndim != 2:
        raise ValueError(f"its shape is {array.shape}: it needs rows and columns")
    for start in range(0, len(array), 4096):
        yield from array[start : start + 4096].tolist()


def _excel(path: Path) -> Iterator[Row]:
    """The first sheet that holds anything."""
    try:
        import openpyxl
    except ImportError:
        raise DataError(
            f"{path}: .xlsx files need one more package: pip install 'dnncli[excel]', or save the"
            " sheet as CSV."
        ) from None
    # openpyxl and the parser of XML raise errors of any kind for damaged bytes.
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            growth.check_members(archive, path)
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            found = _filled_rows(book.worksheets)
    except (DataError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(str(error) or type(error).__name__) from None
    columns = [column for column in zip_longest(*found) if set(column) != {None}]
    for row in zip(*columns, strict=True):
        yield list(map(_cell, row))


def _filled_rows(sheets: Sequence[Any]) -> list[Row]:
    """The rows that hold anything, of the first sheet with such rows."""
    for sheet in sheets:
        found = [row for row in sheet.iter_rows(values_only=True) if set(row) != {None}]
        if found:
            return found
    raise ValueError("all its sheets are empty")


def _cell(value: object) -> object:
    """A cell as CSV has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return "" if value is None else value


CONVERTERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    **dict.fromkeys(suffixes.ARFF, _arff),
    **dict.fromkeys(suffixes.SPARSE, _svmlight),
    **dict.fromkeys(suffixes.ARRAY, _npy),
    **dict.fromkeys(suffixes.SHEETS, _excel),
}


def unzip(
    path: Path, target: Callable[[str], Path], memory: int | None = None
) -> tuple[Path, str, bool]:
    """The one table in a .zip file, unpacked to `target(suffix)`, its suffix, and whether it grew.

    memory, and what counts as grown: as of `growth.check`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if _is_table(name)]
            if len(names) != 1:
                there = ", ".join(names or archive.namelist()) or "nothing"
                raise DataError(
                    f"{path} holds {there}: one table is needed; unpack it and give a file."
                )
            grown = growth.check_members(archive, path, memory)
            suffix = suffixes.kind(names[0]) or ""
            unpacked = target("".join(PurePosixPath(names[0]).suffixes[-2:]) or suffix)
            with archive.open(names[0]) as member, unpacked.open("wb") as file:
                shutil.copyfileobj(member, file)
    except DAMAGED_ZIP as error:
        raise DataError(f"{path} cannot be unpacked: {error}.") from None
    return unpacked, suffix, grown


def _is_table(name: str) -> bool:
    """Whether a member of a .zip file is a table."""
    hidden = name.startswith(("__MACOSX", ".")) or name.endswith("/")
    return not hidden and suffixes.kind(name) not in (None, *suffixes.ZIPPED)
