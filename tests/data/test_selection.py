"""Classes and examples a class are chosen by name and number; what is not there is refused."""

import numpy as np
import pytest

from dnncli.data.selection import check, keep, parse, per_class
from dnncli.data.source import Table
from dnncli.data.splitting import Parts
from dnncli.errors import DataError, SpecError

NUMBERS = ("-2", "-1", "0", "1", "2", "10")
NAMES = ("1", "10", "2", "cat", "dog", "x-ray", "3-4")


def table(*labels: int) -> Table:
    return Table(np.arange(len(labels), dtype=np.float32)[:, None], np.array(labels, np.int32))


@pytest.mark.parametrize(
    ("text", "names", "wanted"),
    [
        ("0-2", NUMBERS, ["0", "1", "2"]),
        ("0 - 10", NUMBERS, ["0", "1", "2", "10"]),
        ("-2--1", NUMBERS, ["-2", "-1"]),
        ("-1-1,10", NUMBERS, ["-1", "0", "1", "10"]),
        ("10, 0,0", NUMBERS, ["0", "10"]),
        ("dog,cat", NAMES, ["cat", "dog"]),
        ("x-ray", NAMES, ["x-ray"]),
        ("3-4", NAMES, ["3-4"]),
        ("1-2", NAMES, ["1", "2"]),
    ],
)
def test_classes_go_by_name_or_by_range_of_numbers(
    text: str, names: tuple[str, ...], wanted: list[str]
) -> None:
    assert [names[label] for label in parse(text, names)] == wanted


@pytest.mark.parametrize("text", ["7", "0-9", "2-0", "0,,1", "", "cat", "0-cat", "0..2", "٠-٢"])
def test_an_unknown_class_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(
        SpecError, match=r"no class is called '.*'; there are -2, -1, 0, 1, 2, 10\."
    ):
        parse(text, NUMBERS)


def test_kept_classes_are_counted_anew_in_every_split() -> None:
    parts = Parts(table(0, 1, 2, 3, 3), table(3, 2, 1), table(1, 0))
    kept, names = keep(parts, ("a", "b", "c", "d"), "d,b")
    assert names == ("b", "d")
    assert [part.y.tolist() for part in kept] == [[0, 1, 1], [1, 0], [0]]
    assert [part.x[:, 0].tolist() for part in kept] == [[1, 3, 4], [0, 2], [0]]
    assert all(part.y.dtype == np.int32 for part in kept)


def test_an_emptied_split_and_a_single_class_are_refused() -> None:
    parts = Parts(table(0, 1, 2), table(0, 1, 2), table(2))
    with pytest.raises(
        SpecError, match="--classes a,b: none of the test examples is of these classes"
    ):
        keep(parts, ("a", "b", "c"), "a,b")
    with pytest.raises(SpecError, match="--classes c: keeps one class only"):
        keep(parts, ("a", "b", "c"), "c")


def test_the_first_examples_of_each_class_are_taken_in_order() -> None:
    chosen = per_class(table(1, 0, 1, 1, 0, 0, 1), ("a", "b"), 2)
    assert chosen.x[:, 0].tolist() == [0, 1, 2, 4]
    assert chosen.y.tolist() == [1, 0, 1, 0]


def test_more_examples_than_a_class_has_are_refused_with_its_name_and_size() -> None:
    with pytest.raises(SpecError, match="--per-class 3: class 'b' has 2 training examples"):
        per_class(table(0, 1, 0, 1, 0), ("a", "b"), 3)


def test_one_class_or_a_class_without_training_examples_cannot_be_learned() -> None:
    check(table(0, 1), ("a", "b"), "toy")
    with pytest.raises(DataError, match="toy: 'a' is the only class"):
        check(table(0, 0), ("a",), "toy")
    with pytest.raises(DataError, match="toy: no training example is of class b, d"):
        check(table(0, 2), ("a", "b", "c", "d"), "toy")
