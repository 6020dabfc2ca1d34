"""`compare-activations` in a shell: formats, folders, signals, and one line for whatever is wrong."""

import json
import signal
from pathlib import Path

import pytest
from shell import process, recorded, refused, run, start, strict

SMALL = [
    "--data",
    "tiny.npz",
    "--hidden",
    "4,3",
    "--batch-size",
    "8",
    "--epochs",
    "2",
    "--seeds",
    "2",
]
ACTS = ["--acts", "relu,elu"]


def compare(*arguments):
    return run("compare-activations", *ACTS, *SMALL, *arguments)


def steady(document):
    """What does not depend on the clock."""
    rows = [
        {
            k: v
            for k, v in row.items()
            if k not in ("seconds_per_epoch", "inference_examples_per_second")
        }
        for row in document["rows"]
    ]
    return rows, document["baseline"], document["data"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--acts", "relu,rleu"], "no activation is called 'rleu': did you mean 'relu'?"),
        (["--acts", "relu,relu"], "--acts: relu stands twice"),
        (["--acts", ""], "no activation is called ''"),
        (["--acts", "elu:half"], "alpha follows the colon"),
        (["--acts", "elu:nan"], "--alpha nan: must be a finite number"),
        (["--inits", "hee"], "no initialiser is called 'hee'"),
        (["--inits", "he,he"], "--inits: he stands twice"),
        (["--seeds", "1"], "--seeds 1: must be at least 2 (5 for p-values)"),
        (["--seeds", "-3"], "--seeds -3: must be at least 2"),
        (["--lrs", "0.1,x"], "'x' is not a number"),
        (["--lrs", "0.1,nan"], "nan is not a finite number"),
        (["--lrs", "0.1,0.1"], "a rate stands twice"),
        (["--lrs", "0.1", "--lr", "0.2"], "--lr and --lrs exclude each other"),
        (["--baseline", "gelu", "--acts", "relu,elu"], "--baseline gelu: no row is called that"),
        (["--act", "relu"], "No such option '--act'"),
        (["--momentum", "0.9"], "adam has no momentum"),
        (["--plot", "x.txt"], "a picture is called .svg, .png or .pdf"),
        (["--out", "a", "--resume", "b"], "--out and --resume exclude each other"),
        (["--data", "nothing.npz"], "nothing.npz does not exist"),
    ],
)
def test_wrong_input_is_answered_in_one_line(arguments, message):
    code = 1 if "nothing.npz" in arguments else 2
    assert message in refused(code, "compare-activations", *arguments)
    assert [path.name for path in Path().iterdir()] == ["tiny.npz"]


def test_the_table_is_the_result_and_a_pipe_has_no_escape_codes():
    result = compare()
    assert result.code == 0
    assert "\x1b" not in result.out
    for words in (
        "Test accuracy in %",
        "paired by seed",
        "Training and its price",
        "Gradient flow",
        "relu",
    ):
        assert words in result.out
    assert "no p-values: with fewer than 5 seeds" in result.out


def test_json_is_one_strict_object():
    document = compare("--format", "json").json
    assert document["command"] == "compare-activations"
    assert {row["act"] for row in document["rows"]} == {"relu", "elu"}
    assert document["config"]["acts"] == ["relu", "elu"]
    assert document["config"]["hidden"] == [4, 3]
    assert document["finished"] is True


def test_jsonl_tells_every_epoch_and_trial_as_they_happen():
    lines = [strict(line) for line in compare("--format", "jsonl").out.splitlines()]
    events = [line["event"] for line in lines]
    assert events == ["start", *["epoch", "epoch", "trial"] * 2, "end"]
    assert len(lines[1]["val_accuracy"]) == 2
    assert len(lines[-1]["rows"]) == 2


def test_csv_is_a_row_a_combination():
    asked = ("--inits", "he,xavier", "--format", "csv", "--json", "all.json")
    header, *rows = compare(*asked).out.splitlines()
    assert len(rows) == len(recorded("all.json")["rows"])
    assert header.startswith("act,init,lr,seeds,diverged,test_accuracy")
    assert sorted(tuple(row.split(",")[:2]) for row in rows) == [
        (act, init) for act in ("elu", "relu") for init in ("he", "xavier")
    ]


