"""What the stations that compare activations observe, from comparisons made by hand."""

from dataclasses import replace

import pytest
from scipy import stats

from dnncli.experiments.tour.observing import OBSERVE
from dnncli.records import (
    ComparisonRecord,
    DataRecord,
    DeltaRatio,
    Estimate,
    RowRecord,
    Seconds,
    SeedRecord,
    tour,
)

DATA = DataRecord("digits", 1297, 200, 300, 64, 10, "")


def seed(number, *, stopped="epochs", curve=(0.5,), test=0.9, mean=0.1):
    """One seed's run."""
    return SeedRecord(
        seed=number,
        stopped=stopped,
        best_epoch=1,
        verdict="healthy",
        train_accuracy=None,
        val_accuracy=None,
        test_accuracy=test,
        val_loss=None,
        initial_delta_ratio=None,
        best_delta_ratio=None,
        dead_fraction=None,
        saturated_fraction=None,
        activation_mean=mean,
        train_losses=(),
        val_losses=tuple(curve),
        val_accuracies=tuple(curve),
        initial_delta=(),
        best_delta=(),
    )


def exactly(value):
    return Estimate(value, None, None, (value,))


def row(act, runs, *, train=0.99, test=0.97, seconds=0.01, rate=1000.0, dead=0.0, mean=0.1):
    """One activation's row."""
    return RowRecord(
        act=act,
        init="he-normal",
        lr=0.001,
        seeds=len(runs),
        test_accuracy=exactly(test),
        val_accuracy=exactly(test),
        train_accuracy=exactly(train),
        best_epoch=exactly(1.0),
        seconds_per_epoch=seconds,
        inference_examples_per_second=rate,
        delta_ratio=DeltaRatio(None, None, None, None),
        dead_fraction=dead,
        saturated_fraction=None,
        activation_mean=mean,
        verdict="healthy",
        diverged=0,
        versus_baseline=None,
        name=act,
        verdicts={},
        rates=(),
        runs=tuple(runs),
    )


def comparison(*rows):
    return ComparisonRecord(
        config={"epochs": 40},
        data=DATA,
        rows=tuple(rows),
        baseline=None,
        baseline_chosen=True,
        test="",
        correction="",
        note=None,
        finished=True,
        folder=None,
        seconds=Seconds(0, 0, 0),
    )


def found(name, kind, *rows):
    """The one observation of a kind that a station makes of these rows."""
    (made,) = [made for made in OBSERVE[name]([comparison(*rows)]) if isinstance(made, kind)]
    return made


def with_means(act, *means, dead=0.0):
    runs = [seed(number, mean=mean) for number, mean in enumerate(means)]
    return row(act, runs, mean=sum(means) / len(means), dead=dead)


@pytest.mark.parametrize(("elu", "nearer"), [((-0.1, 0.2), 2), ((-0.7, 0.2), 1), ((-0.7, 0.9), 0)])
def test_a_mean_is_nearer_zero_where_it_is_in_every_seed(elu, nearer):
    others = [with_means(act, 0.0, 0.0) for act in ("leaky-relu", "swish")]
    rows = (with_means("relu", 0.5, 0.6), with_means("elu", *elu), *others)
    told = found("activations", tour.MeanNearerZero, *rows)
    assert (told.nearer, told.seeds, told.shown) == (nearer, 2, nearer == 2)
    assert told.relu == pytest.approx(0.55)


@pytest.mark.parametrize(
    ("dead", "shown"),
    [((0.07, 0, 0, 0), True), ((0, 0, 0, 0), False), ((0.07, 0, 0.01, 0), False)],
)
def test_dead_units_are_relus_alone(dead, shown):
    acts = ("relu", "leaky-relu", "elu", "swish")
    rows = [with_means(act, 0.1, dead=share) for act, share in zip(acts, dead, strict=True)]
    told = found("activations", tour.DeadUnits, *rows)
    assert told.shown == shown
    assert (told.relu, told.leaky_relu, told.elu, told.swish) == dead


@pytest.mark.parametrize(("cost", "shown"), [(1.2, True), (1.02, False), (0.9, False)])
def test_elus_price_is_a_ratio_of_times(cost, shown):
    elu = row("elu", [seed(0)], seconds=0.01 * cost, rate=1000 / cost)
    relu = row("relu", [seed(0)])
    for kind in (tour.SlowerToTrain, tour.SlowerToAnswer):
        told = found("elu", kind, relu, elu)
        assert (told.shown, told.factor) == (shown, pytest.approx(cost))


