"""`vanishing-demo --animate`: what each frame shows, and that only what was asked for is written."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from problems import layers
from shell import refused

from dnncli.errors import DnncliError, SpecError
from dnncli.records import CaseRecord, DepthRecord, TrainingOutcome
from dnncli.report.figures import animation

SVG = "{http://www.w3.org/2000/svg}"


def case(name, deltas):
    """A case of two hidden layers whose δ are 1 before the first step."""
    untrained = tuple(DepthRecord(**vars(one) | {"delta_rms": 1.0}) for one in layers(2))
    act, init = name.split(":")
    rest = dict.fromkeys(("predicted_delta_ratio", "predicted_log10_delta_ratio"))
    rest |= dict.fromkeys(("predicted_band", "chi", "depth_scale", "trainable_depth", "note"))
    return CaseRecord(
        case=name,
        act=act,
        init=init,
        bn=False,
        clip=False,
        depth=2,
        layers=untrained,
        delta_ratio=1.0,
        delta_ratio_values=(1.0,),
        verdict="healthy",
        findings=(),
        trained=TrainingOutcome(2, 0.5, (0.5,), deltas=deltas),
        **rest,
    )


WHOLE = case("relu:he", ((0.5, 0.25, 2.0), (0.1, 0.2, 0.3)))
BROKEN = case("relu:normal", ((5.0, 4.0, 3.0),))  # diverged in its second epoch


@pytest.fixture(scope="module")
def film():
    return animation.film([WHOLE, BROKEN])


def test_a_frame_is_an_epoch_and_shows_its_deltas(film):
    assert len(film.frames) == 3
    shown = [[list(line.get_ydata()) for line in frame[:2]] for frame in film.frames]
    assert [lines[0] for lines in shown] == [[1, 1, 1], [0.5, 0.25, 2.0], [0.1, 0.2, 0.3]]
    assert [lines[1] for lines in shown] == [[1, 1, 1], [5, 4, 3], [5, 4, 3]]
    assert [frame[2].get_text() for frame in film.frames] == [
        "before the first step",
        "epoch 1",
        "epoch 2",
    ]
    # What has diverged stays, dotted.
    assert [frame[1].get_linestyle() for frame in film.frames] == ["-", "-", ":"]


def test_an_svg_shows_one_frame_at_a_time_and_each_once(film, tmp_path):
    path = tmp_path / "film.svg"
    animation.save(film, path, "dnncli vanishing-demo")
    groups = {
        group.get("id"): group
        for group in ElementTree.parse(path).iter(f"{SVG}g")
        if (group.get("id") or "").startswith("frame")
    }
    assert len(groups) == 3 * 3
    for moment in np.linspace(0, 0.999, 50):
        visible = {name for name, group in groups.items() if at(group, moment) == "visible"}
        place = int(3 * moment)
        assert visible == {f"frame{place}-{part}" for part in ("case0", "case1", "label")}
    still = {name for name, group in groups.items() if group.get("visibility") == "visible"}
    assert still == {"frame2-case0", "frame2-case1", "frame2-label"}


def at(group, moment):
    """What a viewer makes of a group's `animate` at a share of its time."""
    animate = group.find(f"{SVG}animate")
    assert animate.get("calcMode") == "discrete"
    keys = [float(key) for key in animate.get("keyTimes").split(";")]
    values = animate.get("values").split(";")
    assert keys[0] == 0
    return values[max(place for place, key in enumerate(keys) if key <= moment)]


def test_a_gif_has_a_frame_an_epoch_and_no_two_alike(film, tmp_path):
    images = pytest.importorskip("PIL.Image")
    path = tmp_path / "film.gif"
    animation.save(film, path, "dnncli vanishing-demo")
    with images.open(path) as picture:
        assert picture.n_frames == 3
        frames = []
        for place in range(3):
            picture.seek(place)
            frames.append(picture.convert("RGB").tobytes())
    assert len(set(frames)) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["film.gif"]


def test_mp4_needs_ffmpeg_and_other_names_are_refused(monkeypatch):
    monkeypatch.setattr(animation.shutil, "which", lambda name: None)
    with pytest.raises(DnncliError, match=re.escape(".mp4 needs ffmpeg")):
        animation.check(Path("film.mp4"))
    animation.check(Path("film.gif"))
    with pytest.raises(SpecError, match=r"called \.gif, \.svg or \.mp4"):
        animation.check(Path("film.png"))


@pytest.mark.parametrize("options", [[], ["--train", "2", "--depths", "2,3"]])
def test_there_must_be_training_of_one_depth_to_show(options):
    assert "give --train N too" in refused(2, "vanishing-demo", "--animate", "x.gif", *options)
