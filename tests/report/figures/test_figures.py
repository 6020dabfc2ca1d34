"""Figures: the same bytes each time, for every run there can be, with labels, units and the command."""

import itertools
import math
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from dnncli.errors import DnncliError, SpecError
from dnncli.records import DataRecord, EpochRecord, Health, LayerRecord, Score, Seconds, TrainRecord
from dnncli.report.figures import canvas, training

DATA = DataRecord("digits", 1297, 200, 300, 64, 10, "0" * 64)
COMMAND = "dnncli train --act elu"


def layer(name, delta):
    return LayerRecord(name, delta, 1.0, 2.0, 1e-3, 0.1, 1.0, 0.0, 0.0)


def record(deltas, losses=None, stopped="epochs", name="digits", test=0.9, best=1):
    """A run whose layers' δ are `deltas[epoch][layer]`."""
    losses = losses or [1.0 / (i + 1) for i in range(len(deltas))]
    epochs = tuple(
        EpochRecord(
            i + 1,
            loss,
            loss,
            0.5,
            1e-3,
            0.0,
            0.1,
            tuple(layer(f"h{k}", d) for k, d in enumerate(row)),
        )
        for i, (row, loss) in enumerate(zip(deltas, losses, strict=True))
    )
    depth = max(len(deltas[0]) - 1, 1) if deltas else 2
    config = {
        "hidden": [8] * depth,
        "act": "elu",
        "init": "he-normal",
        "bn": True,
        "optimizer": "adam",
    }
    return TrainRecord(
        config=config,
        data=DataRecord(name, *list(vars(DATA).values())[1:]),
        parameters=10,
        epochs=epochs,
        initial=(),
        best_epoch=best,
        stopped=stopped,
        test=Score(0.3, test) if test is not None else None,
        health=Health("healthy"),
        prediction=None,
        checkpoint=None,
        seconds=Seconds(1.0, 0.5, 0.5),
    )


DELTAS = [[1e-3 * 2.0**-k / (e + 1) for k in range(3)] for e in range(6)]


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_the_same_run_gives_the_same_bytes_with_the_command_in_them(tmp_path, kind):
    paths = [tmp_path / f"{name}.{kind}" for name in "ab"]
    for path in paths:
        canvas.save(training.figure(record(DELTAS)), path, COMMAND)
    one, two = (path.read_bytes() for path in paths)
    assert one == two
    assert COMMAND.encode() in one
    assert b"dnncli" in one


def texts(figure):
    from matplotlib.text import Text

    return {text.get_text() for text in figure.findobj(Text)} - {""}


def test_axes_have_labels_with_units():
    figure = training.figure(record(DELTAS))
    figure.canvas.draw()
    said = texts(figure)
    assert {
        "epoch",
        "cross-entropy (nats)",
        "correctly classified (%)",
        "training",
        "validation",
    } <= said
    assert any("log₁₀ δ" in text and "nats" in text for text in said)
    assert {"h0", "h1", "h2"} <= said


@pytest.mark.parametrize(
    "run",
    [
        record([]),
        record(DELTAS[:1]),
        record([[1e-3]]),
        record([[0.0, 0.0], [0.0, 0.0]]),
        record([[math.nan, math.inf], [1e-300, 1e300]], [math.nan, math.inf], "diverged", best=0),
        record(DELTAS, [1e22, math.inf, 1.0, 1e-9, 0.0, 2.0]),
        record([[1e-3] * 60 for _ in range(3)]),
        record(DELTAS, test=None, stopped="signal"),
        record(DELTAS, name="a$b$ \\frac{ 表 é \x07"),
    ],
    ids=["no epoch", "one", "one layer", "zeros", "NaN", "huge", "deep", "stopped", "odd name"],
)
def test_every_run_there_can_be_is_drawn(tmp_path, run):
    for kind in ("svg", "png", "pdf"):
        path = tmp_path / f"run.{kind}"
        canvas.save(training.figure(run), path, "dnncli train --data 'é表\n\x07'")
        assert path.stat().st_size > 1000


def test_a_heat_map_spans_at_least_a_decade_and_leaves_out_what_has_no_logarithm():
    assert canvas._span([-3.0, -3.1]) == pytest.approx((-3.55, -2.55))
    assert canvas._span([-9.0, -1.0]) == (-9.0, -1.0)
    assert canvas._span([]) == (-1.0, 0.0)


def test_a_heat_map_names_some_rows_of_many_and_all_columns_it_is_given():
    with canvas.canvas(4, 3) as figure:
        axes = figure.subplots()
        rows = [f"hidden{i}" for i in range(50)]
        canvas.heat_map(figure, axes, [[1.0, 2.0]] * 50, rows, "δ", ["relu $x$", "elu"])
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[0] == "hidden0"
    assert names[-1] == "hidden49"
    assert len(names) <= canvas.MOST_NAMES
    assert [label.get_text() for label in axes.get_xticklabels()] == [r"relu \$x\$", "elu"]


def test_the_first_and_the_last_of_any_number_of_rows_are_named():
    assert canvas._named(0) == []
    for rows in range(1, 200):
        named = canvas._named(rows)
        gaps = [after - before for before, after in itertools.pairwise(named)]
        assert (named[0], named[-1]) == (0, rows - 1)
        assert len(named) <= canvas.MOST_NAMES
        assert 2 * min(gaps, default=1) > max(gaps[-1:], default=1)


def test_a_long_title_stands_whole_on_two_lines():
    words = " ".join(["layer$"] * 20)
    with canvas.canvas(canvas.TEXT_WIDTH, 3) as figure:
        canvas.title(figure, words)
        figure.canvas.draw()
        box = figure._suptitle.get_window_extent()
    lines = figure._suptitle.get_text().split("\n")
    assert len(lines) == 2
    assert " ".join(lines) == canvas.literal(words)
    assert 0 < box.x0 < box.x1 < figure.bbox.x1


def test_curves_are_told_apart_by_colour_and_dashes():
    series = {f"s{i}": canvas.Curve([1.0, 2.0], [0.5, 1.5], [1.5, 2.5]) for i in range(7)}
    with canvas.canvas(4, 3) as figure:
        axes = figure.subplots()
        canvas.curves(axes, [1.0, 2.0], series)
    lines = axes.get_lines()
    assert len({line.get_color() for line in lines}) == len(lines) == 7
    assert len({str(line._dash_pattern) for line in lines}) == 7
    assert len(axes.collections) == 7


def test_a_picture_is_whole_or_the_old_one_stays(tmp_path):
    path = tmp_path / "none" / "run.svg"
    with pytest.raises(DnncliError, match="cannot be written: there is no folder"):
        canvas.save(training.figure(record(DELTAS)), path, COMMAND)


def test_other_kinds_of_pictures_are_refused():
    canvas.check(Path("a.SVG"))
    for name in ("a.gif", "svg", ".png"):
        with pytest.raises(
            SpecError, match=r"^--plot .*: a picture is called \.svg, \.png or \.pdf"
        ):
            canvas.check(Path(name))


def test_the_style_is_left_as_it_was():
    import matplotlib

    before = dict(matplotlib.rcParams)
    training.figure(record(DELTAS))
    assert dict(matplotlib.rcParams) == before
