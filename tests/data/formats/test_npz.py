"""NumPy archives load whatever they sensibly hold, and everything else is one clear line."""

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnncli.data.formats import npz
from dnncli.data.source import DataSource
from dnncli.errors import DataError

X = np.arange(24, dtype=np.float64).reshape(8, 3)
Y = np.array([5, 9] * 4)
DIVIDED = {"x_train": X, "y_train": Y, "x_test": X[:3], "y_test": Y[:3]}


def written(folder: Path, **arrays: Any) -> Path:
    path = folder / "toy.npz"
    np.savez(path, **arrays)
    return path


def read(folder: Path, **arrays: Any) -> DataSource:
    return npz.read(written(folder, **arrays))


def refuses(folder: Path, message: str, **arrays: Any) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(folder, **arrays)
    assert str(folder / "toy.npz") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_x_and_y_are_one_table_that_all_splits_come_from(tmp_path: Path) -> None:
    source = read(tmp_path, x=X, y=Y)
    np.testing.assert_array_equal(source.train.x, X.astype(np.float32), strict=True)
    np.testing.assert_array_equal(source.train.y, np.array([0, 1] * 4, np.int32), strict=True)
    assert (source.name, source.test, source.class_names) == ("toy", None, ("5", "9"))
    assert (source.ordered, source.held_out, source.peak) == (
        False,
        {"validation": 1, "test": 2},
        None,
    )


def test_a_test_set_of_its_own_is_kept_whole(tmp_path: Path) -> None:
    source = read(tmp_path, **DIVIDED, x=X[:1])
    assert source.test is not None
    np.testing.assert_array_equal(source.test.x, X[:3].astype(np.float32))
    assert source.test.y.tolist() == [0, 1, 0]
    assert source.held_out == {"validation": 1, "test": 3}


@pytest.mark.parametrize("dtype", ["?", "u2", "i1", "i8", ">i4", "f2", "f4", ">f8", "g"])
def test_numbers_of_any_real_type_become_float32(tmp_path: Path, dtype: str) -> None:
    x = X.astype(dtype)
    np.testing.assert_array_equal(
        read(tmp_path, x=x, y=Y).train.x, x.astype(np.float32), strict=True
    )


def test_bytes_are_pixels_and_stay_bytes_unless_the_other_table_has_floats(tmp_path: Path) -> None:
    pixels = X.astype(np.uint8)
    source = read(tmp_path, x=pixels, y=Y)
    assert (source.train.x.dtype, source.peak) == (np.uint8, 255)
    mixed = read(tmp_path, **{**DIVIDED, "x_train": pixels})
    assert (mixed.train.x.dtype, mixed.peak) == (np.float32, None)


@pytest.mark.parametrize(
    ("shape", "image_shape"),
    [((3,), None), ((2, 3), (2, 3)), ((2, 3, 1), (2, 3)), ((2, 3, 3), None), ((2, 1, 3, 1), None)],
)
def test_further_dimensions_are_flattened_and_grey_images_keep_their_shape(
    tmp_path: Path, shape: tuple[int, ...], image_shape: tuple[int, int] | None
) -> None:
    x = np.arange(8 * np.prod(shape)).reshape(8, *shape)
    source = read(tmp_path, x=np.asfortranarray(x), y=Y)
    assert source.train.x.tolist() == x.reshape(8, -1).tolist()
    assert source.train.x.flags.c_contiguous
    assert source.image_shape == image_shape


@pytest.mark.parametrize("names", npz.OTHERS)
def test_arrays_go_by_the_names_that_others_give_them(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    rng = np.random.default_rng(0)
    sizes = (30, 30, 12, 12, 6, 6)[: len(names)]
    arrays = [rng.integers(0, 255, (n, 4, 4), np.uint8) for n in sizes]
    arrays[1::2] = [(np.arange(n) % 3)[:, None] for n in sizes[1::2]]
    np.savez(tmp_path / "named.npz", **dict(zip(names, arrays, strict=True)))
    source = npz.read(tmp_path / "named.npz")
    known = dict(zip(("train", "test", "validation"), arrays[0::2], strict=False))
    first = known.get("validation", known["train"])
    np.testing.assert_array_equal(source.train.x[: len(first)], first.reshape(len(first), -1))
    assert len(source.train) == 30 + len(known.get("validation", ()))
    assert (source.test is None) == ("test" not in known)
    if "validation" in known:
        assert (source.ordered, source.held_out["validation"]) == (True, 6)


def test_classes_are_counted_over_both_tables(tmp_path: Path) -> None:
    names = {"y_train": np.array(["dog", "ant"] * 4), "y_test": np.array(["cat", "ant", "ant"])}
    source = read(tmp_path, **{**DIVIDED, **names})
    assert source.class_names == ("ant", "cat", "dog")
    assert source.train.y[:2].tolist() == [2, 0]


def test_compression_and_order_in_the_file_do_not_change_the_fingerprint(tmp_path: Path) -> None:
    plain = read(tmp_path, **DIVIDED).fingerprint
    np.savez_compressed(tmp_path / "other.npz", **dict(reversed(DIVIDED.items())))
    assert npz.read(tmp_path / "other.npz").fingerprint == plain
    assert read(tmp_path, **{**DIVIDED, "y_test": 1 + Y[:3]}).fingerprint != plain


@pytest.mark.parametrize("name", DIVIDED)
def test_a_missing_array_is_named_with_those_there_are(tmp_path: Path, name: str) -> None:
    rest = {key: array for key, array in DIVIDED.items() if key != name}
    refuses(tmp_path, rf"no array '{name}' \(it has {', '.join(rest)}\)", **rest)


def test_an_archive_of_other_arrays_says_what_is_needed(tmp_path: Path) -> None:
    refuses(tmp_path, r"no array 'y' \(it has x, labels\)", x=X, labels=Y)
    refuses(
        tmp_path,
        r"\(it has images\): it needs x_train, y_train, x_test, y_test, or x and y",
        images=X,
    )
    refuses(tmp_path, r"\(it has none\)")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39])
