"""Bytes on the device are scaled to the bit as on the host, wherever a program does it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dnncli.data import Scaling
from dnncli.data.features import scaled
from dnncli.nn import examples
from dnncli.nn.examples import Raw
from dnncli.training import placement

EVERY = np.arange(256, dtype=np.uint8)[:, None].repeat(40, axis=1)
# Reciprocals of these round, so that a product with them is not a quotient.
SCALES = np.float32([255, 16, 3, 7, *np.random.default_rng(1).uniform(0.1, 300, 36)])
OFFSETS = np.random.default_rng(2).uniform(-100, 200, 40).astype(np.float32)


@pytest.mark.parametrize("offset", [np.zeros(40, np.float32), OFFSETS])
def test_every_byte_is_scaled_as_numpy_does_it(offset):
    scaling = Scaling("standard", offset, SCALES)
    on_device = placement.features(scaled(EVERY, scaling))
    assert isinstance(on_device, Raw)
    expected = scaling.apply(EVERY)
    np.testing.assert_array_equal(jax.jit(examples.scaled)(on_device), expected, strict=True)
    in_tiles = jax.jit(lambda x: examples.tiled(lambda rows: rows, x, 64))(on_device)
    np.testing.assert_array_equal(in_tiles.reshape(256, 40), expected, strict=True)


@pytest.mark.parametrize("limit", [None, np.linspace(0.5, 1, 40, dtype=np.float32)])
def test_every_piece_of_a_number_is_scaled_as_numpy_does_it(limit):
    source = np.sort(np.arange(40, dtype=np.int32) % 7)
    scaling = Scaling("piecewise", OFFSETS, SCALES, limit, source)
    numbers = np.random.default_rng(3).uniform(-200, 400, (256, 7)).astype(np.float32)
    on_device = placement.features(scaled(numbers, scaling))
    assert on_device.shape == (256, 40)
    assert examples.stored(on_device).shape == (256, 7)
    expected = scaling.apply(numbers)
    low, high = (0, 1) if limit is None else (-limit[0], limit[0])
    inside = (expected[:, 0] > low) & (expected[:, 0] < high)
    assert {np.float32(low), np.float32(high)} < {*expected[:, 0]}
    assert inside.any()
    np.testing.assert_array_equal(jax.jit(examples.scaled)(on_device), expected, strict=True)


def test_blocks_of_bytes_are_joined_as_bytes_and_others_as_floats():
    x = placement.features(scaled(EVERY, Scaling("unit", 0 * OFFSETS, SCALES)))
    bytes_alone = examples.joined([x, x])
    assert isinstance(bytes_alone, Raw)
    assert bytes_alone.shape == (512, 40)
    mixed = examples.joined([x, jnp.zeros((3, 40))])
    assert mixed.shape == (259, 40)
    np.testing.assert_array_equal(mixed[:256], examples.scaled(x))
