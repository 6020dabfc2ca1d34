"""What a comparison trains: lists crossed, names kept as they were typed, wrong ones refused."""

import pytest

from dnncli.errors import SpecError, UnknownNameError
from dnncli.spec.comparison import ComparisonSpec, seeded


def names(grid):
    return [row.name for row in grid.combinations()]


def test_activations_are_crossed_with_initialisers():
    grid = ComparisonSpec(("relu", "elu"), ("he", "xavier"))
    assert names(grid) == ["relu/he", "relu/xavier", "elu/he", "elu/xavier"]
    assert [row.runs[0].network.init for row in grid.combinations()] == [
        "he-normal",
        "xavier-normal",
    ] * 2


def test_auto_is_the_initialiser_of_each_activation():
    rows = ComparisonSpec(("sigmoid", "elu", "selu")).combinations()
    assert [row.init for row in rows] == ["xavier-normal", "he-normal", "lecun-normal"]
    assert [row.name for row in rows] == ["sigmoid", "elu", "selu"]


def test_where_auto_is_an_initialiser_that_is_listed_too_there_is_one_row():
    assert names(ComparisonSpec(("elu", "sigmoid"), ("auto", "he-normal"))) == [
        "elu/he-normal",
        "sigmoid/xavier-normal",
        "sigmoid/he-normal",
    ]


def test_two_names_for_the_same_function_are_two_rows():
    swish, silu = ComparisonSpec(("swish", "silu")).combinations()
    assert (swish.act, silu.act) == ("swish", "silu")
    assert swish.runs == silu.runs


def test_an_activation_may_carry_its_alpha():
    plain, half = ComparisonSpec(("elu", "elu:0.5")).combinations()
    assert (plain.runs[0].network.alpha, half.runs[0].network.alpha) == (1.0, 0.5)
    assert half.name == "elu:0.5"


def test_every_rate_is_a_run():
    (row,) = ComparisonSpec(("elu",), lrs=(0.1, 0.01)).combinations()
    assert [run.schedule.lr for run in row.runs] == [0.1, 0.01]


def test_seeds_count_up_from_the_first():
    run = ComparisonSpec(("elu",), options={"seed": 7}).combinations()[0].runs[0]
    assert [one.seed for one in seeded(run, 3)] == [7, 8, 9]


def test_the_baseline_may_be_spelled_as_the_lists_are():
    assert ComparisonSpec(("Leaky_ReLU", "elu"), baseline="LEAKY-RELU").baseline == "leaky-relu"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"acts": ("relu", "rleu")}, "no activation is called 'rleu': did you mean 'relu'"),
        ({"acts": ("relu", "elu", "ReLU")}, "--acts: relu stands twice"),
        ({"acts": ()}, "--acts: at least one name"),
        ({"acts": ("elu:x",)}, "--acts elu:x: alpha follows the colon and must be a number"),
        ({"acts": ("relu:0.5",)}, "relu has no alpha"),
        ({"inits": ("he", "he")}, "--inits: he stands twice"),
        ({"inits": ("hee",)}, "no initialiser is called 'hee'"),
        ({"lrs": (0.1, 0.1)}, "--lrs 0.1,0.1: a rate stands twice"),
        ({"lrs": (0.1, -1.0)}, "--lr -1.0: must be finite and greater than 0"),
        ({"lrs": (0.1,), "options": {"lr": 0.2}}, "--lr and --lrs exclude each other"),
        ({"seeds": 1}, "--seeds 1: must be at least 2"),
        ({"seeds": 0}, "--seeds 0: must be at least 2"),
        ({"options": {"seed": 2**32 - 2}}, "seeds end at"),
        ({"baseline": "gelu"}, "--baseline gelu: no row is called that. There are relu, elu"),
        ({"baseline": "relu", "inits": ("he", "xavier")}, "There are relu/he, relu/xavier"),
    ],
)
def test_what_makes_no_comparison_is_refused(settings, message):
    with pytest.raises(SpecError) as refused:
        ComparisonSpec(**{"acts": ("relu", "elu"), **settings})
    assert message in str(refused.value)


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(UnknownNameError, match="There are identity, sigmoid"):
        ComparisonSpec(("nothing",))
