"""Folds: every example is tested once, in the classes' proportions, whatever the rows' order."""

from pathlib import Path

import numpy as np
import pytest

from dnncli.data.folds import folds
from dnncli.errors import SpecError
from dnncli.spec import DataSpec


@pytest.fixture
def table(tmp_path: Path) -> str:
    """103 rows of three classes; the first feature tells them apart."""
    rows = [f"{i},{i % 7},{'aab'[i % 3] if i % 10 else 'c'}" for i in range(103)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["row,other,kind", *rows]) + "\n")
    return str(path)


def rows(split) -> list[float]:
    """The rows' own numbers, from unscaled features."""
    return split.x[:, 0].tolist()


def test_every_example_is_tested_once_and_never_where_it_trains(table: str) -> None:
    found = folds(DataSpec(data=table, scale="none", drop=None, types="row=number"), 4)
    tested = []
    for dataset in found.datasets():
        train, validation, test = map(rows, (dataset.train, dataset.validation, dataset.test))
        assert len({*train, *validation, *test}) == len(train) + len(validation) + len(test) == 103
        assert len(validation) == 10
        tested += test
    assert len(found) == 4
    assert len(set(tested)) == len(tested) == 103


def test_folds_are_of_equal_sizes_and_hold_the_classes_in_proportion(table: str) -> None:
    counts = []
    for dataset in folds(DataSpec(data=table, types="row=number"), 5).datasets():
        counts.append(np.bincount(dataset.test.y, minlength=3))
    sizes = [int(count.sum()) for count in counts]
    assert max(sizes) - min(sizes) <= 1
    spread = np.max(counts, axis=0) - np.min(counts, axis=0)
    assert spread.max() <= 2
    assert np.min(counts) >= 1


def test_features_are_scaled_by_each_folds_own_training_examples(table: str) -> None:
    found = folds(DataSpec(data=table, scale="standard", types="row=number"), 3)
    offsets = [dataset.scaling.offset[0] for dataset in found.datasets()]
    assert len(set(offsets)) == 3


def test_with_a_split_seed_the_order_of_the_rows_changes_nothing(table: str) -> None:
    spec = DataSpec(data=table, split_seed=7, types="row=number", target="kind")
    first = [(rows(d.train), rows(d.test)) for d in folds(spec, 3).datasets()]
    head, *lines = Path(table).read_text().splitlines()
    Path(table).write_text("\n".join([head, *lines[::-1]]) + "\n")
    assert [(rows(d.train), rows(d.test)) for d in folds(spec, 3).datasets()] == first
    other = DataSpec(data=table, split_seed=8, types="row=number")
    assert [(rows(d.train), rows(d.test)) for d in folds(other, 3).datasets()] != first


def test_folds_of_a_regression_hold_its_target_in_proportion(table: str) -> None:
    spec = DataSpec(data=table, target="row", task="regression", drop="kind", split_seed=1)
    sets = list(folds(spec, 4).datasets())
    tested = [d.quantities.restore(d.test.y)[:, 0] for d in sets]
    np.testing.assert_allclose(np.sort(np.concatenate(tested)), np.arange(103), atol=1e-3)
    bins = np.quantile(np.arange(103), np.arange(1, 10) / 10)
    counts = [np.bincount(np.searchsorted(bins, values.round(), "right")) for values in tested]
    assert np.ptp(counts, axis=0).max() <= 1


@pytest.mark.parametrize(
    ("count", "options", "message"),
    [
        (1, {}, "--folds 1: must be at least 2"),
        (40, {}, "--folds 40: a fold would have 2 of the 103 examples, fewer than"),
        (3, {"test": 9}, "--folds 3: every fold is the test set once; leave out --test 9"),
    ],
)
def test_what_cannot_be_is_refused(table: str, count: int, options: dict, message: str) -> None:
    with pytest.raises(SpecError, match=message) as refusal:
        folds(DataSpec(data=table, **options), count)
    assert refusal.value.option == "--folds"
