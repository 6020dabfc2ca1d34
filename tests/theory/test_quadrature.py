"""Expectations agree with closed forms, adaptive quadrature and samples, q from 1e-12 to 1e12."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from dnncli.theory.quadrature import normal_nodes, normal_share

SCALES = [1e-12, 1e-3, 0.3, 1.0, 7.0, 1e3, 1e12]
every_variance = pytest.mark.parametrize("q", SCALES)


def expectation(f, q, kinks=(0.0,), scale=1.0):
    """E f(z) for z ~ N(0, q)."""
    z, weights = normal_nodes(q, kinks, scale)
    return float(weights @ f(z))


@every_variance
def test_powers_have_a_normal_variables_moments(q):
    for power, moment in [(0, 1), (1, 0), (2, 1), (4, 3), (8, 105)]:
        value = expectation(lambda z, n=power: z**n, q) / q ** (power / 2)
        assert value == pytest.approx(moment, rel=1e-12, abs=1e-13)


@every_variance
@pytest.mark.parametrize("kink", [0.0, -3.0, 0.7])
def test_a_ramp_from_a_kink_is_its_closed_form(q, kink):
    """E max(z - k, 0) = s pdf(k/s) - k (1 - cdf(k/s))."""
    s = math.sqrt(q)
    exact = s * stats.norm.pdf(kink / s) - kink * stats.norm.sf(kink / s)
    value = expectation(lambda z: np.maximum(z - kink, 0), q, (kink,))
    assert value == pytest.approx(exact, rel=1e-12, abs=1e-14)


@every_variance
def test_a_step_is_the_share_above_it(q):
    assert expectation(lambda z: 1.0 * (z > 3), q, (3.0,)) == pytest.approx(
        stats.norm.sf(3, scale=math.sqrt(q)), rel=1e-12, abs=1e-14
    )


@every_variance
def test_a_narrow_bump_in_a_wide_distribution_is_not_missed(q):
    """The square of the sigmoid's slope, against adaptive quadrature in both scales."""

    def f(z):
        e = np.exp(-np.abs(z))
        return (e / (1 + e) ** 2) ** 2

    s = math.sqrt(q)
    edges = np.unique(
        np.clip([-40, -10, -3, -1, 0, 1, 3, 10, 40, *(s * np.arange(-9, 10))], -9 * s, 9 * s)
    )
    pieces = [
        integrate.quad(
            lambda z: f(z) * stats.norm.pdf(z, scale=s), low, high, epsrel=1e-12, epsabs=0
        )[0]
        for low, high in pairwise(edges)
        if high > low and abs(low + high) < 200
    ]
    assert expectation(f, q) == pytest.approx(math.fsum(pieces), rel=1e-10)


@pytest.mark.parametrize("scale", [1e-3, 1e-6])
def test_a_feature_narrower_than_one_is_resolved_when_named(scale):
    exact = scale * math.sqrt(2 * math.pi) / math.sqrt(2 * math.pi * (1 + scale**2))
    value = expectation(lambda z: np.exp(-((z / scale) ** 2) / 2), 1.0, scale=scale)
    assert value == pytest.approx(exact, rel=1e-11)


def test_the_nodes_are_few_enough_to_be_cheap():
    assert all(len(normal_nodes(q)[0]) < 2500 for q in SCALES)


@every_variance
def test_the_share_of_an_interval_is_the_normal_distributions(q):
    s = math.sqrt(q)
    assert normal_share(-math.inf, math.inf, q) == 1
    assert normal_share(-1, 2, q) == pytest.approx(
        stats.norm.cdf(2 / s) - stats.norm.cdf(-1 / s), abs=1e-15
    )


def test_no_variance_is_a_point_at_0():
    assert normal_share(-1, 1, 0.0) == 1
    assert normal_share(1, 2, 0.0) == 0
