"""Raw tables are cut without copies where possible, and fingerprints tell all data apart."""

import hashlib

import numpy as np
import pytest

from dnncli.data.source import Table, default_size, fingerprint

X = np.arange(12, dtype=np.float32).reshape(4, 3)


def test_a_slice_of_a_table_shares_its_memory_and_indices_pick_rows() -> None:
    table = Table(X, np.array([3, 1, 2, 0], np.int32))
    assert np.shares_memory(table.take(slice(1, 3)).x, X)
    picked = table.take(np.array([3, 0]))
    assert picked.x.tolist() == X[[3, 0]].tolist()
    assert picked.y.tolist() == [0, 3]
    assert len(picked) == 2


@pytest.mark.parametrize(
    ("examples", "size"), [(1, 1), (4, 1), (100, 10), (49_999, 5000), (10**6, 5000)]
)
def test_a_default_size_is_a_share_between_1_and_5000(examples: int, size: int) -> None:
    assert default_size(examples, 0.1) == size


def test_a_fingerprint_is_the_sha256_of_types_shapes_and_bytes() -> None:
    expected = hashlib.sha256(
        b"<f4 (4, 3)\n" + X.tobytes() + b"|u1 (2,)\n" + bytes([1, 2])
    ).hexdigest()
    assert fingerprint(X, np.array([1, 2], np.uint8)) == expected


def test_a_fingerprint_does_not_depend_on_the_layout_in_memory() -> None:
    assert fingerprint(np.asfortranarray(X)) == fingerprint(X)
    assert fingerprint(np.repeat(X, 2, axis=0)[::2]) == fingerprint(X)


def test_values_types_shapes_and_order_change_a_fingerprint() -> None:
    other = X.copy()
    other[0, 0] = 1
    arrays = [(X,), (other,), (X.reshape(3, 4),), (X.view(np.int32),), (X.astype(">f4"),), (X, X)]
    assert len({fingerprint(*each) for each in arrays}) == len(arrays)


def test_strings_have_fingerprints_too() -> None:
    assert fingerprint(np.array(["cat", "dog"])) != fingerprint(np.array(["cat", "cow"]))
