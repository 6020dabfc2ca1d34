"""What is raced: the findings' remedies first, pairs of them, and standbys that fit the run."""

import pytest
from problems import dataset

from dnncli.experiments import race
from dnncli.experiments.doctor.candidates import candidates, remedies
from dnncli.records import Finding, Remedy
from dnncli.spec import from_options

DATA = dataset()


def changes(options, proposed=(), **more):
    return [dict(one.changes) for one in candidates(from_options(options), list(proposed), **more)]


def test_remedies_are_the_first_of_each_finding_and_then_the_others():
    first = Finding("a", None, "", "", Remedy({"lr": 0.1}), (Remedy({"bn": True}),))
    second = Finding("b", None, "", "", Remedy({"act": "elu"}))
    nothing = Finding("c", None, "", "")
    assert remedies([first, nothing, second]) == [{"lr": 0.1}, {"act": "elu"}, {"bn": True}]


def test_what_findings_propose_goes_first_and_is_tried_in_pairs():
    found = changes({}, [{"lr": 0.5}, {"bn": True}])
    assert found[:2] == [{"lr": 0.5}, {"bn": True}]
    assert {"lr": 0.5, "bn": True} in found


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"l2": 1.0}, {"l2": 0.0}),
        ({"clip_global_norm": 1e-6, "optimizer": "sgd"}, {"clip_global_norm": None}),
        ({"max_norm": 0.01}, {"max_norm": None}),
        ({"dropout": 0.95}, {"dropout": 0.0}),
        ({"bn": True, "bn_momentum": 0.9999}, {"bn_momentum": 0.9}),
        ({"bn": True, "batch_size": 1}, {"batch_size": 64}),
        ({"lr": 1e-7}, {"lr": 0.001}),
        ({"lr": 0.3}, {"lr": 0.03}),
        ({"scale": "none"}, {"scale": "auto"}),
        ({"init": "normal"}, {"init": "auto"}),
        ({"act": "sigmoid", "hidden": (9,) * 20}, {"init": "critical"}),
        ({"act": "relu"}, {"act": "elu"}),
        ({"hidden": (2,)}, {"hidden": (100,)}),
        ({"optimizer": "lion", "lr": 0.1}, {"optimizer": "adam"}),
    ],
)
def test_a_standby_undoes_what_was_given(options, expected):
    assert expected in changes(options)


def test_a_run_that_diverges_is_not_raced_with_larger_rates():
    rates = [one["lr"] for one in changes({"lr": 10.0}, diverged=True) if set(one) == {"lr"}]
    assert max(rates) < 10


def test_names_are_flags_and_no_two_are_alike():
    found = candidates(from_options({"act": "relu", "l2": 1.0}), [{"lr": 0.5}])
    names = [one.name for one in found]
    assert names[0] == "--lr 0.5"
    assert len(set(names)) == len(names)


def test_trials_leave_out_what_makes_no_other_run():
    spec = from_options({"hidden": (5,), "act": "softplus", "bn": True})
    asked = [
        race.Candidate("same", {"bn": True}),
        race.Candidate("impossible", {"init": "critical"}),
        race.Candidate("wrong", {"dropout": 3.0}),
        race.Candidate("elu", {"act": "elu"}),
        race.Candidate("elu again", {"act": "elu", "bn": True}),
        race.Candidate("other rows", {"per_class": 2}),
    ]
    fewer = dataset(train=6)
    found = race.trials(spec, DATA, asked, 2, lambda source: fewer)
    assert [trial.candidate.name for trial in found] == ["as it is", "elu"]


def test_a_standby_goes_back_to_the_presets_own_options():
    assert {"schedule": "cosine"} in changes({"preset": "tabular", "schedule": "one-cycle"})
