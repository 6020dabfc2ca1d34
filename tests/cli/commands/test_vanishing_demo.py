"""`vanishing-demo` from the shell: every format, one plain screen, and one line for a mistake."""

import csv
import io
import json
import re
from functools import cache

import pytest
from shell import recorded, refused, run, strict

from dnncli.records import LAYER_FIELDS
from dnncli.spec import vanishing

QUICK = ["--data", "tiny.npz", "--width", "8", "--depth", "3", "--seeds", "2"]
TWO = [*QUICK, "--cases", "sigmoid:xavier,relu:he+bn"]


def demo(*arguments):
    result = run("vanishing-demo", *arguments)
    assert result.code == 0, result.err
    return result


@cache
def two():
    """Both cases as JSON."""
    return demo(*TWO, "--format", "json").json


class TestJson:
    def test_is_one_object_with_the_common_head_and_what_was_asked(self):
        told = two()
        assert (told["command"], told["schema"]) == ("vanishing-demo", 1)
        assert told["config"] == {
            "cases": ["sigmoid:xavier-normal", "relu:he-normal+bn"],
            "depths": [3],
            "width": 8,
            "seeds": 2,
            "train": 0,
            "data": "tiny.npz",
            "scale": "standard",
        }
        assert told["data"]["features"] == 3
        assert told["moral"]

    def test_has_every_case_with_the_keys_that_were_promised(self):
        told = two()
        assert [case["case"] for case in told["cases"]] == [
            "sigmoid:xavier-normal",
            "relu:he-normal+bn",
        ]
        for case in told["cases"]:
            assert case["depth"] == 3
            assert len(case["predicted_band"]) == 2
            assert {"act", "init", "bn", "delta_ratio", "predicted_delta_ratio", "chi"} <= set(case)
            assert {"depth_scale", "trainable_depth", "verdict", "findings"} <= set(case)
            assert [layer["layer"] for layer in case["layers"]] == [
                "hidden1",
                "hidden2",
                "hidden3",
                "output",
            ]
            for layer in case["layers"]:
                measured = {*LAYER_FIELDS, "dead_fraction", "predicted_delta_rms"}
                assert measured - {"penalty_share"} <= set(layer)  # it has no penalties
                low, high = layer["ranges"]["delta_rms"]
                assert 0 < low <= layer["delta_rms"] <= high
        assert told["cases"][0]["layers"][0]["bound"] > 0
        assert told["cases"][1]["layers"][0]["bound"] is None

    def test_what_left_float32_is_null_and_listed(self):
        told = demo(
            *QUICK[:2],
            "--depth",
            "150",
            "--cases",
            "identity:normal",
            "--seeds",
            "1",
            "--format",
            "json",
        ).json
        (case,) = told["cases"]
        assert case["verdict"] == "exploding"
        assert case["delta_ratio"] is None
        assert "cases[0].delta_ratio" in told["nonfinite"]

    def test_training_says_who_learns(self):
        told = demo(*QUICK, "--cases", "elu:he", "--train", "3", "--format", "json").json
        trained = told["cases"][0]["trained"]
        assert trained["epochs"] == 3
        assert len(trained["val_accuracy_values"]) == 2
        assert trained["val_accuracy"] == pytest.approx(sum(trained["val_accuracy_values"]) / 2)


def test_jsonl_tells_each_case_as_it_is_done_and_the_rest_at_the_end():
    lines = [strict(line) for line in demo(*TWO, "--format", "jsonl").out.splitlines()]
    assert [line["event"] for line in lines] == ["case", "case", "end"]
    assert [line["case"] for line in lines[:2]] == ["sigmoid:xavier-normal", "relu:he-normal+bn"]
    assert "cases" not in lines[2]
    assert lines[2]["moral"]
    whole = two()
    assert [{**case, "event": "case"} for case in whole["cases"]] == lines[:2]


