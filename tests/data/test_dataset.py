"""Splits, scalings and datasets are plain records with a few derived figures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnncli.data import Dataset, Scaling, Split
from dnncli.errors import SpecError
from dnncli.records import DataRecord

ONE, TWO = np.ones(3, np.float32), np.full(3, 2, np.float32)


def split(examples: int) -> Split:
    return Split(np.zeros((examples, 3), np.float32), np.zeros(examples, np.int32))


DATASET = Dataset(
    "toy", split(5), split(2), split(3), ("cat", "dog"), Scaling("none", 0 * ONE, ONE), "ab", None
)


def test_a_dataset_counts_its_features_classes_and_examples() -> None:
    assert (DATASET.features, DATASET.classes, len(DATASET.train)) == (3, 2, 5)
    expected = DataRecord(
        "toy",
        train=5,
        validation=2,
        test=3,
        features=3,
        classes=2,
        fingerprint="ab",
        scaling="none",
    )
    assert DATASET.record() == expected


def test_splits_go_by_name_and_other_names_are_refused() -> None:
    found = [DATASET.split(name) for name in ("train", "validation", "test")]
    assert found == [DATASET.train, DATASET.validation, DATASET.test]
    with pytest.raises(SpecError, match=r"'dev'.* train, validation, test"):
        DATASET.split("dev")


@given(st.integers(1, 255), st.binary(min_size=3, max_size=60))
def test_bytes_and_their_float32_scale_to_the_same_bits_as_a_division(
    peak: int, pixels: bytes
) -> None:
    x = np.frombuffer(pixels[: len(pixels) // 3 * 3], np.uint8).reshape(-1, 3)
    scaling = Scaling("unit", 0 * ONE, np.full(3, peak, np.float32))
    expected = (x.astype(np.float32) / np.float32(peak)).tobytes()
    assert scaling.apply(x).tobytes() == scaling.apply(x.astype(np.float32)).tobytes() == expected


def test_an_offset_is_subtracted_before_dividing_from_bytes_too() -> None:
    scaled = Scaling("standard", np.array([1, 2, 255], np.float32), TWO).apply(
        np.array([[3, 0, 0]], np.uint8)
    )
    assert scaled.dtype == np.float32
    assert scaled.tolist() == [[1, -1, -127.5]]


@pytest.mark.parametrize("offset", [0 * ONE, ONE])
def test_scaling_copies_and_makes_rows_contiguous(offset: np.ndarray) -> None:
    x = np.asfortranarray(np.arange(12, dtype=np.float32).reshape(4, 3))
    before = x.copy()
    scaled = Scaling("standard", offset, TWO).apply(x)
    assert scaled.flags.c_contiguous
    assert not np.shares_memory(x, scaled)
    np.testing.assert_array_equal(x, before)
