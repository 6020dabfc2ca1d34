"""A race of few candidates on small networks: known faults are cured, and the choice is honest."""

import time
from dataclasses import replace

import pytest
from problems import dataset, spec

from dnncli.experiments import race
from dnncli.experiments.halving import RUNGS, Deadline, Halved
from dnncli.experiments.paired import Candidate, SeedScore
from dnncli.experiments.race import Advanced, Outcome, Race
from dnncli.experiments.statistics import Paired
from dnncli.training import compilation_cache

DATA = dataset(train=200, validation=150, test=60)


@pytest.fixture(autouse=True, scope="module")
def compiled_once():
    compilation_cache.enable()


def run(fault, *changes, budget=600.0):
    base = spec(hidden=(12,), batch_size=16, epochs=8, **fault)
    asked = [Candidate(str(one), one) for one in changes]
    trials = race.trials(base, DATA, asked, 3, lambda source: DATA)
    by_name = {trial.candidate.name: trial for trial in trials}
    contest = Race(by_name, Deadline(budget, time.perf_counter()), 3)
    with contest.compiling():
        events = list(contest.run())
    return events, contest.outcomes()


@pytest.mark.parametrize(
    ("fault", "cure"),
    [
        ({"optimizer": "sgd", "lr": 30.0}, {"lr": 0.3}),
        ({"optimizer": "sgd", "lr": 0.3, "clip_global_norm": 1e-6}, {"clip_global_norm": None}),
    ],
)
def test_a_known_fault_is_cured(fault, cure):
    events, outcomes = run(fault, {"lr": 100.0}, cure)
    untreated, _, cured = outcomes
    winner = race.best(outcomes)
    assert winner is cured
    assert winner.gain.low > 0
    assert winner.rung == len(RUNGS)
    assert untreated.gain is None
    assert all(isinstance(event, Advanced | Halved) for event in events)
    left = [event.seconds_left for event in events]
    assert left == sorted(left, reverse=True)


def test_without_time_the_first_remedy_alone_is_tried():
    _, outcomes = run({"lr": 0.01}, {"lr": 0.1}, {"lr": 1.0}, budget=0.0)
    assert [outcome.rung for outcome in outcomes] == [1, 1, 0]
    assert outcomes[1].gain is not None
    assert outcomes[2].gain is None
    assert race.best(outcomes) in outcomes[:2]


def outcome(accuracies, rung=4, **changes):
    """An outcome made up by hand; of the trial only the candidate is looked at."""
    trial = race.trials(spec(), DATA, [], 1, lambda source: DATA)[0]
    named = replace(trial, candidate=Candidate(str(changes), changes))
    gain = Paired(0.1, 0.05, 0.15, None)
    return Outcome(named, rung, tuple(SeedScore(a, 1 - a) for a in accuracies), gain)


def test_of_equals_the_one_with_fewest_changes_is_taken():
    untreated = outcome([0.5, 0.5, 0.5])
    simple = outcome([0.90, 0.92, 0.91], lr=0.1)
    better = outcome([0.905, 0.915, 0.92], lr=0.1, bn=True)
    assert race.best((untreated, better, simple)) is simple
    far = outcome([0.95, 0.97, 0.96], lr=0.1, bn=True)
    assert race.best((untreated, far, simple)) is far


def test_what_did_not_reach_the_last_rung_is_not_chosen():
    early = outcome([0.99, 0.99, 0.99], rung=2, lr=0.1)
    late = outcome([0.8, 0.8, 0.8], lr=0.2)
    assert race.best((outcome([0.1, 0.1, 0.1]), early, late)) is late


def test_where_nothing_is_better_the_run_stays_as_it_is():
    untreated = outcome([0.9, 0.9, 0.9])
    assert race.best((untreated, outcome([0.9, 0.9, 0.9], lr=0.2))) is untreated
