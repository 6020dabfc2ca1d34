"""Closed forms are JAX's activations and their slopes, in float64 and finite far out."""

import math

import jax.numpy as jnp
import numpy as np
import oracle
import pytest

from dnncli.nn import activations
from dnncli.spec import catalog
from dnncli.theory import closed_forms
from dnncli.theory.closed_forms import CLOSED_FORMS

ALPHAS = {
    "leaky-relu": (0.01, 0.2, -0.5),
    "prelu": (0.25,),
    "elu": (1.0, 0.3, 2.0),
    "celu": (1.0, 0.4, 3.0),
}
CASES = [(name, alpha) for name in CLOSED_FORMS for alpha in ALPHAS.get(name, (None,))]
every_activation = pytest.mark.parametrize(("name", "alpha"), CASES)


def test_every_activation_of_the_catalog_has_a_closed_form_and_no_other():
    assert list(CLOSED_FORMS) == list(catalog.ACTIVATIONS)


@every_activation
def test_values_and_slopes_are_the_formulas_to_float64(name, alpha):
    z = np.linspace(-15, 15, 3001)
    value, slope = oracle.ACTIVATIONS[name]
    np.testing.assert_allclose(
        CLOSED_FORMS[name].value(z, alpha), value(z, alpha), rtol=1e-12, atol=1e-14
    )
    # The oracle's 1 - tanh^2 loses digits where tanh is nearly 1.
    np.testing.assert_allclose(
        CLOSED_FORMS[name].derivative(z, alpha), slope(z, alpha), rtol=1e-12, atol=1e-13
    )


@every_activation
def test_values_and_slopes_are_jaxs_kinks_included(name, alpha):
    z = np.linspace(-12, 12, 4001).astype(np.float32)  # 0 and the kinks of hard-swish among them
    value = activations.ACTIVATIONS[name](jnp.asarray(z), alpha)
    slope = activations.derivative(name, jnp.asarray(z), alpha)
    exact = z.astype(np.float64)
    np.testing.assert_allclose(CLOSED_FORMS[name].value(exact, alpha), value, rtol=2e-6, atol=2e-7)
    np.testing.assert_allclose(
        CLOSED_FORMS[name].derivative(exact, alpha), slope, rtol=2e-6, atol=4e-6
    )


@every_activation
def test_the_slope_is_the_central_difference_of_the_value_off_the_kinks(name, alpha):
    form = CLOSED_FORMS[name]
    h = 1e-5
    z = np.linspace(-8, 8, 2000)
    z = z[np.all([np.abs(z - kink) > 2 * h for kink in form.kinks(alpha)] or [z == z], axis=0)]
    difference = (form.value(z + h, alpha) - form.value(z - h, alpha)) / (2 * h)
    np.testing.assert_allclose(difference, form.derivative(z, alpha), rtol=1e-7, atol=1e-8)


@every_activation
def test_one_is_smooth_but_at_its_kinks(name, alpha):
    form = CLOSED_FORMS[name]
    h = 1e-4
    z = np.linspace(-6, 6, 24_000)  # no point on a kink
    away = np.all([np.abs(z - kink) > 2 * h for kink in form.kinks(alpha)] or [z == z], axis=0)
    jumps = np.abs(form.derivative(z + h, alpha) - form.derivative(z - h, alpha))[away]
    assert jumps.max() < 2 * h * 10
    assert form.kinks(alpha) == tuple(sorted(form.kinks(alpha)))


@every_activation
def test_nothing_overflows_and_the_asymptotes_are_reached_ten_thousand_out(name, alpha):
    z = np.array([-1e4, -1e3, -745.2, 745.2, 1e3, 1e4])
    value = CLOSED_FORMS[name].value(z, alpha)
    slope = CLOSED_FORMS[name].derivative(z, alpha)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()
    assert ((np.abs(value) <= 1 + 1e-12).all()) == catalog.ACTIVATIONS[name].bounded
    # Far out everything is a straight line or, like softsign, nearly so.
    np.testing.assert_allclose((value[5] - value[4]) / 9e3, slope[5], atol=1e-6)
    np.testing.assert_allclose((value[1] - value[0]) / 9e3, slope[0], atol=1e-6)


def test_small_slopes_keep_their_digits_in_both_tails():
    z = np.array([-60.0, 60.0])
    np.testing.assert_allclose(
        CLOSED_FORMS["sigmoid"].derivative(z, None), math.exp(-60), rtol=1e-12
    )
    np.testing.assert_allclose(
        CLOSED_FORMS["tanh"].derivative(z / 2, None), 4 * math.exp(-60), rtol=1e-12
    )
    np.testing.assert_allclose(
        CLOSED_FORMS["gelu"].value(np.array([-10.0]), None), -10 * 7.61985302416e-24
    )


@every_activation
def test_the_steepest_slope_is_the_supremum_over_all_z(name, alpha):
    grid = np.concatenate([-np.geomspace(1e-9, 50, 100_000), np.geomspace(1e-9, 50, 100_000)])
    measured = np.abs(CLOSED_FORMS[name].derivative(grid, alpha)).max()
    steepest = closed_forms.steepest(name, alpha)
    assert measured <= steepest * (1 + 1e-12)
    assert measured > steepest * (1 - 1e-3)


@pytest.mark.parametrize(
    ("name", "known"), [("swish", 1.09984), ("gelu", 1.12890), ("mish", 1.08850)]
)
def test_the_steepest_slopes_of_smooth_ramps_are_those_published(name, known):
    assert closed_forms.steepest(name) == pytest.approx(known, abs=5e-6)


def test_an_activation_that_needs_an_alpha_says_so():
    with pytest.raises(ValueError, match="needs an alpha"):
        CLOSED_FORMS["elu"].value(np.zeros(1), None)


def test_kinks_are_found_by_name():
    assert closed_forms.kinks("hard-swish") == (-3, 3)
    assert closed_forms.kinks("tanh") == ()
