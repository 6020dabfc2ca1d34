"""Candidates as changed runs, scores in which a divergence is the worst, and paired gains."""

import math

import numpy as np
import pytest
from problems import dataset, record, spec
from scipy import stats

from dnncli.errors import SpecError
from dnncli.experiments import compilation_pool, paired
from dnncli.experiments.paired import Candidate, SeedScore
from dnncli.spec import from_options
from dnncli.training import run as runs
from dnncli.training.history import RunHistory
from dnncli.training.placement import block

DATA = dataset(train=70, validation=40)


@pytest.mark.parametrize(
    ("options", "changes", "expected"),
    [
        ({"act": "elu", "alpha": 0.5}, {"act": "relu"}, {"act": "relu", "alpha": None}),
        ({"act": "elu"}, {"act": "tanh"}, {"init": "xavier-normal"}),
        ({"act": "elu", "init": "normal"}, {"act": "tanh"}, {"init": "normal"}),
        ({"bn": True, "bn_momentum": 0.99}, {"bn": False}, {"bn_momentum": None}),
        (
            {"bn": True, "bn_output": True, "bn_momentum": 0.99},
            {"bn": False},
            {"bn_momentum": 0.99},
        ),
        (
            {"optimizer": "sgd", "lr": 10.0},
            {"optimizer": "adam"},
            {"lr": 0.001, "momentum": None, "weight_decay": 0.0},
        ),
        ({"optimizer": "sgd"}, {"optimizer": "adam", "lr": 0.01}, {"lr": 0.01}),
        ({"optimizer": "momentum", "momentum": 0.5}, {"optimizer": "adam"}, {"momentum": None}),
        (
            {"schedule": "exponential", "decay_rate": 0.5},
            {"schedule": "constant"},
            {"decay_rate": None},
        ),
        ({"warmup": 3.0}, {"schedule": "one-cycle"}, {"warmup": 0.0}),
        ({"warmup": 3.0}, {"epochs": 2}, {"warmup": 2.0}),
        ({"lr": 0.3}, {"lr": None}, {"lr": 0.001}),
        ({"clip_global_norm": 1e-6}, {"clip_global_norm": None}, {"clip_global_norm": None}),
    ],
)
def test_an_option_without_any_use_after_the_change_takes_its_default(options, changes, expected):
    after = paired.changed(from_options(options), changes).options()
    assert {name: after[name] for name in expected} == expected


def test_no_change_makes_the_same_run_and_a_wrong_one_is_refused():
    run = from_options({"act": "tanh", "bn": True, "lr": 0.3})
    assert paired.changed(run, {}) == run
    with pytest.raises(SpecError, match="--dropout"):
        paired.changed(run, {"dropout": 2.0})


def trial(run, seeds=3):
    """A candidate trained to its end."""
    untrained = paired.start(Candidate("", {}), run, seeds, DATA)
    blocks = (block(DATA.train), block(DATA.validation))
    with compilation_pool.compiling([run], seeds, DATA, forward=False) as pool:
        *_, last = paired.advance(untrained, run.schedule.epochs, pool, *blocks)
    return last


@pytest.fixture(scope="module")
def trained():
    return trial(spec(seed=4))


def test_each_seeds_score_is_the_best_epochs_of_the_run_that_train_makes(trained):
    scores = paired.scores(trained)
    for k, score in enumerate(scores[:2]):
        *_, last = runs.run(runs.start(spec(seed=4 + k), DATA), DATA)
        history = last.snapshot.history
        best = history.epochs[history.best_epoch - 1]
        assert score.accuracy == pytest.approx(best.val_accuracy, abs=1e-6)
        assert score.loss == pytest.approx(best.val_loss, rel=1e-3)


def test_scores_may_be_asked_for_as_they_were_after_fewer_epochs(trained):
    first = paired.scores(trained, 1)
    expected = [(run.epochs[0].val_accuracy, run.epochs[0].val_loss) for run in trained.runs]
    assert [tuple(score) for score in first] == expected


def test_training_in_parts_is_training_at_once(trained):
    run = spec(seed=4)
    part = paired.start(Candidate("", {}), run, 3, DATA)
    blocks = (block(DATA.train), block(DATA.validation))
    with compilation_pool.compiling([run], 3, DATA, forward=False) as pool:
        for epochs in (1, 1, 3):
            *_, part = [part, *paired.advance(part, epochs, pool, *blocks)]
            assert part.epochs == epochs
    assert paired.scores(part) == paired.scores(trained)


def test_a_run_that_diverges_is_the_worst_possible_and_not_missing():
    broken = trial(spec(optimizer="sgd", lr=1e6))
    assert paired.scores(broken) == (paired.DIVERGED,) * 3
    assert (broken.diverged, broken.running) == (3, False)
    assert set(paired.verdicts(broken)) == {"diverged"}
    fine = (SeedScore(0.1, 99.0),) * 3
    assert paired.rank(fine) < paired.rank(paired.scores(broken))


def test_a_run_that_diverged_later_had_its_score_before():
    epochs = (record(1), record(2))
    run = RunHistory(spec(), epochs, best_epoch=1, stopped="diverged")
    assert paired.score(run, 2) == SeedScore(0.75, 0.25)
    assert paired.score(run, 3) == paired.DIVERGED


def test_a_gain_is_the_paired_difference_in_float64():
    rng = np.random.default_rng(0)
    ours, theirs = rng.random(5), rng.random(5)
    found = paired.gain(*([SeedScore(x, 1.0) for x in values] for values in (ours, theirs)))
    differences = ours.astype(np.float64) - theirs
    half = stats.t.ppf(0.975, 4) * differences.std(ddof=1) / math.sqrt(5)
    mean = differences.mean()
    assert found[:3] == pytest.approx((mean, mean - half, mean + half), rel=1e-12)
    assert found.p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, rel=1e-9)


def test_candidates_are_ranked_by_accuracy_and_then_by_loss():
    better, equal, worse = SeedScore(0.9, 5.0), SeedScore(0.8, 0.1), SeedScore(0.8, 0.2)
    ranks = [paired.rank([score]) for score in (worse, better, equal)]
    assert sorted(range(3), key=ranks.__getitem__) == [1, 2, 0]
