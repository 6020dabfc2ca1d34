"""Which epoch is the best one, and when a run stops."""

import problems
import pytest

from dnncli.records import EpochRecord
from dnncli.spec import StoppingSpec
from dnncli.training import early_stopping


def history(losses, accuracies=None):
    """Epochs with these validation figures."""
    accuracies = accuracies or [0.5] * len(losses)
    return [
        EpochRecord(i + 1, 0.1, loss, accuracy, 0.01, 0.0, None, ())
        for i, (loss, accuracy) in enumerate(zip(losses, accuracies, strict=True))
    ]


@pytest.mark.parametrize(
    ("losses", "settings", "best"),
    [
        ([3.0, 2.0, 1.0], {}, 3),
        ([3.0, 1.0, 2.0], {}, 2),
        ([1.0, 1.0, 1.0], {}, 1),
        ([1.0, 0.95, 0.85], {"min_delta": 0.1}, 3),
        ([1.0, 0.95, 0.91], {"min_delta": 0.1}, 1),
        ([], {}, 0),
    ],
)
def test_the_best_epoch_is_the_last_that_beat_the_best_before_it(losses, settings, best):
    assert early_stopping.best_epoch(history(losses), StoppingSpec(**settings)) == best


def test_accuracy_may_be_what_counts():
    epochs = history([1.0, 2.0, 3.0], [0.8, 0.9, 0.85])
    assert early_stopping.best_epoch(epochs, StoppingSpec(monitor="val-accuracy")) == 2


def test_a_run_stops_after_its_last_epoch_or_when_patience_is_over():
    run = problems.spec(epochs=20, patience=3)
    assert early_stopping.reason(run, 5, 3) is None
    assert early_stopping.reason(run, 6, 3) == "patience"
    assert early_stopping.reason(run, 20, 20) == "epochs"
    assert early_stopping.reason(problems.spec(epochs=20, patience=None), 19, 1) is None
