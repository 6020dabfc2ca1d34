"""Axes: values keep their order and ratios, marks are round and lie on the axis."""

import math

import pytest

from dnncli.report.page import scales
from dnncli.report.page.scales import Scale


def test_places_are_proportional_to_values_or_to_their_logarithms():
    linear = Scale(0, 10, 50, 350)
    assert [linear.place(value) for value in (0, 5, 10)] == [50, 200, 350]
    logarithmic = Scale(0.01, 100, 200, 0, logarithmic=True)
    places = [logarithmic.place(value) for value in (0.01, 1, 100)]
    assert places == pytest.approx([200, 100, 0])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_has_no_place(value):
    assert Scale(0, 1, 0, 100).place(value) is None


def test_what_is_not_positive_has_no_place_on_a_logarithmic_axis():
    assert Scale(0.1, 1, 0, 100, logarithmic=True).place(0.0) is None


@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize(("low", "high"), [(0.02, 0.9), (1, 1.004), (3e-12, 4e5), (95, 95.6)])
def test_marks_are_few_round_and_on_the_axis(low, high, logarithmic):
    scale = scales.fitted([low, high], 0, 100, logarithmic=logarithmic)
    ticks = scale.ticks()
    assert 2 <= len(ticks) <= 8
    assert ticks == sorted(set(ticks))
    assert all(scale.low <= tick <= scale.high for tick in ticks)
    labels = [scales.label(tick, logarithmic=logarithmic) for tick in ticks]
    assert len(set(labels)) == len(labels)
    assert max(map(len, labels)) <= 8


def test_an_axis_of_one_value_has_a_width():
    scale = scales.fitted([3.0], 0, 100)
    assert scale.low < 3 < scale.high
    assert scale.place(3.0) == pytest.approx(50)
    wide = scales.fitted([3.0], 0, 100, least=2)
    assert wide.high - wide.low >= 2


def test_powers_of_ten_are_written_as_such_where_they_are_far_from_1():
    assert scales.label(1e-7, logarithmic=True) == "10⁻⁷"
    assert scales.label(2e-7, logarithmic=True) == "2·10⁻⁷"
    assert scales.label(0.01, logarithmic=True) == "0.01"
    assert scales.label(-0.5) == "−0.5"
