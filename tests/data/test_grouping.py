"""Splits by groups and by time: no group is in two parts, and later rows are never trained on."""

from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from dnncli import data
from dnncli.data import grouping
from dnncli.data.folds import folds
from dnncli.data.grouping import Groups
from dnncli.errors import DataError, SpecError
from dnncli.report.notices import sentences
from dnncli.spec import DataSpec

PERSONS = 30
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def lines() -> list[str]:
    """240 rows of 30 persons on 60 days, of two classes; `row` is a row's number."""
    rng = np.random.default_rng(4)
    found = []
    for row in range(240):
        person = int(rng.integers(PERSONS) * rng.random())  # some have many rows
        day = int(rng.integers(60))
        date = f"2021-{1 + day // 28:02d}-{1 + day % 28:02d}"
        found.append(f"{row},p{person:03d},{date},{'ab'[row % 2]}")
    return found


ROWS = lines()
PERSON = [line.split(",")[1] for line in ROWS]
DATE = [line.split(",")[2] for line in ROWS]


def write(folder: Path, rows: list[str], name: str = "rows.csv") -> str:
    path = folder / name
    path.write_text("\n".join(["row,person,date,kind", *rows]) + "\n")
    return str(path)


def load(table: str, **options: object) -> data.Dataset:
    return data.load(DataSpec(data=table, scale="none", types="row=number", **options))


def numbers(split: data.Split) -> list[int]:
    """The rows' own numbers."""
    return split.x[:, 0].astype(int).tolist()


def parts(found: data.Dataset) -> list[list[int]]:
    return [numbers(found.split(name)) for name in ("train", "validation", "test")]


def apart(found: data.Dataset, values: list[str]) -> None:
    """No value is in two parts, and no row is lost."""
    assert sorted(chain(*parts(found))) == list(range(240))
    sides = [{values[row] for row in part} for part in parts(found)]
    assert len(set.union(*sides)) == sum(map(len, sides))


@pytest.mark.parametrize("options", [{}, {"split_seed": 3}])
def test_a_persons_rows_are_all_in_one_part(tmp_path: Path, options: dict[str, int]) -> None:
    found = load(write(tmp_path, ROWS), group="person", **options)
    apart(found, PERSON)
    assert 42 <= len(found.test) <= 54  # about a fifth
    assert 18 <= len(found.validation) <= 30  # about a tenth
    assert "person" not in {column.name for column in found.encoding.columns}


def test_another_split_seed_draws_other_persons_and_the_order_of_rows_does_not(
    tmp_path: Path,
) -> None:
    first = parts(load(write(tmp_path, ROWS), group="person", split_seed=3))
    assert parts(load(write(tmp_path, ROWS[::-1]), group="person", split_seed=3)) == first
    assert parts(load(write(tmp_path, ROWS), group="person", split_seed=4)) != first
    plain = parts(load(write(tmp_path, ROWS), group="person"))
    turned = parts(load(write(tmp_path, ROWS[::-1]), group="person"))
    assert [sorted(part) for part in plain] == [sorted(part) for part in turned]


