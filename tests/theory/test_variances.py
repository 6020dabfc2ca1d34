"""The variances are the papers' formulas; tests of the initialisers sample against them."""

import pytest

from dnncli import theory
from dnncli.errors import UnknownNameError
from dnncli.spec import catalog

FORMULAS = {
    "normal": 1,
    "uniform": 1 / 900,
    "xavier-normal": 1 / 200,
    "xavier-uniform": 1 / 200,
    "he-normal": 1 / 150,
    "he-uniform": 1 / 150,
    "lecun-normal": 1 / 300,
    "lecun-uniform": 1 / 300,
    "orthogonal": 1 / 300,
}


@pytest.mark.parametrize(("init", "expected"), FORMULAS.items())
def test_the_variance_of_a_300_by_100_kernel_is_the_formulas(init, expected):
    assert theory.variance(init, 300, 100) == pytest.approx(expected, rel=1e-15)


def test_every_initialiser_but_the_critical_ones_has_a_variance():
    assert set(theory.VARIANCES) == {
        name for name in catalog.INITIALIZERS if "critical" not in name
    }


def test_an_alias_has_its_own_names_variance_and_an_unknown_name_none():
    assert theory.variance("he", 50, 10) == 2 / 50
    with pytest.raises(UnknownNameError):
        theory.variance("xavir", 50, 10)