def test_values_that_float32_cannot_hold_are_counted_and_the_first_is_placed(
    tmp_path: Path, bad: float
) -> None:
    x = X.copy()
    x[5, 1] = x[6, :2] = bad
    message = "x_test holds 3 values that are NaN, infinite or too large for float32, the first in example 5"
    refuses(tmp_path, message, **{**DIVIDED, "x_test": x, "y_test": Y})


def test_arrays_of_wrong_shape_are_refused(tmp_path: Path) -> None:
    refuses(tmp_path, r"x has shape \(8,\): it needs examples in rows", x=X[:, 0], y=Y)
    refuses(tmp_path, r"x has shape \(\)", x=np.array(1.0), y=Y)
    refuses(tmp_path, r"x is empty: its shape is \(0, 3\)", x=X[:0], y=Y[:0])
    refuses(tmp_path, r"x is empty: its shape is \(8, 0\)", x=X[:, :0], y=Y)
    refuses(
        tmp_path,
        r"y has shape \(8, 2\): it must hold one label an example",
        x=X,
        y=np.eye(8)[:, :2],
    )
    refuses(tmp_path, r"\(3,\) in x_train, \(2,\) in x_test", **{**DIVIDED, "x_test": X[:3, :2]})


def test_examples_and_labels_of_different_number_are_refused(tmp_path: Path) -> None:
    refuses(tmp_path, "x has 8 examples, but y 7 labels", x=X, y=Y[:7])
    refuses(tmp_path, "x_test has 3 examples, but y_test 8 labels", **{**DIVIDED, "y_test": Y})


def test_numbers_in_one_label_array_and_strings_in_the_other_are_refused(tmp_path: Path) -> None:
    refuses(
        tmp_path,
        "one of y_train and y_test holds numbers",
        **{**DIVIDED, "y_test": np.array(list("abc"))},
    )


@pytest.mark.parametrize("dtype", ["U3", "c8", "M8[s]", "V8"])
def test_features_that_are_no_real_numbers_are_refused(tmp_path: Path, dtype: str) -> None:
    refuses(tmp_path, "features must be real numbers", x=np.zeros((8, 3), dtype), y=Y)


class Hostile:
    """Runs code where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("unpickled",))


@pytest.mark.parametrize("name", ["x", "y"])
def test_python_objects_are_never_unpickled(tmp_path: Path, name: str) -> None:
    arrays = {"x": X, "y": Y, name: np.array([[Hostile()]] * 8, object)}
    refuses(tmp_path, f"{name} holds Python objects", **arrays)


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


@pytest.mark.parametrize("content", [b"", b"x,y\n1,2\n", npy(X), b"PK\x03\x04" + bytes(40)])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "toy.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"toy\.npz is not an \.npz file"):
        npz.read(path)


def test_members_that_are_no_arrays_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "toy.npz", x=b"hello", y=npy(Y))
    with pytest.raises(DataError, match="x is not a NumPy array"):
        npz.read(path)


def test_a_header_that_asks_for_absurd_memory_is_refused(tmp_path: Path) -> None:
    hostile = npy(X).replace(b"(8, 3), }" + b" " * 18, b"(8000000000000, 300000000), }"[:27])
    assert hostile != npy(X)
    with pytest.raises(DataError, match=r"toy\.npz cannot be read"):
        npz.read(zipped(tmp_path / "toy.npz", x=hostile, y=npy(Y)))


WHOLE = io.BytesIO()
np.savez_compressed(WHOLE, x=X, y=Y)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_damaged_byte_gives_a_table_or_one_clear_line(data: st.DataObject) -> None:
    whole = WHOLE.getvalue()
    place, value = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([len(whole), place]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "toy.npz")
        path.write_bytes((whole[:place] + bytes([value]) + whole[place + 1 :])[:cut])
        try:
            x, complaint = npz.read(path).train.x, None
        except DataError as error:
            x, complaint = X, str(error)
    np.testing.assert_array_equal(x, X)
    assert complaint is None or (complaint.startswith(str(path)) and "\n" not in complaint)