def test_swish_is_paired_with_each_of_the_others():
    runs = {
        "relu": (0.9, 0.91, 0.92),
        "leaky-relu": (0.95, 0.97, 0.96),
        "elu": (0.95, 0.99, 0.9),
        "swish": (0.95, 0.97, 0.96),
    }
    rows = [row(act, [seed(k, test=x) for k, x in enumerate(own)]) for act, own in runs.items()]
    made = OBSERVE["activations"]([comparison(*rows)])
    told = {one.rival: one for one in made if isinstance(one, tour.SwishAgainst)}
    assert set(told) == {"relu", "leaky-relu", "elu"}
    low, high = stats.t.interval(0.95, 2, 5, stats.sem([5, 6, 4]))
    ahead = told["relu"]
    assert (ahead.shown, ahead.seeds) == (True, 3)
    assert ahead.difference == pytest.approx(5)
    assert (ahead.low, ahead.high) == (pytest.approx(low), pytest.approx(high))
    assert not told["leaky-relu"].shown
    assert not told["elu"].shown


def test_by_the_clock_epochs_count_by_what_they_cost():
    """ELU needs 2 and 3 epochs where ReLU needs 4 and 5, but an epoch takes it longer."""
    elu = ([0.1, 0.9], [0.1, 0.2, 0.9])
    relu = ([0.1, 0.1, 0.1, 0.9], [0.1, 0.1, 0.1, 0.1, 0.9])
    for cost, shown in ((1.0, True), (3.0, False)):
        rows = [curves("elu", *elu), curves("relu", *relu)]
        rows[0] = replace(rows[0], seconds_per_epoch=2.0 * cost)
        told = found("elu", tour.FasterByTheClock, *rows)
        pairs = [2 * (2 * cost - 4), 2 * (3 * cost - 5)]
        assert told.difference == pytest.approx(sum(pairs) / 2)
        assert (told.elu, told.relu) == (pytest.approx(5 * cost), pytest.approx(9))
        assert told.shown == shown
        assert (told.accuracy, told.seeds) == (0.9, 2)


def curves(act, *lists):
    return row(act, [seed(number, curve=curve) for number, curve in enumerate(lists)], seconds=2.0)


FAST = ([0.5, 0.9, 0.95], [0.85, 0.9, 0.9])
SLOW = ([0.1, 0.2, 0.9, 0.91], [0.2, 0.88, 0.89])


def test_epochs_to_the_accuracy_that_every_run_reaches_are_paired():
    told = found("elu", tour.FasterToAccuracy, curves("elu", *FAST), curves("relu", *SLOW))
    # 0.89: in epochs 2 and 2 against 3 and 3, with 2 seconds an epoch
    assert (told.accuracy, told.elu, told.relu, told.difference) == (0.89, 2, 3, -1)
    assert (told.elu_seconds, told.relu_seconds) == (4, 6)
    assert told.shown
    assert not found(
        "elu", tour.FasterToAccuracy, curves("elu", *SLOW), curves("relu", *FAST)
    ).shown


def test_a_difference_that_seeds_do_not_agree_on_is_not_shown():
    scattered = ([0.9], [0.1, 0.2, 0.3, 0.3, 0.95])
    told = found("elu", tour.FasterToAccuracy, curves("elu", *scattered), curves("relu", *SLOW))
    low, high = stats.t.interval(0.95, 1, 0, stats.sem([-2, 2]))  # 1 and 5 against 3 and 3
    assert (told.low, told.high) == (pytest.approx(low), pytest.approx(high))
    assert not told.shown


def compared(relu, sigmoid, stopped="patience", train=0.99):
    """Four activations with these test accuracies by seed."""
    accuracies = {"sigmoid": sigmoid, "tanh": sigmoid, "relu": relu, "elu": relu}
    return [
        row(
            act,
            [seed(k, stopped=stopped, test=value, curve=[0.5] * 7) for k, value in enumerate(own)],
            train=train if act == "elu" else 0.98,
        )
        for act, own in accuracies.items()
    ]


def test_runs_that_lost_patience_are_counted():
    told = found("early-stopping", tour.StoppedEarly, *compared([0.9, 0.9], [0.9, 0.9]))
    assert (told.shown, told.stopped, told.runs, told.longest, told.epochs) == (True, 8, 8, 7, 40)
    rows = compared([0.9, 0.9], [0.9, 0.9], stopped="epochs")
    assert not found("early-stopping", tour.StoppedEarly, *rows).shown


def test_relu_and_sigmoid_are_paired_by_seed():
    told = found(
        "early-stopping", tour.BetterThanSigmoid, *compared([0.95, 0.97, 0.96], [0.9, 0.91, 0.92])
    )
    low, high = stats.t.interval(0.95, 2, 5, stats.sem([5, 6, 4]))
    assert told.difference == pytest.approx(5)
    assert (told.low, told.high) == (pytest.approx(low), pytest.approx(high))
    assert told.shown
    rows = compared([0.9, 0.91, 0.92], [0.95, 0.97, 0.8])
    assert not found("early-stopping", tour.BetterThanSigmoid, *rows).shown


@pytest.mark.parametrize(("train", "act", "shown"), [(0.99, "elu", True), (0.9, "sigmoid", False)])
def test_the_widest_gap_between_training_and_test_is_named(train, act, shown):
    rows = compared([0.9, 0.9], [0.9, 0.9], train=train)
    told = found("early-stopping", tour.TrainAboveTest, *rows)
    assert (told.act, told.shown) == (act, shown)
    assert told.test == 0.97
