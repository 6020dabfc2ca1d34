"""`dnncli inspect`: what a checkpoint holds, by name, and what went wrong before a run broke."""

import csv
import io
import json
import math

import numpy as np
import pytest
import safetensors.numpy
import shell
from rich.console import Console

from dnncli.interop import reading
from dnncli.records import EpochRecord, LayerRecord, StepRecord
from dnncli.report import inspection


def run(line):
    """A command line as it is typed."""
    return shell.run(*line.split())


@pytest.fixture
def checkpoint(folder):
    """A small trained network with batch norm."""
    line = "train --data tiny.npz --hidden 6,5 --bn --epochs 2 --out m.ckpt --quiet"
    assert run(line).code == 0
    return folder / "m.ckpt"


def test_every_tensor_is_listed_by_name_with_its_shape_and_norm(checkpoint):
    done = run("inspect m.ckpt --format json")
    record, tensors = json.loads(done.out), safetensors.numpy.load_file(checkpoint)
    listed = {t["name"]: t for layer in record["layers"] for t in layer["tensors"]}
    own = {name for name in tensors if "/" not in name}
    assert set(listed) == own
    for name, tensor in listed.items():
        assert tuple(tensor["shape"]) == tensors[name].shape
        assert tensor["norm"] == pytest.approx(
            np.linalg.norm(tensors[name].astype(np.float64)), rel=1e-12
        )


def test_the_history_is_the_runs(checkpoint):
    record = json.loads(run("inspect m.ckpt --format json").out)
    assert [epoch["epoch"] for epoch in record["history"]] == [1, 2]
    assert "val_accuracy" in run("inspect m.ckpt --history").out


def test_a_broken_run_shows_the_steps_up_to_where_it_broke(folder):
    broken = "train --data tiny.npz --hidden 6,5 --optimizer sgd --lr 1e12 --out b.ckpt --quiet"
    assert run(broken).code == 3
    steps = json.loads(run("inspect b.ckpt --format json").out)["steps"]
    assert steps
    assert [s["step"] for s in steps] == list(range(1, len(steps) + 1))
    assert "last steps" in run("inspect b.ckpt --steps").out


def test_a_healthy_run_says_that_no_steps_were_recorded(checkpoint):
    assert "no steps recorded" in run("inspect m.ckpt --steps").out


def test_versions_are_compared_with_those_here(checkpoint, monkeypatch):
    assert json.loads(run("inspect m.ckpt --format json").out)["changed"] is None
    assert json.loads(run("inspect m.ckpt --versions --format json").out)["changed"] == []
    assert "the same options give the same bytes again" in run("inspect m.ckpt --versions").out
    stored = json.loads(run("inspect m.ckpt --format json").out)["versions"]["threads"]
    monkeypatch.setenv("NPROC", "77")
    assert "not the same here: threads." in run("inspect m.ckpt --versions").out
    rows = list(csv.reader(io.StringIO(run("inspect m.ckpt --versions --format csv").out)))
    assert rows[0] == ["name", "stored", "here"]
    assert [row for row in rows[1:] if row[1] != row[2]] == [["threads", stored, "77"]]


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_an_exported_network_is_read_back_with_the_same_outputs(checkpoint, folder, framework):
    assert run(f"export m.ckpt out.safetensors --format {framework}").code == 0
    ours = json.loads(run("eval m.ckpt --format json").out)
    theirs = run("eval out.safetensors --act elu --data tiny.npz --format json")
    assert theirs.code == 0, theirs.err
    loss = json.loads(theirs.out)["splits"]["test"]["loss"]
    assert loss == pytest.approx(ours["splits"]["test"]["loss"], rel=1e-5)


@pytest.mark.parametrize(
    ("framework", "rows"),
    [
        ("torch", {"norm.scale": "1.weight", "norm.variance": "1.running_var", "bias": "6.bias"}),
        ("keras", {"norm.scale": "batch_normalization/gamma", "bias": "dense_2/bias"}),
    ],
)
def test_every_tensor_from_elsewhere_is_beside_what_it_became(
    checkpoint, monkeypatch, framework, rows
):
    monkeypatch.setenv("COLUMNS", "80")
    assert run(f"export m.ckpt out.safetensors --format {framework}").code == 0
    shown = [line.split() for line in run("inspect out.safetensors --act elu").out.splitlines()]
    for part, source in rows.items():
        assert source in [line[-1] for line in shown if line and line[0] == part]


def test_a_weight_is_told_from_slopes_and_from_a_norm_that_was_folded(folder):
    rng = np.random.Generator(np.random.Philox(0))
    shapes = {"0.weight": (4, 3), "0.bias": (4,), "2.weight": (4,), "3.weight": (2, 4)}
    norm = ("weight", "bias", "running_mean", "running_var")
    tensors = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    tensors |= {f"1.{part}": rng.uniform(1, 2, 4) for part in norm}
    tensors |= {"4.weight": rng.normal(size=4), "5.weight": rng.normal(size=(2, 2))}
    tensors["4.weight"] = rng.normal(size=2)
    stored = {name: array.astype(np.float32) for name, array in tensors.items()}
    safetensors.numpy.save_file(stored, folder / "s.safetensors")
    record = run("inspect s.safetensors --act prelu --format json").json
    note = "batch norm '1' is folded in: not every hidden layer has one"
    assert record["layers"][0]["source"][-1] == note
    model = reading.read(folder / "s.safetensors", "prelu")
    sources, others = inspection._sources((*model.tensors[0], *model.notes[0]))
    assert sources == {"kernel": ["0.weight"], "bias": ["0.bias"], "slope": ["2.weight"]}
    assert set(others) == {*(f"1.{part}" for part in norm), note}


