"""From seeds' results to the table: means, the chosen rates, the baseline, and what differs from it."""

import math

import contests
import numpy as np
import pytest
from contests import rows, trial

from dnncli.experiments import statistics
from dnncli.experiments.comparison import table

RELU = [0.980, 0.985, 0.975, 0.990, 0.982]
ELU = [0.970, 0.972, 0.961, 0.975, 0.973]
TANH = [0.982, 0.984, 0.976, 0.987, 0.985]


def named(found, name):
    return next(row for row in found if row.name == name)


def test_rows_stand_by_falling_mean_test_accuracy():
    found = rows(trial("elu", ELU), trial("relu", RELU), trial("tanh", TANH))
    assert [row.name for row in found] == ["tanh", "relu", "elu"]


def test_a_row_has_every_seeds_value_and_their_interval():
    accuracy = rows(trial("relu", RELU))[0].test_accuracy
    assert accuracy.values == tuple(RELU)
    assert (accuracy.mean, accuracy.low, accuracy.high) == statistics.interval(RELU)


def test_a_seed_that_diverged_is_counted_and_no_part_of_any_mean():
    tests = [*RELU[:2], None, *RELU[3:]]
    row = named(rows(trial("relu", tests), trial("elu", ELU)), "relu")
    left = RELU[:2] + RELU[3:]
    assert (row.seeds, row.diverged) == (5, 1)
    assert row.test_accuracy.mean == pytest.approx(np.mean(left))
    assert row.test_accuracy.values == tuple(tests)
    assert row.best_epoch.values == (3.0, 3.0, None, 3.0, 3.0)
    assert row.verdict == "healthy"
    assert row.verdicts == {"healthy": 4, "diverged": 1}


def test_differences_leave_out_the_pairs_of_seeds_that_diverged():
    tests = [*RELU[:2], None, *RELU[3:]]
    found = rows(trial("relu", tests), trial("elu", ELU), baseline="relu")
    versus = named(found, "elu").versus_baseline
    assert versus.pairs == 4
    assert versus.p is None  # fewer than five pairs
    assert versus.difference == pytest.approx(np.mean(np.delete(ELU, 2) - np.delete(RELU, 2)))


def test_a_row_without_a_seed_left_is_last_and_compared_with_nothing():
    found = rows(trial("selu", [None] * 5), trial("relu", RELU), trial("elu", ELU))
    assert [row.name for row in found] == ["relu", "elu", "selu"]
    selu = found[-1]
    assert selu.test_accuracy.mean is None
    assert selu.versus_baseline is None
    assert selu.verdict == "diverged"
    assert selu.delta_ratio.initial is None


def test_where_everything_diverged_there_is_no_baseline():
    found = rows(trial("selu", [None] * 5), trial("relu", [None] * 5))
    assert table.choose_baseline(found) is None


def test_the_best_rate_is_chosen_on_validation_and_the_test_set_takes_no_part():
    slow = trial("relu", [0.99] * 5, [0.90] * 5, lr=0.001)
    good = trial("relu", [0.95] * 5, [0.96] * 5, lr=0.01)
    row = rows(slow, good)[0]
    assert row.lr == 0.01
    assert [(rate.lr, rate.val_accuracy) for rate in row.rates] == [
        (0.001, 0.90),
        (0.01, pytest.approx(0.96)),
    ]


def test_a_rate_at_which_fewer_seeds_diverge_is_better():
    wild = trial("relu", [0.99] * 4 + [None], lr=0.1)
    tame = trial("relu", [0.90] * 5, lr=0.01)
    assert table.best_rate([wild, tame]) is tame


def test_of_rates_with_equal_accuracy_the_lower_loss_is_better():
    one, two = trial("relu", RELU, val_loss=0.3, lr=0.1), trial("relu", RELU, val_loss=0.2, lr=0.01)
    assert table.best_rate([one, two]) is two


def test_the_baseline_is_the_best_on_validation_not_on_the_test_set():
    found = rows(trial("relu", RELU, [0.95] * 5), trial("elu", ELU, [0.97] * 5))
    assert table.choose_baseline(found) == "elu"
    assert named(found, "elu").versus_baseline is None
    assert named(found, "relu").versus_baseline.difference > 0


def test_all_rows_but_the_baseline_share_holms_correction():
    found = rows(trial("relu", RELU), trial("elu", ELU), trial("tanh", TANH), baseline="relu")
    versus = [row.versus_baseline for row in found if row.versus_baseline]
    assert [v.p_holm for v in versus] == statistics.holm([v.p for v in versus])
    assert (
        named(found, "elu").versus_baseline.p_holm
        < 0.05
        < named(found, "tanh").versus_baseline.p_holm
    )


def test_the_same_function_under_two_names_differs_by_nothing():
    found = rows(trial("swish", RELU), trial("silu", RELU), baseline="swish")
    versus = named(found, "silu").versus_baseline
    assert (versus.difference, versus.low, versus.high, versus.p, versus.p_holm) == (0, 0, 0, 1, 1)


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        ((RELU, ELU), None),
        ((RELU[:4], ELU[:4]), "fewer than 5 seeds too little is known"),
        (([*RELU[:4], None], ELU), "fewer than 5 seeds too little is known"),
        ((RELU, [x + 0.01 for x in RELU]), "or where all differ by the same amount"),
    ],
)
def test_it_is_told_why_p_values_are_missing(tests, words):
    note = table.note(
        rows(*(trial(name, t) for name, t in zip(("relu", "elu"), tests, strict=True)))
    )
    assert (note is None) if words is None else (words in note)


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([1.0, 100.0], 10.0),
        ([1e-30, 1e-10, None], 1e-20),
        ([0.0, 5.0], 0.0),
        ([math.inf, 1.0], math.inf),
        ([math.nan, 4.0, 1.0], 2.0),
        ([None], None),
        ([math.nan], None),
    ],
)
def test_ratios_are_averaged_as_they_multiply(values, mean):
    found = statistics.geometric_mean(values)
    assert found == (mean if mean is None else pytest.approx(mean))


def chosen_tables(choose, tables=300, equal=8, seeds=20):
    """The share of tables of equal activations in which something is called different."""
    rng, alarms = np.random.default_rng(0), 0
    for _ in range(tables):
        skill, test, val = rng.normal(
            size=(3, equal, seeds)
        )  # validation and test share a seed's skill
        test, val = 0.97 + 0.005 * (skill + 1.5 * test), 0.97 + 0.005 * (skill + 1.5 * val)
        best = int(np.argmax((val if choose == "validation" else test).mean(axis=1)))
        ps = [
            statistics.paired(list(test[i]), list(test[best])).p for i in range(equal) if i != best
        ]
        alarms += min(p for p in statistics.holm(ps) if p is not None) < 0.05
    return alarms / tables


def test_choosing_the_baseline_on_validation_keeps_false_alarms_rare_and_on_the_test_set_does_not():
    assert chosen_tables("validation") < 0.09 < chosen_tables("test")


def test_made_up_results_are_records_as_runs_make_them():
    assert contests.record(trial("relu", RELU), trial("elu", ELU)).baseline == "relu"