def test_csv_has_a_row_for_every_layer_of_every_case():
    told = demo(*TWO, "--format", "csv", "--json", "cases.json").out
    rows = list(csv.DictReader(io.StringIO(told)))
    assert [(row["case"], row["depth"], row["layer"]) for row in rows] == [
        (case, "3", layer)
        for case in ("sigmoid:xavier-normal", "relu:he-normal+bn")
        for layer in ("hidden1", "hidden2", "hidden3", "output")
    ]
    whole = two()
    assert recorded("cases.json") == whole
    for row, layer in zip(
        rows, [layer for case in whole["cases"] for layer in case["layers"]], strict=True
    ):
        assert float(row["delta_rms"]) == layer["delta_rms"]
        assert float(row["predicted_delta_rms"]) == layer["predicted_delta_rms"]
        assert row["bound"] == ("" if layer["bound"] is None else str(layer["bound"]))


MANY = ",".join(
    f"relu:{init}" for init in ("normal", "xavier", "he", "lecun", "uniform", "orthogonal")
)


class TestTheTable:
    @pytest.mark.parametrize("columns", [60, 80, 120])
    def test_it_fits_the_terminal_with_every_case_and_verdict(self, columns, monkeypatch):
        monkeypatch.setenv("COLUMNS", str(columns))
        text = demo(*QUICK, "--cases", MANY).out
        assert max(map(len, text.splitlines())) <= columns
        verdicts = re.findall(r"^ ?(relu:\S+) .*  (\w+)$", text, re.MULTILINE)
        assert [case for case, _ in verdicts] == MANY.split(",")
        tops = text.count("output  ")
        assert tops == (2 if columns == 60 else 1)  # the map stands in two parts where it must

    def test_one_case_keeps_the_figures_that_say_most(self, monkeypatch):
        monkeypatch.setenv("COLUMNS", "60")
        narrow = demo(*QUICK, "--cases", "sigmoid:xavier").out
        assert max(map(len, narrow.splitlines())) <= 60
        assert re.search(r"layer +δ +theory +bound", narrow)
        monkeypatch.delenv("COLUMNS")
        assert "seeds' range" in demo(*QUICK, "--cases", "sigmoid:xavier").out

    def test_the_legend_explains_what_is_shown_unless_it_is_left_out(self):
        told = demo(*QUICK, "--cases", "sigmoid:xavier", "--train", "1").out
        for word in ("bound: ", "χ: ", "trains to: ", "flat: ", "val. acc.: "):
            assert word in told
        assert "validation examples after 1 epochs" in told
        assert "bound: " not in demo(*TWO).out
        assert "χ: " not in demo(*QUICK, "--cases", "sigmoid:xavier", "--no-legend").out

    def test_the_chapters_story_is_one_plain_screen_of_eighty_columns(self, monkeypatch):
        monkeypatch.setenv("COLUMNS", "80")
        text = demo("--seeds", "1").out
        assert "\x1b" not in text
        assert max(map(len, text.splitlines())) <= 80
        for layer in ("output", *(f"hidden{i}" for i in range(1, 21))):
            assert re.search(rf"^{layer} ", text, re.MULTILINE), layer
        for case in vanishing.parse_all(vanishing.DEFAULT):
            assert case.label.replace("-normal", "") in text
        verdicts = dict(re.findall(r"^ ?(\S+:\S+) .*  (\w+) *$", text, re.MULTILINE))
        assert verdicts["sigmoid:xavier"] == "vanishing"
        assert verdicts["relu:normal"] == "exploding"
        assert (
            verdicts["relu:he"]
            == verdicts["relu:he+bn"]
            == verdicts["sigmoid:critical"]
            == "healthy"
        )
        assert text.splitlines()[-1].strip()  # the moral

    def test_in_a_pipe_nothing_is_cut_or_coloured(self):
        result = demo(*QUICK[:2], "--width", "8", "--depth", "3", "--seeds", "1", "--cases", MANY)
        assert "\x1b" not in result.out
        assert "…" not in result.out
        assert not result.err

    def test_of_one_case_is_its_layers_with_theory_and_bound(self):
        text = demo(*QUICK, "--cases", "sigmoid:xavier").out
        whole = demo(*QUICK, "--cases", "sigmoid:xavier", "--format", "json").json["cases"][0]
        assert "theory" in text
        assert "bound" in text
        for layer in whole["layers"]:
            row = next(line for line in text.splitlines() if line.split()[:1] == [layer["layer"]])
            for name in ("delta_rms", "predicted_delta_rms", "bound"):
                assert f"{layer[name]:.1e}" in row

    def test_of_several_depths_is_a_sweep(self):
        text = demo(
            *QUICK[:4], "--seeds", "1", "--depths", "3,6", "--cases", "sigmoid:xavier,sigmoid:he"
        ).out
        told = {
            line.split()[0]: line
            for line in text.splitlines()
            if "(" in line and ":" in line.split()[0]
        }
        assert set(told) == {"sigmoid:xavier", "sigmoid:he"}
        measured = [float(x) for x in re.findall(r"(-?[\d.]+) \(", told["sigmoid:xavier"])]
        assert len(measured) == 2
        assert measured[0] > measured[1]  # deeper is worse

    def test_of_training_has_a_column_of_accuracies(self):
        text = demo(*QUICK, "--seeds", "1", "--cases", "elu:he,elu:lecun", "--train", "3").out
        assert "accuracy" in text

    def test_names_the_remedy_of_what_is_sick(self):
        text = demo(
            *QUICK[:2],
            "--width",
            "30",
            "--depth",
            "12",
            "--seeds",
            "1",
            "--cases",
            "sigmoid:xavier,sigmoid:he",
        ).out
        assert "--init critical: predicted δ ratio 1 instead of" in " ".join(text.split())


