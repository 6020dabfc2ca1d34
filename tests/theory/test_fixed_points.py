"""Fixed points, chi and depth scales: published values, and what each activation tends to."""

import math

import pytest

from dnncli import theory
from dnncli.theory.fixed_points import layer_map


@pytest.mark.parametrize(
    ("act", "alpha", "sigma_w2", "q", "chi", "factor"),
    [
        ("sigmoid", None, 1, 0.26469, 0.05572, 0.23605),
        ("sigmoid", None, 2, 0.55529, 0.10098, 0.31777),
        ("tanh", None, 2, 0.61796, 1.10553, 1.05144),
        ("relu", None, 1, 0.0, 0.5, 0.70711),
        ("relu", None, 2, None, 1.0, 1.0),
        ("leaky-relu", 0.2, 2, math.inf, 1.04, 1.01980),
        ("selu", None, 1, 1.0, 1.07159, 1.03518),
        ("swish", None, 1, 0.0, 0.25, 0.5),
        ("swish", None, 2, 0.0, 0.5, 0.70711),
    ],
)
def test_the_designs_check_table_holds_to_four_digits(act, alpha, sigma_w2, q, chi, factor):
    found = theory.fixed_point(act, alpha, sigma_w2)
    if q is None:
        assert found.q is None
    else:
        assert found.q == pytest.approx(q, abs=1e-5)
    # The table's last digit is 1.5 units off for SELU, whose closed form is below.
    assert found.chi == pytest.approx(chi, abs=2e-5)
    assert math.sqrt(found.chi) == pytest.approx(factor, abs=2e-5)


def test_chi_of_selu_is_its_closed_form():
    """lambda^2 (1/2 + alpha^2 e^2 cdf(-2)) at q = 1."""
    scale = 1.0507009873554805
    alpha = 1.6732632423543772
    exact = scale**2 * (1 / 2 + alpha**2 * math.e**2 * math.erfc(math.sqrt(2)) / 2)
    assert theory.fixed_point("selu", None, 1).chi == pytest.approx(exact, rel=1e-12)


def test_sigmoid_is_critical_near_102_where_q_is_near_45():
    found = theory.fixed_point("sigmoid", None, 103.0076)
    assert found.chi == pytest.approx(1, abs=1e-4)
    assert found.q == pytest.approx(45.6, abs=0.1)


@pytest.mark.parametrize(
    ("act", "sigma_w2", "kind"),
    [("relu", 1, "collapses"), ("relu", 2, "neutral"), ("relu", 3, "grows"), ("tanh", 2, "stable")],
)
def test_it_says_what_becomes_of_the_variance(act, sigma_w2, kind):
    assert theory.fixed_point(act, None, sigma_w2).kind == kind


@pytest.mark.parametrize("sigma_b2", [0.0, 0.3])
@pytest.mark.parametrize("act", ["sigmoid", "tanh", "softsign", "selu", "gelu"])
def test_a_stable_fixed_point_is_where_iteration_from_1_ends(act, sigma_b2):
    log_q = 0.0
    for _ in range(400):
        log_q = layer_map(act, None, 1.0, 1.5, sigma_b2, log_q).log_q
    found = theory.fixed_point(act, None, 1.5, sigma_b2)
    if found.q:
        assert found.q == pytest.approx(math.exp(log_q), rel=1e-9)
    else:
        assert (found.q, log_q < -10) == (0.0, True)


def test_dropout_at_half_makes_he_twice_critical():
    assert theory.fixed_point("relu", None, 2, keep=0.5).chi == pytest.approx(2)
    assert theory.fixed_point("relu", None, 2, keep=0.5).kind == "grows"


def test_the_depth_scale_is_that_of_decay_and_of_growth_and_endless_between():
    assert theory.depth_scale(math.exp(-1 / 7)) == pytest.approx(7)
    assert theory.depth_scale(math.exp(1 / 7)) == pytest.approx(7)
    assert theory.depth_scale(1.0) == math.inf
    assert theory.depth_scale(0.0) == 0


def test_the_trainable_depth_is_a_band_around_six_depth_scales():
    assert theory.trainable_depth(math.exp(-0.1)) == pytest.approx((46, 86))
    assert theory.trainable_depth(1.0) == (math.inf, math.inf)
