"""Targets that are numbers: standardised and back, told from classes, and split by quantiles."""

import numpy as np
import pytest

from dnncli.data import quantities, splitting
from dnncli.data.source import DataSource, Table


def drawn(rows, targets=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((rows, targets)) * [3.0, 1e-3][:targets] + [1e6, -2.0][:targets]


def test_standardised_values_have_mean_0_and_deviation_1_and_come_back():
    y = drawn(500)
    numbers = quantities.fit(("a", "b"), y)
    z = numbers.standardise(y)
    assert z.dtype == np.float32
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-6)
    assert (np.abs(numbers.restore(z) - y) < [1e-6, 1e-9]).all()
    assert (np.abs(numbers.rounded(z) - y) < [5e-6, 5e-9]).all()


def test_a_constant_is_only_moved():
    numbers = quantities.fit(("a",), np.full((5, 1), 7.0))
    np.testing.assert_array_equal(numbers.standardise(np.array([[7.0], [9.0]])), [[0], [2]])


def test_metrics_are_told_in_the_targets_units_and_of_several_by_name():
    metrics = {name: np.array([0.5, 0.25]) for name in ("mae", "r2", "rmse")}
    numbers = quantities.Quantities(("a", "b"), np.zeros(2), np.array([10.0, 2.0]))
    found = numbers.in_units(metrics)
    assert found == {
        "r2": 0.375,
        "r2_a": 0.5,
        "r2_b": 0.25,
        "rmse_a": 5.0,
        "rmse_b": 0.5,
        "mae_a": 5.0,
        "mae_b": 0.5,
    }
    single = quantities.Quantities(("a",), np.zeros(1), np.array([10.0]))
    assert single.in_units({name: values[:1] for name, values in metrics.items()}) == {
        "r2": 0.5,
        "rmse": 5.0,
        "mae": 5.0,
    }


def counted(values):
    different, counts = np.unique(values, return_counts=True)
    return different.tolist(), counts.tolist()


@pytest.mark.parametrize(
    ("values", "quantity"),
    [
        (np.arange(100) * 0.37, True),
        (np.repeat(np.arange(3, 10), 50), False),  # quality from 3 to 9
        (np.repeat(np.arange(26), 30), False),  # as many classes as letters
        (np.random.default_rng(0).integers(0, 26, 2000), False),
        (np.random.default_rng(0).binomial(20, 0.5, 400), True),  # marks from 0 to 20
        (np.random.default_rng(0).integers(25, 346, 442), True),  # rare whole numbers
        (np.repeat(np.arange(0, 300, 10), 20), True),  # gaps between them
        (np.repeat([0.5, 1.5, 2.5], 40), False),
        (np.arange(12) + 0.5, True),  # nearly every row another one
    ],
)
def test_numbers_are_a_quantity_where_they_are_many_rare_or_uneven(values, quantity):
    assert quantities.is_quantity(*counted(values)) is quantity


def source(y):
    x = np.arange(len(y), dtype=np.float32)[:, None]
    table = Table(x, y)
    held = {"validation": len(y) // 10, "test": len(y) // 5}
    return DataSource("t", "t", table, None, (), None, None, False, held, "f", targets=("a",))


def test_splits_have_the_targets_quantiles_in_proportion_and_every_row_once():
    y = np.random.default_rng(3).exponential(size=(1000, 1))
    parts = splitting.split(source(y), None, None)
    assert [len(part) for part in parts] == [700, 100, 200]
    rows = np.concatenate([part.x[:, 0] for part in parts])
    np.testing.assert_array_equal(np.sort(rows), np.arange(1000))
    edges = np.quantile(y, np.arange(1, 10) / 10)
    for part in parts:
        counts = np.bincount(np.searchsorted(edges, part.y[:, 0], side="right"), minlength=10)
        np.testing.assert_allclose(counts, len(part) / 10, atol=1.01)


def test_strata_depend_on_values_and_not_on_the_order_of_rows():
    y = np.random.default_rng(4).binomial(20, 0.5, (300, 1)).astype(np.float64)
    order = np.random.default_rng(5).permutation(300)
    np.testing.assert_array_equal(quantities.strata(y)[order], quantities.strata(y[order]))
    assert len(np.unique(quantities.strata(y[:7]))) == 1
