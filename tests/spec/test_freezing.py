"""Freezing says which layers are trained in which epoch, at what share of the learning rate."""

from dataclasses import replace

import pytest

from dnncli.errors import SpecError
from dnncli.spec import NetworkSpec, RunSpec, ScheduleSpec, StoppingSpec, freezing, from_options
from dnncli.spec.freezing import FreezingSpec
from dnncli.training import early_stopping

LAYERS = ("hidden1", "hidden2", "hidden3", "output")
GRADUAL = FreezingSpec(("hidden1", "hidden2", "hidden3"), ((3, ("hidden3",)), (5, ("all",))))


def run(freezing, epochs=10):
    return RunSpec(
        network=NetworkSpec(hidden=(3, 3, 3)),
        schedule=ScheduleSpec(epochs=epochs),
        freezing=freezing,
    )


def test_layers_are_unfrozen_at_the_start_of_their_epoch():
    assert [GRADUAL.frozen(epoch) for epoch in (1, 2, 3, 4, 5, 99)] == [
        ("hidden1", "hidden2", "hidden3"),
        ("hidden1", "hidden2", "hidden3"),
        ("hidden1", "hidden2"),
        ("hidden1", "hidden2"),
        (),
        (),
    ]
    assert GRADUAL.last_unfreeze == 5


def test_all_stands_for_what_is_still_frozen():
    assert GRADUAL.unfreeze == ((3, ("hidden3",)), (5, ("hidden1", "hidden2")))


def test_rates_fall_from_the_output_down_and_frozen_layers_have_none():
    spec = FreezingSpec(("hidden1",), lr_decay=0.5)
    assert spec.multipliers(LAYERS, 1) == {
        "hidden1": 0.0,
        "hidden2": 0.25,
        "hidden3": 0.5,
        "output": 1.0,
    }


def test_a_plain_run_has_no_multipliers():
    assert FreezingSpec().multipliers(LAYERS, 1) is None


def test_after_the_last_unfreeze_all_multipliers_are_one():
    assert set(GRADUAL.multipliers(LAYERS, 5).values()) == {1.0}


def test_a_schedule_is_epochs_with_layers():
    assert freezing.parse_schedule("5:hidden4 10:hidden3,hidden2 15:all") == (
        (5, ("hidden4",)),
        (10, ("hidden3", "hidden2")),
        (15, ("all",)),
    )
    assert freezing.parse_schedule("") == ()


@pytest.mark.parametrize(
    "text",
    ["hidden4", "5:", ":hidden4", "x:hidden4", "5;hidden4", "-5:all", "5:,", "9" * 99 + ":all"],
)
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(SpecError, match="--unfreeze"):
        freezing.parse_schedule(text)


@pytest.mark.parametrize(
    ("freeze", "unfreeze", "reason"),
    [
        (("hidden1",), ((3, ("hidden2",)),), "not frozen; frozen then: hidden1"),
        (("hidden1",), ((3, ("hidden9",)),), "that layer is not frozen"),
        ((), ((3, ("hidden1",)),), "no layer is frozen"),
        (("hidden1",), ((3, ("hidden1",)), (5, ("hidden1",))), "no layer is frozen then"),
        (("hidden1",), ((3, ("all",)), (5, ("all",))), "still frozen"),
        (("hidden1",), ((1, ("hidden1",)),), "must be at least 2"),
    ],
)
def test_a_schedule_that_names_no_frozen_layer_is_refused(freeze, unfreeze, reason):
    with pytest.raises(SpecError, match=reason):
        FreezingSpec(freeze, unfreeze)


@pytest.mark.parametrize("decay", [0.0, -1.0, 1.5, float("nan"), float("inf")])
def test_rates_cannot_grow_downwards(decay):
    with pytest.raises(SpecError, match="--lr-decay"):
        FreezingSpec(lr_decay=decay)


def test_a_run_checks_layers_and_epochs():
    with pytest.raises(SpecError, match="later than the run's last, 4"):
        run(GRADUAL, epochs=4)
    with pytest.raises(SpecError, match="no such layer"):
        run(FreezingSpec(("hidden4",)))
    with pytest.raises(SpecError, match="nothing would be left"):
        run(FreezingSpec(LAYERS))


def test_options_give_the_run_again():
    spec = run(FreezingSpec(GRADUAL.freeze, GRADUAL.unfreeze, 0.5))
    assert from_options(spec.options()) == spec


def test_patience_waits_for_the_last_unfreeze():
    patient = StoppingSpec(patience=2)
    gradual = replace(run(GRADUAL), stopping=patient)
    plain = replace(run(FreezingSpec()), stopping=patient)
    assert [early_stopping.reason(gradual, epoch, 1) for epoch in (3, 4, 5, 6)] == [
        None,
        None,
        None,
        "patience",
    ]
    assert [early_stopping.reason(plain, epoch, 1) for epoch in (2, 3)] == [None, "patience"]
