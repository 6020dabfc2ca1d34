"""Damaged files of formats that become CSV first: one line each, whatever their readers raise."""

import bz2
import io
import lzma
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from dnncli.data import load
from dnncli.data.tables import conversion, errors, preparation
from dnncli.errors import DataError
from dnncli.spec import DataSpec

ROWS = b"a,b,y\n" + b"".join(b"%d,%d,%s\n" % (i, i * i, (b"x", b"z")[i % 2]) for i in range(60))
MORE = ROWS.partition(b"\n")[2]
PYTHON_2 = b"{'descr': '<f8', 'fortran_order': False, 'shape': (40L, 3L), }"


def damaged_member(packed: bytes, name: str) -> bytes:
    """A zip archive with the first bytes of a member's deflated data turned around."""
    data = bytearray(packed)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        start = archive.getinfo(name).header_offset + 30 + len(name)
    data[start : start + 12] = bytes(255 - byte for byte in data[start : start + 12])
    return bytes(data)


def zipped(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def sheet() -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for line in ROWS.decode().splitlines():
        book.active.append(line.split(","))
    book.save(file)
    return file.getvalue()


def with_member(packed: bytes, name: str, content: bytes) -> bytes:
    """A zip archive with another content of a member."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(packed)) as archive,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as changed,
    ):
        for old in archive.namelist():
            changed.writestr(old, content if old == name else archive.read(old))
    return file.getvalue()


def npy(header: bytes, content: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


SHEET = "xl/worksheets/sheet1.xml"
DAMAGED = {
    "deflated.zip": damaged_member(zipped("t.csv", ROWS), "t.csv"),
    "offset.zip": zipped("t.csv", ROWS)[40:],
    "deflated.xlsx": damaged_member(sheet(), SHEET),
    "tags.xlsx": with_member(sheet(), SHEET, b"<worksheet><a></worksheet>"),
    "types.xlsx": with_member(sheet(), "[Content_Types].xml", b"<"),
    "bracket.npy": npy(b"{'descr': '<f8', 'shape': (40, 3"),
    "shape.npy": npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"9" * 30 + b", 3)}"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_gives_one_line_that_names_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(DAMAGED[name])
    with pytest.raises(DataError, match=r"is not a sound|cannot be unpacked") as caught:
        load(DataSpec(data=str(path)))
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


PACKERS = {"bz2": bz2.compress, "xz": lzma.compress}


def test_a_packed_table_whose_damage_lies_far_down_gives_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "WHOLE", 1000)
    monkeypatch.setattr(preparation, "HEAD", 1000)
    path = tmp_path / "t.csv.xz"
    path.write_bytes(lzma.compress(ROWS + MORE * 400)[:-20])
    with pytest.raises(DataError, match=r"t\.csv\.xz cannot be unpacked or rewritten: it ends"):
        load(DataSpec(data=str(path)))


@pytest.mark.parametrize("kind", PACKERS)
def test_damage_in_a_second_packed_stream_is_not_taken_for_the_end(
    tmp_path: Path, kind: str
) -> None:
    """As Python's own readers do: half of the rows would be gone without a word."""
    pack, path = PACKERS[kind], tmp_path / f"t.csv.{kind}"
    first, second = pack(ROWS), pack(MORE)
    path.write_bytes(first + second + bytes(8))
    data = load(DataSpec(data=str(path)))
    assert sum(map(len, (data.train, data.validation, data.test))) == 120
    middle = len(second) // 2
    changed = bytes([second[middle] ^ 255])
    for damaged in (second[:middle] + changed + second[middle + 1 :], second[:-9], b"junk"):
        path.write_bytes(first + damaged)
        with pytest.raises(DataError, match=r"is a damaged packed file"):
            load(DataSpec(data=str(path)))


def test_arrays_of_python_2_are_read_without_a_warning(tmp_path: Path) -> None:
    """Warnings are errors in these tests."""
    content = np.arange(120.0).reshape(40, 3).tobytes()
    (tmp_path / "old.npy").write_bytes(npy(PYTHON_2.ljust(117) + b"\n", content))
    rows = list(conversion.rows(tmp_path / "old.npy", ".npy"))
    assert rows[-1] == [117.0, 118.0, 119.0]
    with zipfile.ZipFile(tmp_path / "old.npz", "w") as archive:
        archive.writestr("x.npy", npy(PYTHON_2.ljust(117) + b"\n", content))
        labels = io.BytesIO()
        np.save(labels, np.arange(40) % 2)
        archive.writestr("y.npy", labels.getvalue())
    assert load(DataSpec(data=str(tmp_path / "old.npz"))).train.x.shape[1] == 3


def test_a_table_that_cannot_be_written_out_anew_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.svmlight"
    path.write_text("1 1:2\n0 1:3\n")
    with pytest.raises(DataError, match=r"t\.svmlight cannot be converted in /dev: No space left"):
        conversion.write(path, ".svmlight", Path("/dev/full"))


def test_what_duckdb_says_of_damaged_parquet_is_one_line() -> None:
    """It names the byte that it does not know, which may be one that ends a line."""
    assert errors.reason("Invalid Error: don't know what type: \r") == "don't know what type"
    assert errors.reason("") == ""
