"""A preset sets its options and no others, and whatever is given wins over it."""

import pytest

from dnncli.errors import SpecError, UnknownNameError
from dnncli.spec import RunSpec, from_options, presets

TABULAR = presets.PRESETS["tabular"].options
OTHERS = {
    "scale": "unit",
    "lr": 0.25,
    "schedule": "constant",
    "batch_size": 7,
    "epochs": 3,
    "patience": None,
}


def test_without_a_preset_a_run_has_the_defaults():
    assert from_options({}) == from_options({"preset": "plain"}) == RunSpec()


def test_a_preset_changes_its_options_and_no_others():
    plain = RunSpec().options()
    found = from_options({"preset": "tabular"}).options()
    changed = {name: value for name, value in found.items() if value != plain[name]}
    assert changed == {**TABULAR, "preset": "tabular"}


@pytest.mark.parametrize("name", sorted(TABULAR))
def test_an_option_that_is_given_wins_over_the_preset(name):
    run = from_options({"preset": "tabular", name: OTHERS[name]})
    assert run.options() == {
        **from_options({"preset": "tabular"}).options(),
        name: OTHERS[name],
    }
    assert presets.still_set(run.options()) == {
        other: value for other, value in TABULAR.items() if other != name
    }


def test_another_optimizer_keeps_its_own_rate():
    run = from_options({"preset": "tabular", "optimizer": "sgd"})
    assert run.schedule.lr == 0.01
    assert run.schedule.batch_size == TABULAR["batch_size"]


@pytest.mark.parametrize(
    ("asked", "examples", "size"),
    [("auto", 1, 1), ("auto", 147, 37), ("auto", 1024, 256), ("auto", 9999, 256), (64, 50, 50)],
)
def test_an_automatic_batch_has_a_quarter_of_few_examples(asked, examples, size):
    assert from_options({"batch_size": asked}).schedule.batch(examples) == size


@pytest.mark.parametrize("size", [0, -1, "automatic", ""])
def test_a_batch_that_cannot_be_is_refused(size):
    with pytest.raises(SpecError, match="at least 1, or auto"):
        from_options({"batch_size": size})


def test_a_run_comes_back_from_its_options():
    run = from_options({"preset": "Tabular", "lr": 0.25})
    assert run.preset == "tabular"
    assert from_options(run.options()) == run


def test_an_unknown_preset_is_refused_with_those_there_are():
    for make in (from_options, lambda options: RunSpec(**options)):
        with pytest.raises(UnknownNameError, match="plain, tabular") as refused:
            make({"preset": "tabula rasa"})
        assert refused.value.option == "--preset"
