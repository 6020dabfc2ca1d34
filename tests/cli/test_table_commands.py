"""`train` and `eval` on tables, as a user has them."""

import json
import math
from itertools import islice
from pathlib import Path

import jax
import numpy as np
import pytest
from shell import refused, run

from dnncli.data import folds
from dnncli.experiments import models
from dnncli.spec import from_options
from dnncli.training import run as training

SMALL = ("--hidden", "6", "--epochs", "2", "--batch-size", "16", "--format", "json")
ROWS = [f"{i % 23},{('red', 'blue', '?')[i % 3]},{('no', 'yes')[i // 2 % 2]}" for i in range(200)]
HEAD = "size,colour,bought"


@pytest.fixture(autouse=True)
def tables() -> None:
    Path("train.csv").write_text("\n".join([HEAD, *ROWS]))
    Path("test.csv").write_text("\n".join([HEAD, *(f"{row}." for row in ROWS[:50])]))


def test_a_table_trains_with_a_test_table_and_is_evaluated_again() -> None:
    options = ("--data", "train.csv", "--test", "test.csv", "--label-strip", ".")
    trained = run("train", *options, *SMALL, "--out", "net.ckpt")
    assert trained.code == 0, trained.err
    assert "dnncli train: missing categories are a level of their own: 66 in colour." in trained.err
    record = trained.json
    assert (record["data"]["test"], record["data"]["train"], record["data"]["features"]) == (
        50,
        180,
        5,
    )
    assert record["config"]["test"] == "test.csv"
    evaluated = run("eval", "net.ckpt", "--format", "json").json["splits"]["test"]
    assert evaluated["accuracy"] == pytest.approx(record["test"]["accuracy"])
    assert [c["name"] for c in evaluated["per_class"]] == ["no", "yes"]


def test_a_table_trains_with_the_preset_for_tables_unless_another_is_given() -> None:
    sizes = SMALL[:2]
    given = ("--data", "train.csv", "--epochs", "2", "--lr", "0.5", *sizes)
    tabular = run("train", *given, "--format", "json", "--save-config", "run.toml").json
    config = tabular["config"]
    assert [config[name] for name in ("preset", "scale", "batch_size", "schedule", "lr")] == [
        *("tabular", "tabular", "auto", "cosine", 0.5)
    ]
    again = run("train", "--config", "run.toml", "--out", "again.ckpt", "--format", "json").json
    assert again["config"] == config
    assert again["test"] == tabular["test"]
    plain = run("train", *given, "--preset", "plain", "--format", "json").json["config"]
    assert [plain[name] for name in ("preset", "scale", "batch_size", "schedule")] == [
        *("plain", "auto", 64, "constant")
    ]
    shown = run("train", *given).out
    assert "--preset tabular sets --scale tabular --schedule cosine --batch-size auto" in shown
    assert "batches of 35" in shown  # a quarter of 140 rows


def test_every_row_of_another_table_is_evaluated() -> None:
    assert run("train", "--data", "train.csv", *SMALL, "--out", "net.ckpt").code == 0
    assert "with --label-strip . they fit" in refused(1, "eval", "net.ckpt", "--data", "test.csv")
    result = run("eval", "net.ckpt", "--data", "test.csv", "--label-strip", ".", "--format", "json")
    assert result.json["splits"]["test"]["examples"] == 50
    Path("odd.csv").write_text(f"{HEAD}\n1,pink,yes\n2,red,no\n")
    result = run("eval", "net.ckpt", "--data", "odd.csv", "--format", "json")
    assert result.json["splits"]["test"]["examples"] == 2
    assert "odd.csv: values that are levels that training had not" in result.err


