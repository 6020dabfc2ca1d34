"""A packed file that grows beyond all measure is refused, and soon."""

import bz2
import gzip
import io
import lzma
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dnncli.data import growth, load
from dnncli.data.formats import idx
from dnncli.errors import DataError
from dnncli.spec import DataSpec

HEAD = b"a,b,y\n"
BODY = b"".join(b"%d,%d,%s\n" % (i, i * i % 11, b"xz"[i % 2 : i % 2 + 1]) for i in range(200))
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


def zipped(data: bytes) -> bytes:
    """An archive of one table."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", data)
    return file.getvalue()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that small files reach."""
    monkeypatch.setattr(growth, "ALWAYS", 1 << 18)
    monkeypatch.setattr(growth, "CHUNK", 1 << 16)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", PACKERS)
def test_a_packed_table_that_grows_too_much_is_refused_in_one_line(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"bomb.csv.{kind}"
    path.write_bytes(PACKERS[kind](HEAD + BODY + b"1,2,x\n" * 1_000_000))
    packed = os.path.getsize(path)
    with pytest.raises(DataError) as caught:
        load(DataSpec(data=str(path)))
    message = str(caught.value)
    assert message.startswith(f"{path} has {growth.size(packed)} and grows to more than")
    assert growth.size(growth.limit(packed)) in message
    assert message.isprintable()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", [*PACKERS, "zip"])
def test_memory_allows_a_table_to_grow_and_says_so(tmp_path: Path, kind: str) -> None:
    data = HEAD + BODY + b"1,2,x\n" * 50_000
    path = tmp_path / f"repeated.csv.{kind}"
    path.write_bytes(PACKERS.get(kind, zipped)(data))
    with pytest.raises(DataError, match=r"grows to more than .* `train --memory SIZE`"):
        load(DataSpec(data=str(path), memory=len(data) // 2))
    read = load(DataSpec(data=str(path), memory=len(data)))
    assert len(read.train) + len(read.validation) + len(read.test) == 50_200
    assert [notice.kind for notice in read.notices].count("grown") == 1


@pytest.mark.usefixtures("small")
def test_a_member_of_an_archive_that_grows_too_much_is_refused(tmp_path: Path) -> None:
    for name in ("bomb.zip", "bomb.xlsx"):
        (tmp_path / name).write_bytes(zipped(HEAD + BODY + b"1,2,x\n" * 1_000_000))
        with pytest.raises(DataError, match=r"table.csv has .* and grows to more than") as caught:
            load(DataSpec(data=str(tmp_path / name)))
        # What an option cannot do is not advised.
        assert ("--memory" in str(caught.value)) == (name == "bomb.zip")


@pytest.mark.usefixtures("small")
def test_images_that_grow_too_much_are_refused_before_memory_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(struct.pack(">IIII", 0x803, 1000, 28, 28) + bytes(784_000)))
    with pytest.raises(DataError, match="grows to more than"):
        idx.read_array(path, 3)


def test_what_grows_little_or_to_little_is_read(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    for body in (BODY, BODY + b"1,2,x\n" * 100_000):
        path.write_bytes(gzip.compress(HEAD + body))
        growth.check(path)
    assert len(load(DataSpec(data=str(path))).train) > 1000


def test_only_the_first_part_is_unpacked_and_held_against_its_own_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "ALWAYS", 0)
    monkeypatch.setattr(growth, "LOOKED_AT", 300_000)
    monkeypatch.setattr(growth, "CHUNK", 1 << 16)
    noise = np.random.default_rng(0).bytes(500_000)
    path = tmp_path / "table.csv.gz"
    bomb = gzip.compress(bytes(100_000_000))
    path.write_bytes(gzip.compress(noise) + bomb)
    growth.check(path)
    path.write_bytes(bomb + gzip.compress(noise))
    with pytest.raises(DataError):
        growth.check(path)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b", b"\x1f\x8bgarbage", b"BZh9oops", b"a,b\n"])
def test_a_damaged_or_plain_file_passes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(content)
    growth.check(path)


@pytest.mark.parametrize(
    ("count", "shown"),
    [(12, "12 bytes"), (2_640_000, "2.6 MB"), (528_000_000, "528 MB"), (1_800_000_000, "1.8 GB")],
)
def test_sizes_are_said_in_two_digits_or_three(count: int, shown: str) -> None:
    assert growth.size(count) == shown
