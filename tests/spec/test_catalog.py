"""The catalog and the registries hold the same names, and every name a user may type resolves."""

import pytest

from dnncli.errors import SpecError, UnknownNameError
from dnncli.interop import EXPORTERS
from dnncli.nn import activations, initializers, optimizers, schedules
from dnncli.spec import catalog, monitors
from dnncli.spec.exports import EXPORTS
from dnncli.theory import closed_forms

TABLES = {
    "activation": catalog.ACTIVATIONS,
    "initialiser": catalog.INITIALIZERS,
    "optimizer": catalog.OPTIMIZERS,
    "schedule": catalog.SCHEDULES,
    "scaling": catalog.SCALINGS,
    "monitor": monitors.MONITORS,
    "condition": catalog.RULES,
    "format": catalog.FORMATS,
    "data set": catalog.DATASETS,
    "export": EXPORTS,
}
NAMES = [(what, name) for what, table in TABLES.items() for name in catalog.names(table)]


@pytest.mark.parametrize(
    ("table", "registry"),
    [
        (catalog.ACTIVATIONS, activations.ACTIVATIONS),
        (catalog.ACTIVATIONS, closed_forms.CLOSED_FORMS),
        (catalog.INITIALIZERS, initializers.INITIALIZERS | initializers.CRITICAL),
        (catalog.OPTIMIZERS, optimizers.OPTIMIZERS),
        (catalog.SCHEDULES, schedules.SCHEDULES),
        (EXPORTS, EXPORTERS),
    ],
    ids=["activations", "closed forms", "initializers", "optimizers", "schedules", "exports"],
)
def test_a_registry_has_exactly_the_catalogs_names_in_its_order(table, registry):
    assert list(table) == list(registry)


def test_everything_the_chapter_needs_is_there():
    activations = (
        "sigmoid tanh softsign softplus relu leaky-relu prelu elu celu selu gelu swish mish"
    )
    optimizers = "sgd momentum nesterov adagrad rmsprop adam adamw nadam lamb lion"
    assert set(catalog.ACTIVATIONS) >= {*activations.split(), "hard-swish", "identity"}
    assert set(catalog.OPTIMIZERS) >= set(optimizers.split())
    assert set(catalog.SCHEDULES) == {"constant", "exponential", "cosine", "one-cycle"}


@pytest.mark.parametrize(("what", "name"), NAMES)
def test_names_and_aliases_resolve_whatever_their_case_and_dashes(what, name):
    table = TABLES[what]
    entry = catalog.resolve(table, name, what)
    assert table[entry.name] is entry
    assert name == entry.name or name in entry.aliases
    assert catalog.resolve(table, f" {name.upper().replace('-', '_')} ", what) is entry
    assert catalog.resolve(table, name.title().replace("-", ""), what) is entry


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_no_name_stands_for_two_things(table):
    names = catalog.names(table)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_a_summary_fits_a_line(table):
    for entry in table.values():
        assert 0 < len(entry.summary) <= 80
        assert "\n" not in entry.summary


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("he", "he-normal"),
        ("kaiming", "he-normal"),
        ("xavier", "xavier-normal"),
        ("glorot", "xavier-normal"),
        ("lecun", "lecun-normal"),
    ],
)
def test_the_papers_names_stand_for_their_normal_form(alias, name):
    assert catalog.resolve(catalog.INITIALIZERS, alias, "initialiser").name == name


@pytest.mark.parametrize(
    ("table", "typed", "meant"),
    [
        (catalog.ACTIVATIONS, "rleu", "relu"),
        (catalog.ACTIVATIONS, "leakyrellu", "leaky-relu"),
        (catalog.ACTIVATIONS, "sigmod", "sigmoid"),
        (catalog.OPTIMIZERS, "adamm", "adam"),
        (catalog.INITIALIZERS, "xavir", "xavier"),
        (catalog.SCHEDULES, "onecykle", "one-cycle"),
    ],
)
def test_an_unknown_name_suggests_the_nearest_and_lists_all(table, typed, meant):
    with pytest.raises(UnknownNameError) as caught:
        catalog.resolve(table, typed, "thing")
    message = str(caught.value)
    assert f"no thing is called {typed!r}: did you mean {meant!r}?" in message
    assert all(name in message for name in table)
    assert "\n" not in message


def test_a_name_like_nothing_gets_the_list_without_a_guess():
    with pytest.raises(SpecError, match=r"no optimizer is called 'qqq': There are sgd, momentum"):
        catalog.resolve(catalog.OPTIMIZERS, "qqq", "optimizer")


def test_the_default_initialiser_of_every_activation_exists():
    assert {entry.init for entry in catalog.ACTIVATIONS.values()} <= set(catalog.INITIALIZERS)
