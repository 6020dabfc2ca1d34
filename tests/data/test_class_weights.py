"""Weights of classes: what they are, where they are kept, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from dnncli import data
from dnncli.data.class_weights import class_weights, mean_weights, weighed
from dnncli.errors import SpecError
from dnncli.spec import DataSpec

Y = np.array([0, 0, 0, 0, 0, 1, 2, 2], np.int32)
NAMES = ("no", "yes", "may,be")


def test_balanced_weights_let_every_class_count_alike_and_an_example_1_on_average() -> None:
    weights = class_weights("balanced", NAMES, Y)
    totals = [weights[Y][label == Y].sum() for label in range(3)]
    np.testing.assert_allclose(totals, 8 / 3, rtol=1e-6)
    assert weights[Y].mean() == pytest.approx(1)


def test_given_weights_are_taken_and_others_are_1() -> None:
    assert class_weights("yes=5", NAMES, Y).tolist() == [1, 5, 1]
    assert class_weights('no=0.5, "may,be=3"', NAMES, Y).tolist() == [0.5, 1, 3]
    assert class_weights("a=b=2", ("a=b", "c"), Y[:1]).tolist() == [2, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yess=2", "no class is called so: did you mean 'yes'?"),
        ("yes", "write balanced, or NAME=WEIGHT"),
        ("yes=", "must be a number from 1e-6 to 1e6"),
        ("yes=0", "must be a number from 1e-6 to 1e6"),
        ("yes=nan", "must be a number from 1e-6 to 1e6"),
        ("=3", "write balanced, or NAME=WEIGHT"),
    ],
)
def test_anything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match="--class-weight") as refusal:
        class_weights(text, NAMES, Y)
    assert message in str(refusal.value)
    assert refusal.value.option == "--class-weight"


def test_training_and_validation_examples_have_them_and_test_examples_have_not() -> None:
    dataset = data.load(DataSpec(classes="0-2", class_weight="1=4"))
    for split in (dataset.train, dataset.validation):
        np.testing.assert_array_equal(split.weights, np.where(split.y == 1, 4, 1))
    assert dataset.test.weights is None
    assert data.load(DataSpec()).train.weights is None


def test_other_data_that_are_only_measured_need_no_such_class(tmp_path: Path) -> None:
    file = tmp_path / "two.csv"
    rows = [f"{i % 7},{'ab'[i % 2]}" for i in range(40)]
    file.write_text("\n".join(["x,y", *rows]))
    trained = data.load(DataSpec(data=str(file), class_weight="b=3"))
    file.write_text("\n".join(["x,y", "1,a", "2,a"]))
    spec = DataSpec(data=str(file), class_weight="b=3")
    assert data.load(spec, trained.encoding, whole=True).train.weights is None


def test_some_of_the_examples_keep_their_weights() -> None:
    split = data.load(DataSpec(class_weight="balanced")).train
    few = split.take(np.array([5, 2]))
    assert few.weights.tolist() == [split.weights[5], split.weights[2]]
    assert few.y.tolist() == [split.y[5], split.y[2]]


def test_weighed_counts_sum_to_kishs_effective_number_and_keep_the_weighted_shares():
    counts = np.array([900, 100])
    weights = np.array([1000 / 1800, 1000 / 200])
    each = weights.repeat(counts)
    effective = each.sum() ** 2 / (each**2).sum()
    found = weighed(counts, weights)
    assert found.sum() == pytest.approx(effective, abs=1)
    assert found[0] == pytest.approx(found[1], abs=1)  # balanced
    assert weighed(counts, np.ones(2)).tolist() == [900, 100]
    confusion = np.array([[800, 100], [40, 60]])
    rows = weighed(confusion, weights).sum(axis=1)
    assert rows == pytest.approx(found, abs=1)


def test_a_class_counts_on_average_as_its_examples_do():
    y = np.array([0, 0, 1], np.int32)
    weights = np.array([1.0, 3.0, 5.0], np.float32)
    assert mean_weights(y, weights, 3).tolist() == [2.0, 5.0, 1.0]
