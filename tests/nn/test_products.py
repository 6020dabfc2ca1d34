"""Products of bfloat16 factors are, but for float32's rounding, those of float64 with such factors."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import oracle
import pytest

from dnncli.nn import network, products
from dnncli.nn.tasks import TASKS
from dnncli.spec import NetworkSpec, from_options

RNG = np.random.default_rng(0)
X = RNG.standard_normal((33, 70)).astype(np.float32)
KERNEL = RNG.standard_normal((70, 9)).astype(np.float32)
DELTA = RNG.standard_normal((33, 9)).astype(np.float32)
UNIT = 2.0**-9  # half an ulp of bfloat16's eight significant bits, relative


def rounded(values):
    """The nearest bfloat16, in float64."""
    return values.astype(ml_dtypes.bfloat16).astype(np.float64)


def test_factors_are_rounded_and_sums_are_not():
    z = products.product(jnp.asarray(X), jnp.asarray(KERNEL), "bfloat16")
    assert z.dtype == jnp.float32
    np.testing.assert_allclose(z, rounded(X) @ rounded(KERNEL), atol=1e-5)


def test_both_gradients_are_such_products_too():
    _, back = jax.vjp(
        lambda x, kernel: products.product(x, kernel, "bfloat16"),
        jnp.asarray(X),
        jnp.asarray(KERNEL),
    )
    by_x, by_kernel = back(jnp.asarray(DELTA))
    assert by_x.dtype == by_kernel.dtype == jnp.float32
    np.testing.assert_allclose(by_x, rounded(DELTA) @ rounded(KERNEL).T, atol=1e-5)
    np.testing.assert_allclose(by_kernel, rounded(X).T @ rounded(DELTA), atol=1e-5)


def test_float32_is_the_plain_product_to_the_bit():
    z = products.product(jnp.asarray(X), jnp.asarray(KERNEL))
    np.testing.assert_array_equal(z, jnp.asarray(X) @ jnp.asarray(KERNEL))


def test_curvature_can_be_measured_through_such_products():
    def loss(kernel):
        return jnp.sum(jnp.square(products.product(jnp.asarray(X), kernel, "bfloat16")))

    kernel = jnp.asarray(KERNEL)
    _, curved = jax.jvp(jax.grad(loss), (kernel,), (jnp.ones_like(kernel),))
    exact = 2 * X.T.astype(np.float64) @ (X.astype(np.float64) @ np.ones(KERNEL.shape))
    assert np.linalg.norm(curved - exact) < 4 * UNIT * np.linalg.norm(exact)


@pytest.mark.parametrize("bn", [False, True])
def test_a_networks_gradients_are_within_bfloat16s_rounding_of_float64s(bn):
    spec = NetworkSpec(hidden=(20, 20), act="tanh", bn=bn, precision="bfloat16")
    y = RNG.integers(0, 9, 33).astype(np.int32)
    drawn = network.init(spec, 70, 9, seed=1).parameters
    exact = oracle.run(spec, drawn, X, y).gradients

    def loss(parameters):
        outputs, _ = network.apply(spec, parameters, jnp.asarray(X))
        return jnp.mean(TASKS["cross-entropy"].losses(outputs, jnp.asarray(y)))

    found = jax.grad(loss)(jax.tree.map(jnp.asarray, drawn))
    for layer, wanted in zip(found, exact, strict=True):
        assert layer.kernel.dtype == jnp.float32
        error = np.linalg.norm(np.asarray(layer.kernel) - np.asarray(wanted.kernel))
        # Two roundings a product, five products on the way: random signs keep it far below the sum.
        assert 0 < error < 5 * UNIT * np.linalg.norm(wanted.kernel)


def test_float32_is_not_named_in_options_and_bfloat16_is():
    assert "precision" not in from_options({}).options()
    options = from_options({"precision": "bfloat16"}).options()
    assert options["precision"] == "bfloat16"
    assert from_options(options).network.precision == "bfloat16"
