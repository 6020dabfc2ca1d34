"""`import dnncli`: networks predict rows in memory as `dnncli predict` does rows in files."""

import csv
import io
import subprocess
import sys

import duckdb
import numpy as np
import pytest
import shell

import dnncli
from dnncli.errors import DataError, SpecError

ROWS = 80
SIZES = {"hidden": (6,), "epochs": 2, "batch_size": 20}


def table(seed, unseen=False):
    """Columns of numbers with gaps, dates, texts and truths, and the class."""
    rng = np.random.default_rng(seed)
    colours = ["red", "blue", None, *["pink"] * unseen]
    colour = [colours[int(rng.integers(len(colours)))] for _ in range(ROWS)]
    size = np.where(rng.random(ROWS) < 0.1, np.nan, np.round(rng.normal(5, 2, ROWS), 4))
    days = np.datetime64("2024-01-01") + rng.integers(0, 300, ROWS)
    answer = np.where(np.nan_to_num(size) > 5, "yes", "no")
    truth = rng.random(ROWS) < 0.5
    return {"size": size, "day": days, "colour": colour, "truth": truth, "answer": answer}


def write(path, columns):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow("" if value is None or value != value else value for value in row)
    path.write_text(text.getvalue())
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory, quick_compilation):
    """Checkpoints of a table, of a matrix of numbers with two targets, and of an array."""
    folder = tmp_path_factory.mktemp("api")
    write(folder / "t.csv", table(0))
    rng = np.random.default_rng(0)
    a, b = np.round(rng.normal(size=(2, ROWS)), 4)
    write(folder / "n.csv", {"a": a, "b": b, "y": 50 * a + 1000, "z": b - a})
    shell.write_tiny(folder / "tiny.npz")
    dnncli.train(folder / "t.csv", out=folder / "t.ckpt", **SIZES)
    dnncli.train(folder / "n.csv", out=folder / "n.ckpt", target="y,z", task="regression", **SIZES)
    dnncli.train(folder / "tiny.npz", out=folder / "tiny.ckpt", **SIZES)
    return folder


def predicted(checkpoint, file, *more):
    done = shell.run("predict", checkpoint, file, "--quiet", *more)
    assert done.code == 0, done.err
    return list(csv.reader(io.StringIO(done.out)))[1:]


def pandas_frame(columns):
    return pytest.importorskip("pandas").DataFrame(columns)


def polars_frame(columns):
    return pytest.importorskip("polars").DataFrame(
        {name: np.asarray(values).tolist() for name, values in columns.items()}
    )


def duckdb_relation(columns):
    connection = duckdb.connect()
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    arrays["day"] = arrays["day"].astype("datetime64[us]")
    connection.register("arrays", arrays)
    return connection.sql("FROM arrays")


@pytest.mark.parametrize("frame", [dict, pandas_frame, polars_frame, duckdb_relation])
@pytest.mark.filterwarnings("ignore:training did not prepare")
def test_rows_of_every_kind_have_the_answers_of_the_same_rows_in_a_file(folder, frame):
    columns = table(1, unseen=True)
    expected = predicted(folder / "t.ckpt", write(folder / "rows.csv", columns), "--probabilities")
    model = dnncli.load(folder / "t.ckpt")
    rows = frame({name: columns[name] for name in reversed(columns)})
    assert model.predict(rows).tolist() == [row[0] for row in expected]
    shares = np.array([row[1:] for row in expected], float)
    np.testing.assert_allclose(model.predict_proba(rows), shares, atol=1e-6)
    assert model.classes == ("no", "yes")
    assert model.columns == ("size", "day", "colour", "truth")


def test_values_that_training_did_not_have_are_warned_of(folder):
    columns = table(1)
    columns["colour"] = ["pink", "gold", *columns["colour"][2:]]
    with pytest.warns(UserWarning, match="2 other in colour"):
        dnncli.load(folder / "t.ckpt").predict(columns)


def test_a_regression_gives_a_number_a_target(folder):
    model = dnncli.load(str(folder / "n.ckpt"))
    expected = np.array(predicted(folder / "n.ckpt", folder / "n.csv"), float)
    matrix = np.loadtxt(folder / "n.csv", delimiter=",", skiprows=1)
    # `predict` rounds to a ten-millionth of the scale, which counts for values near 0.
    np.testing.assert_allclose(model.predict(matrix[:, :2]), expected, rtol=1e-5, atol=1e-6)
    assert (model.targets, model.classes) == (("y", "z"), ())
    assert "y, z" in repr(model)
    with pytest.raises(SpecError, match="no probabilities"):
        model.predict_proba(matrix[:, :2])


def test_arrays_go_in_unscaled_in_any_shape_and_number(folder):
    model = dnncli.load(folder / "tiny.ckpt")
    x = np.load(folder / "tiny.npz")["x"]
    classes = model.predict(x)
    assert classes.tolist() == [
        row[0] for row in predicted(folder / "tiny.ckpt", folder / "tiny.npz")
    ]
    assert model.predict(x.astype(float).reshape(-1, 1, 3)).tolist() == classes.tolist()
    assert model.predict(x[:0]).tolist() == []
    assert model.predict_proba(x[:0]).shape == (0, 3)


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("t", {"size": [1.0]}, "lacks the columns 'day', 'colour', 'truth'"),
        ("t", {"size": [1.0], "day": []}, "columns of a table have one value a row"),
        ("t", np.zeros((2, 3)), "a table with the columns size, day, colour, truth is needed"),
        ("tiny", np.zeros((2, 4)), "takes examples of 3 features, not (2, 4)"),
        ("tiny", np.zeros(3), "takes examples of 3 features, not (3,)"),
    ],
)
def test_rows_that_do_not_fit_are_refused_in_one_line(folder, name, rows, message):
    with pytest.raises(DataError) as error:
        dnncli.load(folder / f"{name}.ckpt").predict(rows)
    assert message in str(error.value)
    assert str(error.value).count("\n") == 0


def test_training_gives_the_record_of_the_command(folder):
    line = ("--depth", "2", "--width", "4", "--epochs", "2", "--patience", "0", "--act", "relu")
    path = folder / "cli.ckpt"
    shown = shell.run(
        "train", "--data", folder / "tiny.npz", *line, "--out", path, "--format", "json"
    ).json
    sizes = {"depth": 2, "width": 4, "epochs": 2, "patience": 0, "act": "relu"}
    record = dnncli.train(folder / "tiny.npz", **sizes)
    assert record.config == shown["config"]
    assert [epoch.val_loss for epoch in record.epochs] == [e["val_loss"] for e in shown["epochs"]]
    assert record.test.loss == shown["test"]["loss"]
    assert record.checkpoint is None
    with pytest.raises(SpecError, match="exists; give --overwrite"):
        dnncli.train(folder / "tiny.npz", out=path, **sizes)
    with pytest.raises(SpecError, match="no run has the option --epoch"):
        dnncli.train(epoch=3)


def test_importing_is_cheap_and_predicting_needs_neither_click_nor_rich(folder):
    code = f"""
import sys, dnncli
early = {{"numpy", "jax", "duckdb"}} & sys.modules.keys()
dnncli.load({str(folder / "tiny.ckpt")!r}).predict([[1, 2, 3]])
print(sorted(early | ({{"click", "rich"}} & sys.modules.keys())))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        dnncli.nothing  # noqa: B018
