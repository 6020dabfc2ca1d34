"""`transfer`: what it prints in each format, what it leaves, and every way of asking for what cannot be."""

import contextlib
import csv
import io
import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from shell import recorded, refused, run, start, strict, write_tiny

TRAIN = ["--data", "tiny.npz", "--hidden", "5,4,3", "--act", "elu", "--epochs", "3"]
TRAIN += ["--batch-size", "8", "-q"]
QUICK = ["--epochs", "2", "--seeds", "1", "--out", "child.ckpt"]
HEAD = {"command", "version", "schema", "config"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A parent that tells apart classes 0 to 2 of four, and the data beside it."""
    folder = tmp_path_factory.mktemp("parent")
    write_tiny(folder / "tiny.npz", examples=120, features=4, classes=4)
    before = Path.cwd()
    os.chdir(folder)
    assert run("train", *TRAIN, "--classes", "0-2", "--bn", "--out", "parent.ckpt").code == 0
    # A race compiles a program for each way to reuse layers: of two there are fewer.
    two = [*TRAIN, "--hidden", "4,4", "--classes", "0-2", "--out", "shallow.ckpt"]
    assert run("train", *two).code == 0
    os.chdir(before)
    return folder


@pytest.fixture(autouse=True)
def parent(trained, folder):
    for name in ("tiny.npz", "parent.ckpt", "shallow.ckpt"):
        shutil.copy(trained / name, folder / name)


def transfer(*arguments):
    return run("transfer", "parent.ckpt", *arguments)


RACE = ["transfer", "shallow.ckpt", "--classes", "1-3", "--keep", "auto"]


@pytest.fixture(scope="module")
def streamed(trained):
    """The events of a race, and its result."""
    with contextlib.chdir(trained):
        lines = run(*RACE, *QUICK, "--format", "jsonl", "--json", "raced.json").out
        return [strict(line) for line in lines.splitlines()], recorded("raced.json")


@pytest.fixture
def raced(streamed):
    """What a race has for a result."""
    _, result = streamed
    return result


def test_the_json_has_the_keys_that_were_promised():
    asked = ["--classes", "1-3", "--keep", "2", "--freeze", "1", "--format", "json"]
    told = transfer(*asked, "--epochs", "2", "--seeds", "2", "--out", "child.ckpt").json
    promised = {"parent", "kept", "frozen", "probes", "epochs", "test", "baseline", "difference"}
    assert HEAD | promised <= set(told)
    assert (told["kept"], told["frozen"], told["probes"]) == (
        ["hidden1", "hidden2"],
        ["hidden1"],
        [],
    )
    assert {"test", "epochs"} <= set(told["baseline"])
    assert {"mean", "low", "high"} <= set(told["difference"])
    assert {"loss", "accuracy", "metrics"} == set(told["test"])
    assert told["test"]["metrics"]["accuracy"]["value"] == pytest.approx(told["test"]["accuracy"])
    assert [layer["frozen"] for layer in told["epochs"][0]["layers"]] == [True, False, False]
    assert len(told["epochs"]) == len(told["baseline"]["epochs"]) == 2
    assert told["data"]["classes"] == 3
    assert "nonfinite" not in told


def test_probes_are_listed_by_depth(raced):
    layers = [probe["layer"] for probe in raced["probes"]]
    assert layers == ["input", "hidden1", "hidden2"]
    assert raced["config"]["keep"] == "auto"


def test_auto_tells_what_it_raced_and_keeps_what_that_chose(raced):
    told = raced["race"]
    by_name = {one["name"]: one for one in told["candidates"]}
    assert {"keep", "frozen", "lr", "val_accuracy", "rung"} <= set(by_name[told["chosen"]])
    assert told["chosen"] == (told["reused"] if told["helps"] else told["scratch"])
    assert len(raced["kept"]) == by_name[told["chosen"]]["keep"]
    assert (raced["baseline"] is not None) == told["helps"]
    assert transfer("--keep", "2", *QUICK[:4], "--format", "json").json["race"] is None


def test_auto_streams_its_race_before_what_it_chose(streamed):
    events, _ = streamed
    kinds = [event["event"] for event in events]
    first, *tried = events[: kinds.index("start")]
    assert first["event"] == "racing"
    assert {event["event"] for event in tried} == {"tried", "halved"}
    names = {*first["reused"], *first["scratch"]}
    assert {event["name"] for event in tried if event["event"] == "tried"} == names
    (outcome,) = [event for event in events if event["event"] == "race"]
    for candidate in outcome["candidates"]:
        own = [event for event in tried if event.get("name") == candidate["name"]]
        assert [event["epoch"] for event in own] == list(range(1, candidate["epochs"] + 1))
        assert own[-1]["score"][0] == pytest.approx(candidate["val_accuracy"])


def test_a_signal_in_the_race_tells_what_is_known():
    endless = ["--epochs", "100000", "--patience", "0", "--out", "child.ckpt"]
    with start(*RACE, *endless, "--format", "jsonl") as running:
        seen = []
        while "tried" not in [event["event"] for event in seen]:
            seen.append(strict(running.stdout.readline()))
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    end = strict(out.splitlines()[-1])
    assert (end["event"], end["stopped"]) == ("end", "signal")
    assert end["leader"] in [candidate["name"] for candidate in end["candidates"]]
    assert end["candidates"][0]["rung"] == 0
    assert f"the best so far is {end['leader']}; nothing is saved." in err.decode()
    assert not Path("child.ckpt").exists()


def test_auto_fits_80_columns_and_says_what_it_chose(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    result = run(*RACE, *QUICK)
    assert max(map(len, result.out.splitlines())) <= 80
    assert "linear classifier" in result.out
    assert "Tried on the validation set: 5 seeds" in result.out
    assert ("Reuse: keep" in result.out) != ("Reuse does not help here." in result.out)
    assert "steps, in which a new layer learns little" in result.err


def test_the_table_fits_80_columns_and_says_it_all(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    result = transfer("--classes", "1-3", "--freeze", "all", *QUICK)
    assert max(map(len, result.out.splitlines())) <= 80
    for said in ("frozen: hidden1", "first epoch", "best epoch", "epochs to scratch's best", "test accuracy",
                 "training time", "trained parameters", "frozen parameters", "from scratch",
                 "saved child.ckpt", "Gradients in epoch 2"):  # fmt: skip
        assert said in result.out
    assert "hidden1        -  frozen" in result.out


@pytest.mark.parametrize("more", [["--no-baseline"], ["--seeds", "2", "--freeze", "all"]])
def test_the_plot_is_drawn_with_the_command_in_it(more):
    pytest.importorskip("matplotlib")
    result = transfer("--classes", "1-3", *QUICK, *more, "--plot", "proof.svg", "-q")
    assert result.code == 0
    assert "dnncli transfer parent.ckpt --classes 1-3" in Path("proof.svg").read_text()


def test_jsonl_streams_every_epoch_of_every_run():
    lines = transfer("--classes", "1-3", *QUICK, "--format", "jsonl").out.splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["event"] for event in events] == ["start", *["epoch"] * 4, "end"]
    assert [(e["run"], e["epoch"]) for e in events[1:5]] == [
        ("transfer", 1), ("transfer", 2), ("baseline", 1), ("baseline", 2),
    ]  # fmt: skip


def test_csv_is_a_row_for_each_run():
    told = transfer(*QUICK, "--format", "csv", "--json", "runs.json").out
    rows = list(csv.DictReader(io.StringIO(told)))
    assert float(rows[0]["test_accuracy"]) == recorded("runs.json")["test"]["accuracy"]
    assert [(row["run"], row["seed"]) for row in rows] == [("transfer", "0"), ("baseline", "0")]
    assert 0 <= float(rows[0]["test_accuracy"]) <= 1


def test_without_a_baseline_there_is_nothing_to_compare():
    told = transfer("--no-baseline", *QUICK, "--format", "json").json
    assert (told["baseline"], told["difference"]) == (None, None)
    assert "scratch" not in transfer("--no-baseline", "--epochs", "2", "--seeds", "1").out


def test_the_cache_changes_nothing():
    asked = ["--classes", "1-3", "--freeze", "2", "--no-baseline", "--epochs", "3", "--seeds", "1"]
    assert (
        transfer(*asked, "--out", "a.ckpt").code
        == transfer(*asked, "--no-cache", "--out", "b.ckpt").code
        == 0
    )
    assert Path("a.ckpt").read_bytes() == Path("b.ckpt").read_bytes()


def test_dropout_in_frozen_layers_is_told():
    result = transfer("--freeze", "1", "--dropout", "0.2", "--no-baseline", *QUICK)
    assert "dropout acts on the frozen layers: their outputs are not cached" in result.err


def test_the_result_is_a_checkpoint_like_any_other():
    assert transfer("--classes", "1-3", "--freeze", "2", *QUICK).code == 0
    told = run("eval", "child.ckpt", "--format", "json").json
    assert [one["name"] for one in told["splits"]["test"]["per_class"]] == ["1", "2", "3"]
    assert (
        run("train", "--resume", "child.ckpt", "--epochs", "4", "--out", "longer.ckpt", "-q").code
        == 0
    )
    before, after = (safetensors.numpy.load_file(name) for name in ("parent.ckpt", "longer.ckpt"))
    frozen = [name for name in before if name.startswith(("hidden1.", "hidden2."))]
    assert len(frozen) == 2 * 5  # kernel, and batch norm's scale, offset, mean and variance
    assert all(before[name].tobytes() == after[name].tobytes() for name in frozen)
    assert run("transfer", "longer.ckpt", "--classes", "0-2", *QUICK[:4], "--no-baseline").code == 0


def test_labels_may_have_any_names():
    x = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    np.savez("animals.npz", x=x, y=np.array(["cat", "dog", "eel"] * 20))
    told = transfer("--data", "animals.npz", *QUICK, "--no-baseline", "--format", "json").json
    assert "output" not in told["kept"]
    assert (
        run("eval", "child.ckpt", "--format", "json").json["splits"]["test"]["per_class"][1]["name"]
        == "dog"
    )


def test_few_examples_are_the_first_of_each_class():
    few = ["--per-class", "5", "--validation-per-class", "2", "--no-baseline"]
    told = transfer(*few, *QUICK, "--format", "json").json
    assert (told["data"]["train"], told["data"]["validation"]) == (15, 6)


def test_a_model_from_elsewhere_is_a_parent_too():
    rng = np.random.default_rng(0)
    shapes = {"0.weight": (6, 4), "0.bias": (6,), "2.weight": (3, 6), "2.bias": (3,)}
    tensors = {
        name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()
    }
    safetensors.numpy.save_file(tensors, "model.safetensors")
    asked = ["--data", "tiny.npz", "--classes", "1-3", *QUICK, "--format", "json"]
    told = run("transfer", "model.safetensors", "--act", "relu", *asked).json
    assert (told["kept"], told["parent"]["data"]) == (["hidden1"], None)
    assert "--act" in refused(2, "transfer", "model.safetensors", *asked)
    assert "--data" in refused(2, "transfer", "model.safetensors", "--act", "relu")
    assert "own" in refused(2, "transfer", "parent.ckpt", "--act", "relu")
    assert "--alpha" in refused(2, "transfer", "parent.ckpt", "--alpha", "1")


@pytest.mark.parametrize(
    ("code", "arguments", "reason"),
    [
        (2, ["--keep", "4"], "3 hidden layers"),
        (2, ["--keep", "hidden9"], "no such hidden layer"),
        (2, ["--freeze", "hidden3", "--keep", "2"], "only kept layers"),
        (2, ["--freeze", "1", "--unfreeze", "2:hidden7"], "that layer is not frozen"),
        (2, ["--freeze", "1", "--unfreeze", "9:all"], "later than the run's last"),
        (2, ["--freeze", "1", "--unfreeze", "hidden1"], "EPOCH:LAYER"),
        (2, ["--classes", "2-9"], "no class is called"),
        (2, ["--per-class", "1000"], "training examples"),
        (2, ["--validation-per-class", "1000"], "validation examples"),
        (2, ["--head", "keep", "--classes", "1-3"], "classes are others"),
        (2, ["--head", "old"], "--head"),
        (2, ["--scale", "unit"], "--scale unit"),
        (2, ["--seeds", "0"], "--seeds"),
        (2, ["--add", "0"], "at least one unit"),
        (2, ["--lr-decay", "2"], "--lr-decay"),
        (1, ["--data", "other.npz"], "features"),
        (1, ["--data", "absent.npz"], "absent.npz"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_in_one_line(code, arguments, reason):
    write_tiny("other.npz", features=7)
    assert reason in refused(code, "transfer", "parent.ckpt", *arguments)
    assert not Path("runs").exists()


def test_damaged_and_missing_files_are_refused():
    data = Path("parent.ckpt").read_bytes()
    Path("short.ckpt").write_bytes(data[:-100])
    Path("bent.ckpt").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    Path("text.ckpt").write_text("no network")
    for name in ("short.ckpt", "bent.ckpt", "text.ckpt", "absent.ckpt", "."):
        assert name in refused(1, "transfer", name)


def test_a_divergence_ends_with_3_and_the_finite_network():
    result = transfer("--lr", "1e30", *QUICK)
    assert result.code == 3
    assert "diverged in" in result.err
    assert Path("child.ckpt").exists()


def test_a_signal_saves_what_can_be_gone_on_with():
    endless = ["--epochs", "100000", "--patience", "0", "--seeds", "1", "--out", "child.ckpt"]
    with start("transfer", "parent.ckpt", *endless, "--format", "jsonl") as running:
        for _ in range(3):
            running.stdout.readline()
        running.send_signal(signal.SIGINT)
        *_, end = running.communicate(timeout=60)[0].splitlines()
    assert running.returncode == 130
    assert json.loads(end)["stopped"] == "signal"
    done = len(json.loads(end)["seeds"])
    assert done == 0
    epoch = run("inspect", "child.ckpt", "--format", "json").json["epoch"]
    assert epoch >= 1
