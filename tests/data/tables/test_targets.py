"""Targets: which column they are, and which classes their labels name."""

from pathlib import Path

import pytest

from dnncli.data.tables import targets
from dnncli.data.tables.opening import open_table
from dnncli.data.tables.options import Reading
from dnncli.data.tables.relation import Relation
from dnncli.errors import DataError, SpecError

COLUMNS = ("age", "2", "income")


@pytest.mark.parametrize(
    ("wanted", "column"),
    [(None, "income"), ("age", "age"), ("2", "2"), ("1", "age"), ("3", "income")],
)
def test_a_target_is_a_name_or_else_a_number_from_1(wanted: str | None, column: str) -> None:
    assert targets.resolve(COLUMNS, wanted) == column


@pytest.mark.parametrize("wanted", ["0", "4", "-1", "Income", "incom", ""])
def test_an_unknown_target_lists_the_columns(wanted: str) -> None:
    with pytest.raises(
        SpecError, match=r"--target .*: no column is called so: .*There are age, 2, income"
    ):
        targets.resolve(COLUMNS, wanted)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["b", "a", "10", "9"], ("10", "9", "a", "b")),
        (["10", "9", "-1"], ("-1", "9", "10")),
        (["10.0", "9.50", "1e3"], ("9.5", "10", "1000")),
        (["6", "6.0"], ("6",)),
        (["007", "08"], ("007", "08")),
        (["1", "inf"], ("1", "inf")),
    ],
)
def test_classes_are_in_the_order_of_numbers_or_of_text(
    labels: list[str], classes: tuple[str, ...]
) -> None:
    assert targets.classes(labels) == classes


def relation(tmp_path: Path, labels: list[str]) -> Relation:
    path = tmp_path / "new.csv"
    path.write_text("a,y\n" + "".join(f"1,{label}\n" for label in labels))
    return open_table(str(path), Reading(text=lambda names: ["y"]))


def places(
    tmp_path: Path, labels: list[str], known: tuple[str, ...], strip: str | None = None
) -> list[int]:
    table = relation(tmp_path, labels)
    return targets.class_indices(table, targets.count(table, "y", strip), known).tolist()


def test_labels_find_their_class_by_name_by_number_or_by_truth(tmp_path: Path) -> None:
    assert places(tmp_path, ["q", "p"], ("p", "q")) == [0, 1]
    assert places(tmp_path, ["1.0", "2"], ("1", "2")) == [0, 1]
    assert places(tmp_path, ["true", "FALSE"], ("False", "True")) == [0, 1]
    assert places(tmp_path, ["<p>", "<q"], ("p", "q"), strip="<>") == [0, 1]


@pytest.mark.parametrize(
    ("labels", "hint"),
    [
        (["p.", "q."], "with --label-strip . they fit"),
        (["(p)", "q"], r"with --label-strip '\(\)' they fit"),
    ],
)
def test_unknown_labels_are_named_with_the_strip_that_makes_them_fit(
    tmp_path: Path, labels: list[str], hint: str
) -> None:
    with pytest.raises(DataError, match=hint) as caught:
        places(tmp_path, labels, ("p", "q"))
    assert f"{tmp_path}/new.csv: column 'y' has the unknown label" in str(caught.value)
    assert repr(labels[0]) in str(caught.value)


def test_unknown_labels_that_no_strip_helps_get_no_hint(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"unknown label 'r'; the classes are 'p', 'q'\.$"):
        places(tmp_path, ["p", "r"], ("p", "q"))
