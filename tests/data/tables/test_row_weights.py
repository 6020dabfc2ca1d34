"""A column of weights: each row has its own, no network learns from it, and test rows have none."""

from pathlib import Path

import numpy as np
import pytest

from dnncli import data
from dnncli.data import Dataset
from dnncli.errors import DataError, SpecError
from dnncli.spec import DataSpec

ROWS = [(i % 11, "ab"[i % 2], 0.5 + i, "xyz"[i % 3]) for i in range(60)]


@pytest.fixture
def table(tmp_path: Path) -> str:
    """The weight of a row is 1/2 more than its number, which is also the feature `row`."""
    path = tmp_path / "rows.csv"
    lines = [f"{i},{a},{b},{w},{c}" for i, (a, b, w, c) in enumerate(ROWS)]
    path.write_text("\n".join(["row,number,letter,how much,kind", *lines]) + "\n")
    return str(path)


def load(table: str, **options: object) -> Dataset:
    return data.load(DataSpec(data=table, scale="none", types="row=number", **options))


def test_every_row_has_its_own_weight_in_training_and_validation(table: str) -> None:
    found = load(table, weight="how much")
    for split in (found.train, found.validation):
        np.testing.assert_array_equal(split.weights, split.x[:, 0] + 0.5)
    assert found.test.weights is None


@pytest.mark.parametrize("weight", ["how much", "4"])
def test_the_column_is_no_feature(table: str, weight: str) -> None:
    found = load(table, weight=weight, drop="number")
    assert [column.name for column in found.encoding.columns] == ["row", "letter"]


def test_it_multiplies_with_the_classes_weights(table: str) -> None:
    found = load(table, weight="how much", class_weight="y=3")
    times = np.where(found.train.y == 1, 3, 1)
    np.testing.assert_array_equal(found.train.weights, (found.train.x[:, 0] + 0.5) * times)


def test_rows_and_classes_that_are_left_out_take_their_weights_along(table: str) -> None:
    found = load(table, weight="how much", where="row % 4 != 1", classes="x,z")
    np.testing.assert_array_equal(found.train.weights, found.train.x[:, 0] + 0.5)
    assert not (found.train.x[:, 0] % 4 == 1).any()


def test_a_split_seed_keeps_rows_and_weights_together(table: str) -> None:
    found = load(table, weight="how much", split_seed=3)
    np.testing.assert_array_equal(found.train.weights, found.train.x[:, 0] + 0.5)


def test_other_weights_are_other_data_to_a_resumed_run(table: str) -> None:
    before = load(table, weight="how much")
    again = data.load(DataSpec(data=table, scale="none", weight="how much"), known=before.encoding)
    assert again.fingerprint == before.fingerprint
    np.testing.assert_array_equal(again.train.weights, before.train.weights)
    Path(table).write_text(Path(table).read_text().replace(",3.5,", ",7,"))
    changed = data.load(DataSpec(data=table, weight="how much"), known=before.encoding)
    assert changed.fingerprint != before.fingerprint


def test_data_that_are_only_measured_need_no_weights(table: str) -> None:
    encoding = load(table, weight="how much").encoding
    Path(table).write_text("row,number,letter,kind\n1,2,a,x\n3,4,b,y\n")
    found = data.load(DataSpec(data=table, weight="how much"), known=encoding, whole=True)
    assert found.test.weights is None
    assert len(found.test) == 2


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("much", "--weight much: no column is called so"),
        ("kind", "--weight kind: is the column to predict"),
    ],
)
def test_a_column_that_cannot_be_is_refused(table: str, weight: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as refusal:
        load(table, weight=weight)
    assert refusal.value.option == "--weight"


@pytest.mark.parametrize("value", ["0", "-1", "", "much", "inf"])
def test_a_weight_that_is_not_a_number_above_0_is_refused(table: str, value: str) -> None:
    Path(table).write_text(Path(table).read_text().replace(",3.5,", f",{value},"))
    with pytest.raises(DataError, match=r"'how much' is .* in row 4 \(1 such rows\)"):
        load(table, weight="how much")


def test_only_tables_have_such_a_column() -> None:
    with pytest.raises(SpecError, match="--weight: only tables have columns"):
        data.load(DataSpec(weight="w"))
