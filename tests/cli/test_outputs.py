"""Pictures and TensorBoard logs: written whole, with their command, and refused before the work."""

import builtins
import importlib.util
import os
import re
import resource
from pathlib import Path

import pytest
from shell import TINY, recorded, refused, run

STARTS = {"svg": b"<?xml", "png": b"\x89PNG\r\n", "pdf": b"%PDF-"}


@pytest.mark.parametrize("kind", STARTS)
def test_a_picture_is_drawn_in_each_format_and_holds_its_command(kind):
    pytest.importorskip("matplotlib")
    result = run("train", *TINY, "--plot", f"run.{kind}", "-q")
    assert (result.code, result.err) == (0, "")
    data = Path(f"run.{kind}").read_bytes()
    assert data.startswith(STARTS[kind])
    assert b"dnncli train --data tiny.npz" in data
    assert sorted(os.listdir()) == [f"run.{kind}", "runs", "tiny.npz"]


def test_a_picture_of_a_run_that_broke_is_drawn_too():
    pytest.importorskip("matplotlib")
    assert run("train", *TINY, "--lr", "1e30", "--plot", "run.svg", "-q").code == 3
    assert (
        "diverged in epoch 1" in Path("run.svg").read_text()
        or Path("run.svg").stat().st_size > 5000
    )


@pytest.mark.parametrize("name", ["run.gif", "run", "run.svg.gz", ".svg"])
def test_a_kind_of_picture_that_there_is_not_is_refused_before_training(name):
    assert "a picture is called .svg, .png or .pdf" in refused(2, "train", *TINY, "--plot", name)
    assert os.listdir() == ["tiny.npz"]


def test_a_picture_is_not_overwritten_unless_asked():
    Path("run.png").write_text("precious")
    assert "--plot run.png exists; give --overwrite" in refused(
        2, "train", *TINY, "--plot", "run.png"
    )
    assert Path("run.png").read_text() == "precious"
    pytest.importorskip("matplotlib")
    assert run("train", *TINY, "--plot", "run.png", "--overwrite", "-q").code == 0
    assert Path("run.png").read_bytes().startswith(STARTS["png"])


@pytest.mark.parametrize("place", ["none/run.svg", "tiny.npz/run.svg"])
def test_a_place_that_cannot_hold_a_picture_is_refused_before_training(place):
    assert "cannot be written" in refused(1, "train", *TINY, "--plot", place)
    assert os.listdir() == ["tiny.npz"]


def test_one_file_for_two_things_is_refused():
    same = ["--out", "x.svg", "--plot", "./x.svg"]
    assert "--out and --plot are the same file" in refused(2, "train", *TINY, *same)


def test_the_result_is_kept_as_json_beside_the_table():
    asked = ("train", *TINY, "-q", "--out", "net.ckpt", "--json", "result.json")
    shown = run(*asked).out
    told = recorded("result.json")
    assert f"{100 * told['test']['accuracy']:.2f} %" in shown
    told = run("eval", "net.ckpt", "--json", "eval.json", "--format", "json").json
    assert recorded("eval.json").keys() == told.keys()
    assert run("tour", "--list", "--json", "tour.json").code == 0
    assert recorded("tour.json")["command"] == "tour"


def test_a_result_in_json_is_not_overwritten_and_its_place_is_looked_at_before_the_work():
    Path("result.json").write_text("precious")
    asked = ("train", *TINY, "--json")
    assert "--json result.json exists; give --overwrite" in refused(2, *asked, "result.json")
    assert "--json result.json exists" in refused(2, "tour", "--list", "--json", "result.json")
    assert Path("result.json").read_text() == "precious"
    assert "none/a.json cannot be written" in refused(1, *asked, "none/a.json")
    same = [*asked, "x.json", "--out", "./x.json"]
    assert "--out and --json are the same file" in refused(2, *same)
    assert sorted(os.listdir()) == ["result.json", "tiny.npz"]


@pytest.fixture
def without(monkeypatch):
    """An installation without some library."""

    def remove(name):
        find, take = importlib.util.find_spec, builtins.__import__
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda n, *a: None if n == name else find(n, *a)
        )

        def refuse(module, *rest):
            if module.split(".")[0] == name:
                raise ModuleNotFoundError(module)
            return take(module, *rest)

        monkeypatch.setattr(builtins, "__import__", refuse)

    return remove


@pytest.mark.parametrize(
    ("library", "options", "extra"),
    [
        ("matplotlib", ["--plot", "run.svg"], "plot"),
        ("tensorboardX", ["--tensorboard", "logs"], "tensorboard"),
    ],
)
def test_without_the_library_one_line_says_how_to_get_it_before_training(
    without, library, options, extra
):
    without(library)
    line = refused(1, "train", *TINY, *options)
    assert (
        f"{options[0]} needs {library}, which is not installed: pip install 'dnncli[{extra}]'."
        in line
    )
    assert os.listdir() == ["tiny.npz"]
    assert run("train", *TINY, "-q").code == 0


def events(folder):
    """Every value in a folder's event files: (tag, step) → value."""
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    values = {}
    for file in folder.glob("events*"):
        data, place = file.read_bytes(), 0
        while place < len(data):
            length = int.from_bytes(data[place : place + 8], "little")
            event = Event.FromString(data[place + 12 : place + 12 + length])
            place += length + 16
            values |= {(value.tag, event.step): value for value in event.summary.value}
    return values


def test_a_log_holds_every_epoch_and_the_kernels_of_the_best():
    pytest.importorskip("tensorboardX")
    options = ["--tensorboard", "logs", "--out", "net.ckpt", "--format", "json"]
    result = run("train", *TINY, *options)
    assert (result.code, result.err) == (0, "")
    told, values = result.json, events(Path("logs/net"))
    for epoch in told["epochs"]:
        scalar = values["loss/validation", epoch["epoch"]].simple_value
        assert scalar == pytest.approx(epoch["val_loss"], rel=1e-6)
        delta = values["delta_rms/hidden1", epoch["epoch"]].simple_value
        assert delta == pytest.approx(epoch["layers"][0]["delta_rms"], rel=1e-6)
    best = told["best_epoch"]
    assert values["accuracy/test", best].simple_value == pytest.approx(told["test"]["accuracy"])
    assert values["kernel/hidden2", best].histo.num == 4 * 3


def test_every_run_logs_into_a_folder_of_its_own():
    pytest.importorskip("tensorboardX")
    for _ in range(2):
        options = ["--tensorboard", "logs", "--out", "net.ckpt", "--overwrite", "-q"]
        assert run("train", *TINY, *options).code == 0
    assert sorted(os.listdir("logs")) == ["net", "net-2"]


# The library's file still holds what the system refused when it is collected, and refuses it again.
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
def test_a_log_that_cannot_be_written_is_one_line_with_1():
    pytest.importorskip("tensorboardX")
    assert "cannot be written to" in refused(1, "train", *TINY, "--tensorboard", "tiny.npz")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limit[1]))
    try:
        result = run("train", *TINY, "--tensorboard", "logs", "--format", "json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert result.code == 1
    assert re.search(r"cannot be written( to)?: file too large", result.err)
    assert len(result.err.splitlines()) == 1
