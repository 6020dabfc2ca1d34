"""Chance: exact binomial tails and Wilson's interval, against closed forms."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnncli.diagnosis import chance


@given(st.integers(0, 30), st.integers(1, 30), st.floats(0.01, 0.99))
def test_a_tail_is_the_sum_of_its_terms(hits, examples, share):
    hits = min(hits, examples)
    terms = [
        math.comb(examples, k) * share**k * (1 - share) ** (examples - k)
        for k in range(hits, examples + 1)
    ]
    assert chance.at_least(hits, examples, share) == pytest.approx(math.fsum(terms), rel=1e-9)


def test_tails_of_many_examples_do_not_underflow():
    assert 0 < chance.at_least(600, 1000, 0.5) < 1e-9
    assert chance.at_least(0, 1000, 0.5) == 1
    assert chance.at_least(5, 10, 0.0) == 0
    assert chance.at_least(5, 10, 1.0) == 1


def test_better_is_what_one_in_a_hundred_would_reach_by_chance():
    # Of ten coins nine or more show heads with probability 11/1024, ten with 1/1024.
    assert not chance.better(9, 10, 0.5)
    assert chance.better(10, 10, 0.5)
    assert not chance.better(0, 0, 0.5)


def test_wilson_s_interval_has_its_known_values():
    low, high = chance.interval(5, 10)
    assert (low, high) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert chance.interval(0, 0) == (0.0, 1.0)
    assert chance.interval(0, 10)[0] == pytest.approx(0, abs=1e-12)
    assert chance.interval(0, 10)[1] == pytest.approx(0.2775, abs=1e-4)


def test_a_share_is_clearly_below_another_beyond_chance_only():
    assert chance.clearly_below(50, 100, 75, 100)
    assert not chance.clearly_below(50, 100, 55, 100)
    assert not chance.clearly_below(5, 10, 8, 10)
    assert not chance.clearly_below(0, 0, 8, 10)
