"""A race of few candidates on small networks: known faults are cured, and the choice is honest."""

import time
from dataclasses import replace
from unittest import mock

import pytest
from problems import dataset, spec

from dnncli.experiments import paired, race
from dnncli.experiments.doctor.choice import TRIAL, Choice, best, choose
from dnncli.experiments.halving import RUNGS, Deadline, Halved
from dnncli.experiments.paired import Candidate
from dnncli.experiments.race import UNTREATED, Advanced, Race
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
    assert choose(outcomes) == Choice(cured, TRIAL)
    assert cured.gain.low > 0
    assert cured.rung == len(RUNGS)
    assert untreated.gain is None
    assert all(isinstance(event, Advanced | Halved) for event in events)
    left = [event.seconds_left for event in events]
    assert left == sorted(left, reverse=True)


def test_without_time_the_first_remedy_alone_is_tried():
    _, outcomes = run({"lr": 0.01}, {"lr": 0.1}, {"lr": 1.0}, budget=0.0)
    assert [outcome.rung for outcome in outcomes] == [1, 1, 0]
    assert outcomes[1].gain is not None
    assert outcomes[2].gain is None
    assert best(outcomes) in outcomes[:2]


def test_what_is_not_compiled_yet_takes_the_longest_wait_and_a_new_one_the_slowest_pace():
    base = spec(hidden=(12,), batch_size=16, epochs=8)
    trials = race.trials(base, DATA, [Candidate("slower", {"lr": 1e-4})], 3, lambda source: DATA)
    contest = Race({one.candidate.name: one for one in trials}, Deadline(600.0, 0.0), 3)
    contest.paces = {UNTREATED.name: 0.5}
    contest.longest_wait = 7.0
    contest.pool = mock.Mock(ready=lambda run: run.schedule.lr == base.schedule.lr)
    assert contest.estimate(UNTREATED.name, 2) == 2 * 0.5
    assert contest.estimate("slower", 2) == 7.0 + 2 * 0.5


def test_the_next_seeds_of_finalists_are_added_and_stay_paired():
    base = spec(hidden=(12,), batch_size=16, epochs=2, optimizer="sgd", lr=0.01)
    asked = [Candidate("faster", {"lr": 0.1}), Candidate("fastest", {"lr": 0.5})]
    trials = race.trials(base, DATA, asked, 2, lambda source: DATA)
    contest = Race(
        {one.candidate.name: one for one in trials}, Deadline(600.0, time.perf_counter()), 2
    )
    names = [UNTREATED.name, "faster"]
    with contest.compiling():
        assert not contest.repeatable(names)  # before they are at their end
        list(contest.run())
        before = contest.outcomes()
        assert contest.repeatable(names)
        events = list(contest.repeat(names))
        assert not replace(contest, deadline=Deadline(0.0, time.perf_counter())).repeatable(names)
    untreated, faster, fastest = contest.outcomes()
    assert {event.name for event in events} == set(names)
    assert [len(one.scores) for one in (untreated, faster, fastest)] == [4, 4, 2]
    assert untreated.scores[:2] == before[0].scores
    assert fastest == before[2]  # its pairs are the seeds that both have
    assert [run.spec.seed for run in faster.trial.runs] == [0, 1, 2, 3]
    # The third seed is the run that a trial of its own makes of it.
    alone = race.trials(replace(base, seed=2), DATA, [], 2, lambda source: DATA)
    again = Race({UNTREATED.name: alone[0]}, Deadline(600.0, time.perf_counter()), 2)
    with again.compiling():
        list(again.run())
    assert again.outcomes()[0].scores == paired.scores(untreated.trial, 1)[2:]
