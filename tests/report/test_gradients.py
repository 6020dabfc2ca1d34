"""The gradient table: 80 columns whatever the figures, and bars on a scale that says something."""

import io
import math
from dataclasses import replace

import pytest
from rich.console import Console

from dnncli.records import LayerRecord, Learned
from dnncli.report import gradients

VALUES = [0.0, 1e-45, -1.5e-12, 0.123456, -0.5, 999.0, -123456.0, -3.4e38, -math.inf, math.nan]


def drawn(layers, width=80, every=False):
    console = Console(file=io.StringIO(), width=width)
    console.print(gradients.gradient_table(layers, "Gradients", every=every))
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


def deep(hidden=1000):
    """A network whose δ falls towards the input but for one layer, where units are dead."""
    layers = [layer(f"hidden{i}", 10.0 ** (i / 100 - 10), 0.1) for i in range(1, hidden + 1)]
    layers[411] = replace(layers[411], dead_fraction=0.9, delta_rms=1e-30)
    return [*layers, layer("output", 1.0)]


def first_words(lines):
    return [line.split()[0] for line in lines[3:]]


def test_of_a_deep_network_the_ends_and_the_worst_layers_are_shown():
    lines = drawn(deep())
    ends = ["hidden1", "hidden2", "hidden3", "…", "hidden412", "…", "hidden999", "hidden1000"]
    assert first_words(lines) == [*ends, "output"]
    assert [line.split()[1] for line in lines if line.startswith("…")] == ["408", "586"]
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert "7 of 1,001 layers (--all-layers: every one)" in " ".join(lines[0].split())


def test_every_layer_is_shown_where_that_is_asked_for_or_they_are_few():
    every = drawn(deep(), every=True)
    assert len(first_words(every)) == 1001
    few = drawn(deep()[-30:])
    assert len(first_words(few)) == 30
    assert not any(line.startswith("…") for line in few)


def test_the_loss_is_told_where_it_alone_shows_that_something_was_learned():
    told = Learned("learned", 0.84, 0.86, 0.85, 0.83, loss=0.3931, frequency_loss=0.4262)
    (line,) = gradients.learned_line(told)
    assert line.plain.startswith("learned: right on 84% of the held-out examples")
    (line,) = gradients.learned_line(replace(told, by_loss=True))
    shown = "as its probabilities show (log loss 0.393, of the classes' frequencies 0.426)"
    assert line.plain.startswith(f"learned, {shown}: right on 84% of the held-out examples")