def test_test_rows_of_unseen_classes_count_as_wrong_and_are_told() -> None:
    labels = ["maybe" if i % 5 == 0 else ROWS[i].split(",")[2] for i in range(60)]
    rows = [f"{i % 23},red,{label}" for i, label in enumerate(labels)]
    Path("new.csv").write_text("\n".join([HEAD, *rows]))
    trained = run("train", "--data", "train.csv", "--test", "new.csv", *SMALL, "--out", "net.ckpt")
    assert trained.code == 0, trained.err
    told = "new.csv: rows of classes that training had not, which count as wrong: 12 in maybe."
    assert f"dnncli train: {told}" in trained.err.splitlines()
    predicted = run("predict", "net.ckpt", "new.csv", "--probabilities", "--format", "jsonl").out
    answers = [json.loads(line) for line in predicted.splitlines()]
    said = [answer["class"] for answer in answers]
    known = {"no": labels.count("no"), "yes": labels.count("yes")}
    hits = {name: sum(a == b == name for a, b in zip(said, labels, strict=True)) for name in known}
    losses = [
        -math.log(answer["probabilities"][label])
        for answer, label in zip(answers, labels, strict=True)
        if label in known
    ]
    test = trained.json["test"]
    assert trained.json["data"]["test"] == 60
    assert test["accuracy"] == pytest.approx(sum(hits.values()) / 60)
    recalls = [hits[name] / known[name] for name in known]
    metrics = test["metrics"]
    assert metrics["balanced_accuracy"]["value"] == pytest.approx(sum(recalls) / 3)
    assert metrics["log_loss"]["value"] == pytest.approx(np.mean(losses), rel=1e-5)
    split = run("eval", "net.ckpt", "--format", "json").json["splits"]["test"]
    assert (split["examples"], split["unseen"]) == (60, 12)
    assert split["metrics"] == metrics
    assert sum(map(sum, split["confusion"])) == 48
    for one in split["per_class"]:
        called = said.count(one["name"])
        expected = hits[one["name"]] / called if called else None
        assert one["precision"] == expected == one["metrics"]["precision"]["value"]
    assert "60 examples, 12 of unseen classes" in run("eval", "net.ckpt").out
    elsewhere = run("eval", "net.ckpt", "--data", "new.csv", "--split", "train", "--format", "json")
    assert f"dnncli eval: {told}" in elsewhere.err.splitlines()
    found = elsewhere.json["splits"]["train"]
    assert (found["examples"], found["unseen"]) == (60, 12)
    for name in ("accuracy", "balanced_accuracy", "log_loss", "roc_auc"):
        assert found["metrics"][name]["value"] == metrics[name]["value"]


def test_test_rows_of_which_no_class_is_known_are_refused() -> None:
    Path("none.csv").write_text(f"{HEAD}\n1,red,perhaps\n2,red,never\n")
    message = refused(1, "train", "--data", "train.csv", "--test", "none.csv", *SMALL)
    assert "has the unknown labels 'never', 'perhaps'; the classes are 'no', 'yes'" in message


def test_a_run_on_a_table_goes_on_to_the_same_bytes() -> None:
    # A schedule over the run would be another one over more epochs.
    table = ("--data", "train.csv", *SMALL[:2], "--batch-size", "16", "--schedule", "constant")
    assert run("train", *table, "--epochs", "4", "--out", "straight.ckpt").code == 0
    assert run("train", *table, "--epochs", "2", "--out", "net.ckpt").code == 0
    assert (
        run(
            "train", "--resume", "net.ckpt", "--epochs", "4", "--out", "net.ckpt", "--overwrite"
        ).code
        == 0
    )
    assert Path("straight.ckpt").read_bytes() == Path("net.ckpt").read_bytes()


def test_a_saved_config_repeats_a_run_on_a_table() -> None:
    options = (
        "--target",
        "colour",
        "--types",
        "size=category",
        "--where",
        "size::INT > 3",
        "--no-header",
    )
    Path("bare.csv").write_text("\n".join(ROWS))
    options = (
        "--data",
        "bare.csv",
        "--no-header",
        "--target",
        "3",
        "--drop",
        "2",
        "--test",
        "0.25",
    )
    first = run("train", *options, *SMALL, "--out", "one.ckpt", "--save-config", "run.toml")
    assert first.code == 0, first.err
    second = run("train", "--config", "run.toml", "--format", "json", "--out", "two.ckpt")
    assert second.code == 0, second.err
    assert second.json["epochs"][-1]["val_loss"] == first.json["epochs"][-1]["val_loss"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["--data", "digits", "--test", "test.csv"],
            2,
            "--test test.csv: only a table has its test set",
        ),
        (
            ["--data", "train.csv", "--test", "1.5"],
            2,
            "neither a number of examples nor a fraction",
        ),
        (["--data", "train.csv", "--test", "absent.csv"], 1, "absent.csv: there is no such file"),
        (["--data", "train.csv", "--test", "tiny.npz"], 1, "tiny.npz is not a table: give a .csv"),
        (["--data", "train.csv", "--test", "test.csv"], 1, "unknown labels 'no.', 'yes.'"),
        (
            ["--data", "digits", "--validation", "test.csv"],
            2,
            "--validation test.csv: only a table has its validation set",
        ),
        (["--data", "train.csv", "--validation", "x.csv"], 1, "x.csv: there is no such file"),
        (["--data", "train.csv", "--validation", "test.csv"], 1, "unknown labels 'no.', 'yes.'"),
        (["--data", "train.csv", "--delimiter", "ab"], 2, "--delimiter"),
        (["--data", "train.csv", "--target", ""], 2, "--target"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    arguments: list[str], code: int, message: str
) -> None:
    assert message in refused(code, "train", *arguments)


