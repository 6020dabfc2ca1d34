"""Norms are right at every scale float32 has, and nothing that is not finite slips past."""

from functools import partial

import hypothesis.extra.numpy as arrays
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnncli.nn import reductions

SHAPES = [(1,), (7,), (1, 1), (3, 5), (785, 3), (1, 900)]
SCALES = [1e-30, 1e-20, 1e-10, 1.0, 1e10, 1e20, 1e30]
BAD = [np.nan, np.inf, -np.inf]

LIMIT = 2.0**100
entries = st.floats(-LIMIT, LIMIT, width=32, allow_subnormal=False)
matrices = arrays.arrays(np.float32, st.sampled_from([(1, 1), (3, 4), (5, 2)]), elements=entries)


frobenius, frobenius_each = (
    jax.jit(reductions.frobenius),
    jax.jit(partial(reductions.each, reductions.frobenius)),
)
finite_each, joint = jax.jit(reductions.finite_each), jax.jit(reductions.joint)


def random(shape, scale=1.0, seed=0):
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def exact(x):
    return np.linalg.norm(np.asarray(x, np.float64))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("scale", SCALES)
def test_a_norm_is_right_where_squares_would_leave_float32(shape, scale):
    x = random(shape, scale)
    assert float(frobenius(x)) == pytest.approx(exact(x), rel=2e-6, abs=0)


def test_the_scales_within_an_array_may_differ_from_column_to_column():
    x = random((50, 6)) * np.float32([1e-30, 1e-10, 1, 0, 1e3, 1e-34])
    for part in (x, x[:, :1], x[:, :2], x[:, [0, 3]], x[:, [5, 3]]):
        assert float(frobenius(part)) == pytest.approx(exact(part), rel=2e-6, abs=0)


@settings(deadline=None, max_examples=60)
@given(matrices)
def test_a_norm_is_right_for_any_finite_matrix(x):
    assert float(frobenius(x)) == pytest.approx(exact(x), rel=2e-6, abs=0)


def test_the_norm_of_nothing_but_zeros_is_zero():
    assert float(reductions.frobenius(jnp.zeros((3, 4)))) == 0
    assert (
        (
            np.asarray(
                reductions.each(reductions.frobenius, [jnp.zeros((3, 4)), jnp.ones((2, 9))])
            )[0]
        )
        == 0
    )


@pytest.mark.parametrize("bad", BAD)
def test_a_norm_of_what_is_not_finite_is_not_finite(bad):
    x = random((4, 3))
    x[2, 1] = bad
    assert not np.isfinite(frobenius(x))
    assert not np.isfinite(reductions.joint([jnp.ones((2, 2)), jnp.asarray(x)]))


@pytest.mark.parametrize("scale", SCALES)
def test_norms_of_many_arrays_are_each_arrays_norm(scale):
    xs = [
        random(shape, scale, seed)
        for seed, shape in enumerate([(3, 5), (4, 2), (3, 5), (9, 9), (1, 12)])
    ]
    many = frobenius_each(xs)
    np.testing.assert_allclose(many, [exact(x) for x in xs], rtol=2e-6)


def test_arrays_of_very_different_sizes_do_not_disturb_each_other():
    xs = [
        random((3, 5), 1e30),
        random((3, 5), 1e-30),
        random((2, 2), 1e-30),
        np.zeros((1, 1), np.float32),
    ]
    np.testing.assert_allclose(frobenius_each(xs), [exact(x) for x in xs], rtol=2e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_the_joint_norm_is_that_of_all_leaves_as_one_vector(scale):
    leaves = [random((3, 5), scale), random((4,), scale, 1), random((6, 2), scale, 2)]
    tree = {"a": leaves[0], "b": (leaves[1], None, leaves[2])}
    whole = np.concatenate([leaf.ravel() for leaf in leaves])
    assert float(joint(tree)) == pytest.approx(exact(whole), rel=2e-6, abs=0)


def test_below_float32s_normal_range_a_norm_falls_to_zero_and_is_never_nan():
    xs = [random((3, 5), scale) for scale in 10.0 ** -np.arange(36, 46)]
    for norm, x in zip(frobenius_each(xs), xs, strict=True):
        assert 0 <= float(norm) <= exact(x) * (1 + 2e-6)


def test_the_largest_magnitude_is_found_in_any_leaf_and_sign():
    tree = [jnp.asarray(random((3, 4))), jnp.asarray([0.5, -77.0]), jnp.zeros((2, 2))]
    assert float(reductions.largest(tree)) == 77


TREE = ({"a": (3, 5), "b": (4,)}, {"a": (3, 5), "b": (2,)}, {"a": (1, 1), "b": (9,)})
PLACES = [(row, name, place) for row in range(3) for name in "ab" for place in (0, -1)]


@pytest.fixture
def rows():
    return [
        {name: random(shape, seed=i) for name, shape in row.items()} for i, row in enumerate(TREE)
    ]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize(("row", "name", "place"), PLACES)
def test_one_bad_number_anywhere_marks_its_row_and_no_other(rows, row, name, place, bad):
    rows[row][name].flat[place] = bad
    assert finite_each(rows).tolist() == [i != row for i in range(3)]


def test_large_tiny_and_no_numbers_at_all_are_finite(rows):
    rows[0]["a"][:] = np.finfo(np.float32).max
    rows[1]["a"][:] = 1e-45
    rows[2]["b"] = None
    assert finite_each(rows).all()
