"""Matrices in memory as examples: columns, gaps, and rows that validate."""

import numpy as np
import pytest

from dnncli.data import arrays
from dnncli.errors import DataError, SpecError
from dnncli.spec import DataSpec

NAMES = ["a", "b"]
CLASSES = ("no", "yes")


def matrix(rows, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, 2))


def test_gaps_take_the_median_and_are_marked():
    x = np.array([[1, np.nan], [2, 5], [9, 7], [4, 6]])
    encoding = arrays.fit(x, NAMES, CLASSES)
    features, issues = arrays.encoded(encoding, x)
    assert encoding.features == ("a", "b", "b missing")
    assert features.tolist() == [[1, 6, 1], [2, 5, 0], [9, 7, 0], [4, 6, 0]]
    assert not issues.any()
    _, issues = arrays.encoded(encoding, np.array([[np.nan, 1]]))
    assert issues.sum() == 1


def test_numbers_far_from_0_keep_their_differences():
    x = 1.7e9 + np.arange(6.0)[:, None] / 8  # seconds since 1970: float32 has steps of 128
    features, _ = arrays.encoded(arrays.fit(x, ["s"], CLASSES), x)
    assert np.diff(features[:, 0]).tolist() == [0.125] * 5


def test_a_column_may_be_called_like_a_target():
    assert arrays.fit(matrix(4), ["target", "b"], CLASSES).target == "target_"
    assert arrays.fit(matrix(4), ["a", "y"], (), ["y"]).targets == ("y_",)


def test_every_row_trains_or_validates_and_every_class_trains():
    x = matrix(40)
    y = (np.arange(40) % 10 == 0).astype(np.int32)
    made = arrays.dataset(DataSpec(scale="none"), x, y, arrays.fit(x, NAMES, CLASSES))
    assert (len(made.train), len(made.validation), len(made.test)) == (36, 4, 0)
    rows = np.concatenate([made.train.x, made.validation.x])
    assert sorted(map(tuple, rows)) == sorted(map(tuple, x.astype(np.float32)))
    assert set(made.train.y.tolist()) == {0, 1}


def test_where_no_row_can_be_spared_the_training_rows_validate():
    x = matrix(2)
    y = np.array([0, 1], np.int32)
    encoding = arrays.fit(x, NAMES, CLASSES)
    made = arrays.dataset(DataSpec(scale="none"), x, y, encoding)
    assert made.validation.x.tolist() == made.train.x.tolist()
    with pytest.raises(SpecError, match="--validation 1: of 2 rows at most 0"):
        arrays.dataset(DataSpec(validation=1), x, y, encoding)


def test_what_float32_cannot_hold_is_refused():
    with pytest.raises(DataError, match="too large for float32"):
        arrays.encoded(arrays.fit(matrix(3), NAMES, CLASSES), np.array([[1e39, 0]]))
