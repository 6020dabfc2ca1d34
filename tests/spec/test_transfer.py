"""What is kept, drawn anew, added and frozen, from what was asked for and what the parent is."""

import pytest

from dnncli.errors import SpecError
from dnncli.spec import DataSpec, from_options, transfer
from dnncli.spec.transfer import TransferSpec

PARENT = from_options(
    {
        "hidden": (30, 20, 10),
        "act": "relu",
        "bn": True,
        "optimizer": "momentum",
        "lr": 0.5,
        "batch_size": 7,
        "clip_value": 1.0,
        "epochs": 9,
        "patience": None,
        "classes": "0-4",
        "per_class": 50,
    }
)


def layout(same_classes=False, depth=None, **asked):
    spec = TransferSpec(**asked)
    return transfer.layout(spec, PARENT, PARENT.data, same_classes=same_classes, depth=depth)


def refused(**asked):
    with pytest.raises(SpecError) as caught:
        layout(**asked)
    return str(caught.value)


def test_all_hidden_layers_are_kept_under_a_new_output_layer():
    found = layout()
    assert found.kept == ("hidden1", "hidden2", "hidden3")
    assert found.run.network.hidden == (30, 20, 10)
    assert found.frozen == ()


@pytest.mark.parametrize("keep", ["2", "hidden1,hidden2", "hidden2,hidden1"])
def test_layers_are_kept_by_number_or_name(keep):
    found = layout(keep=keep, add=(20, 5))
    assert found.kept == ("hidden1", "hidden2")
    assert found.run.network.hidden == (30, 20, 20, 5)


def test_auto_keeps_as_many_as_were_chosen():
    assert layout(keep="auto", depth=2).kept == ("hidden1", "hidden2")


def test_activation_and_batch_norm_come_along():
    network = layout(keep="1", add=(4,)).run.network
    assert (network.act, network.bn, network.init) == ("relu", True, PARENT.network.init)
    assert layout(options={"init": "lecun", "dropout": 0.5}).run.network.init == "lecun-normal"


def test_the_output_layer_is_kept_where_nothing_below_it_or_behind_it_changed():
    assert "output" in layout(same_classes=True).kept
    assert "output" not in layout(same_classes=True, head="new").kept
    assert "output" not in layout(same_classes=True, keep="2").kept
    assert "output" not in layout(same_classes=True, add=(10,)).kept
    assert "output" in layout(same_classes=True, head="keep").kept


def test_layers_drawn_anew_are_not_kept():
    found = layout(reinit=("hidden3",))
    assert (found.kept, found.reinitialised) == (("hidden1", "hidden2"), ("hidden3",))
    assert found.run.network.hidden == (30, 20, 10)


@pytest.mark.parametrize(
    ("freeze", "frozen"),
    [
        ("0", ()),
        ("2", ("hidden1", "hidden2")),
        ("hidden2", ("hidden2",)),
        ("hidden2,hidden1", ("hidden1", "hidden2")),
        ("all", ("hidden1", "hidden2", "hidden3")),
    ],
)
def test_kept_layers_are_frozen_by_number_or_name(freeze, frozen):
    assert layout(freeze=freeze).frozen == frozen


def test_all_that_is_frozen_leaves_out_what_is_drawn_anew():
    assert layout(freeze="all", reinit=("hidden2",)).frozen == ("hidden1", "hidden3")


def test_training_is_the_parents_unless_given():
    run = layout(options={"epochs": 30, "seed": 4}).run
    assert (run.update, run.schedule.lr, run.schedule.batch_size) == (PARENT.update, 0.5, 7)
    assert (run.schedule.epochs, run.seed, run.stopping.patience) == (30, 4, None)


def test_another_optimizer_brings_its_own_defaults():
    run = layout(options={"optimizer": "adam"}).run
    assert (run.update.optimizer, run.update.momentum, run.schedule.lr) == ("adam", None, 1e-3)
    assert run.update.clip_value == 1.0


def test_data_come_from_the_parent_unless_others_are_given():
    own = transfer.data_spec(PARENT.data, {}, "unit")
    assert own == PARENT.data
    other = transfer.data_spec(PARENT.data, {"data": "mnist", "per_class": 3}, "unit")
    assert (other.data, other.classes, other.per_class) == ("mnist", None, 3)
    assert transfer.data_spec(PARENT.data, {"classes": "5-9"}, "unit").per_class == 50


def test_scaling_comes_with_the_layers():
    assert transfer.data_spec(DataSpec(), {"scale": "unit"}, "unit").scale == "auto"
    with pytest.raises(
        SpecError, match="--scale standard: the kept layers were trained with --scale unit"
    ):
        transfer.data_spec(DataSpec(), {"scale": "standard"}, "unit")


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"keep": "4"}, "3 hidden layers (hidden1 … hidden3); keep 1 to 3"),
        ({"keep": "0"}, "keep 1 to 3"),
        ({"keep": "-1"}, "no such hidden layer"),
        ({"keep": "hidden9"}, "there are hidden1, hidden2, hidden3"),
        ({"keep": "output"}, "no such hidden layer"),
        ({"keep": "hidden1,hidden3"}, "hidden3 stands on hidden2"),
        ({"keep": "9" * 50}, "keep 1 to 3"),
        ({"keep": "2", "reinit": ("hidden3",)}, "--reinit hidden3: only kept layers"),
        ({"keep": "2", "freeze": "3"}, "--freeze 3: only kept layers can be frozen, and 2 are"),
        ({"keep": "2", "freeze": "hidden3"}, "--freeze hidden3: only kept layers"),
        ({"freeze": "output"}, "--freeze output: only kept layers"),
        ({"freeze": "2", "reinit": ("hidden1",)}, "hidden1 is drawn anew"),
        ({"head": "keep"}, "classes are others"),
        ({"head": "keep", "same_classes": True, "keep": "2"}, "stands on all hidden layers"),
        ({"unfreeze": "5:hidden1"}, "no layer is frozen"),
        ({"freeze": "2", "unfreeze": "5:hidden3"}, "frozen then: hidden1, hidden2"),
        ({"freeze": "2", "unfreeze": "10:all"}, "epoch 10 is later than the run's last, 9"),
        ({"options": {"momentum": 0.5, "optimizer": "adam"}}, "--momentum"),
    ],
    ids=lambda value: (
        " ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else ""
    ),
)
def test_what_cannot_be_is_refused_by_name(asked, reason):
    assert reason in refused(**asked)


@pytest.mark.parametrize(
    "asked",
    [{"add": (0,)}, {"head": "old"}, {"seeds": 0}, {"unfreeze": "x"}, {"lr_decay": 2.0}],
    ids=lambda asked: next(iter(asked)),
)
def test_some_of_it_before_the_parent_is_read(asked):
    with pytest.raises(SpecError, match="--" + next(iter(asked)).replace("_", "-")):
        TransferSpec(**asked)
