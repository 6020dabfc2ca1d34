"""Bytes that are scaled where they are used are, to the bit, what scaling all of them gives."""

import jax
import numpy as np
import pytest

from dnncli.data import Scaling
from dnncli.data.features import Unscaled, aligned, joined, rescaled, scaled, take

BYTES = np.random.default_rng(0).integers(0, 256, (40, 5)).astype(np.uint8)
ZEROS = np.zeros(5, np.float32)
UNIT = Scaling("unit", ZEROS, np.full(5, 255, np.float32))
STANDARD = Scaling(
    "standard", np.float32([1, 200, 0.5, 33.3, 127]), np.float32([3, 7, 0.1, 99.9, 255])
)
FLOATS = BYTES.astype(np.float32)


@pytest.mark.parametrize("scaling", [UNIT, STANDARD])
class TestUnscaled:
    def test_all_of_them_are_the_scaled_floats(self, scaling):
        expected = (FLOATS - scaling.offset) / scaling.scale
        np.testing.assert_array_equal(scaled(BYTES, scaling), expected, strict=False)
        assert np.asarray(scaled(BYTES, scaling)).dtype == np.float32

    @pytest.mark.parametrize("rows", [3, slice(2, 30, 7), np.array([5, 1, 1]), BYTES[:, 0] > 99])
    def test_an_index_takes_scaled_rows(self, scaling, rows):
        np.testing.assert_array_equal(
            scaled(BYTES, scaling)[rows], scaled(FLOATS, scaling)[rows], strict=True
        )

    def test_rows_that_are_taken_or_joined_stay_bytes(self, scaling):
        x = scaled(BYTES, scaling)
        parts = [take(x, slice(0, 9)), take(x, np.arange(9, 40))]
        again = joined(parts)
        assert isinstance(again, Unscaled)
        np.testing.assert_array_equal(again.values, BYTES)


def test_a_slice_of_bytes_is_a_view():
    x = scaled(BYTES, UNIT)
    assert np.shares_memory(take(x, slice(4, 9)).values, x.values)


def test_bytes_of_several_scalings_are_joined_as_floats():
    both = joined([scaled(BYTES, UNIT), scaled(BYTES, STANDARD)])
    np.testing.assert_array_equal(
        both, np.concatenate([UNIT.apply(BYTES), STANDARD.apply(BYTES)]), strict=True
    )


def test_bent_features_are_floats_at_once():
    """A device's square root need not round as NumPy's does."""
    robust = Scaling("robust", ZEROS, np.ones(5, np.float32), np.full(5, 3, np.float32))
    assert isinstance(scaled(BYTES, robust), np.ndarray)


def test_bytes_that_were_not_scaled_yet_are_scaled_as_others_were():
    raw = scaled(BYTES, Scaling("none", ZEROS, np.ones(5, np.float32)))
    np.testing.assert_array_equal(rescaled(raw, STANDARD), STANDARD.apply(FLOATS))
    np.testing.assert_array_equal(rescaled(FLOATS, STANDARD), STANDARD.apply(FLOATS))


def test_a_device_on_the_cpu_shares_scaled_features_and_bytes_instead_of_copying_them():
    shifted = np.frombuffer(bytes(1) + BYTES.tobytes(), np.uint8)[1:].reshape(40, 5)
    for x in (aligned((7, 3), np.float32), UNIT.apply(BYTES), scaled(shifted, UNIT).values):
        assert jax.device_put(x).unsafe_buffer_pointer() == x.ctypes.data
