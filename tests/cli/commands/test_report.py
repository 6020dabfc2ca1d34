"""`dnncli report`: pages hold what the results hold, stand alone, and open without a complaint."""

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from browser import opened
from markup import Markup
from shell import TINY, refused, run, write_tiny

from dnncli.records import (
    CandidateRecord,
    DataRecord,
    DoctorRecord,
    Finding,
    Gain,
    Health,
    Learned,
    Remedy,
    Score,
    Seconds,
)
from dnncli.records.tour import StationRecord, ToldObservation, TourRecord
from dnncli.report import structured
from dnncli.report.escaping import escaped
from dnncli.spec import from_options

RUN = ("--hidden", "4,3", "--epochs", "2", "--batch-size", "8")
HOSTILE = "</td><script>alert(1)</script>"
COMMANDS = {
    "train": ("train", *TINY, "--out", "tiny.ckpt"),
    "eval": ("eval", "tiny.ckpt", "--split", "validation", "--split", "test", "--gradients"),
    "transfer": ("transfer", "tiny.ckpt", "--keep", "1", "--seeds", "2", "--epochs", "2"),
    "compare": (
        *("compare-activations", "--acts", "relu,tanh", "--seeds", "2", "--data", "tiny.npz"),
        *RUN,
    ),
    "vanishing": (
        *("vanishing-demo", "--depth", "3", "--width", "4", "--seeds", "2", "--data", "tiny.npz"),
        *("--cases", "sigmoid:xavier,relu:he"),
    ),
}
PAGES = (*COMMANDS, "tour", "doctor", "checkpoint", "table", "numbers")


def tour():
    """A tour's result, as JSON has it."""
    seen = ToldObservation("DeadUnits", True, {"share": 0.5}, "Half of them are dead.")
    station = StationRecord(
        "dead", "Dead units", "Why?", "y", ("$ x",), (seen,), "Try", "So", None, 1
    )
    return TourRecord({"ideas": ["dead"], "quick": True, "lang": "en"}, (station,), 1.0)


def doctor():
    """A doctor's result: a cause with its remedy, and two candidates."""
    spec = from_options({"act": "relu", "lr": 10.0, "optimizer": "sgd"})
    cause = Finding("unstable", "output", "it <diverges>", "lower it", Remedy({"lr": 0.5}))
    shared = {"rung": 3, "rungs": 3, "epochs": 9, "val_loss": 0.5, "diverged": 0}
    plain = CandidateRecord(
        *("as it is", {}, ""),
        **shared,
        val_accuracy=0.1,
        val_accuracies=(0.1, 0.1),
        gain=None,
        verdict="diverged",
        healthy=False,
    )
    cured = CandidateRecord(
        *("lower", {"lr": 0.5}, "--lr 0.5"),
        **shared,
        val_accuracy=0.9,
        val_accuracies=(0.9, 0.9),
        gain=Gain(0.8, 0.7, 0.9, 0.01, 2),
        verdict="healthy",
        healthy=True,
    )
    return DoctorRecord(
        config=spec.options(),
        data=DataRecord("d", 60, 20, 20, 3, 3, "f"),
        before=(),
        health=Health("unstable", (cause,), Learned("nothing", 0.1, 0.1, 0.3, 0.9)),
        test=Score(2.0, 0.1),
        majority=0.3,
        linear=0.9,
        one_batch=None,
        seeds=2,
        examined=60,
        candidates=(plain, cured),
        chosen="lower",
        options={"lr": 0.5},
        command_line=("dnncli", "train", "--lr", "0.5"),
        test_gain=Gain(0.7, 0.6, 0.8, 0.01, 2),
        healthy=False,
        finished=True,
        conclusion="Train with --lr 0.5.",
        budget=60.0,
        seconds=Seconds(9.0, 1.0, 8.0),
    )