WAYS = {
    "ISO": lambda date: date,
    "day first": lambda date: "/".join(date.split("-")[::-1]),
    "in words": lambda date: f"{date[8:]}-{MONTHS[int(date[5:7]) - 1]}-{date[2:4]}",
    "a number": lambda date: date.replace("-", ""),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_latest_rows_test_and_those_before_them_validate(tmp_path: Path, way: str) -> None:
    written = [
        ",".join([*line.split(",")[:2], WAYS[way](date), "ab"[i % 2]])
        for i, (line, date) in enumerate(zip(ROWS, DATE, strict=True))
    ]
    found = load(write(tmp_path, written), time="date")
    train, validation, test = parts(found)
    assert max(DATE[row] for row in train) < min(DATE[row] for row in validation)
    assert max(DATE[row] for row in validation) < min(DATE[row] for row in test)
    assert sorted(train + validation + test) == list(range(240))
    assert abs(len(test) - 48) <= 4
    assert abs(len(validation) - 24) <= 4
    assert [column.name for column in found.encoding.columns] == ["row", "person"]


def test_a_line_says_how_the_split_came_out(tmp_path: Path) -> None:
    table = write(tmp_path, ROWS)
    found = load(table, group="person")
    counts = [len({PERSON[row] for row in part}) for part in parts(found)]
    line = "split by person: of its values {} train, {} validate, {} test, none is in two parts"
    assert line.format(*counts) in sentences(found.notices)
    found = load(table, time="date")
    counts = [len({DATE[row] for row in part}) for part in parts(found)]
    line = "split by date: of its times the earliest {} train, the next {} validate, the latest {} test"
    assert line.format(*counts) in sentences(found.notices)


def test_folds_by_group_test_every_person_once_and_are_of_about_equal_sizes(tmp_path: Path) -> None:
    spec = DataSpec(data=write(tmp_path, ROWS), types="row=number", scale="none", group="person")
    tested = []
    for found in folds(spec, 4).datasets():
        apart(found, PERSON)
        tested += numbers(found.test)
        assert 50 <= len(found.test) <= 70
    assert sorted(tested) == list(range(240))


def test_folds_by_time_are_tested_on_what_follows(tmp_path: Path) -> None:
    spec = DataSpec(data=write(tmp_path, ROWS), types="row=number", scale="none", time="date")
    sizes = []
    last = ""
    for found in folds(spec, 4).datasets():
        train, validation, test = parts(found)
        assert max(DATE[row] for row in train) < min(DATE[row] for row in validation)
        assert max(DATE[row] for row in validation) < min(DATE[row] for row in test)
        assert last < min(DATE[row] for row in test)
        last = max(DATE[row] for row in test)
        sizes.append(len(train) + len(validation))
        assert 38 <= len(test) <= 58
        assert len(validation) == pytest.approx(0.1 * sizes[-1], abs=4)
    assert sizes == sorted(sizes)
    assert last == max(DATE)


@pytest.mark.parametrize("ordered", [False, True])
def test_groups_of_any_sizes_leave_no_part_empty(ordered: bool) -> None:
    rng = np.random.default_rng(6)
    for count in range(3, 12):
        index = np.repeat(np.arange(count), rng.integers(1, 50, count)).astype(np.int64)
        groups = Groups(rng.permutation(index), ordered, "--group", "g")
        for sizes in ([1, 1], [len(index) // 5, len(index) // 10], [len(index) - 2, 1]):
            found = grouping.held_out(groups, sizes, 1, alike(index))
            assert all(len(rows) for rows in found)
            assert sorted(np.concatenate(found)) == list(range(len(index)))
            held = [set(groups.index[rows].tolist()) for rows in found]
            assert sum(map(len, held)) == count


def alike(index: np.ndarray) -> np.ndarray:
    """One class for all rows."""
    return np.zeros(len(index), np.int32)


def sick_families() -> tuple[Groups, np.ndarray]:
    """60 families of 1 to 12 rows; a tenth of them has all of the sick, who are a rare class."""
    rng = np.random.default_rng(8)
    index = np.repeat(np.arange(60), rng.integers(1, 13, 60)).astype(np.int64)
    sick = (index % 10 == 0) & (rng.random(len(index)) < 0.8)
    return Groups(index, False, "--group", "family"), sick.astype(np.int32)


def spread(parts: list[np.ndarray], strata: np.ndarray) -> float:
    """The standard deviation over parts of the rare class's share of their rows."""
    return float(np.std([strata[rows].mean() for rows in parts]))


def test_folds_of_groups_have_the_classes_as_nearly_in_proportion_as_scikit_learns() -> None:
    groups, sick = sick_families()
    rows = np.zeros((len(sick), 1))
    known = StratifiedGroupKFold(3, shuffle=True, random_state=0)
    theirs = [test for _, test in known.split(rows, sick, groups.index)]
    blind = spread(grouping.folds(groups, 3, 0, alike(sick)), sick)
    for seed in range(5):
        ours = grouping.folds(groups, 3, seed, sick)
        assert spread(ours, sick) <= min(spread(theirs, sick) + 0.01, blind)
        sizes = [len(part) for part in ours]
        assert max(sizes) - min(sizes) <= 12  # the largest family
        assert all(sick[part].any() for part in ours)


def test_held_out_groups_have_the_classes_nearer_to_proportion_than_a_blind_draw() -> None:
    groups, sick = sick_families()
    sizes = [len(sick) // 5, len(sick) // 10]
    ours = []
    blind = []
    for seed in range(10):
        parts = grouping.held_out(groups, sizes, seed, sick)
        assert [abs(len(parts[i]) - sizes[i]) <= 12 for i in (0, 1)] == [True, True]
        ours.append(spread(parts, sick))
        blind.append(spread(grouping.held_out(groups, sizes, seed, alike(sick)), sick))
    assert np.mean(ours) < 0.5 * np.mean(blind)
    assert max(ours) < np.median(blind)


def test_a_group_that_is_larger_than_what_is_held_out_trains() -> None:
    index = np.repeat(np.arange(11), [500, *[50] * 10]).astype(np.int64)
    for seed in range(20):
        test, validation, train = grouping.held_out(
            Groups(index, False, "--group", "g"), [200, 100], seed, alike(index)
        )
        assert (len(test), len(validation), len(train)) == (200, 100, 700)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"group": "man"}, SpecError, "--group man: no column is called so"),
        ({"group": "kind"}, SpecError, "--group kind: is the column to predict"),
        ({"group": "same"}, SpecError, "--group same: it has 1 different values; the parts"),
        ({"time": "date", "group": "person"}, SpecError, "--time date: must be given without"),
        ({"time": "person"}, DataError, "'person', the column of --time, has no time in row 1"),
        ({"group": "gaps"}, DataError, r"has no group in row 3 \(80 such rows\)"),
    ],
)
def test_columns_that_cannot_be_are_refused(
    tmp_path: Path, options: dict[str, str], error: type[Exception], message: str
) -> None:
    path = tmp_path / "more.csv"
    rows = [
        f"{line.rsplit(',', 1)[0]},x,{'' if i % 3 == 2 else 'y'},{'ab'[i % 2]}"
        for i, line in enumerate(ROWS)
    ]
    path.write_text("\n".join(["row,person,date,same,gaps,kind", *rows]) + "\n")
    with pytest.raises(error, match=message):
        load(str(path), **options)


