"""Effects of levels: the closed forms of one-way random effects, and where they stand."""

import numpy as np
import pytest

from dnncli.data.tables import level_effects
from dnncli.data.tables.encoding import Column, Encoding

RNG = np.random.default_rng(0)


def estimate(index, values, levels, weights=None, *, together=False):
    values = np.asarray(values)
    if values.ndim == 1:
        values = values[:, None].astype(float)
    weights = np.ones(len(index)) if weights is None else np.asarray(weights, float)
    found = level_effects.estimate(np.asarray(index), values, levels, weights, together=together)
    return found[:, 0] if found.shape[1] == 1 else found


def test_of_equally_many_rows_a_level_shrinkage_is_1_less_the_reciprocal_of_f():
    levels, rows = 12, 7
    index = np.repeat(np.arange(levels), rows)
    y = RNG.normal(size=levels)[index] + RNG.normal(size=len(index))
    means = y.reshape(levels, rows).mean(axis=1)
    between = rows * np.square(means - y.mean()).sum() / (levels - 1)
    within = np.square(y - means[index]).sum() / (levels * (rows - 1))
    expected = (1 - within / between) * (means - y.mean())
    order = RNG.permutation(len(index))
    np.testing.assert_allclose(estimate(index[order], y[order], levels), expected, rtol=1e-10)


def test_variances_of_unequal_levels_are_those_of_the_model():
    """Over many draws the effects are the best predictions: of slope 1 on the true ones."""
    sizes = np.arange(1, 21)
    index = np.repeat(np.arange(20), sizes)
    true, found = [], []
    for _ in range(300):
        effects = RNG.normal(0, 2, 20)
        y = 5 + effects[index] + RNG.normal(0, 3, len(index))
        true.append(effects - np.average(effects, weights=sizes))
        found.append(estimate(index, y, 20))
    slope = np.vdot(found, true) / np.vdot(found, found)
    assert slope == pytest.approx(1, abs=0.05)
    # No one factor for all levels comes as near.
    error = np.square(np.subtract(found, true)).mean()
    assert error < 0.8 * 4


def test_rows_without_a_level_do_not_count_and_levels_without_rows_have_no_effect():
    index = np.array([0, 0, 1, 1, -1, 3])
    y = np.array([1.0, 2, 5, 6, 1e6, -1e6])
    found = estimate(index, y, 3)
    np.testing.assert_allclose(found[:2], estimate(index[:4], y[:4], 2))
    assert found[2] == 0


@pytest.mark.parametrize("index", [[0, 1, 2, 3], [0, 0, 0], [-1, -1], []])
def test_levels_that_cannot_be_told_from_chance_have_no_effect(index):
    assert not estimate(np.array(index, int), np.arange(len(index)), 4).any()


def test_a_weight_of_2_counts_as_two_rows():
    index = RNG.integers(0, 6, 40)
    y = RNG.normal(size=40) + index
    weights = RNG.integers(1, 4, 40)
    expected = estimate(np.repeat(index, weights), np.repeat(y, weights), 6)
    np.testing.assert_allclose(estimate(index, y, 6, weights), expected, rtol=1e-10)


def test_effects_on_classes_add_up_to_0_and_of_two_classes_one_says_all():
    index = RNG.integers(0, 9, 200)
    y = (RNG.random(200) * 2 + index / 5).astype(int)
    indicators = y[:, None] == np.arange(4)
    found = estimate(index, indicators, 9, together=True)
    np.testing.assert_allclose(found.sum(axis=1), 0, atol=1e-12)
    assert (abs(found) > 0.01).any()
    two = (y > 1)[:, None] == np.arange(2)
    both = estimate(index, two, 9, together=True)
    np.testing.assert_allclose(both[:, 1], estimate(index, two[:, 1:], 9, together=True))


def test_effects_of_several_numbers_do_not_depend_on_each_other_or_on_units():
    index = RNG.integers(0, 5, 100)
    y = RNG.normal(size=(100, 2)) + index[:, None] * [1, 0.5]
    found = estimate(index, y * [1, 1000], 5)
    np.testing.assert_allclose(found[:, 0], estimate(index, y[:, 0], 5))
    np.testing.assert_allclose(found[:, 1], 1000 * estimate(index, y[:, 1], 5))


def test_widened_features_keep_their_places_and_effects_take_those_of_indices():
    city = Column("city", "text", ("bonn", "rome"), missing=True, by_target=True)
    columns = (Column("n", "number"), city, Column("c", "code", ("1", "2")))
    found = Encoding(columns, "y", ("a", "b", "c"))
    effects = np.array([[0.5, -0.25, -0.25], [1 / 3, 0, -1 / 3]])
    known = level_effects.with_effects(city, ("a", "b", "c"), effects)
    encoding = Encoding((columns[0], known, columns[2]), "y", ("a", "b", "c"))
    #             n   city  missing  c=1 c=2 other
    x = np.array(
        [[7, 0, 0, 1, 0, 0], [8, 1, 0, 0, 1, 0], [9, 2, 0, 0, 0, 1], [1, -1, 1, 1, 0, 0]],
        np.float32,
    )
    wide = level_effects.widened(found, encoding, x)
    level_effects.fill(encoding, wide)
    assert encoding.features[:5] == (
        *("n", "city effect on a", "city effect on b", "city effect on c", "city missing"),
    )
    expected = [
        [7, *effects[0], 0, 1, 0, 0],
        [8, *effects[1], 0, 0, 1, 0],
        [9, 0, 0, 0, 0, 0, 0, 1],
        [1, 0, 0, 0, 1, 1, 0, 0],
    ]
    np.testing.assert_allclose(wide, expected, rtol=1e-6)
    assert encoding.numeric.tolist() == [True] * 4 + [False] * 4
    assert encoding.without_effects == found


@pytest.mark.parametrize(
    "wrong",
    [
        {"effects": ((1.0,),), "outputs": ("y",)},
        {"effects": ((1.0, float("nan")),), "outputs": ("y",)},
        {"effects": ((1.0, 2.0),), "outputs": ()},
        {"effects": ((1.0, 2.0), (1.0, 2.0)), "outputs": ("y", "y")},
        {"by_target": False, "effects": ((1.0, 2.0),), "outputs": ("y",)},
        {"kind": "number"},
    ],
)
def test_impossible_effects_of_a_checkpoint_are_refused(wrong):
    sound = {"kind": "text", "levels": ("a", "b"), "by_target": True}
    with pytest.raises(ValueError, match="effects"):
        Column("c", **{**sound, **wrong})


def test_columns_without_effects_have_the_metadata_they_always_had():
    encoding = Encoding((Column("c", "text", ("a",)),), "y", ("a", "b"))
    assert set(encoding.json()["columns"][0]) == {
        *("name", "kind", "levels", "median", "center", "missing"),
    }
