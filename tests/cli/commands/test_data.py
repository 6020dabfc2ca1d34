"""`dnncli data`: what there is, what it holds, and fetching it."""

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
from shell import refused, run

from dnncli import data
from dnncli.data.blocks import store
from dnncli.data.blocks.store import Draft, Shape, Store
from dnncli.data.formats import remote
from dnncli.spec import DataSpec

TABLE = "age,job,id,note,income\n" + "".join(
    f"{20 + i / 3:.2f},{('clerk', 'cook', '?')[i % 3]},id{i},,{('low', 'high', 'low')[i % 3]}\n"
    for i in range(60)
)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("DNNCLI_CACHE", str(tmp_path / "cache"))
    Path("people.csv").write_text(TABLE)
    return tmp_path / "cache"


def test_the_list_tells_what_is_here(cache: Path) -> None:
    result = run("data", "list")
    assert result.code == 0
    assert "digits" in result.out
    assert "not here" in result.out
    record = run("data", "list", "--format", "json").json
    assert [entry["name"] for entry in record["datasets"]] == [
        "digits",
        "mnist",
        "fashion-mnist",
        "kmnist",
    ]
    assert [entry["here"] for entry in record["datasets"]] == [True, False, False, False]
    for file in remote.REMOTES["kmnist"].files:
        (cache / "data" / "kmnist").mkdir(parents=True, exist_ok=True)
        (cache / "data" / "kmnist" / file.name).touch()
    lines = list(csv.DictReader(io.StringIO(run("data", "list", "--format", "csv").out)))
    assert [line["here"] for line in lines] == ["True", "False", "False", "True"]


def test_a_table_is_shown_column_by_column() -> None:
    result = run("data", "show", "people.csv")
    assert result.code == 0
    assert "60 rows, 2 classes, 6 features" in result.out
    assert "income (target)" in result.out
    assert "one-hot: 2 levels, other, missing" in result.out
    assert "20 to 39.67, median 29.835" in result.out
    assert "left out: it has no value" in result.out
    assert re.search(r"low +40 +67 % +█{30}", result.out)
    assert (
        "dnncli data show: id: 60 different texts in 60 rows say little; leave it out with --drop id."
        in result.err
    )


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_names_and_numbers_are_whole_in_a_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    listed, shown = run("data", "list").out, run("data", "show", "people.csv").out
    assert re.search(r"^ digits +here ", listed, re.MULTILINE)
    assert re.search(r"^ fashion-mnist +not here ", listed, re.MULTILINE)
    assert re.search(r"^ job .* 20 .* 4 *$", shown, re.MULTILINE)
    assert " income (target) " in shown
    assert all(word in shown for word in ("missing", "features", "scaled"))
    assert columns < 80 or ("DOUBLE" in shown and "29.835" in shown)
    assert "…" not in listed
    assert max(map(len, (listed + shown).splitlines())) <= columns


def test_a_tables_record_has_its_columns_and_classes() -> None:
    record = run("data", "show", "people.csv", "--drop", "id", "--format", "json").json
    assert (record["examples"], record["features"], record["command"]) == (60, 5, "data show")
    assert record["classes"] == [{"name": "high", "examples": 20}, {"name": "low", "examples": 40}]
    columns = {column["name"]: column for column in record["columns"]}
    assert list(columns) == ["age", "job", "id", "note", "income"]
    assert [column["role"] for column in columns.values()] == [
        "feature",
        "feature",
        "dropped",
        "empty",
        "target",
    ]
    assert columns["age"] == {
        "name": "age",
        "role": "feature",
        "type": "DOUBLE",
        "kind": "number",
        "missing": 0,
        "values": "20 to 39.67, median 29.835",
        "encoding": "scaled",
        "features": 1,
    }
    assert (columns["job"]["missing"], columns["job"]["features"]) == (20, 4)
    rows = list(
        csv.DictReader(io.StringIO(run("data", "show", "people.csv", "--format", "csv").out))
    )
    assert [row["name"] for row in rows] == ["age", "job", "id", "note", "income"]


