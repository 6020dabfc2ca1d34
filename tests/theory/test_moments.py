"""A layer's integrals are those of sampling, of closed forms, and of their own derivatives."""

import math

import numpy as np
import oracle
import pytest

from dnncli.spec import catalog
from dnncli.theory.closed_forms import CLOSED_FORMS, steepest
from dnncli.theory.moments import flat_intervals, layer_outputs, moments, saturated_share

SAMPLES = 1_000_000
NORMAL = np.random.default_rng(20).standard_normal(SAMPLES)
every_activation = pytest.mark.parametrize("act", list(CLOSED_FORMS))


def alpha(act):
    return catalog.ACTIVATIONS[act].alpha


@every_activation
@pytest.mark.parametrize("q", [0.3, 2.0])
def test_every_integral_is_the_mean_over_a_million_samples_within_1_percent(act, q):
    value, slope = oracle.ACTIVATIONS[act]
    a = value(math.sqrt(q) * NORMAL, alpha(act))
    b = slope(math.sqrt(q) * NORMAL, alpha(act))
    found = moments(act, alpha(act), math.log(q))
    assert math.exp(found.log_slope) == pytest.approx(np.mean(b**2), rel=0.01)  # chi / sigma_w^2
    assert math.exp(found.log_square) == pytest.approx(np.mean(a**2), rel=0.01)
    root = math.sqrt(np.mean(a**2))
    assert found.mean == pytest.approx(a.mean() / root, abs=0.005)
    assert found.square_kurtosis == pytest.approx(np.mean(a**4) / np.mean(a**2) ** 2, rel=0.03)
    assert found.slope_kurtosis == pytest.approx(np.mean(b**4) / np.mean(b**2) ** 2, rel=0.01)
    assert found.mixed_kurtosis == pytest.approx(
        np.mean(a**2 * b**2) / np.mean(a**2) / np.mean(b**2), rel=0.01
    )


@every_activation
@pytest.mark.parametrize("q", [1e-6, 0.5, 40.0, 1e8])
def test_elasticities_are_the_logarithmic_derivatives(act, q):
    h = 1e-4
    low = moments(act, alpha(act), math.log(q) - h)
    here = moments(act, alpha(act), math.log(q))
    high = moments(act, alpha(act), math.log(q) + h)
    assert here.square_elasticity == pytest.approx(
        (high.log_square - low.log_square) / (2 * h), abs=1e-6
    )
    assert here.slope_elasticity == pytest.approx(
        (high.log_slope - low.log_slope) / (2 * h), abs=1e-6
    )


def test_relu_has_its_closed_forms():
    found = moments("relu", None, math.log(3))
    assert math.exp(found.log_square) == pytest.approx(1.5, rel=1e-13)
    assert math.exp(found.log_slope) == pytest.approx(0.5, rel=1e-13)
    assert found.mean == pytest.approx(1 / math.sqrt(math.pi), rel=1e-13)
    assert (found.square_kurtosis, found.slope_kurtosis) == pytest.approx((6, 2), rel=1e-12)


def test_gelu_has_its_closed_forms():
    """E gelu(z)^2 and E gelu'(z)^2 at q = 1: 1/3 + 1/(2 pi sqrt 3), 1/3 + 2/(3 sqrt 3 pi)."""
    found = moments("gelu", None, 0.0)
    assert math.exp(found.log_square) == pytest.approx(
        1 / 3 + 1 / (2 * math.pi * math.sqrt(3)), rel=1e-12
    )
    assert math.exp(found.log_slope) == pytest.approx(
        1 / 3 + 2 / (3 * math.sqrt(3) * math.pi), rel=1e-12
    )


def test_selu_reproduces_mean_0_and_variance_1():
    found = moments("selu", None, 0.0)
    assert found.log_square == pytest.approx(0, abs=1e-14)
    assert found.mean == pytest.approx(0, abs=1e-14)


@every_activation
@pytest.mark.parametrize(("edge", "beyond"), [(math.log(1e-24), -1000), (math.log(1e24), 1000)])
def test_where_q_leaves_float64_the_integrals_go_on_as_powers(act, edge, beyond):
    inside = moments(act, alpha(act), edge)
    outside = moments(act, alpha(act), beyond)
    slope = (outside.log_square - inside.log_square) / (beyond - edge)
    assert min(abs(slope), abs(slope - 1)) < 1e-6  # bounded or a constant, or a straight line
    assert math.isfinite(outside.log_slope)


@every_activation
def test_without_variance_all_units_are_at_zero(act):
    value, slope = oracle.ACTIVATIONS[act]
    found = moments(act, alpha(act), -math.inf)
    assert math.exp(found.log_square) == pytest.approx(value(np.zeros(1), alpha(act))[0] ** 2)
    assert math.exp(found.log_slope) == pytest.approx(slope(np.zeros(1), alpha(act))[0] ** 2)


@every_activation
@pytest.mark.parametrize("keep", [0.9, 0.5])
def test_dropout_changes_second_moments_as_it_does_samples(act, keep):
    value, slope = oracle.ACTIVATIONS[act]
    z = 1.2 * NORMAL
    mask = np.random.default_rng(5).random(SAMPLES) < keep
    if act == "selu":  # alpha-dropout: to the floor, then an affine map to mean 0 and variance 1
        floor = -oracle.SELU_SCALE * oracle.SELU_ALPHA
        gain = 1 / math.sqrt(keep + floor**2 * keep * (1 - keep))
        out = gain * (np.where(mask, value(z, None), floor) - floor * (1 - keep))
        back = gain * mask * slope(z, None)
    else:
        out = mask * value(z, alpha(act)) / keep
        back = mask * slope(z, alpha(act)) / keep
    found = layer_outputs(act, moments(act, alpha(act), 2 * math.log(1.2)), keep)
    assert math.exp(found.log_square) == pytest.approx(np.mean(out**2), rel=0.01)
    assert math.exp(found.log_slope) == pytest.approx(np.mean(back**2), rel=0.01)
    assert found.mean == pytest.approx(out.mean(), abs=0.006)


@every_activation
@pytest.mark.parametrize("q", [1.0, 400.0])
def test_the_saturated_share_is_that_of_samples(act, q):
    slope = np.abs(oracle.ACTIVATIONS[act][1](math.sqrt(q) * NORMAL, alpha(act)))
    limit = 0.01 * steepest(act, alpha(act))
    share = saturated_share(flat_intervals(act, alpha(act)), math.log(q))
    assert share == pytest.approx(np.mean(slope < limit), abs=0.002)


def test_a_leak_of_exactly_a_hundredth_is_not_flat_and_less_is():
    assert flat_intervals("leaky-relu", 0.01) == ()
    ((low, high),) = flat_intervals("leaky-relu", 0.009)
    assert low == -math.inf
    assert high == pytest.approx(0, abs=1e-9)
