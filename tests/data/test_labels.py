"""Labels become places in the sorted distinct labels; what names no class is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnncli.data.labels import clean, encode, listed
from dnncli.errors import DataError


@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1), min_size=1, max_size=3))
def test_every_integer_label_is_found_again_by_name(tables: list[list[int]]) -> None:
    places, names = encode(*(np.array(table, np.int64) for table in tables))
    assert [[int(names[place]) for place in part] for part in places] == tables
    assert [int(name) for name in names] == sorted({label for table in tables for label in table})
    assert all(part.dtype == np.int32 for part in places)


def test_strings_keep_their_spelling_and_integers_sort_as_numbers() -> None:
    assert encode(np.array(["dog", "Cat ", "dog"]))[1] == ("Cat ", "dog")
    assert encode(np.array([10, 9]), np.array([-1]))[1] == ("-1", "9", "10")


@pytest.mark.parametrize(
    "y",
    [
        np.array([3, 1], np.uint8),
        np.array([[3], [1]], ">i4"),
        np.array([3, 1], np.uint64),
        np.array([3.0, 1.0], np.float16),
        np.array([3, 1], np.longdouble),
    ],
)
def test_whole_numbers_of_any_type_or_in_one_column_are_labels(y: np.ndarray) -> None:
    tidied = clean(y, "y")
    assert tidied.dtype == np.int64
    assert tidied.tolist() == [3, 1]


def test_truth_values_are_0_and_1() -> None:
    assert clean(np.array([True, False]), "y").tolist() == [1, 0]


def test_bytes_are_read_as_utf_8() -> None:
    assert (
        clean(np.array(["chat", "épée"]).astype("U4").view(np.uint32).astype("S"), "y").dtype.kind
        == "U"
    )
    assert clean(np.array(["épée".encode()]), "y").tolist() == ["épée"]
    with pytest.raises(DataError, match="y holds bytes that are not UTF-8"):
        clean(np.array([b"\xff\xfe"]), "y")


@pytest.mark.parametrize("odd", [0.5, np.nan, np.inf, -np.inf, 2.0**53])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_a_float_that_is_no_exact_whole_number_is_refused_with_its_place(
    odd: float, dtype: type
) -> None:
    with np.errstate(over="ignore"):
        y = np.array([1, 2, odd, odd], dtype)
    with pytest.raises(DataError, match=r"data\.npz: y holds \S+ in example 2"):
        clean(y, "data.npz: y")


def test_labels_beyond_64_bits_are_refused() -> None:
    with pytest.raises(DataError, match="18446744073709551615 in example 1"):
        clean(np.array([0, 2**64 - 1], np.uint64), "y")


@pytest.mark.parametrize("y", [np.zeros((3, 2)), np.array(1), np.zeros((3, 1, 1))])
def test_one_hot_and_other_shapes_are_refused(y: np.ndarray) -> None:
    with pytest.raises(DataError, match="one label an example"):
        clean(y, "y")


@pytest.mark.parametrize("dtype", ["complex64", "datetime64[s]", "V4"])
def test_types_that_name_no_class_are_refused(dtype: str) -> None:
    with pytest.raises(DataError, match="whole numbers or strings"):
        clean(np.zeros(3, dtype), "y")


def test_a_long_list_of_names_is_cut_and_odd_ones_stay_on_one_line() -> None:
    assert listed(tuple(map(str, range(1234)))).endswith("18, 19, … (1,234 in all)")
    assert listed(("a\nb", "c")) == r"'a\nb', c"
