"""`dnncli tune`: what it prints, what it keeps, and how it goes on."""

import json
import sys
from pathlib import Path

import pytest
from shell import TINY, refused, run

pytest.importorskip("optuna")

# Only rates are searched: one program serves them all.
GIVEN = ["--act", "elu", "--dropout", "0", "--optimizer", "adam"]
QUICK = [*TINY, *GIVEN, "--budget", "2", "--seeds", "2"]


def test_it_says_what_is_searched_what_was_tried_and_keeps_it_for_more():
    first = run("tune", *QUICK, "--out", "search", "--format", "json", "--save-config", "best.toml")
    assert first.code == 0, first.err
    record = first.json
    assert set(record["searched"]) == {"lr"}
    assert record["tried"][0]["name"] == "as it is"
    assert record["folder"] == "search"
    assert run("train", "--config", "best.toml", "--out", "best.ckpt", "-q").code == 0
    again = run("tune", "--resume", "search", "--budget", "1", "--format", "json")
    assert again.code == 0, again.err
    names = [one["name"] for one in record["tried"]]
    assert [one["name"] for one in again.json["tried"]][: len(names)] == names
    assert again.json["seeds"] == 2
    assert again.json["config"] == record["config"]
    message = refused(2, "tune", "--resume", "search", "--act", "relu")
    assert "keeps the options it was begun with" in message
    assert "holds a search" in refused(2, "tune", *QUICK, "--out", "search")


def test_every_format_has_the_settings():
    shown = run("tune", *QUICK).out
    assert "lr: 0.0001 to 0.03" in shown
    assert "validation examples choose" in shown
    header, *rows = run("tune", *QUICK, "--format", "csv").out.splitlines()
    assert header.startswith("name,flags,rung,rungs,val_accuracy")
    assert rows[0].startswith("as it is,")
    lines = [json.loads(line) for line in run("tune", *QUICK, "--format", "jsonl").out.splitlines()]
    kinds = [line["event"] for line in lines]
    assert kinds[:2] == ["start", "proposed"]
    assert kinds[-1] == "end"
    assert {"advanced", "halved", "round"} <= set(kinds)


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        (2, ["--seeds", "1"], "--seeds 1: must be from 2 to 100"),
        (2, ["--budget", "0"], "--budget 0: must be from 1"),
        (2, ["--resume", "a", "--out", "b"], "exclude each other"),
        (2, ["--lr", "0.1"], "everything that is searched was given"),
        (1, ["--resume", "nowhere"], "there is no tune.state in it"),
    ],
)
def test_wrong_use_is_one_line(code, words, said):
    assert said in refused(code, "tune", *TINY, *GIVEN, *words)


def test_without_optuna_a_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert "pip install 'dnncli[tune]'" in refused(1, "tune", *QUICK)
    assert not Path("runs").exists()
