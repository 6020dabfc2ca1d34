"""`eval`: what it prints in each format, and every way a checkpoint or an option can be wrong."""

import csv
import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from shell import TINY, refused, run, write_tiny

HEAD = {"command", "version", "schema", "config"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A checkpoint with batch norm, and the data beside it."""
    folder = tmp_path_factory.mktemp("trained")
    write_tiny(folder / "tiny.npz")
    before = Path.cwd()
    os.chdir(folder)
    assert run("train", *TINY, "--bn", "--out", "bn.ckpt", "-q").code == 0
    assert run("train", *TINY, "--out", "plain.ckpt", "-q").code == 0
    os.chdir(before)
    return folder


@pytest.fixture(autouse=True)
def checkpoints(trained, folder):
    for name in ("bn.ckpt", "plain.ckpt"):
        shutil.copy(trained / name, folder / name)


def test_the_table_says_what_the_json_says():
    told, shown = run("eval", "plain.ckpt", "--format", "json").json, run("eval", "plain.ckpt").out
    score = told["splits"]["test"]
    assert f"test: accuracy {100 * score['accuracy']:.2f} %, loss {score['loss']:.4f}" in shown
    assert set(told) == HEAD | {
        "checkpoint",
        "data",
        "splits",
        "layers",
        "bn",
        "threshold",
        "calibration",
        "along_gradient",
    }
    assert set(score) == {
        "loss",
        "accuracy",
        "examples",
        "examples_per_second",
        "per_class",
        "confusion",
        "metrics",
        "headline",
        "positive",
        "importance",
        "unseen",
        "reliability",
        "predictions",
    }
    names = {"name", "precision", "recall", "f1", "support", "metrics"}
    assert set(score["per_class"][0]) == names
    assert sum(map(sum, score["confusion"])) == score["examples"] == told["data"]["test"]
    assert (told["command"], told["schema"]) == ("eval", 1)


def test_every_score_has_its_interval_and_baseline_in_json_and_table():
    score = run("eval", "plain.ckpt", "--format", "json").json["splits"]["test"]
    shown = run("eval", "plain.ckpt").out
    names = {"balanced_accuracy", "roc_auc", "pr_auc", "log_loss", "brier", "calibration_error"}
    assert set(score["metrics"]) == names | {"accuracy"}
    for metric in score["metrics"].values():
        assert set(metric) == {"value", "low", "high", "method", "baseline"}
        assert metric["low"] <= metric["value"] <= metric["high"]
    assert score["metrics"]["log_loss"]["value"] == pytest.approx(score["loss"])
    metric = score["metrics"]["accuracy"]
    interval = f"{100 * metric['low']:.2f} to {100 * metric['high']:.2f} %"
    line = next(line for line in shown.splitlines() if line.startswith("accuracy"))
    expected = (
        f"accuracy {100 * score['accuracy']:.2f} % {interval} {100 * metric['baseline']:.2f} %"
    )
    assert " ".join(line.split()) == expected


def test_every_split_gradients_and_statistics_come_when_asked():
    asked = ["--split", "train", "--split", "validation", "--gradients", "--bn-stats", "all"]
    told = run("eval", "bn.ckpt", *asked, "--format", "json").json
    assert list(told["splits"]) == ["train", "validation"]
    assert [layer["layer"] for layer in told["layers"]] == ["hidden1", "hidden2", "output"]
    assert {"moving", "batch", "population"} <= set(told["bn"]["scores"])
    shown = run("eval", "bn.ckpt", *asked).out
    assert "Gradients of the stored network" in shown
    assert "with moving statistics:" in shown


def test_the_loss_along_the_gradient_comes_when_asked():
    asked = ["--along-gradient", "0.1"]
    ahead = run("eval", "bn.ckpt", *asked, "--format", "json").json["along_gradient"]
    assert (ahead["nearest"], ahead["furthest"]) == (pytest.approx(0.05), pytest.approx(0.4))
    assert ahead["loss_low"] <= ahead["loss_high"]
    shown = run("eval", "bn.ckpt", *asked).out
    assert "The loss along the gradient, steps of 0.05 to 0.4 times" in shown
    assert f"effective smoothness β {ahead['smoothness']:.3g}" in shown
    assert "must be above 0" in refused(2, "eval", "bn.ckpt", "--along-gradient", "0")


def test_layers_names_are_whole_in_80_columns_and_blocks_apart(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = run("eval", "bn.ckpt", "--gradients", "--bn-stats", "all").out.splitlines()
    assert sum(line.split()[:1] == ["hidden2"] for line in lines) == 2
    assert "…" not in "".join(line for line in lines if "10⁰" not in line)
    for title in ("Gradients of", "Batch norm against"):
        place = next(i for i, line in enumerate(lines) if line.startswith(title))
        assert not lines[place - 1].strip()


def test_jsonl_is_one_object_on_one_line():
    out = run("eval", "plain.ckpt", "--format", "jsonl").out
    assert out.count("\n") == 1
    assert json.loads(out)["splits"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A network trained on a table whose class is the sign of `told`, and the table."""
    folder = tmp_path_factory.mktemp("table")
    rng = np.random.default_rng(3)
    told, noise = rng.standard_normal((2, 300))
    rows = [f"{b:.3f},{a:.3f},{'yes' if a > 0 else 'no'}" for a, b in zip(told, noise, strict=True)]
    (folder / "told.csv").write_text("\n".join(["noise,told,kind", *rows]))
    before = Path.cwd()
    os.chdir(folder)
    options = ["--hidden", "4,3", "--epochs", "30", "--lr", "0.03", "--preset", "plain"]
    files = ["--data", "told.csv", "--out", "told.ckpt"]
    assert run("train", *files, *options, "--quiet").code == 0
    os.chdir(before)
    return folder


def test_importance_finds_the_column_that_decides(table, monkeypatch):
    monkeypatch.chdir(table)
    asked = ("eval", "told.ckpt", "--importance")
    found = run(*asked, "--format", "json").json["splits"]["test"]["importance"]
    first, second = found["columns"]
    assert (first["column"], second["column"]) == ("told", "noise")
    accuracy = first["metrics"]["accuracy"]
    assert accuracy["low"] < 0.5 < accuracy["high"] + 0.05  # a coin is left
    assert first["metrics"]["log_loss"]["low"] > second["metrics"]["log_loss"]["high"]
    rows = list(csv.DictReader(io.StringIO(run(*asked, "--format", "csv").out)))
    assert [(row["column"], row["metric"]) for row in rows] == [
        (name, metric) for name in ("told", "noise") for metric in ("log_loss", "accuracy")
    ]
    shown = run(*asked, "--plot", "bars.svg")
    assert "told" in Path("bars.svg").read_text()
    lines = [line for line in shown.out.splitlines() if line.split()[:1] in (["told"], ["noise"])]
    assert "████████" in lines[0]
    assert "█" not in lines[1]


def test_csv_is_the_table_of_classes():
    rows = list(csv.DictReader(io.StringIO(run("eval", "plain.ckpt", "--format", "csv").out)))
    figures = ["precision", "recall", "f1", "support", "roc_auc", "pr_auc"]
    assert list(rows[0]) == ["split", "class", *figures]
    assert [row["class"] for row in rows] == ["0", "1", "2"]


def test_a_checkpoint_moved_away_from_its_data_takes_other_data(folder):
    (folder / "tiny.npz").rename(folder / "moved.npz")
    assert "tiny.npz does not exist" in refused(1, "eval", "plain.ckpt")
    assert run("eval", "plain.ckpt", "--data", "moved.npz").code == 0


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ("", 2, "Missing argument 'CKPT'"),
        ("none.ckpt", 1, "none.ckpt cannot be read: no such file or directory"),
        (".", 1, "it is a folder"),
        ("tiny.npz", 1, "tiny.npz is not a dnncli checkpoint"),
        ("plain.ckpt --split all", 2, "'all' is not one of 'train', 'validation', 'test'"),
        ("plain.ckpt --bn-stats exact", 2, "'exact' is not one of"),
        ("plain.ckpt --bn-stats all", 2, "has no batch norm"),
        ("plain.ckpt --data none.npz", 1, "none.npz does not exist"),
        ("plain.ckpt --data digits", 1, "digits has 64 features, but the network takes 3"),
        ("plain.ckpt --format xml", 2, "no format is called 'xml'"),
        ("plain.ckpt bn.ckpt", 2, "unexpected extra argument"),
        ("plain.ckpt --importance", 2, "tiny is not a table; it has no columns to permute"),
        ("plain.ckpt --plot bars.svg", 2, "--plot: it draws what --importance finds"),
        ("plain.ckpt --importance --plot bars.gif", 2, "a picture is called .svg, .png or .pdf"),
        ("plain.ckpt --act relu", 2, "knows its activation"),
    ],
)
def test_what_is_wrong_is_one_line(options, code, message):
    assert message in refused(code, "eval", *options.split())


def test_a_damaged_checkpoint_is_one_line_with_1():
    whole = Path("plain.ckpt").read_bytes()
    for place in (0, 4, 9, 100, len(whole) // 2, len(whole) - 1):
        Path("bad.ckpt").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert "bad.ckpt" in refused(1, "eval", "bad.ckpt")
        Path("bad.ckpt").write_bytes(whole[:place])
        assert "bad.ckpt" in refused(1, "eval", "bad.ckpt")


def test_a_name_with_escapes_is_shown_without_them():
    line = refused(1, "eval", "a\x1b[31m\nb.ckpt")
    assert line.rstrip("\n").isprintable()


def test_alpha_without_act_is_an_error_and_not_ignored():
    for command in ("eval", "inspect", "transfer"):
        assert "--alpha 0.5: it belongs to --act" in refused(
            2, command, "plain.ckpt", "--alpha", "0.5"
        )
