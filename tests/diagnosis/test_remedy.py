"""Remedies as data: what is printed of a change."""

import pytest

from dnncli.diagnosis import remedy
from dnncli.records import Remedy


@pytest.mark.parametrize(
    ("changes", "typed"),
    [
        ({"init": "critical", "lr": 0.01}, "--init critical --lr 0.01"),
        ({"bn": True}, "--bn"),
        ({"bn": False, "bn_momentum": None, "init": "critical"}, "--no-bn --init critical"),
        ({"hidden": [300, 100]}, "--hidden 300,100"),
        ({"hidden": (64,)}, "--hidden 64"),
        ({"patience": None, "epochs": 80}, "--patience 0 --epochs 80"),
        ({"clip_global_norm": None}, "without --clip-global-norm"),
        ({"act": "elu", "alpha": None}, "--act elu"),
        ({"max_norm": None, "lr": 1e-5}, "--lr 1e-05 without --max-norm"),
        ({"l2": 0.0}, "--l2 0"),
    ],
)
def test_changes_read_as_they_are_typed(changes, typed):
    assert remedy.flags(changes) == typed


def test_a_finding_s_advice_is_printed_from_its_first_remedy():
    first = Remedy({"init": "critical"}, {"delta_ratio": 1.0})
    found = remedy.finding("vanishing", "hidden1", "δ falls", [first, Remedy({"bn": True})])
    assert found.advice == "--init critical: predicted δ ratio 1"
    assert found.remedy is first
    assert found.alternatives == (Remedy({"bn": True}),)


def test_where_no_option_helps_there_is_no_remedy():
    found = remedy.finding("labels", None, "nothing beats the majority", [], "other features")
    assert (found.advice, found.remedy) == ("other features", None)


@pytest.mark.parametrize(
    ("value", "below"), [(0.0372, 0.03), (0.01, 0.01), (9.99, 9.0), (1e-7, 1e-7), (123.0, 100.0)]
)
def test_rounding_down_keeps_one_digit_and_never_exceeds(value, below):
    assert remedy.round_down(value) == pytest.approx(below)
    assert remedy.round_down(value) <= value * (1 + 1e-15)
