"""What a comparison shows: tables that fit, drawn intervals, words that follow from the numbers."""

import csv
import io
from dataclasses import replace

import contests
import pytest
from contests import trial
from rich.console import Console

from dnncli.report import comparison, structured
from dnncli.report import text as words

RELU = [0.980, 0.985, 0.975, 0.990, 0.982]
ELU = [0.970, 0.972, 0.961, 0.975, 0.973]
TANH = [0.982, 0.984, 0.976, 0.987, 0.985]
FIELDS = (
    "act",
    "init",
    "lr",
    "seeds",
    "test_accuracy",
    "val_accuracy",
    "best_epoch",
    "seconds_per_epoch",
    "inference_examples_per_second",
    "delta_ratio",
    "dead_fraction",
    "saturated_fraction",
    "activation_mean",
    "verdict",
    "diverged",
    "versus_baseline",
)
PLAIN = contests.record(trial("relu", RELU), trial("elu", ELU), trial("tanh", TANH))


def shown(record, width=80):
    """The report as a pipe of that width has it."""
    console = Console(file=io.StringIO(), width=width, highlight=False)
    for renderable in comparison.report(record):
        console.print(renderable)
    return console.file.getvalue()


def line(text, name, table=0):
    """The row of that name in one of the tables."""
    return [row for row in text.splitlines() if row.split()[:1] == [name]][table]


def test_everything_fits_a_terminal_of_80_columns():
    names = ("leaky-relu", "hard-swish", "softplus")
    record = contests.record(*(trial(n, t) for n, t in zip(names, (RELU, ELU, TANH), strict=True)))
    text = shown(record)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("leaky-relu ") >= 3
    assert "…" not in text.replace(" … ", "")


def test_rows_stand_by_their_result_with_their_interval_in_numbers_and_drawn():
    text = shown(PLAIN)
    row = line(text, "tanh")
    accuracy = PLAIN.rows[0].test_accuracy
    numbers = [f"{100 * value:.2f}" for value in (accuracy.mean, accuracy.low, accuracy.high)]
    assert [word for word in row.split()[1:5] if word != "…"] == numbers
    assert "─●─" in row
    names = [
        r.split()[0] for r in text.splitlines() if r.split()[:1] in (["relu"], ["elu"], ["tanh"])
    ]
    assert names[:3] == ["tanh", "relu", "elu"]


def test_drawn_intervals_share_a_scale():
    worse = contests.record(trial("relu", RELU), trial("elu", ELU), trial("sigmoid", [0.95] * 5))
    dots = [line(shown(worse), name).index("●") for name in ("relu", "elu", "sigmoid")]
    assert dots[0] > dots[1] > dots[2]


def test_learning_curves_share_their_scales_and_end_where_training_did():
    short = trial("elu", ELU, val_accuracies=(0.5, 0.8))
    long = trial("relu", RELU, val_accuracies=(0.2, 0.5, 0.8, 0.9, 0.95, 0.95))
    text = shown(contests.record(short, long))
    assert line(text, "relu").split()[-1][0] == "▁"
    assert len(line(text, "relu").split()[-1]) == 6
    assert len(line(text, "elu").split()[-1]) == 2


def test_a_difference_has_its_interval_and_both_its_p():
    row = line(shown(PLAIN), "elu", 1)
    versus = next(r for r in PLAIN.rows if r.name == "elu").versus_baseline
    numbers = row.split()
    assert numbers[1] == f"{100 * versus.difference:+.2f}"
    assert numbers[-2:] == [words.p_value(versus.p), words.p_value(versus.p_holm)]


def test_the_closing_sentence_says_what_the_corrected_p_say():
    text = " ".join(shown(PLAIN).split())
    assert "tanh has the best mean test accuracy, 98.28 %." in text
    assert "Worse than tanh (p < 0.05): elu." in text
    assert "Not told from tanh: relu." in text
    assert "scipy.stats.ttest_rel, two-sided, with Holm's correction" in text


def test_few_seeds_have_intervals_no_p_and_a_reason():
    record = contests.record(trial("relu", RELU[:3]), trial("elu", [0.90, 0.906, 0.902]))
    text = " ".join(shown(record).split())
    assert line(shown(record), "elu", 1).split()[-2:] == ["-", "-"]
    assert "no p-values: with fewer than 5 seeds" in text
    assert "ttest_rel" not in text
    assert "Worse than relu (95 % interval without 0): elu." in text


def test_differences_that_happen_to_be_equal_are_no_evidence():
    record = contests.record(trial("relu", RELU[:2]), trial("elu", [x - 0.01 for x in RELU[:2]]))
    assert "Not told from relu: elu." in " ".join(shown(record).split())


