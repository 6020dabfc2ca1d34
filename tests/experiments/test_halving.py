"""Successive halving on made-up scores: who is kept, in what order, and what a deadline does."""

import itertools

import pytest

from dnncli.experiments.halving import RUNGS, Deadline, Halved, halving, survivors


class Clock:
    """Seconds that pass only where somebody trains."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Scores:
    """A contest in which each candidate has a score by rung and every rung takes a second."""

    def __init__(self, scores, clock, unready=(), seconds=1.0):
        self.scores, self.clock, self.unready, self.seconds = scores, clock, unready, seconds
        self.trained = []
        self.rung = dict.fromkeys(scores, 0)

    def train(self, name, rung):
        self.clock.now += self.seconds
        self.trained.append((name, rung))
        self.rung[name] = rung
        yield f"{name}:{rung}"

    def ready(self, name):
        return name not in self.unready

    def estimate(self, name, rung):
        return self.seconds

    def rank(self, name):
        values = self.scores[name]
        score = values[self.rung[name] - 1] if isinstance(values, list) else values
        return (-score,)


def run(scores, budget=1000.0, **options):
    clock = Clock()
    contest = Scores(scores, clock, **options)
    events = list(halving(list(scores), contest, Deadline(budget, clock.now, clock)))
    return contest, events, [event for event in events if isinstance(event, Halved)]


@pytest.mark.parametrize("order", list(itertools.permutations([0.9, 0.5, 0.7, 0.1, 0.3]))[::17])
def test_the_best_candidate_reaches_the_last_rung_wherever_it_stands(order):
    scores = {"none": 0.2} | {f"c{i}": score for i, score in enumerate(order)}
    contest, _, halved = run(scores)
    best = f"c{order.index(0.9)}"
    assert contest.rung[best] == len(RUNGS)
    assert [len(event.kept) for event in halved] == [4, 3, 3, 3]  # of 5, 3, 2 and the untreated


def test_the_untreated_one_trains_first_and_to_the_end_however_bad():
    contest, _, halved = run({"none": 0.0, "a": 0.5, "b": 0.4, "c": 0.3, "d": 0.2})
    for rung in range(1, len(RUNGS) + 1):
        assert next(name for name, at in contest.trained if at == rung) == "none"
    assert all("none" in event.kept for event in halved)


def test_a_candidate_that_is_late_but_better_needs_only_to_be_in_the_better_half():
    scores = {"none": 0.1, "late": [0.4, 0.6, 0.9, 0.99], "b": [0.5] * 4, "c": 0.2, "d": 0.1}
    contest, _, _ = run(scores)
    assert contest.rung["late"] == len(RUNGS)


def test_of_equals_the_first_are_kept():
    assert survivors(dict.fromkeys("abcdefg", (0.5,)), ("a",)) == ("a", "b", "c", "d")
    assert survivors({"a": (3.0,), "b": (1.0,), "c": (2.0,)}, ("a",)) == ("a", "b", "c")


def test_what_is_compiled_goes_before_what_is_not():
    contest, _, halved = run({"none": 0, "slow": 3, "a": 1, "b": 2}, unready=("slow",))
    first = [name for name, rung in contest.trained if rung == 1]
    assert first == ["none", "a", "b", "slow"]
    assert halved[0].kept == ("none", "slow", "b")  # but the order of the candidates stays


def test_a_deadline_leaves_out_what_there_is_no_time_for_and_says_so():
    contest, _, halved = run({"none": 0, "a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, budget=5.0)
    assert [name for name, _ in contest.trained] == ["none", "a", "b", "none", "a"]
    assert halved[0].skipped == ("c", "d", "e")
    assert halved[1].skipped == ("b",)
    assert halved[-1].seconds_left == 0


def test_two_candidates_are_tried_though_the_first_took_the_first_rungs_time():
    clock = Clock()
    contest = Scores({"none": 0, "a": 1, "b": 2, "c": 3}, clock)
    began = clock.now
    clock.now += 7  # of 10 seconds, of which the first rung has 6
    list(halving(["none", "a", "b", "c"], contest, Deadline(10.0, began, clock)))
    assert [name for name, _ in contest.trained] == ["none", "a", "b"]


def test_without_any_time_the_untreated_one_and_the_first_remedy_are_still_known():
    contest, _, halved = run({"none": 0, "a": 1, "b": 2}, budget=0.0)
    assert contest.trained == [("none", 1), ("a", 1)]
    assert (halved[0].kept, halved[0].skipped) == (("none", "a"), ("b",))


def test_whoever_iterates_may_stop_at_any_event():
    clock = Clock()
    contest = Scores({"none": 0, "a": 1}, clock)
    events = halving(["none", "a"], contest, Deadline(10.0, clock.now, clock))
    assert next(events) == "none:1"
    events.close()
    assert contest.trained == [("none", 1)]
