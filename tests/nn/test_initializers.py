"""Initialisers have the moments of their formulas and those of `jax.nn.initializers`."""

import math

import jax
import numpy as np
import pytest
from scipy import stats

from dnncli.nn import initializers
from dnncli.nn.initializers import INITIALIZERS

FAN_IN, FAN_OUT = 600, 400
VARIANCES = {
    "normal": 1.0,
    "uniform": 1 / (3 * FAN_IN),
    "xavier-normal": 2 / (FAN_IN + FAN_OUT),
    "xavier-uniform": 2 / (FAN_IN + FAN_OUT),
    "he-normal": 2 / FAN_IN,
    "he-uniform": 2 / FAN_IN,
    "lecun-normal": 1 / FAN_IN,
    "lecun-uniform": 1 / FAN_IN,
    "orthogonal": 1 / max(FAN_IN, FAN_OUT),
}
TRUNCATED = [name for name in VARIANCES if name.endswith("-normal")]
UNIFORM = [name for name in VARIANCES if name.endswith("uniform")]


def draw(name, fan_in=FAN_IN, fan_out=FAN_OUT, *, key=(0, 1, 0)):
    return INITIALIZERS[name](initializers.generator(*key), fan_in, fan_out)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_mean_and_variance_are_the_formulas_within_sampling_error(name):
    kernel = draw(name).astype(np.float64)
    variance, count = VARIANCES[name], kernel.size
    assert abs(kernel.mean()) < 5 * math.sqrt(variance / count)
    # The sample variance of n normal draws has a standard error of sqrt(2/n); of the others less.
    assert abs(kernel.var() / variance - 1) < 5 * math.sqrt(2 / count)


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (5, 3), (1, 7), (7, 1)])
def test_every_shape_gives_a_contiguous_finite_float32_kernel(name, shape):
    kernel = draw(name, *shape)
    assert kernel.shape == shape
    assert kernel.dtype == np.float32
    assert kernel.flags.c_contiguous
    assert np.isfinite(kernel).all()


@pytest.mark.parametrize("name", TRUNCATED)
def test_normal_draws_end_at_two_standard_deviations_of_the_uncut_normal(name):
    kernel, variance = draw(name).astype(np.float64), VARIANCES[name]
    cut = 2 * math.sqrt(variance) / stats.truncnorm(-2, 2).std()
    assert abs(kernel).max() <= cut * (1 + 1e-6)
    assert abs(kernel).max() > 0.999 * cut
    assert stats.kstest(kernel.ravel() * 2 / cut, stats.truncnorm(-2, 2).cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform_draws_fill_their_interval_evenly(name):
    kernel, limit = draw(name).astype(np.float64), math.sqrt(3 * VARIANCES[name])
    assert abs(kernel).max() <= limit * (1 + 1e-6)
    assert stats.kstest(kernel.ravel(), stats.uniform(-limit, 2 * limit).cdf).pvalue > 1e-3


def test_the_naive_normal_is_standard_normal():
    assert stats.kstest(draw("normal").ravel(), stats.norm.cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("xavier-normal", jax.nn.initializers.glorot_normal()),
        ("xavier-uniform", jax.nn.initializers.glorot_uniform()),
        ("he-normal", jax.nn.initializers.he_normal()),
        ("he-uniform", jax.nn.initializers.he_uniform()),
        ("lecun-normal", jax.nn.initializers.lecun_normal()),
        ("lecun-uniform", jax.nn.initializers.lecun_uniform()),
        ("orthogonal", jax.nn.initializers.orthogonal()),
    ],
)
def test_draws_are_distributed_as_jaxs(name, reference):
    theirs = np.asarray(reference(jax.random.key(0), (FAN_IN, FAN_OUT), np.float32))
    ours = draw(name)
    assert ours.std() == pytest.approx(theirs.std(), rel=5 * 2 / math.sqrt(2 * ours.size))
    if name != "orthogonal":
        assert abs(ours).max() == pytest.approx(abs(theirs).max(), rel=1e-3)
    assert stats.ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 1e-3


@pytest.mark.parametrize("shape", [(40, 40), (60, 40), (40, 60), (1, 9), (9, 1)])
def test_an_orthogonal_kernel_keeps_lengths_along_its_shorter_side(shape):
    kernel = draw("orthogonal", *shape).astype(np.float64)
    gram = kernel.T @ kernel if shape[0] >= shape[1] else kernel @ kernel.T
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-6)


def test_orthogonal_kernels_have_no_preferred_sign():
    corners = [draw("orthogonal", 4, 4, key=(seed,))[0, 0] for seed in range(400)]
    assert 150 < sum(corner > 0 for corner in corners) < 250


def test_a_stream_is_a_function_of_its_key_alone():
    assert (draw("he-normal", key=(3, 1, 2)) == draw("he-normal", key=(3, 1, 2))).all()


@pytest.mark.parametrize(
    "other", [(0, 1, 1), (0, 2, 0), (1, 1, 0)], ids=["layer", "stream", "seed"]
)
def test_streams_of_different_keys_are_independent(other):
    ours, theirs = draw("normal").ravel(), draw("normal", key=other).ravel()
    assert abs(np.corrcoef(ours, theirs)[0, 1]) < 5 / math.sqrt(ours.size)
    assert not np.intersect1d(ours[:1000], theirs[:1000]).size