def test_a_seed_that_diverged_is_named_and_counted():
    record = contests.record(trial("relu", [*RELU[:3], None, RELU[4]]), trial("elu", ELU))
    text = shown(record)
    assert "relu: seed 3 diverged, left out of its means (4 of 5)" in text
    assert line(text, "relu").endswith("4 of 5 ")
    assert "healthy (4 of 5)" in text


def test_a_row_without_a_seed_left_shows_that_it_has_no_figures():
    text = shown(contests.record(trial("selu", [None] * 5), trial("relu", RELU)))
    assert line(text, "selu").split()[1:3] == ["-", "-"]
    assert "relu has the best mean test accuracy" in text


def test_where_everything_diverged_the_remedy_is_told():
    text = shown(contests.record(trial("selu", [None] * 5), trial("relu", [None] * 5)))
    assert "every seed of every combination diverged: lower --lr" in text


def test_the_rate_it_took_is_told_with_those_it_did_not():
    rates = [trial("relu", [v] * 5, lr=lr) for lr, v in ((0.01, 0.95), (0.1, 0.97), (1.0, 0.90))]
    text = " ".join(shown(contests.record(*rates)).split())
    assert "relu: rate 0.1 is best on validation (0.01 → 95.00, 0.1 → 97.00, 1 → 90.00 %)" in text
    assert "may do better" not in text
    text = " ".join(shown(contests.record(*rates[:2])).split())
    assert "a larger one may do better" in text


def test_nothing_finished_is_told():
    record = contests.record(trial("relu", RELU))
    empty = type(record)(**{**vars(record), "rows": ()})
    assert shown(empty) == "nothing is finished yet.\n"


def test_a_comparison_that_was_stopped_names_no_winner():
    text = shown(replace(contests.record(trial("relu", RELU)), finished=False))
    assert "best mean" not in text
    assert "no conclusion" in text


def test_one_row_has_no_comparison():
    text = shown(contests.record(trial("relu", RELU)))
    assert "paired by seed" not in text
    assert "relu has the best mean test accuracy, 98.24 %." in text


def test_rows_named_by_their_initialiser_do_not_say_it_twice():
    record = contests.record(trial("relu/he", RELU), trial("relu/xavier", ELU))
    assert "initialiser" not in shown(record)
    assert "initialiser" in shown(PLAIN)


def test_csv_has_a_row_a_combination_and_reads_back():
    text = structured.csv_lines(comparison.csv_rows(PLAIN.rows))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["act"] for row in rows] == ["tanh", "relu", "elu"]
    assert float(rows[1]["test_accuracy"]) == PLAIN.rows[1].test_accuracy.mean
    assert rows[0]["difference"] == rows[0]["p_holm"] == ""
    assert float(rows[2]["p_holm"]) == PLAIN.rows[2].versus_baseline.p_holm


def test_json_has_the_fields_of_the_issue():
    document = structured.document("compare-activations", PLAIN)
    assert document["test"] == "scipy.stats.ttest_rel"
    assert document["baseline"] == "tanh"
    row = document["rows"][1]
    for name in FIELDS:
        assert name in row
    assert set(row["test_accuracy"]) == {"mean", "low", "high", "values"}
    assert {"initial", "best", "predicted"} <= set(row["delta_ratio"])
    assert {"difference", "low", "high", "p", "p_holm"} <= set(row["versus_baseline"])
    structured.dumps(document)


def test_a_figure_is_drawn_of_anything_there_may_be(tmp_path):
    pytest.importorskip("matplotlib")
    from dnncli.report.figures import canvas
    from dnncli.report.figures import comparison as comparison_figure

    some = [
        PLAIN,
        contests.record(trial("relu", RELU[:2])),
        contests.record(trial("selu", [None] * 5), trial("relu", RELU)),
        contests.record(trial("selu", [None] * 5)),
        contests.record(trial("relu", RELU, best_delta=(0.0, 1e-40, 0.1))),
    ]
    for number, record in enumerate(some):
        path = tmp_path / f"{number}.svg"
        canvas.save(comparison_figure.figure(record), path, "dnncli compare-activations")
        assert b"dnncli compare-activations" in path.read_bytes()
    axes = comparison_figure.figure(PLAIN).axes
    assert axes[0].get_xlabel() == "correctly classified (%)"
    assert axes[1].get_xlabel() == "epoch"
    assert axes[1].get_ylabel() == "wrong on the validation set (%)"
