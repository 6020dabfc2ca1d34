"""The gradient table: 80 columns whatever the figures, and bars on a scale that says something."""

import io
import math

import pytest
from rich.console import Console

from dnncli.records import LayerRecord
from dnncli.report import gradients

VALUES = [0.0, 1e-45, -1.5e-12, 0.123456, -0.5, 999.0, -123456.0, -3.4e38, -math.inf, math.nan]


def drawn(layers, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(gradients.gradient_table(layers, "Gradients"))
    return console.file.getvalue().splitlines()


def layer(name, value, share=1.0):
    return LayerRecord(
        name, abs(value), abs(value), 1.0, abs(value), value, abs(value), share, share
    )


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 1.0, math.nan])
def test_the_table_fits_80_columns_and_is_not_cut(value, share):
    layers = [*(layer(f"hidden{i}", value, share) for i in (1, 99)), layer("output", 1.0)]
    lines = drawn(layers)
    assert lines == drawn(layers, width=200)
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert sum("hidden" in line for line in lines) == 2


def test_names_and_numbers_are_whole_where_there_is_room_for_few_columns():
    layers = [layer("hidden99", 1.0), layer("output", 1.0)]
    for width in (44, 60):
        lines = drawn(layers, width)
        assert lines[-2].startswith("hidden99  1.0e+00 ")
        assert "…" not in "".join(lines[-2:])
    assert drawn(layers, 60)[1].split()[-2:] == ["ΔW/W", "dead"]


def test_bars_grow_with_the_logarithm_and_are_empty_for_nothing():
    table = drawn(
        [layer("hidden1", 1e-12), layer("hidden2", 1e-6), layer("output", 1.0), layer("x", 0.0)]
    )
    bars = [
        sum(line.count(block) for block in "█▏▎▍▌▋▊▉")
        for line in table
        if line.startswith(("h", "o", "x"))
    ]
    assert bars == [*sorted(bars[:3]), 0]
    assert bars[2] == gradients.BAR_CELLS


@pytest.mark.parametrize(
    ("values", "span"),
    [
        ([1e-3, 2e-3], (-8, -2)),
        ([1e-20, 1.0], (-20, 0)),
        ([0.0, math.nan, math.inf], (-6, 0)),
        ([], (-6, 0)),
    ],
)
def test_the_scale_spans_at_least_six_decades(values, span):
    assert gradients.decades(values) == span
