"""A run's history after one more epoch: which was the best, and why it stopped."""

from dataclasses import replace

import problems
import pytest

from dnncli.training.history import RunHistory, advance


def record(epoch, loss, accuracy=0.5):
    return replace(problems.record(epoch), val_loss=loss, val_accuracy=accuracy)


def histories(losses, **options):
    """The run after each epoch with these validation losses."""
    history = RunHistory(problems.spec(**{"epochs": 9} | options))
    after = []
    for epoch, loss in enumerate(losses, 1):
        history = advance(history, record(epoch, loss))
        after.append(history)
    return after


def test_a_run_begins_with_no_epoch_and_no_best_one():
    history = RunHistory(problems.spec())
    assert (history.epoch, history.best_epoch, history.stopped) == (0, 0, None)
    assert history.epochs == history.initial == ()


def test_every_epoch_is_kept_in_order():
    *_, last = histories([3.0, 2.0, 1.0])
    assert last.epoch == 3
    assert [one.epoch for one in last.epochs] == [1, 2, 3]
    assert [one.val_loss for one in last.epochs] == [3.0, 2.0, 1.0]


def test_the_best_epoch_is_the_last_that_improved():
    after = histories([3.0, 2.0, 2.5, 1.0, 1.0])
    assert [history.best_epoch for history in after] == [1, 2, 2, 4, 4]
    assert [history.improved for history in after] == [True, True, False, True, False]


def test_an_improvement_below_min_delta_is_not_one():
    after = histories([3.0, 2.95, 2.8], min_delta=0.1)
    assert [history.best_epoch for history in after] == [1, 1, 3]


def test_accuracy_decides_where_it_is_monitored():
    history = RunHistory(problems.spec(epochs=9, monitor="val-accuracy"))
    for epoch, accuracy in enumerate((0.5, 0.9, 0.7), 1):
        history = advance(history, record(epoch, loss=float(epoch), accuracy=accuracy))
    assert history.best_epoch == 2


@pytest.mark.parametrize(
    ("losses", "options", "stopped"),
    [
        ([3.0, 2.0, 1.0], {"epochs": 3}, [None, None, "epochs"]),
        ([1.0, 2.0, 2.0], {"patience": 2}, [None, None, "patience"]),
        ([1.0, 2.0, 0.5], {"patience": 2}, [None, None, None]),
        ([1.0, 2.0, 2.0], {"patience": 2, "epochs": 3}, [None, None, "epochs"]),
    ],
    ids=["its last epoch", "patience", "patience begins anew", "its last epoch comes first"],
)
def test_a_run_stops_at_its_last_epoch_or_when_its_patience_ends(losses, options, stopped):
    assert [history.stopped for history in histories(losses, **options)] == stopped


def test_what_the_run_is_and_its_first_step_stay_as_they_are():
    history = RunHistory(problems.spec(), initial=problems.layers(2))
    after = advance(history, record(1, 1.0))
    assert (after.spec, after.initial) == (history.spec, history.initial)
    assert history.epochs == ()
