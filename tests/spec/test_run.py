"""A spec is complete and valid once constructed, or the error names the wrong option."""

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from dnncli.errors import SpecError
from dnncli.spec import (
    GROUPS,
    OWN,
    DataSpec,
    NetworkSpec,
    RunSpec,
    ScheduleSpec,
    StoppingSpec,
    UpdateSpec,
    catalog,
    from_options,
)
from dnncli.spec.decision import DecisionSpec
from dnncli.spec.freezing import FreezingSpec

# What None means "off" for, apart from the data: those take what they are given.
UPDATE = {"momentum", "max_norm", "clip_value", "clip_norm", "clip_global_norm"}
MAY_BE_OFF = {"alpha", "bn_momentum", "decay_rate", "decay_steps", "patience"} | UPDATE


def test_every_default_resolves_and_only_what_is_off_stays_none():
    options = RunSpec().options()
    data = {f.name for f in fields(DataSpec)}
    assert {name for name, value in options.items() if value is None} <= MAY_BE_OFF | data
    assert options["init"] == "he-normal"
    assert options["lr"] == 1e-3
    assert options["hidden"] == [300, 100]


def test_options_name_every_field_of_every_group_once():
    names = [f.name for kind in GROUPS.values() for f in fields(kind)]
    assert len(names) == len(set(names))
    run = RunSpec(
        data=DataSpec(memory=2**30),
        network=NetworkSpec(ensemble=2, precision="bfloat16"),
        freezing=FreezingSpec(freeze=("hidden1",)),
        decision=DecisionSpec("auto"),
    )
    assert set(run.options()) == {*names, *OWN} - {"below"}


def test_an_ensemble_is_absent_where_there_is_one_network():
    assert "ensemble" not in RunSpec().options()


def test_the_threshold_is_absent_where_none_was_asked_for():
    assert "threshold" not in RunSpec().options()
    assert RunSpec(decision=DecisionSpec("0.3")).options()["threshold"] == "0.3"


def test_options_of_freezing_are_absent_where_nothing_is_frozen():
    assert not {f.name for f in fields(FreezingSpec)} & set(RunSpec().options())


@pytest.mark.parametrize("name", catalog.names(catalog.ACTIVATIONS))
def test_an_activation_brings_its_initialiser_and_alpha(name):
    entry = catalog.resolve(catalog.ACTIVATIONS, name, "activation")
    spec = NetworkSpec(act=name)
    assert (spec.act, spec.init, spec.alpha) == (entry.name, entry.init, entry.alpha)


def test_the_default_initialisers_are_the_ones_theory_gives():
    inits = {name: NetworkSpec(act=name).init for name in catalog.ACTIVATIONS}
    assert inits["selu"] == inits["identity"] == "lecun-normal"
    assert inits["tanh"] == inits["sigmoid"] == inits["softsign"] == "xavier-normal"
    assert inits["relu"] == inits["leaky-relu"] == inits["elu"] == "he-normal"


@pytest.mark.parametrize("name", catalog.OPTIMIZERS)
def test_an_optimizer_brings_its_rate_momentum_and_decay(name):
    entry = catalog.OPTIMIZERS[name]
    run = RunSpec(update=UpdateSpec(optimizer=name))
    assert run.schedule.lr == entry.lr
    assert (run.update.momentum, run.update.weight_decay) == (entry.momentum, entry.weight_decay)


def test_what_is_given_wins_over_what_would_be_filled_in():
    run = from_options(
        {
            "act": "leaky-relu",
            "alpha": 0.2,
            "init": "he",
            "optimizer": "momentum",
            "momentum": 0.5,
            "lr": 1,
        }
    )
    assert (run.network.alpha, run.network.init) == (0.2, "he-normal")
    assert (run.update.momentum, run.schedule.lr) == (0.5, 1)


def test_batch_norm_brings_its_momentum_only_where_there_is_batch_norm():
    assert NetworkSpec().bn_momentum is None
    assert NetworkSpec(bn=True).bn_momentum == NetworkSpec(bn_output=True).bn_momentum == 0.9
    assert NetworkSpec(bn=True, bn_momentum=0.99).bn_momentum == 0.99


def test_layers_and_their_batch_norm_are_named_from_the_input_up():
    spec = NetworkSpec(hidden=(4, 3), bn=True)
    assert spec.layers() == ("hidden1", "hidden2", "output")
    assert spec.normalised() == (True, True, False)
    assert replace(spec, bn=False, bn_output=True, bn_momentum=None).normalised() == (
        False,
        False,
        True,
    )


RUNS = [
    {},
    {"act": "prelu", "bn": True, "bn_output": True, "hidden": (10,) * 20, "dropout": 0.3},
    {"act": "elu", "alpha": 0.5, "optimizer": "rmsprop", "momentum": 0.9, "weight_decay": 1e-4},
    {"schedule": "exponential", "decay_rate": 0.5, "decay_steps": 100, "warmup": 2, "lr": 0.3},
    {
        "schedule": "one-cycle",
        "patience": None,
        "monitor": "val-accuracy",
        "min_delta": 0.01,
        "seed": 7,
    },
    {
        "l1": 1e-4,
        "l2": 1e-3,
        "max_norm": 3.0,
        "clip_value": 1.0,
        "clip_norm": 2.0,
        "clip_global_norm": 5.0,
    },
    {
        "data": "mnist",
        "validation": 500,
        "test": 0.1,
        "scale": "none",
        "classes": "0-4",
        "per_class": 100,
    },
]


