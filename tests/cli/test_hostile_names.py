"""Names that would move a terminal's cursor are shown escaped to people, and kept in JSON and CSV."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from shell import TINY, run

ESCAPE = "\x1b[31mred\x1b]0;title\x07"
BREAK = "two\r\nlines"
BIDI = "\u202egnp.exe\u2066"
HOSTILE = (ESCAPE, BREAK, BIDI)
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")  # but line ends
SIZES = ("--hidden", "4", "--epochs", "1", "--batch-size", "16")


def assert_escaped(text: str) -> None:
    """No control character is left, and names with a line break stand on one line."""
    assert not CONTROLS.search(text), ascii(text)
    assert "lines" not in [line.strip() for line in text.splitlines()]


@pytest.fixture
def table() -> str:
    """A CSV table whose columns and classes have such names."""
    rows = [[i % 7, HOSTILE[i % 3], HOSTILE[i // 2 % 3]] for i in range(150)]
    with open("hostile.csv", "w", newline="") as file:
        csv.writer(file).writerows([["size", BIDI, f"{ESCAPE}{BREAK}"], *rows])
    return "hostile.csv"


def test_data_show_prints_columns_and_classes_escaped(table: str) -> None:
    shown = run("data", "show", table)
    assert shown.code == 0, shown.err
    assert_escaped(shown.out + shown.err)
    assert r"\x1b[31mred" in shown.out
    assert r"two\r\nlines" in shown.out
    assert r"\u202egnp.exe\u2066" in shown.out


def test_json_and_csv_have_the_names_as_they_are(table: str) -> None:
    record = run("data", "show", table, "--format", "json").json
    assert {entry["name"] for entry in record["classes"]} == set(HOSTILE)
    out = run("data", "show", table, "--format", "csv").out
    names = [row[0] for row in csv.reader(io.StringIO(out, newline=""))]
    assert names[1:] == ["size", BIDI, f"{ESCAPE}{BREAK}"]


def test_a_network_of_such_classes_is_shown_escaped_by_every_command(table: str) -> None:
    trained = run("train", "--data", table, *SIZES, "--out", "net.ckpt", "--plot", "net.svg")
    assert trained.code == 0, trained.err
    evaluated = run("eval", "net.ckpt")
    inspected = run("inspect", "net.ckpt")
    predicted = run("predict", "net.ckpt", table)
    reused = run("transfer", "net.ckpt", "--seeds", "1", "--epochs", "1", "--out", "t.ckpt")
    for result in (trained, evaluated, inspected, reused):
        assert result.code == 0, result.err
        assert_escaped(result.out + result.err)
    assert r"two\r\nlines" in evaluated.out
    assert r"two\r\nlines" in inspected.out
    assert r"two\r\nlines" in reused.out
    assert_escaped(predicted.err)
    rows = list(csv.reader(io.StringIO(predicted.out, newline="")))
    assert {name for name, *_ in rows[1:]} <= set(HOSTILE)


def test_notices_and_errors_name_columns_and_files_escaped(table: str) -> None:
    Path("odd.csv").write_text(Path(table).read_text().replace("title", "other"))
    for line in (
        ["train", "--data", table, "--target", ESCAPE],
        ["train", "--data", f"{ESCAPE}.csv"],
        ["train", "--config", f"{BREAK}.toml"],
        ["eval", f"{ESCAPE}{BREAK}.ckpt"],
        ["train", "--data", table, "--where", f'"{ESCAPE}" = 1'],
        ["train", "--data", table, "--classes", BIDI],
        [ESCAPE],
        ["train", ESCAPE],
    ):
        result = run(*line)
        assert result.code in (1, 2)
        assert_escaped(result.err)
        assert len(result.err.splitlines()) == 1


def test_layers_of_another_frameworks_file_are_shown_escaped() -> None:
    rng = np.random.Generator(np.random.Philox(1))
    sizes = {f"{ESCAPE}.0": (4, 3), f"two\rlines{BIDI}.1": (3, 4)}
    tensors = {}
    for name, shape in sizes.items():
        tensors[f"{name}.weight"] = rng.normal(size=shape).astype(np.float32)
        tensors[f"{name}.bias"] = np.zeros(shape[0], np.float32)
    safetensors.numpy.save_file(tensors, "model.safetensors")
    shown = run("inspect", "model.safetensors", "--act", "relu")
    assert shown.code == 0, shown.err
    assert_escaped(shown.out + shown.err)
    assert r"\x1b[31mred" in shown.out
    assert r"two\rlines\u202e" in shown.out
    refused = run("inspect", "model.safetensors", "--act", "prelu")
    assert refused.code == 2
    assert_escaped(refused.err)


def test_a_checkpoint_with_hostile_metadata_is_shown_escaped() -> None:
    assert run("train", *TINY, "--out", "net.ckpt", "-q").code == 0
    from dnncli.storage import checkpoint

    stored = checkpoint.read(Path("net.ckpt"))
    metadata = json.loads(json.dumps(stored.metadata))
    metadata["versions"] = {ESCAPE: BREAK, "jax": BIDI}
    checkpoint.write(Path("bad.ckpt"), replace(stored, metadata=metadata))
    shown = run("inspect", "bad.ckpt")
    assert shown.code == 0, shown.err
    assert_escaped(shown.out + shown.err)
    assert r"\x1b[31mred" in shown.out


def test_pictures_name_classes_and_data_on_one_line_without_controls() -> None:
    pytest.importorskip("matplotlib")
    from dnncli.report.figures import canvas

    with canvas.canvas(3, 2) as figure:
        canvas.title(figure, f"{ESCAPE} {BREAK} {BIDI}")
    assert_escaped(figure.get_suptitle())
    assert all(canvas.literal(name).isprintable() for name in HOSTILE)
