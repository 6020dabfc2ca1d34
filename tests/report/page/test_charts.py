"""Pictures: what is drawn stands where its value is, and what has no value is left out."""

import re

import pytest

from dnncli.report.page import charts, colours, heat_maps
from dnncli.report.page.charts import BOTTOM, LEFT, RIGHT, TOP, Series


def points(path):
    """The points of an SVG path, with the letter before each."""
    return [(m[1], float(m[2]), float(m[3])) for m in re.finditer(r"([ML])([\d.]+) ([\d.]+)", path)]


def curve(values, **more):
    (line,) = charts.curves("t", "a", {"one": Series(values, **more)}, ("x", "y")).lines
    return line


def test_a_line_goes_through_its_values_from_left_to_right():
    drawn = points(curve([1.0, 3.0, 2.0]).path)
    assert [letter for letter, _, _ in drawn] == ["M", "L", "L"]
    xs = [x for _, x, _ in drawn]
    assert LEFT <= xs[0] < xs[1] < xs[2] <= RIGHT
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=0.2)
    low, high, middle = [y for _, _, y in drawn]
    assert TOP <= high < middle < low <= BOTTOM
    assert (low + high) / 2 == pytest.approx(middle, abs=0.2)


def test_a_line_is_broken_where_a_value_is_not_finite():
    drawn = points(curve([1.0, float("nan"), 2.0, 3.0]).path)
    assert [letter for letter, _, _ in drawn] == ["M", "M", "L"]


def test_a_single_value_is_a_dot():
    line = curve([0.5])
    assert not line.path
    assert len(line.dots) == 1


def test_a_band_surrounds_its_line():
    line = curve([1.0, 2.0], low=[0.5, 1.0], high=[1.5, 3.0])
    outline = points(line.band)
    assert len(outline) == 4
    assert line.band.endswith("Z")
    ys = [y for _, _, y in points(line.path)]
    high = [y for _, _, y in outline[:2]]
    low = [y for _, _, y in reversed(outline[2:])]
    assert all(h < y < lo for h, y, lo in zip(high, ys, low, strict=True))


def test_the_diagonal_is_where_both_values_are_equal():
    plot = charts.scatter("t", "a", [(1, 1), (2, 2), (5, 5), (2, 4)], ("x", "y"))
    ((x1, y1, x2, y2),) = plot.rules
    for dot in plot.dots[:3]:
        share = (dot.x - x1) / (x2 - x1)
        assert dot.y == pytest.approx(y1 + share * (y2 - y1))
    assert plot.dots[3].y < y1 + (plot.dots[3].x - x1) / (x2 - x1) * (y2 - y1)  # above it


def test_a_heat_map_goes_from_dark_to_light_and_is_grey_without_a_value():
    rows = {"low": [1e-6, 0.0], "high": [1e-3, 1.0]}
    drawn = heat_maps.heat("t", "a", rows, ["1", "2"], ("epoch", "δ"), colours.SEQUENTIAL)
    low, nothing, _, high = drawn.tiles
    assert (low.colour, high.colour) == (colours.VIRIDIS[0], colours.VIRIDIS[-1])
    assert nothing.colour == colours.NOTHING
    assert low.y > high.y  # the first row is the lowest
    assert low.about == "low, epoch 1: 1.00e-06"
    assert [float(end.split()[-1]) for end in drawn.ends] == [1e-6, 1.0]


def test_of_many_epochs_and_layers_a_selection_is_drawn_and_named():
    rows = {f"hidden{place}": [1.0] * 500 for place in range(80)}
    numbers = [str(epoch + 1) for epoch in range(500)]
    drawn = heat_maps.heat("t", "a", rows, numbers, ("epoch", "δ"), colours.SEQUENTIAL)
    assert len(drawn.tiles) == 80 * heat_maps.MOST_COLUMNS
    assert drawn.tiles[0].about.startswith("hidden0, epoch 1:")
    assert drawn.tiles[heat_maps.MOST_COLUMNS - 1].about.startswith("hidden0, epoch 500:")
    assert len(drawn.y.ticks) <= charts.MOST_NAMES
    assert drawn.height <= heat_maps.TALLEST + 60


def test_colours_between_two_anchors_are_their_mixture():
    scale = colours.Colours(("#000000", "#ff8000"), 0.0, 1.0)
    assert scale.colour(0.5) == "#804000"
    assert scale.colour(-3.0) == "#000000"
    assert scale.colour(9.0) == "#ff8000"
    assert list(scale.steps(3)) == ["#000000", "#804000", "#ff8000"]
