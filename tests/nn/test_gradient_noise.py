"""Signal to noise of gradients whose mean and scatter are known."""

import jax.numpy as jnp
import numpy as np
import pytest

from dnncli.nn import gradient_noise
from dnncli.nn.network import Layer

SHAPE = (7, 5)


def batches(mean, scatter, sizes, seed=0):
    """Mean gradients of batches of examples that scatter around a mean, in all directions alike.

    mean: its norm; scatter: the root of the mean squared distance of one example's from it.
    """
    rng = np.random.default_rng(seed)
    direction = rng.standard_normal(SHAPE)
    centre = mean * direction / np.linalg.norm(direction)
    unit = scatter / np.sqrt(np.prod(SHAPE))
    return [centre + unit / np.sqrt(size) * rng.standard_normal(SHAPE) for size in sizes]


def measured(gradients, sizes):
    """The ratio of one layer, from what an epoch leaves."""
    total = np.linalg.norm(sum(n * g for n, g in zip(sizes, gradients, strict=True)))
    each = np.array([[np.linalg.norm(gradient)] for gradient in gradients])
    (ratio,) = gradient_noise.signal_to_noise(np.array([total]), each, np.asarray(sizes, float))
    return ratio


@pytest.mark.parametrize("unit", [1.0, 1e-30, 1e25])
@pytest.mark.parametrize("sizes", [[16] * 400, [16] * 399 + [3]])
def test_a_known_mean_and_scatter_are_found_whatever_their_unit(sizes, unit):
    # A batch of 16 scatters by 8 / sqrt(16) = 2 around a mean of 3.
    ratio = measured(batches(3 * unit, 8 * unit, sizes), sizes)
    assert ratio == pytest.approx(1.5, rel=0.03)


def test_the_ratio_is_that_of_unbiased_moments_in_float64():
    sizes = [8] * 6
    gradients = batches(1.0, 2.0, sizes, seed=3)
    centre = np.mean(gradients, axis=0)
    variance = sum(np.sum((g - centre) ** 2) for g in gradients) / 5
    signal = np.sum(centre**2) - variance / 6
    assert measured(gradients, sizes) == pytest.approx(np.sqrt(signal / variance), rel=1e-9)


def test_a_mean_that_chance_alone_explains_is_no_signal():
    gradients = batches(0.0, 1.0, [4] * 50)
    centred = [g - np.mean(gradients, axis=0) for g in gradients]
    assert measured(centred, [4] * 50) == 0
    assert measured(gradients, [4] * 50) < 0.2


def test_a_single_batch_shows_no_scatter():
    assert measured(batches(1.0, 1.0, [4]), [4]) is None


def test_gradients_that_are_all_zero_or_all_alike_have_no_ratio():
    assert measured([np.zeros(SHAPE)] * 3, [4, 4, 4]) is None


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_gradients_that_are_not_finite_have_none_either(broken):
    gradients = batches(1.0, 1.0, [4] * 3)
    gradients[1][0, 0] = broken
    assert measured(gradients, [4] * 3) is None


def test_a_batch_counts_by_its_examples_without_padding():
    sums = (jnp.zeros((2, 2)),)
    gradients = (Layer(jnp.ones((2, 2))),)
    (full,) = gradient_noise.add(sums, gradients, 8, None)
    mask = jnp.array([1 / 3] * 3 + [0.0] * 5)
    (padded,) = gradient_noise.add((full,), gradients, 8, mask)
    np.testing.assert_allclose(padded, 11.0, rtol=1e-6)
