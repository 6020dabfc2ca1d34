"""`dnncli doctor`: what it says, what it writes, and how it exits."""

import json
from pathlib import Path

import pytest
from shell import TINY, recorded, refused, run

QUICK = ["--budget", "2", "--seeds", "2"]
SICK = [*TINY, *QUICK, "--optimizer", "sgd", "--lr", "1e-7"]


def test_a_sick_network_exits_with_4_and_tells_what_happens_and_what_was_found():
    result = run("doctor", *SICK, "--format", "jsonl", "--json", "found.json")
    assert result.code == 4
    record = recorded("found.json")
    assert record["command"] == "doctor"
    assert not record["healthy"]
    assert record["health"]["verdict"] != "healthy"
    names = [candidate["name"] for candidate in record["candidates"]]
    assert names[0] == "as it is"
    assert record["config"]["lr"] == 1e-7
    chosen = [one for one in record["candidates"] if one["name"] == record["chosen"]]
    for candidate in chosen:
        assert candidate["gain"]["mean"] > 0
        assert record["basis"] == "diagnosis" or candidate["gain"]["low"] > 0
        assert record["command_line"][:2] == ["dnncli", "train"]
    assert not list(Path("runs").glob("*")) if Path("runs").is_dir() else True
    lines = [json.loads(line) for line in result.out.splitlines()]
    kinds = [line["event"] for line in lines]
    assert kinds[0] == "start"
    assert kinds[1] == "looked"
    assert "epoch" in kinds
    assert "trained" in kinds
    assert kinds[-1] == "end"
    assert lines[-1]["budget"] == 2


def test_csv_has_a_row_for_each_candidate():
    out = run("doctor", *SICK, "--format", "csv", "--json", "found.json").out
    header, *rows = out.splitlines()
    assert len(rows) == len(recorded("found.json")["candidates"])
    assert header.startswith("name,flags,rung,rungs,epochs,val_accuracy")
    assert rows[0].startswith("as it is,")


def test_a_checkpoint_is_examined_by_its_own_options():
    quick = ["--budget", "1", "--seeds", "2", "--format", "json"]
    assert run("train", *TINY, "--act", "relu", "--lr", "1e-7", "--out", "sick.ckpt").code == 0
    record = run("doctor", "sick.ckpt", *quick).json
    assert (record["config"]["act"], record["config"]["lr"]) == ("relu", 1e-7)
    changed = run("doctor", "sick.ckpt", *quick, "--act", "elu").json
    assert changed["config"]["act"] == "elu"


def test_a_network_with_anothers_layers_is_refused():
    assert run("train", *TINY, "--out", "parent.ckpt").code == 0
    words = ["transfer", "parent.ckpt", "--keep", "1", "--epochs", "1", "--seeds", "1"]
    words += ["--no-baseline"]
    assert run(*words, "--out", "child.ckpt").code == 0
    assert "layers of another network" in refused(2, "doctor", "child.ckpt")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seeds", "1"], "--seeds"),
        (["--budget", "nan"], "--budget"),
        (["--budget", "-1"], "--budget"),
        (["--lr", "0"], "--lr"),
    ],
)
def test_wrong_use_is_one_line_with_2(words, said):
    assert said in refused(2, "doctor", *TINY, *words)


def test_nothing_is_overwritten():
    Path("cured.toml").write_text("mine")
    assert "cured.toml exists" in refused(2, "doctor", *SICK, "--save-config", "cured.toml")
    assert Path("cured.toml").read_text() == "mine"
