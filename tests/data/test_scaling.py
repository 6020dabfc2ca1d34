"""Scalings are the ones that their names say, measured on the training examples only."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnncli.data import scaling
from dnncli.data.dataset import Scaling
from dnncli.data.source import DataSource, Table


def fit(
    kind: str,
    x: np.ndarray,
    *,
    peak: float | None = None,
    image_shape: tuple[int, int] | None = None,
) -> Scaling:
    table = Table(x, np.zeros(len(x), np.int32))
    source = DataSource("toy", "toy", table, None, ("a",), image_shape, peak, False, {}, "")
    return scaling.fit(kind, source, x)


X = np.array([[1, -8, 3], [2, 4, 3]], np.float32)


@pytest.mark.parametrize(
    ("peak", "image_shape", "kind"),
    [(16, (8, 8), "unit"), (255, None, "unit"), (None, (1, 3), "unit")],
)
def test_auto_is_unit_for_images_and_pixels(
    peak: float | None, image_shape: tuple[int, int] | None, kind: str
) -> None:
    assert fit("auto", X, peak=peak, image_shape=image_shape).kind == kind


def test_auto_is_standard_for_everything_else() -> None:
    assert fit("auto", X).kind == "standard"


def test_none_leaves_features_as_they_are() -> None:
    found = fit("none", X, peak=255)
    assert found.kind == "none"
    np.testing.assert_array_equal(found.apply(X), X, strict=True)


def test_unit_divides_by_the_largest_pixel_value_or_else_by_the_largest_magnitude() -> None:
    assert fit("unit", X, peak=16).scale.tolist() == [16, 16, 16]
    assert fit("unit", X).scale.tolist() == [8, 8, 8]
    assert fit("unit", -X).scale.tolist() == [8, 8, 8]
    assert fit("unit", 0 * X).scale.tolist() == [1, 1, 1]
    assert not fit("unit", X).offset.any()


@given(
    st.integers(0, 2**32),
    st.sampled_from([0.0, 1.0, 1e4, -3e6]),
    st.sampled_from([1e-3, 1.0, 1e20]),
)
def test_standard_gives_each_feature_the_mean_and_deviation_of_exact_arithmetic(
    seed: int, centre: float, spread: float
) -> None:
    x = (centre + spread * np.random.default_rng(seed).normal(size=(50, 1))).astype(np.float32)
    values = x[:, 0].tolist()
    mean = math.fsum(values) / 50
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / 50)
    found = fit("standard", x)
    assert math.isclose(found.offset[0], mean, rel_tol=1e-6, abs_tol=1e-9 * deviation)
    assert math.isclose(found.scale[0], deviation or 1, rel_tol=1e-6)


def test_standard_adds_up_blocks_as_it_does_the_whole() -> None:
    x = np.random.default_rng(0).integers(0, 256, (2 * scaling.BLOCK + 1, 3)).astype(np.uint8)
    found = fit("standard", x)
    np.testing.assert_allclose(found.scale, x.std(axis=0, dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(found.offset, x.mean(axis=0, dtype=np.float64), rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3e8, 1e-40])
def test_a_constant_feature_becomes_0(value: float) -> None:
    x = np.full((1001, 1), value, np.float32)
    found = fit("standard", x)
    assert found.scale.tolist() == [1]
    assert not found.apply(x).any()


def robust(x: np.ndarray) -> np.ndarray:
    """The robust scaling of a column of numbers, in float64, from its definition."""
    lower, median, upper = np.percentile(x, [25, 50, 75])
    spread = upper - lower or (x.max() - x.min()) / 2 or 1.0
    z = (x - median) / spread
    return z / np.sqrt(1 + (z / 3) ** 2)


@given(
    st.integers(0, 2**32),
    st.sampled_from([0.0, 1.0, -300.0]),
    st.sampled_from([1e-3, 1.0, 1e15]),
)
def test_robust_is_the_formula_in_exact_arithmetic(seed: int, centre: float, spread: float) -> None:
    x = spread * (centre + np.random.default_rng(seed).standard_cauchy((51, 2)))
    x[:, 1] = np.where(np.arange(51) < 45, x[0, 1], x[:, 1])  # both quartiles are one value
    x = x.astype(np.float32)
    expected = np.stack([robust(column.astype(np.float64)) for column in x.T], axis=1)
    np.testing.assert_allclose(fit("robust", x).apply(x), expected, rtol=1e-4, atol=1e-4)


def test_robust_keeps_the_farthest_values_within_its_limit() -> None:
    x = np.array([[0], [1], [2], [3], [1e38]], np.float32)
    found = fit("robust", x).apply(np.array([[3e38], [-3e38]], np.float32))
    np.testing.assert_allclose(found, [[3], [-3]])


def test_robust_makes_a_constant_feature_0() -> None:
    x = np.full((7, 1), 0.1, np.float32)
    assert not fit("robust", x).apply(x).any()


def test_robust_takes_quartiles_of_a_large_set_from_rows_spread_over_all_of_it() -> None:
    x = np.arange(5 * scaling.ROWS, dtype=np.float32)[:, None]
    found = fit("robust", x)
    np.testing.assert_allclose(found.offset, [len(x) / 2], rtol=1e-3)
    np.testing.assert_allclose(found.scale, [len(x) / 2], rtol=1e-3)


def pieces(x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """A column between each pair of edges as -1/2 to 1/2, in float64, by interpolation."""
    ends = itertools.pairwise(edges)
    return np.stack([np.interp(x, [low, high], [-0.5, 0.5]) for low, high in ends], axis=1)


def test_piecewise_interpolates_between_quantiles_of_the_training_examples() -> None:
    rng = np.random.default_rng(0)
    x = np.stack([rng.standard_cauchy(4000), rng.integers(3, 6, 4000)], axis=1).astype(np.float32)
    found = fit("piecewise", x)
    many = np.quantile(x[:, 0], np.linspace(0, 1, scaling.PIECES + 1), method="inverted_cdf")
    few = np.array([3, 4, 5])  # every value of a column that has few
    asked = np.concatenate([x[:50], [[-1e30, -9], [1e30, 9], [many[7], 4]]]).astype(np.float32)
    expected = np.concatenate([pieces(asked[:, 0], many), pieces(asked[:, 1], few)], axis=1)
    np.testing.assert_allclose(found.apply(asked), expected, atol=1e-5)
    assert found.taken == 2
    assert found.made_of.tolist() == [0] * scaling.PIECES + [1] * 2


def test_piecewise_has_fewer_pieces_where_there_are_few_examples() -> None:
    x = np.arange(10 * scaling.PER_PIECE, dtype=np.float32)[:, None]
    assert fit("piecewise", x).apply(x).shape[1] == 10
    assert fit("piecewise", x[:5]).apply(x).shape[1] == scaling.FEWEST
    wide = np.repeat(x, 300, axis=1)
    assert fit("piecewise", wide).apply(wide).shape[1] == 300 * (scaling.WIDEST // 300)


def test_tabular_is_piecewise_where_there_are_many_examples_of_few_numbers() -> None:
    many = np.random.default_rng(0).standard_normal((scaling.ENOUGH, 2)).astype(np.float32)
    assert fit("tabular", many).kind == "piecewise"
    assert fit("tabular", many[1:]).kind == "robust"
    assert fit("tabular", np.repeat(many, scaling.FEATURES, axis=1)).kind == "robust"
    assert fit("tabular", many, image_shape=(1, 2)).kind == "robust"


def test_pieces_together_order_examples_as_their_feature_does() -> None:
    x = np.random.default_rng(0).standard_normal((300, 3)).astype(np.float32)
    found = fit("piecewise", x)
    whole = found.whole(found.apply(x))
    np.testing.assert_array_equal(whole.argsort(axis=0), x.argsort(axis=0))
    assert whole.min() == -0.5
    assert whole.max() == 0.5


def test_piecewise_makes_a_constant_feature_0_and_stays_finite_over_all_of_float32() -> None:
    most = np.finfo(np.float32).max
    found = fit("piecewise", np.array([[7, -most], [7, 0], [7, most]], np.float32))
    with np.errstate(over="ignore"):
        z = found.apply(np.array([[7, most], [8, -most], [0, 0]], np.float32))
    np.testing.assert_allclose(z[:, 0], 0, atol=1e-30)
    np.testing.assert_allclose(found.whole(z)[:, 1], [0.5, -0.5, 0])