def test_seed_k_of_a_comparison_is_the_train_command_with_that_seed():
    row = next(
        r for r in compare("--format", "json", "--seed", "3").json["rows"] if r["act"] == "elu"
    )
    own = run("train", *SMALL[:-2], "--act", "elu", "--seed", "4", "--format", "json").json
    assert row["runs"][1]["seed"] == 4
    losses = [epoch["val_loss"] for epoch in own["epochs"]]
    assert row["runs"][1]["val_losses"] == pytest.approx(losses, rel=1e-4)
    assert row["test_accuracy"]["values"][1] == pytest.approx(own["test"]["accuracy"])


def test_a_rate_that_is_too_large_for_all_ends_with_3():
    result = compare("--optimizer", "sgd", "--lr", "1e30", "--format", "json")
    assert result.code == 3
    assert "every seed of every combination diverged; lower --lr" in result.err
    assert all(row["test_accuracy"]["mean"] is None for row in result.json["rows"])


def test_a_rate_that_is_too_large_is_not_taken():
    rows = compare("--optimizer", "sgd", "--lrs", "1e30,0.05", "--format", "json").json["rows"]
    for row in rows:
        assert (row["lr"], row["diverged"]) == (0.05, 0)
        assert [rate["diverged"] for rate in row["rates"]] == [2, 0]


def test_out_keeps_checkpoints_that_eval_reads():
    assert compare("--out", "kept").code == 0
    names = sorted(path.name for path in Path("kept").glob("*.ckpt"))
    assert names == [
        f"{act}-he-normal-lr0.001-seed{k}.ckpt" for act in ("elu", "relu") for k in (0, 1)
    ]
    assert run("eval", f"kept/{names[0]}").code == 0
    assert "--out kept holds a comparison" in refused(
        2, "compare-activations", *ACTS, *SMALL, "--out", "kept"
    )
    assert compare("--out", "kept", "--overwrite").code == 0


def test_a_picture_is_drawn():
    pytest.importorskip("matplotlib")
    assert compare("--plot", "acts.svg").code == 0
    assert "compare-activations --acts relu,elu" in Path("acts.svg").read_text()


def test_a_saved_config_gives_the_same_comparison():
    first = compare("--save-config", "run.toml", "--lrs", "0.01,0.02", "--format", "json").json
    again = run("compare-activations", "--config", "run.toml", "--format", "json").json
    assert steady(again) == steady(first)


def test_an_interrupted_comparison_goes_on_and_ends_as_it_would_have():
    long = [
        *ACTS,
        *SMALL,
        "--epochs",
        "400",
        "--patience",
        "0",
        "--format",
        "jsonl",
        "--out",
        "kept",
    ]
    with start("compare-activations", *long) as running:
        for line in running.stdout:
            if json.loads(line)["event"] == "trial":
                running.send_signal(signal.SIGINT)
                break
        *_, last = running.stdout
        err = running.stderr.read().decode()
    assert running.returncode == 130
    assert json.loads(last)["finished"] is False
    assert [row["act"] for row in json.loads(last)["rows"]] == ["relu"]
    assert "go on with: dnncli compare-activations --resume kept" in err
    assert "keeps the options" in refused(
        2, "compare-activations", "--resume", "kept", "--epochs", "3"
    )

    resumed = process("compare-activations", "--resume", "kept", "--format", "json")
    straight = process("compare-activations", *long[:-4], "--format", "json")
    assert resumed.code == straight.code == 0
    assert steady(resumed.json) == steady(straight.json)


def test_resuming_needs_a_comparison_and_its_data(folder):
    assert "no comparison to go on with" in refused(1, "compare-activations", "--resume", "nowhere")
    assert compare("--out", "kept").code == 0
    from shell import write_tiny

    write_tiny(folder / "other.npz", seed=5)
    line = refused(2, "compare-activations", "--resume", "kept", "--data", "other.npz")
    assert "the data are not those it was begun with" in line
    assert run("compare-activations", "--resume", "kept").code == 0