def write_table(path):
    """A table with hostile names, a gap, and a category that tells the class."""
    lines = [f'"{HOSTILE}",size,kind']
    for i in range(90):
        size = "" if i % 9 == 0 else f"{(i * 7) % 10}"
        lines.append(f'"{HOSTILE}{i % 2}",{size},{"ab"[i % 2]}')
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory, quick_compilation):
    """A folder with every kind of page, and the results that they are of."""
    folder = tmp_path_factory.mktemp("made")
    before = Path.cwd()
    os.chdir(folder)
    write_tiny(folder / "tiny.npz")
    for name, line in COMMANDS.items():
        done = run(*line, "--format", "json", "--quiet")
        assert done.code in (0, 4), done.err
        Path(f"{name}.json").write_text(done.out)
    for name, record in (("tour", tour()), ("doctor", doctor())):
        Path(f"{name}.json").write_text(structured.dumps(structured.document(name, record)))
    write_table(folder / "table.csv")
    data = ("--data", "table.csv", "--target", HOSTILE)
    assert run("train", *data, *RUN, "--out", "table.ckpt", "--quiet").code == 0
    rows = np.random.default_rng(0).normal(size=(90, 2))
    text = "\n".join(f"{x:.3f},{y:.3f},{x - 2 * y:.4f}" for x, y in rows)
    Path("numbers.csv").write_text(f"x,y,z\n{text}\n")
    assert run("train", "--data", "numbers.csv", *RUN, "--out", "numbers.ckpt", "--quiet").code == 0
    for name in (*COMMANDS, "tour", "doctor"):
        assert run("report", f"{name}.json", f"{name}.html", "--quiet").code == 0
    told = {"checkpoint": "tiny.ckpt", "table": "table.ckpt", "numbers": "numbers.ckpt"}
    for name, checkpoint in told.items():
        asked = ["--importance"] * (name == "table")
        done = run("report", checkpoint, f"{name}.html", "--quiet", *asked)
        assert done.code == 0, done.err
    os.chdir(before)
    return folder


@pytest.fixture
def page(made):
    """A page taken apart."""
    return lambda name: Markup((made / f"{name}.html").read_text())


@pytest.mark.parametrize("name", PAGES)
def test_every_page_stands_alone(page, name):
    markup = page(name)
    assert markup.fetched() == []
    assert not markup.of("script")
    assert markup.of("h1")
    links = {one["href"] for one in markup.of("a")}
    anchors = {f"#{one['id']}" for one in markup.of("section")}
    assert links <= anchors


def test_no_page_makes_a_browser_complain_or_ask_for_anything(made, tmp_path):
    for name in PAGES:
        shutil.copy(made / f"{name}.html", tmp_path)
    frames = "".join(f"<iframe src={name}.html></iframe>" for name in PAGES)
    (tmp_path / "all.html").write_text(f"<!doctype html><title>all</title>{frames}")
    assert opened(tmp_path, "all.html") == ([], set())


def test_the_browser_would_notice(tmp_path):
    asking = "<img src=http://127.0.0.1:9/x.png><script>missing()</script>"
    (tmp_path / "bad.html").write_text(f"<!doctype html><title>bad</title>{asking}")
    console, asked = opened(tmp_path, "bad.html")
    assert any("missing is not defined" in line for line in console)
    assert asked == {"http://127.0.0.1:9/x.png"}


def test_a_checkpoints_page_has_the_scores_of_eval_and_the_diagnosis_of_train(made, page):
    shown = page("checkpoint").text
    test = json.loads((made / "eval.json").read_text())["splits"]["test"]
    trained = json.loads((made / "train.json").read_text())
    accuracy = test["metrics"]["accuracy"]
    low, high = (f"{100 * accuracy[end]:.2f}" for end in ("low", "high"))
    assert f"accuracy {100 * accuracy['value']:.2f} % {low} to {high} %" in shown
    assert trained["health"]["verdict"] in shown
    for finding in trained["health"]["findings"]:
        assert finding["evidence"] in shown
    assert trained["data"]["fingerprint"] in shown
    for layer in trained["epochs"][-1]["layers"]:
        assert f"{layer['delta_rms']:.1e}" in shown


def test_a_trains_page_and_its_checkpoints_give_the_same_command(made, page):
    line = "dnncli train --data tiny.npz --hidden 4,3 --batch-size 8 --epochs 2"
    assert line in page("checkpoint").text
    assert line in page("train").text


def test_a_confusion_matrix_has_the_counts(made, page):
    test = json.loads((made / "eval.json").read_text())["splits"]["test"]
    text = page("eval").text
    for name, counts in zip("012", test["confusion"], strict=True):
        row = " ".join(str(count) if count else "·" for count in counts)
        assert f"{name} {row}" in text


def test_a_table_tells_how_each_column_is_understood_and_what_it_is_worth(page):
    shown = page("table").text
    assert "size number scaled; " in shown
    assert "the median, where missing, and a feature that says so" in shown
    assert "kind text a feature for each of 2 levels (a, b), one for any other" in shown
    assert "What permuting a column costs" in shown
    assert HOSTILE in shown


