"""`dnncli export`: what leaves answers as `dnncli predict` does."""

import csv
import gzip
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors
import shell
from command_lines import write_idx

from dnncli.data.rows import Rows
from dnncli.experiments import models, train
from dnncli.records.calibration import CalibrationRecord

SIZE = ("--hidden", "6", "--epochs", "2", "--quiet")
ROWS = 90
HEAD = ["amount", "when", "grade", "colour", "answer"]


def rows(seed, unseen=False):
    """A mixed table: numbers with gaps, dates, codes and texts; with levels that nobody knows."""
    rng = np.random.default_rng(seed)
    colours = ["red", "blue", "sea, green", "", "?"] + ["pink"] * unseen
    for i in range(ROWS):
        amount = "" if i % 11 == 0 else f"{1e6 + rng.normal():.4f}"
        when = f"202{2 + i % 3}-{1 + i % 12:02}-{1 + i % 28:02} {i % 24:02}:{i % 60:02}:00"
        when = "" if unseen and i % 7 == 0 else when
        grade = rng.integers(1, 4 + unseen)
        colour = colours[int(rng.integers(len(colours)))]
        yield [amount, when, grade, colour, ("no", "yes")[(i + (colour == "red")) % 2]]


def write_table(path, table, head=HEAD):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *table])
    path.write_text(text.getvalue())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Checkpoints of a mixed table, with a threshold; of a regression; of images and of digits."""
    folder = tmp_path_factory.mktemp("trained")
    write_table(folder / "mixed.csv", rows(0))
    numbers = [
        [f"{x:.3f}", f"{3 * x + 1e4:.4f}", -x] for x in np.random.default_rng(0).normal(size=ROWS)
    ]
    write_table(folder / "numbers.csv", numbers, ["x", "y", "z"])
    write_idx(folder / "idx", np.random.default_rng(0))
    lines = {
        "mixed": ("--data", folder / "mixed.csv", "--bn", "--threshold", "0.4"),
        "numbers": ("--data", folder / "numbers.csv", "--target", "y,z", "--task", "regression"),
        "images": ("--data", folder / "idx", "--act", "prelu"),
        "digits": (),
    }
    for name, line in lines.items():
        done = shell.run("train", *line, *SIZE, "--out", folder / f"{name}.ckpt")
        assert done.code == 0, done.err
    return folder


def export(path, *more):
    """A checkpoint as ONNX; what the recipe's names are bound to once it has run."""
    pytest.importorskip("onnxruntime")
    done = shell.run("export", path, "m.onnx", "--quiet", *more)
    assert done.code == 0, done.err
    scope = {}
    exec(done.out, scope)
    return scope


def predicted(path, file):
    """The rows that `dnncli predict` gives."""
    done = shell.run("predict", path, file, "--probabilities", "--quiet")
    assert done.code == 0, done.err
    _, *found = csv.reader(io.StringIO(done.out))
    return [row[0] for row in found], np.array([row[1:] for row in found], float)


def agrees(scope, path, file):
    """Whether classes are the same on every row, and probabilities within 1e-5."""
    classes, probabilities = predicted(path, file)
    np.testing.assert_allclose(scope["probabilities"], probabilities, atol=1e-5)
    return scope["classes"].tolist() == classes


def test_a_mixed_table_with_gaps_and_unseen_levels_has_the_same_answers_in_onnx(trained, folder):
    pytest.importorskip("pandas")
    write_table(folder / "rows.csv", rows(1, unseen=True))
    scope = export(trained / "mixed.ckpt")
    assert agrees(scope, trained / "mixed.ckpt", "rows.csv")
    types = {given.name: given.type for given in scope["session"].get_inputs()}
    assert types == dict.fromkeys(HEAD[:3], "tensor(double)") | {"colour": "tensor(string)"}
    alone = {name: values[:1] for name, values in scope["inputs"].items()}
    classes, _ = scope["session"].run(None, alone)
    assert classes.tolist() == scope["classes"][:1].tolist()


def test_the_threshold_answers_not_the_larger_probability(trained, folder):
    pytest.importorskip("pandas")
    write_table(folder / "rows.csv", rows(2))
    scope = export(trained / "mixed.ckpt")
    second = scope["probabilities"][:, 1] >= 0.4
    assert scope["classes"].tolist() == ["yes" if one else "no" for one in second]
    assert json.loads(scope["session"].get_modelmeta().custom_metadata_map["threshold"]) == 0.4


def test_a_regression_answers_in_its_targets_units(trained, folder):
    pytest.importorskip("pandas")
    text = (trained / "numbers.csv").read_text()
    (folder / "rows.csv").write_text(text)
    done = shell.run("predict", trained / "numbers.ckpt", "rows.csv", "--quiet")
    _, *found = csv.reader(io.StringIO(done.out))
    scope = export(trained / "numbers.ckpt")
    spread = [3.0, 1.0]  # of the targets
    error = (scope["predicted"] - np.array(found, float)) / spread
    assert np.abs(error).max() < 1e-5


