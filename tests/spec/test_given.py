"""What a person would type to get a run: the fewest options that make it."""

import pytest

from dnncli.errors import SpecError
from dnncli.spec import RunSpec, from_options
from dnncli.spec.given import given_options, options_to_type


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"act": "relu", "optimizer": "sgd", "lr": 10.0},
        {"bn": True, "bn_momentum": 0.9999, "patience": None, "hidden": (5, 6)},
        {"act": "elu", "alpha": 0.5, "init": "critical", "seed": 4},
        {"schedule": "exponential", "decay_rate": 0.1, "clip_norm": 2.0},
    ],
)
def test_the_given_options_are_those_that_make_the_run_and_no_more(options):
    run = from_options(options)
    given = given_options(run)
    assert from_options(given) == run
    for name in given:
        rest = {other: value for other, value in given.items() if other != name}
        try:
            assert from_options(rest) != run
        except SpecError:
            continue
    assert given_options(RunSpec()) == {}


@pytest.mark.parametrize(
    ("options", "typed"),
    [
        ({"data": "t.csv"}, {"data": "t.csv", "preset": "plain"}),
        ({"data": "t.csv", "preset": "tabular"}, {"data": "t.csv", "preset": "tabular"}),
        ({"lr": 0.5}, {"lr": 0.5}),
    ],
)
def test_the_options_to_type_name_the_preset_of_a_table(options, typed):
    assert options_to_type(from_options(options)) == typed