def test_a_regression_shows_predictions_in_its_targets_unit(page):
    shown = page("numbers").text
    assert "Predicted against actual values of z" in shown
    assert re.search(r"R² -?\d\.\d{3} ", shown)
    assert "RMSE" in shown
    assert "Which class" not in shown


def test_the_doctors_page_has_the_cause_the_remedies_and_both_command_lines(page):
    shown = page("doctor").text
    assert "unstable in output it <diverges>." in shown
    assert "dnncli train --act relu --optimizer sgd --lr 0.5" in shown  # with the first remedy
    assert "--lr 0.5 9 90.00 +80.0 (+70.0 to +90.0) healthy" in shown
    assert "+70.0 95 % interval +60.0 to +80.0, 2 seeds" in shown


def test_without_data_a_page_has_no_scores_and_says_so(made, folder):
    shutil.copy(made / "tiny.ckpt", folder)
    Path("tiny.npz").unlink()
    assert "tiny.npz" in refused(1, "report", "tiny.ckpt", "x.html")
    assert run("report", "tiny.ckpt", "x.html", "--no-data").code == 0
    shown = Markup(Path("x.html").read_text()).text
    assert "The data were not read" in shown
    assert "95 % interval" not in shown
    assert "δ of every layer over the epochs" in shown


def test_the_data_may_have_moved_but_have_to_be_the_same(made, folder):
    shutil.copy(made / "tiny.ckpt", folder)
    Path("tiny.npz").rename("moved.npz")
    assert run("report", "tiny.ckpt", "x.html", "--data", "moved.npz", "--quiet").code == 0
    write_tiny(folder / "other.npz", seed=1)
    other = refused(2, "report", "tiny.ckpt", "y.html", "--data", "other.npz")
    assert "--data other.npz: not the data that the network was trained on" in other


@pytest.mark.parametrize("name", ["compare", "transfer", "vanishing"])
def test_the_command_on_a_page_gives_the_result_again(made, page, folder, name):
    shutil.copy(made / "tiny.ckpt", folder)
    text = (made / f"{name}.html").read_text()
    sources = re.findall(r"<pre(?: class=\"command\")?><code>(.*?)</code>", text, re.DOTALL)
    options, line = (
        Markup(source).text if "\n" not in source else source for source in sources[-2:]
    )
    Path("again.toml").write_text(options.replace("&#34;", '"'))
    words = shlex.split(line)[1:]
    again = run(*words, "--format", "json", "--quiet").json
    before = json.loads((made / f"{name}.json").read_text())
    assert without_times(again) == without_times(before)


def without_times(value):
    """A result without what differs from run to run."""
    times = (
        "seconds",
        "seconds_per_epoch",
        "inference_examples_per_second",
        "checkpoint",
        "folder",
    )
    if isinstance(value, list):
        return [without_times(item) for item in value]
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in times}
    return value


def test_a_result_may_come_from_stdin(made, folder):
    done = run("report", "-", "x.html", stdin=(made / "train.json").read_bytes())
    assert (done.code, done.out) == (0, "")
    assert Path("x.html").read_text() == (made / "train.html").read_text()


def test_pages_are_not_overwritten_and_options_of_checkpoints_are_refused_for_results(made, folder):
    Path("x.html").write_text("precious")
    result = made / "train.json"
    assert "exists" in refused(2, "report", result, "x.html")
    assert Path("x.html").read_text() == "precious"
    assert "--importance: " in refused(2, "report", result, "y.html", "--importance")
    assert "is not printed" in refused(2, "report", result, "-")
    assert not Path("-").exists()
    both = refused(2, "report", "t.ckpt", "y.html", "--no-data", "--data", "digits")
    assert "--no-data and --data exclude each other" in both


@pytest.mark.parametrize("damage", ["cut", "flipped", "missing", "folder", "text"])
def test_a_damaged_or_foreign_file_is_refused_in_one_line(made, folder, damage):
    data = (made / "tiny.ckpt").read_bytes()
    path = Path("bad.ckpt")
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
    elif damage == "folder":
        path.mkdir()
    elif damage == "text":
        path.write_text("<html>")
    assert "bad.ckpt" in refused(1, "report", path, "x.html")
    assert not Path("x.html").exists()


def test_a_name_that_is_not_utf8_can_stand_on_a_page(made, folder):
    told = json.loads((made / "train.json").read_text())
    told["checkpoint"] = "caf\udce9.ckpt"
    Path("r.json").write_text(json.dumps(told))
    assert run("report", "r.json", "x.html", "--quiet").code == 0
    assert escaped("caf\udce9.ckpt") in Path("x.html").read_text("utf-8")