@pytest.mark.parametrize("options", RUNS)
def test_options_describe_the_run_they_came_from(options):
    run = from_options(options)
    assert from_options(run.options()) == run
    assert from_options(run.options()).options() == run.options()


@pytest.mark.parametrize(
    ("alias", "name"), [({"act": "SiLU"}, "swish"), ({"init": "glorot"}, "xavier-normal")]
)
def test_aliases_become_canonical_names(alias, name):
    assert name in from_options(alias).options().values()


def test_a_spec_cannot_be_changed_and_can_be_a_key():
    spec = NetworkSpec()
    with pytest.raises(FrozenInstanceError):
        spec.act = "relu"
    assert hash(spec) == hash(NetworkSpec())


nan = float("nan")
inf = float("inf")
INVALID = [
    ("hidden", ()),
    ("hidden", (300, 0, 100)),
    ("hidden", (-1,)),
    ("alpha", nan),
    ("alpha", -1.0),
    ("alpha", 0.0),
    ("dropout", 1.0),
    ("dropout", -0.1),
    ("dropout", nan),
    ("momentum", 1.0),
    ("momentum", -0.5),
    ("l1", -1.0),
    ("l2", nan),
    ("l2", inf),
    ("weight_decay", -1e-9),
    ("max_norm", 0.0),
    ("max_norm", inf),
    ("clip_value", 0.0),
    ("clip_norm", -1.0),
    ("clip_global_norm", nan),
    ("lr", 0.0),
    ("lr", -1.0),
    ("lr", nan),
    ("lr", inf),
    ("warmup", -1),
    ("warmup", 1000),
    ("warmup", nan),
    ("batch_size", 0),
    ("epochs", 0),
    ("patience", 0),
    ("min_delta", -1.0),
    ("min_delta", nan),
    ("seed", -1),
    ("seed", 2**32),
    ("validation", 0),
    ("validation", -3),
    ("validation", 1.5),
    ("test", 0.0),
    ("test", 1.0),
    ("test", nan),
    ("per_class", 0),
    ("bn_momentum", 1.0),
    ("decay_rate", 0.0),
    ("decay_rate", 1.5),
    ("decay_steps", 0),
]
NEEDS = {
    "bn_momentum": {"bn": True},
    "decay_rate": {"schedule": "exponential"},
    "decay_steps": {"schedule": "exponential"},
    "momentum": {"optimizer": "momentum"},
}


def complaint(options) -> str:
    with pytest.raises(SpecError) as caught:
        from_options(options)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_an_invalid_value_is_one_line_that_names_the_option(name, value):
    message = complaint({name: value} | NEEDS.get(name, {}))
    assert message.startswith("--" + name.replace("_", "-"))
    assert "must be" in message


@pytest.mark.parametrize(
    ("options", "culprit"),
    [
        ({"act": "relu", "alpha": 0.1}, "--alpha 0.1: relu"),
        ({"act": "selu", "alpha": 1.0}, "--alpha 1: selu"),
        ({"optimizer": "adam", "momentum": 0.9}, "--momentum 0.9: adam"),
        ({"optimizer": "sgd", "momentum": 0.9}, "--momentum 0.9: sgd"),
        ({"decay_rate": 0.5}, "--decay-rate"),
        ({"schedule": "cosine", "decay_steps": 10}, "--decay-steps"),
        ({"schedule": "one-cycle", "warmup": 1}, "--warmup"),
        ({"bn_momentum": 0.9}, "--bn-momentum 0.9"),
    ],
)
def test_an_option_that_the_choice_does_not_use_is_an_error(options, culprit):
    assert complaint(options).startswith(culprit)


@pytest.mark.parametrize(
    ("options", "typed", "hint"),
    [
        ({"act": "rleu"}, "rleu", "relu"),
        ({"init": "hee"}, "hee", "he"),
        ({"optimizer": "adma"}, "adma", "adam"),
        ({"schedule": "cosin"}, "cosin", "cosine"),
        ({"monitor": "val-los"}, "val-los", "val-loss"),
        ({"scale": "standart"}, "standart", "standard"),
    ],
)
def test_an_unknown_name_is_one_line_with_the_nearest(options, typed, hint):
    message = complaint(options)
    assert repr(typed) in message
    assert repr(hint) in message


def test_an_unknown_option_is_named():
    assert complaint({"learning_rate": 0.1}) == "no run has the option --learning-rate."


def test_groups_construct_on_their_own():
    for kind in (DataSpec, NetworkSpec, UpdateSpec, ScheduleSpec, StoppingSpec):
        assert kind() == kind()
