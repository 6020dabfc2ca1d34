"""Scores in a table: in per cent or as they are, each with its interval and its baseline."""

import io

from rich.console import Console

from dnncli.records import Metric
from dnncli.report import scores

METRICS = {
    "accuracy": Metric(0.98, 0.95, 0.995, "clopper-pearson", 0.96),
    "balanced_accuracy": Metric(0.7, 0.5, 0.9, "mover-wilson", 0.5),
    "roc_auc": Metric(0.9123, 0.8, 0.97, "newcombe", 0.5),
    "log_loss": Metric(0.25, None, None, None, 0.6931),
    "brier": Metric(None),
}


def lines(headline="accuracy", positive=None, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(scores.table(METRICS, "Test scores", headline, positive))
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_a_row_has_value_interval_and_baseline():
    found = lines()
    assert "accuracy 98.00 % 95.00 to 99.50 % 96.00 %" in found
    assert "ROC AUC (mean over classes) 0.9123 0.8000 to 0.9700 0.5000" in found


def test_what_is_unknown_is_a_dash():
    assert "log loss 0.2500 - 0.6931" in lines()
    assert "Brier score - - -" in lines()


def test_the_headline_comes_first_and_says_why_where_it_is_not_accuracy():
    found = lines(headline="balanced_accuracy", positive="yes")
    assert found[3] == "balanced accuracy 70.00 % 50.00 to 90.00 % 50.00 %"
    assert "ROC AUC (class yes) 0.9123 0.8000 to 0.9700 0.5000" in found
    assert scores.first(METRICS, "balanced_accuracy") == "balanced accuracy 70.00 %"
    (why,) = scores.reason(METRICS, "balanced_accuracy")
    assert "always answering the largest class is right in 96 % of the examples" in why.plain
    assert not list(scores.reason(METRICS, "accuracy"))


def test_long_names_of_classes_leave_the_numbers_whole():
    console = Console(file=io.StringIO(), width=80)
    console.print(scores.table(METRICS, "Test scores", "accuracy", "no-recurrence-events" * 4))
    text = console.file.getvalue()
    assert "0.8000 to 0.9700" in text
    assert max(map(len, text.splitlines())) <= 80
