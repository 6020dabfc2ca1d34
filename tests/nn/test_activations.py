"""Every activation is its formula, its derivative is its formula's, and neither overflows."""

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest

from dnncli.nn import activations
from dnncli.nn.activations import ACTIVATIONS
from dnncli.spec import catalog

Z = np.linspace(-12, 12, 4001).astype(np.float32)  # includes 0 and +-3, the kinks
ALPHAS = {
    "leaky-relu": (0.01, 0.2, -0.5),
    "prelu": (0.25,),
    "elu": (1.0, 0.3, 2.0),
    "celu": (1.0, 0.4, 3.0),
}
CASES = [(name, alpha) for name in catalog.ACTIVATIONS for alpha in ALPHAS.get(name, (None,))]


def far(*values):
    """These z, as many as Z has: every shape is compiled for anew."""
    return jnp.asarray(np.resize(np.float32(values), Z.shape))


every_activation = pytest.mark.parametrize(("name", "alpha"), CASES)


@every_activation
def test_an_activation_is_its_formula(name, alpha):
    actual = ACTIVATIONS[name](jnp.asarray(Z), alpha)
    expected = oracle.ACTIVATIONS[name][0](Z.astype(np.float64), alpha)
    np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=2e-7)


@every_activation
def test_its_derivative_is_its_formulas_kinks_included(name, alpha):
    actual = activations.derivative(name, jnp.asarray(Z), alpha)
    expected = oracle.ACTIVATIONS[name][1](Z.astype(np.float64), alpha)
    # Mish's tanh is 1 to float32 from z = 8 on, where its slope still is 3e-6 above 1.
    np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=4e-6 if name == "mish" else 1e-6)


@every_activation
def test_backpropagation_uses_the_same_derivative_as_the_probe(name, alpha):
    z = jnp.asarray(Z)
    backward = jax.grad(lambda z: jnp.sum(ACTIVATIONS[name](z, alpha)))(z)
    np.testing.assert_allclose(
        backward, activations.derivative(name, z, alpha), rtol=1e-6, atol=1e-7
    )


@every_activation
def test_the_oracles_derivative_is_the_slope_of_its_value(name, alpha):
    phi, slope = oracle.ACTIVATIONS[name]
    z = np.linspace(-8, 8, 1000)  # an even number: no point on a kink
    h = 1e-5
    np.testing.assert_allclose(
        (phi(z + h, alpha) - phi(z - h, alpha)) / (2 * h), slope(z, alpha), atol=1e-8
    )


@every_activation
def test_values_and_slopes_far_out_are_finite_or_as_large_as_z(name, alpha):
    z = far(-1e30, -1e4, -100, -50, 50, 100, 1e4, 1e30)
    values, slopes = ACTIVATIONS[name](z, alpha), activations.derivative(name, z, alpha)
    assert np.isfinite(values).all()
    assert np.isfinite(slopes).all()
    bound = 1.1 * max(1.0, abs(alpha or 1.0)) * (1 + np.abs(np.asarray(z, np.float64)))
    assert (np.abs(values) <= np.maximum(bound, 2 * abs(alpha or 1.0))).all()


@pytest.mark.parametrize("name", list(catalog.ACTIVATIONS))
def test_the_catalog_calls_bounded_exactly_what_stays_within_one(name):
    alpha = catalog.ACTIVATIONS[name].alpha
    values = np.abs(ACTIVATIONS[name](far(-1e3, 1e3), alpha))
    assert catalog.ACTIVATIONS[name].bounded == (values <= 1).all()


def test_prelu_takes_one_slope_a_unit_and_passes_its_gradient_on():
    z = jnp.asarray([[-2.0, -3.0, 4.0], [1.0, -5.0, -6.0]])
    slopes = jnp.asarray([[0.1, 0.2, 0.3]])
    np.testing.assert_allclose(
        ACTIVATIONS["prelu"](z, slopes), [[-0.2, -0.6, 4], [1, -1, -1.8]], rtol=1e-6
    )
    gradient = jax.grad(lambda s: jnp.sum(ACTIVATIONS["prelu"](z, s)))(slopes)
    np.testing.assert_allclose(gradient, [[-2, -8, -6]])


def test_selu_reproduces_mean_0_and_variance_1():
    z = np.random.default_rng(0).standard_normal(1_000_000, dtype=np.float32)
    a = np.asarray(ACTIVATIONS["selu"](jnp.asarray(z), None))
    assert abs(a.mean()) < 5e-3
    assert abs(a.var() - 1) < 1e-2


def test_gelu_is_the_exact_form_not_the_tanh_approximation():
    z = jnp.asarray([2.0])
    assert abs(float(ACTIVATIONS["gelu"](z, None)[0]) - 1.954499736103642) < 5e-7