def test_a_long_history_fits_in_a_line():
    curve = inspection._Curve("val_accuracy", [i / 150 for i in range(150)])
    for width in (60, 80):
        console = Console(file=io.StringIO(), width=width)
        console.print(curve)
        (line,) = console.file.getvalue().splitlines()
        assert line.endswith("0.0000 → 0.9933")


def curve(values, logarithmic):
    console = Console(file=io.StringIO(), width=80)
    console.print(inspection._Curve("val_loss", values, logarithmic))
    return console.file.getvalue().strip()


def test_losses_far_apart_are_on_a_logarithmic_scale_and_say_so():
    assert curve([1000.0, 100.0, 10.0, 1.0], True).split()[1:] == [
        "█▆▃▁",
        "1000.0000",
        "→",
        "1.0000",
        "(log)",
    ]
    assert curve([1000.0, 100.0, 10.0, 1.0], False).split()[1] == "█▂▁▁"
    epochs = [EpochRecord(1, x, 2.0, x, 0.1, 0.0, 0.1, (), {"accuracy": x}) for x in (1.0, 0.04)]
    logarithmic = [line.logarithmic for line in inspection.history_lines(epochs)]
    assert logarithmic == [True, False, False]


def test_the_history_ends_with_how_far_the_layers_have_come(checkpoint):
    shown = run("inspect m.ckpt --history").out
    last = run("inspect m.ckpt --format json").json["history"][-1]["layers"][0]
    row = next(line for line in shown.splitlines()[-6:] if line.split()[:1] == [last["layer"]])
    # Its epochs have one batch, which shows no scatter.
    assert row.split()[1:] == [f"{last['distance']:.2g}", "–", "0", "%"]
    assert last["signal_to_noise"] is None
    assert "Layers by epoch 2" in shown


def test_values_without_a_height_leave_a_gap():
    assert inspection.sparkline([1.0, math.nan, math.inf, 2.0], 10) == "▁  █"
    assert inspection.sparkline([0.0, 1.0, 10.0], 10, True) == " ▁█"
    assert inspection.sparkline([math.nan], 10) == " "


def steps(layers):
    """Two steps of a network of so many layers."""
    records = []
    for step in (1, 2):
        names = [*(f"hidden{k + 1}" for k in range(layers - 1)), "output"]
        figures = [
            LayerRecord(n, 1e-3 * k, 1, 1, 1e-2 * k, 0, 1, 0, 0) for k, n in enumerate(names)
        ]
        records.append(StepRecord(1, step, 2.5, tuple(figures)))
    return records


@pytest.mark.parametrize("layers", [2, 6, 7, 21, 51])
@pytest.mark.parametrize("width", [60, 80])
def test_the_last_steps_of_any_depth_are_whole_at_any_width(layers, width):
    console = Console(file=io.StringIO(), width=width)
    for table in inspection.step_tables(steps(layers)):
        console.print(table)
    shown = console.file.getvalue()
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown
    for layer in steps(layers)[0].layers:
        heads = [
            line for line in shown.splitlines() if line.split()[:3] == ["epoch", "step", "loss"]
        ]
        assert sum(layer.layer in head.split() for head in heads) == 2  # δ, and step over weights
        assert shown.count(f"{layer.delta_rms:.1e}") >= 2


def test_the_last_steps_and_the_history_come_as_csv(checkpoint, folder):
    broken = "train --data tiny.npz --hidden 6,5 --optimizer sgd --lr 1e12 --out b.ckpt --quiet"
    assert run(broken).code == 3
    record = run("inspect b.ckpt --format json").json
    rows = list(csv.DictReader(io.StringIO(run("inspect b.ckpt --steps --format csv").out)))
    told = [(step, layer) for step in record["steps"] for layer in step["layers"]]
    assert len(rows) == len(told) > 0
    for row, (step, layer) in zip(rows, told, strict=True):
        assert (int(row["step"]), row["layer"]) == (step["step"], layer["layer"])
        assert float(row["delta_rms"]) == layer["delta_rms"]
        assert float(row["update_ratio"]) == layer["update_ratio"]
    epochs = list(csv.DictReader(io.StringIO(run("inspect m.ckpt --history --format csv").out)))
    history = run("inspect m.ckpt --format json").json["history"]
    assert [float(row["val_loss"]) for row in epochs] == [one["val_loss"] for one in history]
    both = shell.refused(2, "inspect", "m.ckpt", "--history", "--steps", "--format", "csv")
    assert "CSV holds one table" in both


def test_what_is_no_checkpoint_is_told_in_one_line(folder):
    done = run("inspect tiny.npz")
    assert done.code == 1
    assert len(done.err.strip().splitlines()) == 1