def test_a_test_table_with_a_person_of_the_training_table_is_refused(tmp_path: Path) -> None:
    table = write(tmp_path, ROWS)
    same = write(tmp_path, [line for line in ROWS if ",p000," in line], "test.csv")
    with pytest.raises(DataError, match=r"1 values of 'person'.* the first 'p000'"):
        load(table, group="person", test=same)
    other = write(tmp_path, [line.replace(",p", ",q") for line in ROWS[:40]], "test.csv")
    found = load(table, group="person", test=other)
    assert len(found.test) == 40
    persons = [{PERSON[row] for row in part} for part in parts(found)[:2]]
    assert not persons[0] & persons[1]


def test_a_table_of_its_own_validates_and_the_others_rows_train_and_test(tmp_path: Path) -> None:
    table = write(tmp_path, ROWS[:200])
    held = write(tmp_path, ROWS[200:], "validation.csv")
    found = load(table, validation=held)
    train, validation, test = parts(found)
    assert validation == list(range(200, 240))
    assert sorted(train + test) == list(range(200))
    assert len(test) == 40
    other = write(tmp_path, ROWS[200:220], "test.csv")
    train, validation, test = parts(load(table, validation=held, test=other))
    assert train == list(range(200))
    assert test == list(range(200, 220))
    spec = DataSpec(data=table, types="row=number", scale="none", validation=held)
    sets = [parts(dataset) for dataset in folds(spec, 4).datasets()]
    assert all(one[1] == list(range(200, 240)) for one in sets)
    assert sorted(chain(*(one[2] for one in sets))) == list(range(200))
    assert all(sorted(one[0] + one[2]) == list(range(200)) for one in sets)
    with pytest.raises(DataError, match="values of 'person', the column of --group"):
        load(table, validation=held, group="person")


def test_only_tables_have_such_columns() -> None:
    with pytest.raises(SpecError, match="--time: only tables have columns"):
        data.load(DataSpec(time="date"))


def test_other_data_that_are_only_measured_need_no_such_column(tmp_path: Path) -> None:
    trained = load(write(tmp_path, ROWS), group="person", drop="date")
    other = tmp_path / "other.csv"
    other.write_text("row,kind\n1,a\n2,b\n")
    found = data.load(DataSpec(data=str(other), group="person"), known=trained.encoding, whole=True)
    assert len(found.test) == 2