@pytest.mark.parametrize(("name", "shape"), [("images", (5, 5)), ("digits", (8, 8))])
def test_images_go_in_as_bytes_in_the_files_own_shape(trained, folder, name, shape):
    images = np.random.default_rng(3).integers(0, 17, (40, *shape), np.uint8)
    np.save("images.npy", images)
    np.savez("images.npz", x=images)
    scope = export(trained / f"{name}.ckpt")
    (given,) = scope["session"].get_inputs()
    assert (given.type, given.shape) == ("tensor(uint8)", ["rows", *shape])
    assert agrees(scope, trained / f"{name}.ckpt", "images.npz")


@pytest.mark.parametrize(
    ("name", "options"),
    [("adult-test", ("--label-strip", ".", "--bn")), ("winequality-white", ("--act", "selu"))],
)
def test_real_tables_have_the_same_answers_for_a_thousand_rows_and_one(
    shared, folder, name, options
):
    pytest.importorskip("pandas")
    lines = (shared / "data" / "tables" / f"{name}.csv").read_text().splitlines(keepends=True)
    (folder / "table.csv").write_text("".join(lines[:4000]))
    (folder / "rows.csv").write_text("".join(lines[-1000:]))
    line = ("--data", "table.csv", *options, *SIZE, "--out", "real.ckpt")
    assert shell.run("train", *line).code == 0
    scope = export("real.ckpt")
    assert agrees(scope, "real.ckpt", "rows.csv")
    alone = {column: values[:1] for column, values in scope["inputs"].items()}
    _, shares = scope["session"].run(None, alone)
    np.testing.assert_allclose(shares, scope["probabilities"][:1], atol=1e-6)