def test_what_becomes_of_columns_depends_on_rows_and_memory() -> None:
    rows = [f"{i * 7 % 1009 / 7:.3f},team{i % 300},{'ab'[i * i % 7 % 2]}" for i in range(1500)]
    head = "size,team,y"
    Path("teams.csv").write_text("\n".join([head, *rows]))
    becomes = {}
    for given in ((), ("--memory", "10K")):
        record = run("data", "show", "teams.csv", *given, "--format", "json").json
        becomes[given] = [column["encoding"] for column in record["columns"]][:2]
    assert becomes[()][0] == "scaled in 16 pieces"  # 1,050 rows train, 64 a piece
    assert becomes[()][1].startswith("effect of 300 levels")
    record = run("data", "show", "teams.csv", "--drop", "team", "--format", "json").json
    trained = data.load(DataSpec(data="teams.csv", drop="team", scale="tabular"))
    assert record["features"] == trained.features == 16
    assert becomes["--memory", "10K"][0] == "scaled"
    assert becomes["--memory", "10K"][1].startswith("one-hot: 255 levels")
    Path("teams.csv").write_text("\n".join([head, *rows[:1400]]))  # of which 980 train
    record = run("data", "show", "teams.csv", "--format", "json").json
    assert record["columns"][0]["encoding"] == "scaled"
    assert "--memory" in refused(2, "data", "show", "teams.csv", "--memory", "much")


def test_images_are_shown_with_their_size_and_classes() -> None:
    result = run("data", "show", "digits")
    assert "1,797 images of 8 × 8, 10 classes, 64 features" in result.out
    assert "values from 0 to 16" in result.out
    record = run("data", "show", "digits", "--format", "json").json
    assert record["image_shape"] == [8, 8]
    assert sum(entry["examples"] for entry in record["classes"]) == 1797


def test_many_classes_and_columns_are_not_all_drawn() -> None:
    names = [f"c{i}" for i in range(100)]
    rows = [",".join([*(["0.5", "1.5"][i % 2] for _ in names), f"k{i % 40}"]) for i in range(400)]
    Path("wide.csv").write_text("\n".join([",".join([*names, "y"]), *rows]))
    result = run("data", "show", "wide.csv")
    assert "… 42 more" in result.out
    assert "… 10 more" in result.out
    assert "c99" in result.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["show", "absent.csv"], 1, "absent.csv: there is no such file"),
        (
            ["show", "mnist"],
            1,
            "mnist is not here yet: run `dnncli data fetch mnist`, or put train-images",
        ),
        (["show", "people.csv", "--target", "size"], 2, "--target size: no column is called so"),
        (["show", "digits", "--drop", "a"], 2, "--drop: only tables have columns"),
        (["fetch", "digits"], 2, "no data set to fetch is called 'digits'"),
        (["fetch", "minst"], 2, "did you mean 'mnist'?"),
        (["fetch", "mnist", "--mirror", "x"], 1, "x: is not an http:// or https:// address"),
        (["nonsense"], 2, "No such command 'nonsense'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    arguments: list[str], code: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = remote.REMOTES["mnist"].files
    monkeypatch.setitem(remote.REMOTES, "mnist", remote.Remote((), files))
    assert message in refused(code, "data", *arguments)


def test_help_comes_with_examples() -> None:
    assert "fetch" in run("data", "--help").out
    for name in ("list", "show", "fetch"):
        assert f"dnncli data {name}" in run("data", name, "--help").out


def test_what_was_encoded_is_cleared(cache: Path) -> None:
    store.obtain(Store(1), "one", Shape(2, 3, "float32"), lambda draft: (encoded(draft), {}))
    size = sum(path.stat().st_size for path in (cache / "blocks" / "one").iterdir())
    result = run("data", "clear", "--format", "json")
    assert result.json["sets"] == 1
    assert result.json["bytes"] == size
    assert not list((cache / "blocks").iterdir())
    assert "removed 0 bytes from" in run("data", "clear").out


def encoded(draft: Draft) -> np.ndarray:
    draft.writer.add(np.ones((2, 3), np.float32))
    return np.zeros(2, np.int32)