def test_with_a_split_seed_the_order_of_a_tables_rows_changes_nothing(folder: Path) -> None:
    rng = np.random.default_rng(0)
    lines = [
        f"{a:.3f},{'xyz'[i % 3]},{'ny'[int(a > 0)]}" for i, a in enumerate(rng.normal(size=99))
    ]
    results = []
    for order in (np.arange(99), rng.permutation(99)):
        text = "\n".join(["a,b,c", *(lines[i] for i in order)])
        (folder / "rows.csv").write_text(text + "\n")
        options = ("--data", "rows.csv", "--split-seed", "4", "--hidden", "5", "--epochs", "2")
        results.append(run("train", *options, "--format", "json").json)
    for told in results:
        for epoch in told["epochs"]:
            del epoch["seconds"]
    assert results[0]["epochs"] == results[1]["epochs"]
    assert results[0]["test"] == results[1]["test"]
    assert results[0]["config"]["split_seed"] == 4


def test_a_threshold_is_chosen_shown_and_used(folder: Path) -> None:
    rng = np.random.default_rng(1)
    lines = [f"{a:.3f},{'ny'[int(a + b > 1.3)]}" for a, b in rng.normal(size=(300, 2))]
    (folder / "rare.csv").write_text("\n".join(["a,c", *lines]) + "\n")
    options = ("--data", "rare.csv", "--hidden", "5", "--epochs", "3", "--out", "net.ckpt")
    shown = run("train", *options, "--threshold", "auto", "-q").out
    told = run("eval", "net.ckpt", "--format", "json").json
    least = told["threshold"]
    assert f"answers: class y from a probability of {least:.4g} on" in shown
    assert f"answers: class y from a probability of {least:.4g} on" in run("eval", "net.ckpt").out
    rows = run("predict", "net.ckpt", "rare.csv", "--probabilities").out.splitlines()[1:]
    for row in rows:
        name, _, share = row.split(",")
        assert name == "ny"[int(float(share) >= least)]
    assert "a resumed run keeps its own" in refused(
        2, "train", "--resume", "net.ckpt", "--epochs", "5", "--threshold", "0.4"
    )


def test_a_final_network_learns_from_all_rows_and_has_no_score_but_the_folds(folder: Path) -> None:
    options = ("--data", "tiny.npz", "--hidden", "5", "--epochs", "2", "-q", "--calibrate")
    told = run("train", *options, "--folds", "3", "--final", "--format", "json", "--out", "f.ckpt")
    record = told.json
    assert record["final"]["epochs"] == math.ceil(np.median(record["folds"]["best_epochs"]))
    assert record["final"]["examples"] == sum(record["folds"]["tested"]) == 60
    kept = models.load_checkpoint(Path("f.ckpt"))
    assert (kept.data.record.train, kept.data.record.validation, kept.data.record.test) == (
        60,
        0,
        0,
    )
    assert not kept.data.held_out
    # The same network by the plain loop over an array of all rows, to the bit.
    spec = from_options(record["config"])
    everything = folds.folds(spec.data, 3).everything()
    assert sorted(everything.train.y) == sorted(np.load("tiny.npz")["y"])
    *_, last = islice(
        training.run(training.start(spec, everything), everything), kept.history.epoch
    )
    own = jax.tree.leaves(jax.device_get(last.snapshot.state.network))
    for ours, other in zip(jax.tree.leaves(kept.network), own, strict=True):
        np.testing.assert_array_equal(ours, other)
    message = refused(2, "eval", "f.ckpt")
    assert "f.ckpt was trained on all rows (--final)" in message
    assert "its scores are those of the folds" in refused(2, "train", "--resume", "f.ckpt")
    assert "Give other rows with --data" in refused(2, "transfer", "f.ckpt", "--epochs", "1")
    assert run("eval", "f.ckpt", "--data", "tiny.npz").code == 0
    assert "--folds K; give that too" in refused(2, "train", *options, "--final")
    shown = run("train", *options, "--folds", "3", "--final", "--out", "again.ckpt").out
    assert "kept: a network trained on all 60 rows for" in shown


def test_folds_are_shown_and_told_and_the_network_is_that_of_the_plain_run(folder: Path) -> None:
    options = ("--data", "tiny.npz", "--hidden", "5", "--epochs", "2", "-q")
    plain = run("train", *options, "--format", "json", "--out", "plain.ckpt").json
    told = run("train", *options, "--folds", "3", "--format", "json", "--out", "folds.ckpt").json
    assert Path("plain.ckpt").read_bytes() == Path("folds.ckpt").read_bytes()
    assert plain["folds"] is None
    assert told["test"] == plain["test"]
    assert sum(told["folds"]["tested"]) == sum(
        plain["data"][k] for k in ("train", "validation", "test")
    )
    accuracy = told["folds"]["metrics"]["accuracy"]
    assert accuracy["mean"] == pytest.approx(np.mean(accuracy["values"]))
    shown = run("train", *options, "--folds", "3", "--out", "again.ckpt").out
    assert "Test scores over 3 folds" in shown
    lines = run("train", *options, "--folds", "2", "--format", "jsonl", "--out", "x.ckpt").out
    assert lines.count('"event": "fold"') == 2
