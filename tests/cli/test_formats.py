"""What scripts read: strict JSON with the keys of the schema, lines as they happen, CSV that reads back."""

import csv
import io
import json
import math
import subprocess
import sys

import pytest
from shell import TINY, run, shell, start, strict

CONFIG = (
    "data target validation test scale classes per_class hidden act alpha init bn bn_momentum bn_output"
    " dropout optimizer lr momentum schedule decay_rate decay_steps warmup batch_size epochs l1 l2"
    " weight_decay max_norm clip_value clip_norm clip_global_norm patience min_delta monitor seed"
)
SCHEMA = {
    "": "command version schema config data parameters epochs best_epoch stopped test health checkpoint"
    " seconds",
    "config": CONFIG,
    "data": "name train validation test features classes fingerprint",
    "epochs": "epoch train_loss val_loss val_accuracy learning_rate clipped_fraction seconds layers",
    "layers": "layer delta_rms gradient_norm weight_norm update_ratio activation_mean activation_std"
    " saturated_fraction dead_fraction",
    "test": "loss accuracy",
    "health": "verdict findings",
    "findings": "rule layer evidence advice",
    "seconds": "total compile train",
}


def missing(keys, record):
    return set(keys.split()) - set(record)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The result of a healthy run and of one that broke."""
    import os
    from pathlib import Path

    from shell import write_tiny

    folder, before = tmp_path_factory.mktemp("told"), Path.cwd()
    write_tiny(folder / "tiny.npz")
    os.chdir(folder)
    results = [run("train", *TINY, "--lr", lr, "--format", "json") for lr in ("0.01", "1e30")]
    os.chdir(before)
    return results


def test_the_json_of_train_has_every_key_of_the_schema(told):
    result = told[0].json
    for place in ("", "config", "data", "test", "health", "seconds"):
        assert not missing(SCHEMA[place], result[place] if place else result)
    assert not missing(SCHEMA["epochs"], result["epochs"][0])
    assert not missing(SCHEMA["layers"], result["epochs"][0]["layers"][0])
    assert (result["command"], result["schema"], result["stopped"]) == ("train", 1, "epochs")
    assert [layer["layer"] for layer in result["epochs"][1]["layers"]] == [
        "hidden1",
        "hidden2",
        "output",
    ]


def test_the_json_of_a_run_that_broke_is_strict_and_names_what_was_not_finite(told):
    result = told[1].json
    assert (told[1].code, result["stopped"]) == (3, "diverged")
    assert not missing(SCHEMA["findings"], result["health"]["findings"][0])
    for place in result["nonfinite"]:
        value = result
        for key in place.replace("[", ".").replace("]", "").split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
        assert value is None


def test_json_is_one_line_of_ascii_that_other_programs_read(told):
    for result in told:
        assert result.out.count("\n") == 1
        assert result.out.isascii()
        subprocess.run([sys.executable, "-m", "json.tool"], input=result.out.encode(), check=True)


def test_jsonl_is_a_start_then_epochs_then_an_end():
    result = run("train", *TINY, "--format", "jsonl")
    first, *epochs, last = [strict(line) for line in result.out.splitlines()]
    assert [first["event"], *(line["event"] for line in epochs), last["event"]] == [
        "start",
        "epoch",
        "epoch",
        "end",
    ]
    whole = run("train", *TINY, "--format", "json").json
    assert not missing(CONFIG, first["config"])
    assert set(last) == set(whole) - {"epochs"} | {"event"}
    assert [line["val_loss"] for line in epochs] == [epoch["val_loss"] for epoch in whole["epochs"]]


def test_jsonl_comes_as_it_happens():
    with start(
        "train", *TINY, "--epochs", "1000000", "--patience", "0", "--format", "jsonl"
    ) as process:
        assert json.loads(process.stdout.readline())["event"] == "start"
        assert json.loads(process.stdout.readline())["epoch"] == 1
        assert process.poll() is None
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 143


def test_csv_is_the_table_of_epochs_and_reads_back_equal(told):
    out = run("train", *TINY, "--lr", "0.01", "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(out)))
    for row, epoch in zip(rows, told[0].json["epochs"], strict=True):
        for name in ("epoch", "train_loss", "val_loss", "val_accuracy", "learning_rate"):
            assert float(row[name]) == epoch[name]
    assert "\r" not in out


def test_the_figures_are_the_same_in_every_format(told):
    result = told[0].json
    shown = run("train", *TINY, "--lr", "0.01").out
    assert f"test accuracy {100 * result['test']['accuracy']:.2f} %" in shown
    assert math.isclose(result["epochs"][-1]["learning_rate"], 0.01, rel_tol=1e-6)


def test_a_pipe_into_json_tool_and_head():
    train = f"dnncli train {' '.join(TINY)}"
    line = (
        f"set -o pipefail; {train} --format json | '{sys.executable}' -m json.tool > whole.json &&"
        f" {train} --epochs 3000 --patience 0 --format jsonl -q | head -1"
    )
    result = shell(line)
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["event"] == "start"
