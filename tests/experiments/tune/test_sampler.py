"""Proposals: new ones only, and nearer to what did well the more is known."""

import math

import numpy as np
import pytest

pytest.importorskip("optuna")

from dnncli.experiments.tune.sampler import Sampler, Told
from dnncli.spec import tuning
from dnncli.spec.tuning import Choice, Range

RATE = {"lr": Range(1e-4, 1.0)}


def score(rate):
    """Best at 0.1."""
    return -abs(math.log10(rate) + 1)


def test_no_point_is_proposed_twice_and_a_small_space_ends():
    space = {"a": Choice((1, 2, 3)), "b": Choice(("x", "y"))}
    sampler = Sampler(space, 4, 0)
    sampler.tell([Told({"a": 1, "b": "x"}, 0.5, 4, True)])
    found = [tuple(point.values()) for _ in range(20) for point in sampler.ask(4)]
    assert len(set(found)) == len(found)
    assert set(found) == {(a, b) for a in (1, 2, 3) for b in "xy"} - {(1, "x")}


@pytest.mark.parametrize("last", [True, False])
def test_proposals_come_nearer_to_what_did_well(last):
    sampler = Sampler(RATE, 8, 1)
    first = [point["lr"] for point in sampler.ask(8)]
    assert all(1e-4 <= rate <= 1 for rate in first)
    for _ in range(5):
        asked = sampler.ask(4)
        sampler.tell([Told(point, score(point["lr"]), 2 + 2 * last, last) for point in asked])
    later = [point["lr"] for point in sampler.ask(8)]
    assert np.median(np.abs(np.log10(later) + 1)) < 0.5 * np.median(np.abs(np.log10(first) + 1))


def test_the_same_seed_and_the_same_news_give_the_same_proposals():
    known = [Told({"lr": rate}, score(rate), 4, True) for rate in (0.001, 0.01, 0.1, 0.5)]
    found = []
    for _ in range(2):
        sampler = Sampler(RATE, 2, 3)
        sampler.tell(known)
        found.append(sampler.ask(5))
    assert found[0] == found[1]


def test_what_is_given_is_not_searched_and_the_rest_becomes_options():
    assert set(tuning.space(())) == set(tuning.SPACE)
    assert "units" not in tuning.space({"depth"})
    assert "layers" not in tuning.space({"hidden"})
    assert "weight_decay" not in tuning.space({"optimizer"})
    assert set(tuning.SPACE) - set(tuning.space({"lr", "alpha"})) == {"lr", "act"}
    point = {"layers": 2, "units": 64, "act": "elu", "lr": 0.01234, "dropout": 0.0}
    assert tuning.changes(point) == {"hidden": (64, 64), "act": "elu", "dropout": 0.0, "lr": 0.012}
    decaying = tuning.changes({"weight_decay": 0.1})
    assert decaying == {"optimizer": "adamw", "weight_decay": 0.1}
    assert tuning.changes({"weight_decay": 0.0}) == {}
    others = [other["lr"] for other in tuning.with_other_rates({"lr": 0.01, "act": "elu"})]
    assert others == [0.0025]  # 0.04 is beyond what is searched
    assert list(tuning.with_other_rates({"act": "elu"})) == []