def test_quiet_keeps_the_result():
    assert demo(*TWO, "-q").out == demo(*TWO).out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--cases rleu:he", "no activation is called 'rleu': did you mean 'relu'?"),
        ("--cases relu:hee", "no initialiser is called 'hee'"),
        ("--cases relu:he+bm", "--cases relu:he+bm: 'bm' is neither bn nor clip."),
        ("--cases relu:he,relu:he-normal", "--cases: relu:he-normal is given twice."),
        ("--cases relu:he,,elu", "no activation is called ''"),
        ("--cases softplus:critical", "--init critical: softplus has no critical point"),
        (
            "--cases sigmoid:critical+bn",
            "--init critical: with --bn no weight variance is critical",
        ),
        ("--depth 0", "--depth 0: must be at least 1."),
        ("--depth -3", "--depth -3: must be at least 1."),
        ("--depth x", "'x' is not a valid integer"),
        ("--depths 5,x", "'5,x' is not a list"),
        ("--depths 5,0", "'5,0'"),
        ("--depths 5,5", "--depths: 5 is given twice."),
        ("--depth 5 --depths 5,10", "--depth and --depths exclude each other."),
        ("--width 0", "--width 0: must be at least 1."),
        ("--seeds 0", "--seeds 0: must be at least 1."),
        ("--train -1", "--train -1: must be at least 0."),
        ("--scale big", "no scaling is called 'big'"),
        ("--format xml", "no format is called 'xml'"),
        ("--data digit", "did you mean 'digits'?"),
        ("--lr 1", "No such option"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_two(options, message):
    assert message in refused(2, "vanishing-demo", "--data", "tiny.npz", *options.split())


def test_data_that_are_not_there_are_exit_code_one():
    assert "gone.npz does not exist" in refused(1, "vanishing-demo", "--data", "gone.npz")


def test_help_shows_the_examples_and_defaults():
    text = demo("--help").out
    for said in (
        "--cases sigmoid:xavier",
        vanishing.DEFAULT.replace(",", ", "),
        "[default: 20]",
        "[default: 5]",
    ):
        assert said in " ".join(text.split()) or said in text


def test_json_lines_are_ascii_for_every_locale():
    text = demo(*TWO, "--format", "json").out
    assert text.isascii()
    assert len(text.splitlines()) == 1
    assert json.loads(text)