def test_mnists_bytes_have_the_same_answers(shared, folder):
    line = ("--data", shared / "data" / "mnist", "--bn", "--per-class", "30", *SIZE)
    assert shell.run("train", *line, "--out", "mnist.ckpt").code == 0
    with gzip.open(shared / "data" / "mnist" / "t10k-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read()[16:], np.uint8)[: 1000 * 784].reshape(-1, 28, 28)
    np.save("images.npy", images)
    np.savez("images.npz", x=images)
    assert agrees(export("mnist.ckpt"), "mnist.ckpt", "images.npz")


def test_a_calibrated_network_leaves_with_its_temperature(trained, folder):
    np.save("images.npy", np.full((3, 8, 8), 9, np.uint8))
    np.savez("images.npz", x=np.load("images.npy"))
    plain = export(trained / "digits.ckpt")["probabilities"]
    snapshot = models.load_checkpoint(trained / "digits.ckpt")
    kept = CalibrationRecord(0.5, kept=True, before=2.0, after=1.0, examples=200, folds=5)
    train.save(replace(snapshot, calibration=kept), Path("warm.ckpt"))
    scope = export("warm.ckpt", "--overwrite")
    assert agrees(scope, "warm.ckpt", "images.npz")
    sharper = np.square(plain) / np.square(plain).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(scope["probabilities"], sharper, rtol=1e-4)


def test_an_exported_network_of_images_comes_back_with_its_scaling(trained, folder):
    pytest.importorskip("onnx")
    for name in ("digits", "images", "mixed"):
        path = trained / f"{name}.ckpt"
        assert shell.run("export", path, f"{name}.onnx", "--quiet").code == 0
    told = shell.run("inspect", "digits.onnx", "--format", "json").json
    assert (told["format"], told["config"]["act"]) == ("ONNX", "elu")
    ours = shell.run("eval", trained / "digits.ckpt", "--format", "json").json
    line = ("eval", "digits.onnx", "--data", "digits")
    theirs = shell.run(*line, "--format", "json").json
    assert theirs["splits"]["test"]["accuracy"] == ours["splits"]["test"]["accuracy"]
    assert theirs["splits"]["test"]["loss"] == pytest.approx(ours["splits"]["test"]["loss"])
    assert "prelu" in shell.run("inspect", "images.onnx").out
    quick = ("--epochs", "1", "--seeds", "1", "--out", "new.ckpt", "--quiet")
    assert "has 10 classes, but images.onnx has" in shell.refused(
        2, "eval", "images.onnx", "--data", write_ten("ten.npz")
    )
    moved = shell.run("transfer", "digits.onnx", *line[2:], "--classes", "5-9", *quick)
    assert moved.code == 0, moved.err
    other = shell.refused(2, "export", "digits.onnx", "a.safetensors", "--format", "torch")
    assert "which inspect, eval and transfer take" in other
    assert "knows its activation" in shell.refused(2, *line, "--act", "relu")
    table = shell.refused(1, "inspect", "mixed.onnx")
    assert "its operator Concat (Concat_1) is not part of a stack" in table


def write_ten(path):
    """Examples of 25 features in ten classes."""
    return shell.write_tiny(path, features=25, classes=10)


def run_stablehlo(path):
    """What the names of the recipe for StableHLO are bound to once it has run."""
    done = shell.run("export", path, "m.stablehlo", "--quiet", "--overwrite")
    assert done.code == 0, done.err
    scope = {}
    exec(done.out, scope)
    return scope


def test_a_table_has_the_same_answers_in_stablehlo_alone_and_among_a_thousand(trained, folder):
    pytest.importorskip("pandas")
    many = [row for seed in range(11) for row in rows(seed, unseen=True)]
    for table in (many[:1], many[-1000:]):
        write_table(folder / "rows.csv", table)
        assert agrees(run_stablehlo(trained / "mixed.ckpt"), trained / "mixed.ckpt", "rows.csv")


def test_a_regression_has_the_same_answers_in_stablehlo(trained, folder):
    pytest.importorskip("pandas")
    (folder / "rows.csv").write_text((trained / "numbers.csv").read_text())
    done = shell.run("predict", trained / "numbers.ckpt", "rows.csv", "--quiet")
    _, *found = csv.reader(io.StringIO(done.out))
    scope = run_stablehlo(trained / "numbers.ckpt")
    spread = [3.0, 1.0]  # of the targets
    assert np.abs((scope["predicted"] - np.array(found, float)) / spread).max() < 1e-5


@pytest.mark.parametrize(("name", "shape"), [("images", (5, 5)), ("digits", (8, 8))])
def test_images_have_the_same_answers_in_stablehlo(trained, folder, name, shape):
    images = np.random.default_rng(3).integers(0, 17, (1000, *shape), np.uint8)
    np.save("images.npy", images)
    np.savez("images.npz", x=images)
    scope = run_stablehlo(trained / f"{name}.ckpt")
    assert agrees(scope, trained / f"{name}.ckpt", "images.npz")
    program = scope["export"].deserialize(bytearray(scope["program"]))
    assert program.platforms == ("cpu", "cuda", "rocm", "tpu")
    alone = np.asarray(program.call(images[:1]))
    np.testing.assert_allclose(alone, scope["probabilities"][:1], atol=1e-5)


def test_a_file_of_stablehlo_has_no_paths_and_damage_to_it_is_found(trained, folder):
    np.save("images.npy", np.zeros((1, 8, 8), np.uint8))
    scope = run_stablehlo(trained / "digits.ckpt")
    data = Path("m.stablehlo").read_bytes()
    assert b".py" not in data
    recipe = shell.run("export", trained / "digits.ckpt", "m.stablehlo", "--overwrite").out
    assert Path("m.stablehlo").read_bytes() == data
    inside = len(scope["program"]) // 2
    flipped = data[:inside] + bytes([data[inside] ^ 1]) + data[inside + 1 :]
    for damaged, error in ((flipped, ValueError), (data[:-9], zipfile.BadZipFile)):
        Path("m.stablehlo").write_bytes(damaged)
        with pytest.raises(error):
            exec(recipe, {})
        assert "m.stablehlo" in shell.refused(1, "inspect", "m.stablehlo")


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_other_files_say_how_rows_become_features(trained, folder, framework):
    """The recipe's features, scaled, are what the network of `predict` gets, to 1e-6."""
    pytest.importorskip("pandas")
    write_table(folder / "rows.csv", rows(4, unseen=True))
    done = shell.run("export", trained / "mixed.ckpt", "m.safetensors", "--format", framework)
    with safetensors.safe_open("m.safetensors", "numpy") as opened:
        about = json.loads(opened.metadata()["about"])
    assert (about["classes"], about["threshold"]) == (["no", "yes"], 0.4)
    lines = done.out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("def features"))
    end = next(i for i, line in enumerate(lines) if line.startswith("outputs = "))
    scope = {"about": about}
    exec("\n".join(["import numpy as np, pandas", *lines[start:end]]), scope)
    first, _ = first_layer(trained / "mixed.ckpt", "rows.csv")
    np.testing.assert_allclose(scope["x"], first, atol=1e-6)


def first_layer(path, file):
    """The features that `predict` scales for the rows of a file."""
    snapshot = models.load_checkpoint(Path(path))
    source = Rows(file, snapshot.data.encoding)
    blocks = [snapshot.data.scaling.apply(block) for block in source.blocks(0)]
    return np.concatenate(blocks), snapshot


def test_the_suffix_tells_the_format_or_it_has_to_be_said(trained):
    refused = shell.refused(2, "export", trained / "digits.ckpt", "m.safetensors")
    assert "--format: m.safetensors may be torch or keras; say which." in refused
    assert "may be onnx or torch" in shell.refused(2, "export", trained / "digits.ckpt", "m.pb")


def test_files_are_not_overwritten_and_what_is_no_checkpoint_is_refused(trained, folder):
    Path("m.onnx").write_bytes(b"precious")
    assert "exists" in shell.refused(2, "export", trained / "digits.ckpt", "m.onnx")
    assert Path("m.onnx").read_bytes() == b"precious"
    assert "tiny.npz" in shell.refused(1, "export", "tiny.npz", "n.onnx")
    model = shell.run("export", trained / "digits.ckpt", "m.safetensors", "--format", "torch")
    assert model.code == 0
    foreign = shell.refused(2, "export", "m.safetensors", "n.onnx")
    assert "was not written by dnncli" in foreign
    assert not Path("n.onnx").exists()
