"""What `--data` and its options give, from the names and files to scaled splits."""

import gzip
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dnncli.data import Dataset, load
from dnncli.data.features import Features, Unscaled
from dnncli.data.loading import READERS
from dnncli.errors import DataError, DnncliError, SpecError, UnknownNameError
from dnncli.spec import DataSpec, catalog

MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist"


def pixels(examples: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (examples, 2, 2)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "toys"
    place.mkdir()
    for part, examples in (("train", 50), ("t10k", 20)):
        images = (
            struct.pack(">4B3I", 0, 0, 8, 3, examples, 2, 2) + pixels(examples, examples).tobytes()
        )
        labels = struct.pack(">4BI", 0, 0, 8, 1, examples) + bytes(n % 5 for n in range(examples))
        (place / f"{part}-images-idx3-ubyte").write_bytes(images)
        (place / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    return place


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.npz"
    x = np.random.default_rng(0).normal(3, 2, (60, 4))
    np.savez(path, x=x, y=np.array(["cat", "dog", "eel"] * 20))
    return path


def contents(dataset: Dataset) -> list[np.ndarray]:
    parts = [dataset.train, dataset.validation, dataset.test]
    return [array for part in parts for array in (stored(part.x), part.y)]


def stored(x: Features) -> np.ndarray:
    """What holds the features: bytes where they are pixels."""
    return x.values if isinstance(x, Unscaled) else x


def test_every_named_data_set_has_a_reader_and_the_reverse() -> None:
    assert READERS.keys() == catalog.DATASETS.keys()


def test_digits_are_the_default_divided_by_16() -> None:
    dataset = load(DataSpec())
    assert (dataset.name, dataset.features, dataset.classes) == ("digits", 64, 10)
    assert [len(dataset.split(name)) for name in ("train", "validation", "test")] == [
        1297,
        200,
        300,
    ]
    x = np.asarray(dataset.train.x)
    assert x.max() == 1
    np.testing.assert_array_equal(x * 16 % 1, 0)
    assert (
        dataset.fingerprint
        == load(DataSpec(data="Digits", scale="none", classes="0-4")).fingerprint
    )


def test_digits_are_drawn_anew_for_other_sizes() -> None:
    dataset = load(DataSpec(validation=100, test=0.5))
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (799, 100, 898)
    assert all(abs(np.bincount(dataset.test.y) - np.bincount(dataset.train.y) * 898 / 799) < 3)


def test_arrays_are_contiguous_and_of_the_promised_types(folder: Path, table: Path) -> None:
    for data in ("digits", str(folder), str(table)):
        for classes in (None, load(DataSpec(data=data)).class_names):
            spec = DataSpec(data=data, classes=classes and ",".join(classes[:2]))
            assert all(array.flags.c_contiguous for array in contents(load(spec)))
            kinds = {array.dtype.str[1:] for array in contents(load(spec))}
            assert kinds == {"f4" if data == str(table) else "u1", "i4"}


def test_an_idx_folder_is_divided_by_255_with_its_first_images_for_validation(folder: Path) -> None:
    dataset = load(DataSpec(data=f"{folder}/"))
    expected = pixels(50, 50).reshape(50, 4).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(np.concatenate([dataset.validation.x, dataset.train.x]), expected)
    np.testing.assert_array_equal(dataset.test.x, pixels(20, 20).reshape(20, 4) / np.float32(255))
    assert (dataset.name, len(dataset.validation), dataset.image_shape) == ("toys", 5, (2, 2))


def test_scaling_is_fitted_to_the_training_examples_and_used_for_all(table: Path) -> None:
    raw, scaled = load(DataSpec(data=str(table), scale="none")), load(DataSpec(data=str(table)))
    x = np.asarray(scaled.train.x)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(x.std(axis=0), 1, rtol=1e-6)
    for name in ("train", "validation", "test"):
        expected = scaled.scaling.apply(raw.split(name).x[:])
        np.testing.assert_array_equal(expected, scaled.split(name).x)


def test_kept_classes_stay_in_their_splits(folder: Path) -> None:
    for data in ("digits", str(folder)):
        whole, some = load(DataSpec(data=data)), load(DataSpec(data=data, classes="1-3"))
        assert some.class_names == ("1", "2", "3")
        for name in ("train", "validation", "test"):
            kept = np.isin(whole.split(name).y, [1, 2, 3])
            np.testing.assert_array_equal(whole.split(name).x[kept], some.split(name).x)
            np.testing.assert_array_equal(whole.split(name).y[kept] - 1, some.split(name).y)


def test_examples_a_class_are_limited_in_the_training_split_only(folder: Path) -> None:
    whole, few = load(DataSpec(data=str(folder))), load(DataSpec(data=str(folder), per_class=3))
    assert np.bincount(few.train.y).tolist() == [3] * 5
    np.testing.assert_array_equal(few.train.x, whole.train.x[:15])
    assert (len(few.validation), len(few.test)) == (len(whole.validation), len(whole.test))


def test_the_same_spec_gives_the_same_arrays(table: Path) -> None:
    one, other = load(DataSpec(data=str(table))), load(DataSpec(data=str(table)))
    for left, right in zip(contents(one), contents(other), strict=True):
        np.testing.assert_array_equal(left, right)


def failure(data: object, **options: object) -> DnncliError:
    with pytest.raises(DnncliError) as caught:
        load(DataSpec(data=str(data), **options))
    assert "\n" not in str(caught.value)
    return caught.value


def test_an_unknown_name_suggests_the_nearest() -> None:
    error = failure("digit")
    assert isinstance(error, UnknownNameError)
    assert "'digit': did you mean 'digits'?" in str(error)
    assert isinstance(failure(""), SpecError)


@pytest.mark.parametrize(
    "data", ["no/such/folder", "absent.npz", "absent.csv", "/" + "x" * 300, "nul\0.npz"]
)
def test_a_path_that_does_not_exist_is_unreadable_data(data: str) -> None:
    error = failure(data)
    assert isinstance(error, DataError)
    assert data in str(error)


def test_other_folders_and_files_say_what_is_needed(tmp_path: Path, folder: Path) -> None:
    assert "has no file train-images-idx3-ubyte" in str(failure(tmp_path))
    (tmp_path / "model.pkl").write_bytes(b"")
    told = str(failure(tmp_path / "model.pkl"))
    assert "or of IDX files, an .npz file, or a name (digits" in told
    assert f"give the folder of all four, {folder}" in str(
        failure(folder / "train-images-idx3-ubyte")
    )


def test_what_the_system_refuses_to_read_is_named(folder: Path) -> None:
    path = folder / "t10k-images-idx3-ubyte"
    path.unlink()
    path.mkdir()
    error = failure(folder)
    assert isinstance(error, DataError)
    assert f"{path} cannot be read: Is a directory" in str(error)


def test_a_target_column_has_no_use_here() -> None:
    assert "--target: only tables have columns" in str(failure("digits", target="income"))


def test_one_class_only_and_a_class_without_training_examples_are_refused(tmp_path: Path) -> None:
    path, x = tmp_path / "toy.npz", np.ones((8, 2))
    np.savez(path, x=x, y=np.zeros(8, int))
    assert "'0' is the only class" in str(failure(path))
    np.savez(path, x_train=x, y_train=np.arange(8) % 2, x_test=x, y_test=np.arange(8) % 3)
    assert "no training example is of class 2" in str(failure(path))
    assert load(DataSpec(data=str(path), classes="0-1")).classes == 2


def test_features_that_a_scaling_takes_beyond_float32_are_refused(tmp_path: Path) -> None:
    x = np.array([[1e-30], [2e-30]] * 10, np.float32)
    np.savez(
        tmp_path / "toy.npz",
        x_train=x,
        y_train=np.arange(20) % 2,
        x_test=x + 1e20,
        y_test=np.arange(20) % 2,
    )
    assert "--scale standard takes features beyond float32" in str(failure(tmp_path / "toy.npz"))
    assert load(DataSpec(data=str(tmp_path / "toy.npz"), scale="none")).test.x[0, 0] == np.float32(
        1e20
    )


def test_mnist_has_the_chapters_splits() -> None:
    if not MNIST.is_dir():
        pytest.skip("needs ../shared/data/mnist")
    dataset = load(DataSpec(data=str(MNIST)))
    assert [len(dataset.split(name)) for name in ("train", "validation", "test")] == [
        55_000,
        5000,
        10_000,
    ]
    assert dataset.validation.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert dataset.train.x[:].max() == 1
    assert (dataset.name, dataset.image_shape) == ("mnist", (28, 28))


def test_duckdb_is_imported_only_for_tables(table: Path) -> None:
    code = (
        "import sys\n"
        "from dnncli.data import load\n"
        "from dnncli.spec import DataSpec\n"
        f"load(DataSpec()), load(DataSpec(data={str(table)!r}))\n"
        "assert 'duckdb' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
