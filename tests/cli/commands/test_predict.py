"""`dnncli predict`: rows in, classes out, in their order and in any format."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from shell import run, shell, strict

NAMES = ["size", "colour", "class"]
ROWS = [
    (i % 17 / 4, ("red", "blue", "sea, green")[i % 3], ("lo, w", "high")[i % 2]) for i in range(120)
]


def table(rows: Any = ROWS, names: Any = NAMES) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([names, *rows])
    return text.getvalue()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "things.csv").write_text(table())
    size = ("--hidden", "5", "--epochs", "2", "--batch-size", "16")
    result = run(
        "train", "--data", folder / "things.csv", *size, "--out", folder / "net.ckpt", "-q"
    )
    assert result.code == 0, result.err
    return folder


@pytest.fixture
def network(trained: Path, folder: Path) -> Path:
    (folder / "things.csv").write_text(table())
    return trained / "net.ckpt"


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_classes_come_as_csv_one_a_row_and_are_counted_on_stderr(network: Path) -> None:
    result = run("predict", network, "things.csv")
    assert result.code == 0
    head, *classes = rows(result.out)
    assert head == ["class"]
    assert {name for (name,) in classes} <= {"lo, w", "high"}
    assert len(classes) == len(ROWS)
    assert result.err.startswith("dnncli predict: 120 rows: ")
    assert not run("predict", network, "things.csv", "-q").err


def test_probabilities_add_a_column_a_class(network: Path) -> None:
    head, *found = rows(run("predict", network, "things.csv", "--probabilities").out)
    assert head == ["class", "p(high)", "p(lo, w)"]
    shares = np.array([row[1:] for row in found], float)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    assert [row[0] for row in found] == [("high", "lo, w")[i] for i in shares.argmax(axis=1)]


def test_every_format_tells_the_same(network: Path, folder: Path) -> None:
    _, *expected = rows(run("predict", network, "things.csv", "--probabilities").out)
    lines = run(
        "predict", network, "things.csv", "--probabilities", "--format", "jsonl"
    ).out.splitlines()
    for row, line in zip(expected, lines, strict=True):
        assert strict(line) == {
            "class": row[0],
            "probabilities": {"high": float(row[1]), "lo, w": float(row[2])},
        }
    whole = run("predict", network, "things.csv", "--probabilities", "--format", "json").json
    assert whole["predictions"] == [json.loads(line) for line in lines]
    assert (whole["command"], whole["schema"], whole["classes"]) == (
        "predict",
        1,
        ["high", "lo, w"],
    )
    for name in ("p.parquet", "p.csv", "p.jsonl", "p.json"):
        assert not run("predict", network, "things.csv", "--probabilities", "--out", name).out
    stored = duckdb.sql("SELECT * FROM 'p.parquet'")
    assert stored.columns == ["class", "p(high)", "p(lo, w)"]
    for row, (name, *shares) in zip(expected, stored.fetchall(), strict=True):
        assert name == row[0]
        np.testing.assert_array_equal(np.float32(shares), np.array(row[1:], np.float32))
    assert rows(Path("p.csv").read_text())[1:] == expected
    assert Path("p.jsonl").read_text().splitlines() == lines
    assert strict(Path("p.json").read_text())["predictions"] == whole["predictions"]
    assert sorted(path.name for path in folder.glob("*p.*")) == [
        "p.csv",
        "p.json",
        "p.jsonl",
        "p.parquet",
    ]


def test_classes_alone_go_into_parquet_too(network: Path) -> None:
    assert run("predict", network, "things.csv", "--out", "p.parquet").code == 0
    expected = [tuple(row) for row in rows(run("predict", network, "things.csv").out)[1:]]
    assert duckdb.sql("SELECT * FROM 'p.parquet'").fetchall() == expected


def test_columns_are_matched_by_name_in_every_kind_of_file(network: Path) -> None:
    expected = run("predict", network, "things.csv", "--probabilities").out
    Path("other.csv").write_text(
        table([(c, i, s) for i, (s, c, _) in enumerate(ROWS)], ["colour", "id", "size"])
    )
    Path("other.jsonl").write_text(
        "".join(json.dumps({"colour": c, "size": s}) + "\n" for s, c, _ in ROWS)
    )
    duckdb.sql("COPY (FROM 'other.csv') TO 'other.parquet'")
    for name in ("other.csv", "other.jsonl", "other.parquet"):
        assert run("predict", network, name, "--probabilities").out == expected, name


def test_absent_columns_are_named(network: Path) -> None:
    Path("other.csv").write_text("size,shade\n1,red\n")
    result = run("predict", network, "other.csv")
    assert (result.code, result.out) == (1, "")
    assert (
        "other.csv lacks the column 'colour': columns are matched by name, and it has size, shade"
        in result.err
    )


def test_what_training_did_not_know_is_counted(network: Path) -> None:
    Path("other.csv").write_text("size,colour\n1,pink\n2,gold\n,red\nbig,red\n1e99,red\n3,blue\n")
    result = run("predict", network, "other.csv")
    assert len(rows(result.out)) == 7
    assert "2 in colour" in result.err
    assert (
        "values that are missing, as none was in training (the median, or other, stands for them): 1 in size"
        in result.err
    )
    assert "values that are not numbers (taken as missing): 1 in size" in result.err
    assert "infinite or too large for float32 (taken as missing): 1 in size" in result.err


def test_rows_may_come_from_stdin(network: Path) -> None:
    expected = run("predict", network, "things.csv").out
    assert run("predict", network, "-", stdin=table().encode()).out == expected
    lines = "".join(json.dumps({"colour": c, "size": s}) + "\n" for s, c, _ in ROWS)
    assert run("predict", network, "-", stdin=lines.encode()).out == expected
    assert run("predict", network, "-").err == "dnncli predict: stdin is empty.\n"


def test_in_a_shell_it_stands_between_others(network: Path, folder: Path) -> None:
    result = shell(
        f"dnncli predict {network} - < things.csv | cut -d, -f1 | sort | uniq -c", cwd=folder
    )
    assert result.code == 0
    assert result.out.split()[-2:] == ["1", "class"] or "class" in result.out
    result = shell(f"dnncli predict {network} things.csv | head -1", cwd=folder)
    assert (result.out, "Traceback" in result.err) == ("class\n", False)
    result = shell(f"dnncli predict {network} things.csv > /dev/full", cwd=folder)
    assert (result.code, result.err) == (
        1,
        "dnncli predict: cannot write the output: no space left on device.\n",
    )
    assert shell(f"dnncli predict {network} - <&-", cwd=folder).code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["things.csv", "--format", "parquet"], 2, "--format parquet: cannot go to a terminal"),
        (["things.csv", "--format", "xml"], 2, "no format is called 'xml'"),
        (["things.csv", "--out", "p.txt"], 2, "its suffix must be one of .csv"),
        (
            ["things.csv", "--out", "things.csv"],
            2,
            "things.csv exists; give --overwrite or another name",
        ),
        (["things.csv", "--out", "no/p.csv"], 1, "there is no folder"),
        (["absent.csv"], 1, "absent.csv: there is no such file"),
        (["tiny.npz"], 1, "tiny.npz is not a table, but the network was trained on one"),
        (["things.csv", "--delimiter", ";;"], 2, "--delimiter"),
        ([], 2, "Missing argument 'FILE'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    network: Path, arguments: list[str], code: int, message: str
) -> None:
    result = run("predict", network, *arguments)
    assert (result.code, result.out) == (code, "")
    assert message in result.err
    assert len(result.err.splitlines()) == 1


def test_nothing_half_written_is_left_where_rows_break_off(network: Path, folder: Path) -> None:
    Path("bad.csv").write_text(table([*ROWS * 100, ("1",)]))
    for name in ("p.csv", "p.parquet"):
        result = run("predict", network, "bad.csv", "--out", name)
        assert result.code == 1
        assert "line 12002: 1 field where 3 are needed" in result.err
    assert not list(folder.glob("*p.*"))


def test_a_file_is_replaced_only_when_asked(network: Path) -> None:
    Path("p.csv").write_text("old")
    assert run("predict", network, "things.csv", "--out", "p.csv").code == 2
    assert Path("p.csv").read_text() == "old"
    assert run("predict", network, "things.csv", "--out", "p.csv", "--overwrite").code == 0
    assert Path("p.csv").read_text().startswith("class\n")


@pytest.fixture(scope="module")
def pixels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pixels")
    options = ("--hidden", "5", "--epochs", "1", "-q")
    assert run("train", "--data", "digits", *options, "--out", folder / "digits.ckpt").code == 0
    return folder / "digits.ckpt"


def test_images_of_npz_and_idx_files_are_predicted_too(pixels: Path) -> None:
    x = np.random.default_rng(0).integers(0, 17, (9, 8, 8)).astype(np.uint8)
    np.savez("x.npz", x=x)
    header = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in x.shape)
    Path("some-images-idx3-ubyte").write_bytes(header + x.tobytes())
    one, other = run("predict", pixels, "x.npz"), run("predict", pixels, "some-images-idx3-ubyte")
    assert one.out == other.out
    assert len(rows(one.out)) == 10


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tiny.npz", "tiny.npz has 3 features, but the network takes 64"),
        ("things.csv", "the network was not trained on a table, whose columns have names"),
        ("-", "the network was not trained on a table"),
        ("absent.npz", "absent.npz: there is no such file"),
        (".", "tiny.npz is not an image"),
    ],
)
def test_what_is_no_image_for_the_network_is_refused(
    pixels: Path, folder: Path, name: str, message: str
) -> None:
    result = run("predict", pixels, name)
    assert (result.code, result.out) == (1, "")
    assert message in result.err


KEPT = [(f"{i:04d}", f" NA, {i}", *row[:2]) for i, row in enumerate(ROWS)]


@pytest.fixture
def named(network: Path) -> Path:
    Path("named.csv").write_text(table(KEPT, ["id", "note", "size", "colour"]))
    return network


def test_kept_columns_stand_before_the_class_as_they_were_written(named: Path) -> None:
    expected = rows(run("predict", named, "things.csv", "--probabilities").out)
    found = rows(run("predict", named, "named.csv", "--probabilities", "--keep", "note,id").out)
    assert found[0] == ["note", "id", *expected[0]]
    for own, row, other in zip(KEPT, found[1:], expected[1:], strict=True):
        assert row == [own[1], own[0], *other]


def test_kept_columns_are_the_same_in_every_format(named: Path) -> None:
    asked = ("predict", named, "named.csv", "--keep", "1,note", "--probabilities")
    head, *expected = rows(run(*asked).out)
    lines = run(*asked, "--format", "jsonl").out.splitlines()
    whole = run(*asked, "--format", "json").json["predictions"]
    assert run(*asked, "--out", "kept.parquet").code == 0
    stored = duckdb.sql("FROM 'kept.parquet'")
    assert stored.columns == head == ["id", "note", "class", "p(high)", "p(lo, w)"]
    for row, line, one, values in zip(expected, lines, whole, stored.fetchall(), strict=True):
        assert json.loads(line) == one
        assert [one["id"], one["note"], one["class"]] == row[:3] == list(values[:3])
        assert list(one["probabilities"].values()) == [float(share) for share in row[3:]]


def test_kept_columns_keep_their_types_and_what_is_missing(named: Path) -> None:
    duckdb.sql(
        "COPY (SELECT i::INTEGER AS id, 0.1::FLOAT AS price, i > 1 AS late, NULL AS nothing,"
        " DATE '2024-02-28' + i::INTEGER AS day, 2.5 AS size, 'red' AS colour, 1e999::DOUBLE AS far"
        " FROM range(4) t(i)) TO 'typed.parquet'"
    )
    asked = ("predict", named, "typed.parquet", "--keep", "id,price,late,nothing,day,far")
    lines = run(*asked, "--format", "jsonl").out.splitlines()
    third = json.loads(lines[2])
    del third["class"]
    expected = {"id": 2, "price": 0.1, "late": True, "nothing": None, "day": "2024-03-01"}
    assert third == expected | {"far": None}
    text = rows(run(*asked).out)[3]
    assert text[:6] == ["2", "0.1", "true", "", "2024-03-01", "inf"]
    assert run(*asked, "--out", "kept.parquet").code == 0
    types = [str(type_) for type_ in duckdb.sql("FROM 'kept.parquet'").types]
    assert types == ["BIGINT", "DOUBLE", "BOOLEAN", "VARCHAR", "VARCHAR", "DOUBLE", "VARCHAR"]


def test_a_kept_column_that_the_output_has_too_gets_another_name(named: Path) -> None:
    head, first, *_ = rows(run("predict", named, "things.csv", "--keep", "class,size").out)
    assert head == ["class_", "size", "class"]
    assert first[:2] == ["lo, w", "0.0"]


def test_every_column_can_be_kept_of_many_rows_from_stdin(named: Path) -> None:
    many = [(i, i % 17 / 4, "red", "x" * (i % 5)) for i in range(10_000)]
    text = table(many, ["id", "size", "colour", "text"])
    found = rows(run("predict", named, "-", "--keep", "*", stdin=text.encode()).out)
    assert [row[:4] for row in found[1:]] == [list(map(str, row)) for row in many]


def test_a_column_to_keep_that_is_not_there_is_named(named: Path) -> None:
    result = run("predict", named, "named.csv", "--keep", "id,note2")
    assert (result.code, result.out) == (2, "")
    assert "--keep note2: no column is called so: did you mean 'note'?" in result.err


def test_only_tables_have_columns_to_keep(pixels: Path) -> None:
    np.savez("x.npz", x=np.zeros((2, 64), np.uint8))
    result = run("predict", pixels, "x.npz", "--keep", "id")
    assert (result.code, result.out) == (2, "")
    assert "--keep id: only tables have columns; x.npz is not one" in result.err


@pytest.fixture(scope="module")
def nameless(trained: Path) -> Path:
    """A network that was trained on a table without a header line."""
    (trained / "nameless.csv").write_text(table(ROWS[1:], ROWS[0]))
    options = ("--no-header", "--hidden", "5", "--epochs", "2", "--batch-size", "16", "-q")
    out = trained / "nameless.ckpt"
    done = run("train", "--data", trained / "nameless.csv", *options, "--out", out)
    assert done.code == 0, done.err
    return out


class TestColumnsWithoutNames:
    def test_a_table_without_names_is_matched_by_its_columns_places(
        self, nameless: Path, trained: Path
    ) -> None:
        full = run("predict", nameless, trained / "nameless.csv")
        Path("new.csv").write_text(table([row[:2] for row in ROWS[1:]], ROWS[0][:2]))
        assert run("predict", nameless, "new.csv").out == full.out
        assert len(rows(full.out)) == 121

    def test_a_line_of_names_is_no_row_unless_the_user_says_so(self, nameless: Path) -> None:
        Path("new.csv").write_text(table())
        refusal = run("predict", nameless, "new.csv")
        assert (refusal.code, refusal.out) == (1, "")
        assert "its first line has words where the network was trained on numbers" in refusal.err
        assert len(rows(run("predict", nameless, "new.csv", "--header").out)) == 121
        assert len(rows(run("predict", nameless, "new.csv", "--no-header").out)) == 122

    def test_columns_in_another_order_are_refused(self, nameless: Path) -> None:
        Path("new.csv").write_text(table([(c, s, k) for s, c, k in ROWS[1:]], ("red", 0.0, "high")))
        refusal = run("predict", nameless, "new.csv")
        assert (refusal.code, refusal.out) == (1, "")
        assert "'column1' has no number, as it had in training" in refusal.err
        assert "column1, column2, column3" in refusal.err

    def test_eval_refuses_them_too(self, nameless: Path) -> None:
        Path("new.csv").write_text(table())
        result = run("eval", nameless, "--data", "new.csv")
        assert result.code == 1
        assert "its first line has words where the network was trained on numbers" in result.err
        named = run("eval", nameless, "--data", "new.csv", "--header", "--format", "json").json
        assert named["splits"]["test"]["examples"] == 120
        Path("new.csv").write_text(table([(c, s, k) for s, c, k in ROWS[1:]], ("red", 0.0, "high")))
        result = run("eval", nameless, "--data", "new.csv")
        assert result.code == 1
        assert "'column1' has no number" in result.err
