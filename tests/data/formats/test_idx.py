"""IDX folders load exactly as written, and every damage is one line that names the file."""

import gzip
import math
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnncli.data.formats import idx
from dnncli.data.source import DataSource
from dnncli.errors import DataError

MNIST = Path(__file__).parents[4] / "shared" / "data" / "mnist"
FILES = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]


def idx_bytes(array: np.ndarray, kind: int = 8) -> bytes:
    return (
        struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + array.tobytes()
    )


def images(examples: int, rows: int = 2, columns: int = 3) -> np.ndarray:
    return np.arange(examples * rows * columns).astype(np.uint8).reshape(examples, rows, columns)


def labels(examples: int) -> np.ndarray:
    return np.arange(examples).astype(np.uint8) % 3


ARRAYS = [images(20), labels(20), images(6), labels(6)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, array in zip(FILES, ARRAYS, strict=True):
        (tmp_path / name).write_bytes(idx_bytes(array))
    return tmp_path


@given(
    arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=9)),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_what_was_written_is_read(array: np.ndarray, zipped: bool) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "array")
        path.write_bytes(gzip.compress(idx_bytes(array)) if zipped else idx_bytes(array))
        np.testing.assert_array_equal(idx.read_array(path, array.ndim), array, strict=True)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_any_damaged_byte_gives_an_array_or_one_clear_line(data: st.DataObject) -> None:
    whole = idx_bytes(images(3))
    whole = gzip.compress(whole) if data.draw(st.booleans()) else whole
    place, value = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "array")
        path.write_bytes((whole[:place] + bytes([value]) + whole[place + 1 :])[:cut])
        try:
            size, complaint = idx.read_array(path, 3).size, None
        except DataError as error:
            size, complaint = 18, str(error)
    assert size == 18
    assert complaint is None or (complaint.startswith(f"{path} ") and "\n" not in complaint)


def test_a_folder_gives_images_as_rows_labels_and_their_names(folder: Path) -> None:
    source = idx.read(folder)
    np.testing.assert_array_equal(source.train.x, ARRAYS[0].reshape(20, 6), strict=True)
    np.testing.assert_array_equal(source.train.y, ARRAYS[1].astype(np.int32), strict=True)
    assert source.test is not None
    np.testing.assert_array_equal(source.test.x, ARRAYS[2].reshape(6, 6))
    assert (source.name, source.class_names, source.image_shape) == (
        folder.name,
        ("0", "1", "2"),
        (2, 3),
    )
    assert (source.ordered, source.held_out, source.peak) == (
        True,
        {"validation": 2, "test": 6},
        255,
    )


def test_any_byte_can_be_a_label_and_classes_sort_as_numbers(folder: Path) -> None:
    odd = np.array([200, 7, 30] * 2, np.uint8)
    (folder / FILES[3]).write_bytes(idx_bytes(odd))
    assert idx.read(folder).class_names == ("0", "1", "2", "7", "30", "200")


def test_25000_images_and_more_hold_out_5000(tmp_path: Path) -> None:
    for examples, held_out in ((24_999, 2500), (25_000, 5000)):
        for name, array in zip(
            FILES, [images(examples), labels(examples), *ARRAYS[2:]], strict=True
        ):
            (tmp_path / name).write_bytes(idx_bytes(array))
        assert idx.read(tmp_path).held_out["validation"] == held_out


def respelled(folder: Path, place: Path) -> None:
    for name in FILES:
        (place / name.replace("-idx", ".idx")).write_bytes((folder / name).read_bytes())


def zipped(folder: Path, place: Path) -> None:
    for name in FILES:
        (place / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))


def misnamed(folder: Path, place: Path) -> None:
    """As browsers do that unzip a download but keep its name, or the reverse."""
    for name in FILES[:2]:
        (place / f"{name}.gz").write_bytes((folder / name).read_bytes())
    for name in FILES[2:]:
        (place / name).write_bytes(gzip.compress((folder / name).read_bytes()))


