"""A table whose target is a number, through every command."""

import csv
import io
import json

import numpy as np
import pytest
import shell

ROWS = 240
# A constant rate: a schedule over the run would be another one over more epochs.
TRAIN = "train --data t.csv --preset plain --hidden 16 --epochs 30 --lr 0.01 --patience 0 --quiet"


@pytest.fixture(autouse=True)
def tables(folder):
    """Y is nearly linear in a and b, z in b alone; kind has three levels that move y."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, ROWS))
    kind = rng.integers(0, 3, ROWS)
    y = 5000 + 200 * a - 100 * b + 150 * kind + rng.standard_normal(ROWS)
    z = 0.01 * b + 3
    lines = ["a,b,kind,z,y"]
    for row in zip(a, b, kind, z, y, strict=True):
        lines.append(f"{row[0]:.5f},{row[1]:.5f},{'uvw'[row[2]]},{row[3]:.6f},{row[4]:.3f}")
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    np.savez(folder / "n.npz", x=np.stack([a, b], axis=1), y=y)
    return folder


def run(line):
    result = shell.run(*line.split())
    assert result.code == 0, result.err
    return result


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


def actual(name="y"):
    with open("t.csv") as file:
        return np.array([float(row[name]) for row in csv.DictReader(file)])


def test_train_eval_and_predict_agree_in_the_targets_unit():
    trained = json.loads(run(f"{TRAIN} --drop z --out m.ckpt --format json").out)
    assert trained["config"]["task"] == "regression"
    assert trained["config"]["loss"] == "squared"
    assert trained["data"]["targets"] == ["y"]
    metrics = trained["test"]["metrics"]
    assert metrics["r2"]["value"] > 0.9
    assert metrics["r2"]["low"] < metrics["r2"]["value"] < metrics["r2"]["high"]
    assert abs(metrics["r2"]["baseline"]) < 0.1
    assert trained["test"]["accuracy"] is None
    assert trained["epochs"][0]["val_accuracy"] is None
    assert trained["epochs"][-1]["metrics"]["rmse"] < trained["epochs"][0]["metrics"]["rmse"]
    evaluated = json.loads(run("eval m.ckpt --format json").out)
    for name, metric in evaluated["splits"]["test"]["metrics"].items():
        assert metric["value"] == pytest.approx(metrics[name]["value"], rel=1e-5)
        assert metric["high"] == pytest.approx(metrics[name]["high"], rel=1e-5)
    everything = json.loads(run("eval m.ckpt --data t.csv --format json").out)
    predicted = [float(row["predicted"]) for row in table(run("predict m.ckpt t.csv").out)]
    error = np.array(predicted) - actual()
    scores = everything["splits"]["test"]["metrics"]
    assert scores["rmse"]["value"] == pytest.approx(np.sqrt(np.square(error).mean()), rel=1e-4)
    assert scores["mae"]["value"] == pytest.approx(np.abs(error).mean(), rel=1e-4)


def test_several_targets_have_columns_and_scores_of_their_own():
    trained = json.loads(run(f"{TRAIN} --target z,y --out m.ckpt --format json").out)
    assert trained["data"]["targets"] == ["z", "y"]
    assert {"r2", "r2_z", "rmse_z", "mae_y"} <= trained["test"]["metrics"].keys()
    rows = table(run("predict m.ckpt t.csv").out)
    assert list(rows[0]) == ["predicted_z", "predicted_y"]
    for name in ("z", "y"):
        found = np.array([float(row[f"predicted_{name}"]) for row in rows])
        assert np.corrcoef(found, actual(name))[0, 1] > 0.95


def test_a_columns_own_name_with_a_comma_wins_over_a_list(folder):
    text = (folder / "t.csv").read_text().replace("a,b,kind,z,y", 'a,b,kind,z,"b,y"', 1)
    (folder / "comma.csv").write_text(text)
    shown = json.loads(run("data show comma.csv --target b,y --format json").out)
    assert [target["name"] for target in shown["targets"]] == ["b,y"]


def test_auto_says_what_it_took_the_target_for(folder):
    assert "y holds 240 different numbers" in run("data show t.csv").err
    assert "--task classification" in run("data show t.csv").err
    rows = [f"{i % 7},{i % 5 + 3}" for i in range(100)]
    (folder / "quality.csv").write_text("x,quality\n" + "\n".join(rows) + "\n")
    told = run("data show quality.csv").err
    assert "quality holds 5 different numbers from 3 to 7: taken as classes" in told
    assert "--task regression" in told
    shown = json.loads(run("data show quality.csv --task regression --format json").out)
    assert shown["targets"][0] == {
        "name": "quality",
        "least": 3.0,
        "greatest": 7.0,
        "mean": 5.0,
        "deviation": pytest.approx(2**0.5),
    }
    assert "taken as" not in run("data show quality.csv --task regression").err


def test_a_network_of_classes_stays_one_on_data_that_would_be_a_regression(folder):
    rows = [f"{i * 0.1},{i % 3}" for i in range(90)]
    (folder / "few.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    run("train --data few.csv --hidden 4 --epochs 1 --out c.ckpt --quiet")
    assert "accuracy" in run("eval c.ckpt --data few.csv").out


def test_resuming_gives_the_bytes_of_training_straight_on(folder):
    run(f"{TRAIN} --epochs 4 --out straight.ckpt")
    run(f"{TRAIN} --epochs 2 --out resumed.ckpt")
    run("train --resume resumed.ckpt --epochs 4 --out again.ckpt --quiet")
    assert (folder / "straight.ckpt").read_bytes() == (folder / "again.ckpt").read_bytes()


def test_an_archives_numbers_are_predicted_too():
    trained = json.loads(
        run("train --data n.npz --hidden 8 --epochs 3 --quiet --format json --out n.ckpt").out
    )
    assert trained["data"]["targets"] == ["y"]
    assert "R²" in run("eval n.ckpt").out
    rows = table(run("predict n.ckpt n.npz").out)
    assert len(rows) == ROWS
    assert 3000 < float(rows[0]["predicted"]) < 7000


def test_tables_csv_and_pictures_speak_of_r2(folder):
    pytest.importorskip("matplotlib")
    shown = run(f"{TRAIN} --loss huber --plot r.svg --out m.ckpt")
    assert "val R²" in shown.out
    assert "test R²" in shown.out
    assert "RMSE" in shown.out
    assert "accuracy" not in shown.out
    assert (folder / "r.svg").exists()
    epochs = table(run(f"{TRAIN} --epochs 2 --format csv --out e.ckpt").out)
    assert {"val_r2", "val_rmse", "val_mae"} <= epochs[0].keys()
    assert epochs[0]["val_accuracy"] == ""
    assert "val_r2" in run("inspect m.ckpt --history").out
    rows = table(run("eval m.ckpt --format csv").out)
    assert [row["metric"] for row in rows] == ["r2", "rmse", "mae"]


def test_a_comparison_ranks_by_r2():
    result = json.loads(
        run(
            "compare-activations --data t.csv --acts relu,tanh --seeds 2 --hidden 8 --epochs 2"
            " --quiet --format json"
        ).out
    )
    assert result["config"]["loss"] == "squared"
    means = [row["test_r2"]["mean"] for row in result["rows"]]
    assert means == sorted(means, reverse=True)
    assert "test_accuracy" not in result["rows"][0]


def test_the_doctor_speaks_of_r2():
    line = "doctor --data t.csv --hidden 8 --epochs 2 --lr 1e-6 --budget 1 --seeds 2 --quiet"
    result = shell.run(*line.split(), "--format", "json")
    assert result.code in (0, 4), result.err
    record = json.loads(result.out)
    assert record["linear"] > 0.8
    assert -0.2 < record["majority"] <= 0
    assert "val_r2" in record["candidates"][0]


def test_layers_are_reused_for_another_number_and_for_classes(folder):
    run(f"{TRAIN} --target y --drop z,kind --out y.ckpt")
    line = "transfer y.ckpt --seeds 2 --epochs 3 --quiet --overwrite"
    other = json.loads(run(f"{line} --target z --drop y,kind --out z.ckpt --format json").out)
    assert other["config"]["task"] == "regression"
    assert "output" not in other["kept"]
    assert {"test_accuracy", "accuracy"}.isdisjoint(other["seeds"][0])
    assert "best_r2" in other["seeds"][0]
    assert "R²" in run(f"{line} --target z --drop y,kind --out z.ckpt").out
    same = json.loads(run(f"{line} --out same.ckpt --format json").out)
    assert "output" in same["kept"]
    assert same["epochs"][0]["metrics"]["r2"] > 0.5  # the parent's output layer still fits
    classes = json.loads(run(f"{line} --target kind --drop y,z --out k.ckpt --format json").out)
    assert classes["data"]["classes"] == 3
    refused = shell.run(*f"{line} --keep auto".split())
    assert refused.code == 2
    assert "--keep auto" in refused.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train --data t.csv --monitor val-accuracy", "--monitor val-accuracy"),
        ("train --data t.csv --loss cross-entropy", "--loss cross-entropy"),
        ("train --data tiny.npz --loss huber", "--loss huber"),
        ("train --data t.csv --task regression --target kind", "'kind' holds 240 of what is not a"),
        ("train --data t.csv --task classification", "'y' holds 240 different numbers: a quantity"),
        ("train --data t.csv --task classification --target z,y", "--target z,y"),
        ("train --data t.csv --target y,y", "'y' stands twice"),
        ("train --data t.csv --target y,nothing", "no column is called so"),
        ("train --data t.csv --classes 1-2", "--classes 1-2"),
        ("train --data t.csv --per-class 3", "--per-class 3"),
        ("train --data digits --task regression", "--task regression"),
        ("train --data t.csv --drop y --target y", "--drop y"),
        ("predict m.ckpt t.csv --probabilities", "--probabilities"),
        ("vanishing-demo --data t.csv", "a quantity, not a class"),
    ],
)
def test_what_makes_no_regression_is_one_line_that_names_it(line, message):
    if line.startswith("predict"):
        run(f"{TRAIN} --epochs 1 --out m.ckpt")
    result = shell.run(*line.split())
    assert result.code in (1, 2)
    assert message in result.err
    assert result.err.count("\n") == 1


def test_missing_and_infinite_targets_are_named_with_their_row(folder):
    lines = (folder / "t.csv").read_text().splitlines()
    lines[3] = lines[3].rsplit(",", 1)[0] + ","
    (folder / "hole.csv").write_text("\n".join(lines) + "\n")
    missing = shell.run("train", "--data", "hole.csv")
    assert missing.code == 1
    assert "column 'y', the first is row 3" in missing.err
    lines[3] = lines[3] + "1e300"
    (folder / "large.csv").write_text("\n".join(lines) + "\n")
    large = shell.run("train", "--data", "large.csv")
    assert large.code == 1
    assert "'1e300' in row 3" in large.err
    lines[1:] = [line.rsplit(",", 1)[0] + ",7.5" for line in lines[1:]]
    (folder / "constant.csv").write_text("\n".join(lines) + "\n")
    constant = shell.run("train", "--data", "constant.csv", "--task", "regression")
    assert "'y' is 7.5 in every training example" in constant.err
