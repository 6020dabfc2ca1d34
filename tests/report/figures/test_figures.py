"""Figures: the same bytes each time, for every run there can be, with labels, units and the command."""

import dataclasses
import io
import itertools
import math
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from matplotlib import font_manager

from dnncli.errors import DnncliError, SpecError
from dnncli.experiments import statistics
from dnncli.records import (
    DataRecord,
    EpochRecord,
    Health,
    LayerRecord,
    Score,
    Seconds,
    StepRecord,
    TrainRecord,
)
from dnncli.report.figures import canvas, heat_map, training

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
    assert heat_map._span([-3.0, -3.1]) == pytest.approx((-3.55, -2.55))
    assert heat_map._span([-9.0, -1.0]) == (-9.0, -1.0)
    assert heat_map._span([]) == (-1.0, 0.0)


def test_colours_diverge_evenly_around_a_level():
    with canvas.canvas(3, 3) as figure:
        axes = figure.subplots()
        heat_map.draw(figure, axes, [[1e-6, 1.0], [1.0, 100.0]], ["h1", "h2"], "δ", level=1.0)
    (image,) = axes.images
    assert image.get_clim() == (-6.0, 6.0)
    red, green, blue, _ = image.cmap(image.norm(0.0))
    assert min(red, green, blue) > 0.95  # white
    below, above = image.cmap(image.norm(-6.0)), image.cmap(image.norm(6.0))
    assert below[2] > below[0]
    assert above[0] > above[2]


def test_lines_of_many_series_differ_in_colour_or_dashes():
    with canvas.canvas(3, 3) as figure:
        axes = figure.subplots()
        canvas.curves(axes, [1, 2], {str(k): canvas.Curve([k, k]) for k in range(20)})
    looks = {(line.get_color(), line._unscaled_dash_pattern) for line in axes.lines}
    assert len(looks) == 20


def test_a_heat_map_names_some_rows_of_many_and_all_columns_it_is_given():
    with canvas.canvas(4, 3) as figure:
        axes = figure.subplots()
        rows = [f"hidden{i}" for i in range(50)]
        heat_map.draw(figure, axes, [[1.0, 2.0]] * 50, rows, "δ", ["relu $x$", "elu"])
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[0] == "hidden0"
    assert names[-1] == "hidden49"
    assert len(names) <= heat_map.MOST_NAMES
    assert [label.get_text() for label in axes.get_xticklabels()] == [r"relu \$x\$", "elu"]


def test_the_first_and_the_last_of_any_number_of_rows_are_named():
    assert heat_map._named(0) == []
    for rows in range(1, 200):
        named = heat_map._named(rows)
        gaps = [after - before for before, after in itertools.pairwise(named)]
        assert (named[0], named[-1]) == (0, rows - 1)
        assert len(named) <= heat_map.MOST_NAMES
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


def test_letters_that_no_font_has_are_spelled_and_others_drawn(monkeypatch):
    """Never an empty square: the font that comes with matplotlib has no Hangul."""
    monkeypatch.setattr(canvas, "fonts", lambda: (canvas.FONT,))
    monkeypatch.setattr(canvas, "_letters", canvas._letters.__wrapped__)
    assert canvas.literal("δ 한a$") == r"δ \ud55ca\$"
    with canvas.canvas(2, 2) as figure:
        axes = figure.subplots()
        axes.set_title(canvas.literal("한글"))
        canvas.title(figure, "가격.csv")
        figure.savefig(io.BytesIO())  # a missing letter would be a warning, which is an error here
    monkeypatch.setattr(canvas, "_letters", lambda: {ord("한")})
    assert canvas.literal("한") == "한"


def test_fonts_are_those_that_are_installed():
    known = {font.name for font in font_manager.fontManager.ttflist}
    assert canvas.fonts()[0] == "DejaVu Sans"
    assert set(canvas.fonts()) <= known


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


def bands(seeds, examples=200):
    """Mean, low and high of the curve of these seeds' errors in per cent, and the axes' title."""
    accuracies = [[1 - error / 100 for error in seed] for seed in seeds]
    with canvas.canvas(4, 3) as figure:
        axes = figure.subplots()
        canvas.error_axes(axes)
        canvas.learning(axes, "relu", accuracies, examples, 0)
    (line,) = axes.get_lines()
    (band,) = axes.collections
    ends = band.get_paths()[0].vertices[:, 1] if len(line.get_ydata()) else [math.nan]
    return line.get_ydata(), min(ends), max(ends), axes.get_title(loc="left")


@pytest.mark.parametrize("seeds", [[[4.0], [6.0]], [[2.0], [30.0], [4.0]], [[1.0], [1.0]]])
def test_a_band_of_few_seeds_is_their_range_and_says_so(seeds):
    """Student's interval of 4 and 6 goes from -7.7 to 17.7: on a logarithmic axis to the bottom."""
    (mean,), low, high, title = bands(seeds)
    values = [value for (value,) in seeds]
    assert mean == pytest.approx(sum(values) / len(values))
    assert (low, high) == (pytest.approx(min(values)), pytest.approx(max(values)))
    assert "range" in title


def test_a_band_of_more_seeds_is_the_interval_of_the_means_logarithm():
    seeds = [[1.0], [2.0], [9.0], [1.5], [30.0]]
    (mean,), low, high, title = bands(seeds)
    interval = statistics.interval([value for (value,) in seeds])
    assert interval.low < 0 < low < mean < high
    assert math.log(high / mean) == pytest.approx((interval.high - interval.mean) / mean)
    assert low * high == pytest.approx(mean**2)
    assert title == "learning"


def test_errors_of_nought_and_no_seeds_are_drawn():
    assert bands([[0.0], [0.0]])[:3] == (0.25, 0.25, 0.25)
    assert bands([[0.0]] * 6)[:3] == (0.25, 0.25, 0.25)
    assert len(bands([])[0]) == 0


def step(number, loss):
    layers = tuple(layer(f"hidden{k + 1}", 1e-3 * 10.0**number) for k in range(3))
    return StepRecord(1, number, loss, layers)


@pytest.mark.parametrize("losses", [[2.3, 1e10], [math.inf], [2.3, 5.0, math.nan]])
def test_a_run_that_diverged_at_once_shows_its_steps(losses):
    steps = [step(number, loss) for number, loss in enumerate(losses, 5)]
    run = record([[1e-3] * 3], [math.nan], "diverged", best=0)
    figure = training.figure(run, steps)
    figure.canvas.draw()
    said = texts(figure)
    assert {"step of epoch 1", "step over weights", "hidden1", "hidden3"} <= said
    assert any(text.endswith(f"diverged in step {steps[-1].step}") for text in said)
    (image,) = figure.axes[1].get_images()
    assert image.get_extent()[:2] == [4.5, 4.5 + len(steps)]


def test_a_run_that_diverged_later_shows_its_epochs():
    run = record(DELTAS, stopped="diverged")
    assert "step over weights" not in texts(training.figure(run, [step(1, 2.0)]))


def test_a_title_says_which_layers_are_frozen():
    run = record(DELTAS)
    for frozen, said in (((), None), ((0,), "h0 frozen"), ((0, 1), "h0, h1 frozen")):
        layers = tuple(
            dataclasses.replace(one, frozen=place in frozen)
            for place, one in enumerate(run.epochs[-1].layers)
        )
        last = dataclasses.replace(run.epochs[-1], layers=layers)
        changed = dataclasses.replace(run, epochs=(*run.epochs[:-1], last))
        title = training.figure(changed)._suptitle.get_text()
        assert title.endswith(f"adam, {said}" if said else "adam")
