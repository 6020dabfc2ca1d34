"""Cases of the demonstration: how they are written, what network they are, what is refused."""

import pytest

from dnncli.errors import SpecError
from dnncli.spec import catalog, vanishing
from dnncli.spec.vanishing import Case


@pytest.mark.parametrize(
    ("text", "case"),
    [
        ("sigmoid:normal", Case("sigmoid", "normal")),
        ("relu:he", Case("relu", "he-normal")),
        ("relu:he+bn", Case("relu", "he-normal", bn=True)),
        ("tanh:xavier+clip", Case("tanh", "xavier-normal", clip=True)),
        ("elu:lecun+clip+bn", Case("elu", "lecun-normal", bn=True, clip=True)),
        (" silu:glorot_uniform ", Case("swish", "xavier-uniform")),
        ("SIGMOID:critical", Case("sigmoid", "critical")),
    ],
)
def test_a_case_is_an_activation_an_initialiser_and_extras_by_any_of_their_names(text, case):
    assert vanishing.parse(text) == case


@pytest.mark.parametrize("act", list(catalog.ACTIVATIONS.values()), ids=lambda act: act.name)
def test_without_an_initialiser_it_takes_the_activations_own(act):
    assert vanishing.parse(act.name) == Case(act.name, act.init)
    assert vanishing.parse(f"{act.name}+bn") == Case(act.name, act.init, bn=True)


def test_a_label_reads_back_as_the_same_case():
    for case in vanishing.parse_all(vanishing.DEFAULT + ",elu:he+bn+clip,tanh+clip"):
        assert vanishing.parse(case.label) == case


def test_the_default_tells_the_chapters_story():
    told = vanishing.parse_all(vanishing.DEFAULT)
    for case in (
        "sigmoid:normal",
        "sigmoid:xavier",
        "relu:normal",
        "elu:he",
        "relu:he+bn",
        "sigmoid:critical",
    ):
        assert vanishing.parse(case) in told


@pytest.mark.parametrize("depth", [1, 2, 7])
def test_a_cases_network_has_so_many_layers_alike(depth):
    spec = vanishing.parse("tanh:he+bn+clip").network(depth, 13)
    assert (spec.hidden, spec.act, spec.init, spec.bn) == ((13,) * depth, "tanh", "he-normal", True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sigmiod:normal", "did you mean 'sigmoid'?"),
        ("sigmoid:xaver", "did you mean 'xavier'?"),
        ("sigmoid:auto:he", "no initialiser is called 'auto:he'"),
        ("relu:he+bm", "--cases relu:he+bm: 'bm' is neither bn nor clip."),
        ("relu:he+", "'' is neither bn nor clip"),
        ("", "no activation is called ''"),
        (":he", "no activation is called ''"),
        ("relu:he,,elu", "no activation is called ''"),
        ("relu:he,elu,silu:he,relu:he", "--cases: relu:he-normal is given twice."),
        ("relu,relu:he-normal", "--cases: relu:he-normal is given twice."),
    ],
)
def test_what_is_no_list_of_cases_is_refused_in_one_line(text, said):
    with pytest.raises(SpecError) as refusal:
        vanishing.parse_all(text)
    assert said in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1