@pytest.mark.parametrize("spell", [respelled, zipped, misnamed])
def test_spelling_and_compression_change_neither_data_nor_fingerprint(
    folder: Path, spell: Callable[[Path, Path], None]
) -> None:
    place = folder / "other"
    place.mkdir()
    spell(folder, place)
    one, other = idx.read(folder), idx.read(place)
    np.testing.assert_array_equal(one.train.x, other.train.x)
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize("name", FILES)
def test_a_changed_value_changes_the_fingerprint(folder: Path, name: str) -> None:
    before = idx.read(folder).fingerprint
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    assert idx.read(folder).fingerprint != before


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(DataError, match=rf"has no file {name} \(or \.gz\)"):
        idx.read(folder)


GOOD = idx_bytes(ARRAYS[0])
ZIPPED = gzip.compress(GOOD)
DAMAGES = {
    "nothing": (b"", "not an IDX file: it starts with nothing"),
    "two bytes": (b"\0\0", "not an IDX file: it starts with 00 00"),
    "a picture": (b"\x89PNG\r\n\x1a\n" * 9, "not an IDX file: it starts with 89 50 4e 47"),
    "floats": (idx_bytes(ARRAYS[0], 0x0D), r"IDX type 0x0d: only unsigned bytes \(0x08\)"),
    "labels for images": (idx_bytes(ARRAYS[1]), "has 1 dimensions where 3 are needed"),
    "half a header": (GOOD[:9], "truncated: it ends within its header"),
    "no examples": (idx_bytes(ARRAYS[0][:0]), "is empty: its header says 0×2×3"),
    "no pixels": (idx_bytes(ARRAYS[0][:, :0]), "is empty: its header says 20×0×3"),
    "a byte too few": (GOOD[:-1], "truncated: 119 of 120 values are there"),
    "a byte too many": (GOOD + b"\0", "goes on after the 120 values"),
    "an absurd size": (
        GOOD[:4] + b"\xff" * 12 + GOOD[16:],
        "truncated: its header says 79,228,162",
    ),
    "a cut gzip": (ZIPPED[:-20], "damaged gzip file"),
    "a gzip without its end": (ZIPPED[:-8], "damaged gzip file"),
    "a wrong checksum": (ZIPPED[:-8] + b"\0\0\0\0" + ZIPPED[-4:], "damaged gzip file: CRC"),
    "garbage in a gzip": (ZIPPED[:10] + b"\xff" * 9 + ZIPPED[19:], "damaged gzip file"),
    "garbage after a gzip": (ZIPPED + b"garbage", "damaged gzip file"),
    "a zipped byte too many": (gzip.compress(GOOD + b"\0"), "goes on after the 120 values"),
    "a zipped byte too few": (gzip.compress(GOOD[:-1]), "truncated: 119 of 120 values"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_with_what_is_wrong(folder: Path, damage: str) -> None:
    content, message = DAMAGES[damage]
    (folder / FILES[0]).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        idx.read(folder)
    assert FILES[0] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_small_gzip_that_unpacks_to_much_is_read_no_further_than_its_header_says(
    folder: Path,
) -> None:
    bomb = gzip.compress(GOOD + bytes(50_000_000))
    (folder / FILES[0]).write_bytes(bomb)
    with pytest.raises(DataError, match="goes on after the 120 values"):
        idx.read(folder)


def test_images_and_labels_of_different_number_are_refused(folder: Path) -> None:
    (folder / FILES[1]).write_bytes(idx_bytes(labels(19)))
    with pytest.raises(DataError, match=f"{FILES[0]} holds 20 images, but {FILES[1]} 19 labels"):
        idx.read(folder)


def test_training_and_test_images_of_different_size_are_refused(folder: Path) -> None:
    (folder / FILES[2]).write_bytes(idx_bytes(images(6, 3, 2)))
    with pytest.raises(DataError, match="training images are 2×3 pixels, test images 3×2"):
        idx.read(folder)


@pytest.fixture(scope="module")
def mnist() -> DataSource:
    if not MNIST.is_dir():
        pytest.skip("needs ../shared/data/mnist")
    return idx.read(MNIST)


def test_mnist_is_the_published_one(mnist: DataSource) -> None:
    assert mnist.train.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.test is not None
    assert np.bincount(mnist.test.y).tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]
    assert mnist.held_out == {"validation": 5000, "test": 10_000}
    mean = mnist.train.x.mean(dtype=np.float64) / 255
    assert math.isclose(mean, 0.1307, abs_tol=5e-5)  # the mean that every MNIST tutorial subtracts
