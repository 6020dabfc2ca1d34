"""Splits are fixed by data and options, keep classes in proportion, and impossible sizes are refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnncli.data.formats import digits
from dnncli.data.source import DataSource, Table
from dnncli.data.splitting import KEY, quotas, split, stratified
from dnncli.errors import DataError, SpecError

MASK = 2**64 - 1


def table(examples: int, classes: int = 2) -> Table:
    """Each example's only feature is its row."""
    rows = np.arange(examples)
    return Table(rows.astype(np.float32)[:, None], (rows % classes).astype(np.int32))


def source(examples: int = 40, *, test: int = 0, ordered: bool = False) -> DataSource:
    return DataSource(
        name="toy",
        location="toy.npz",
        train=table(examples),
        test=table(test) if test else None,
        class_names=("a", "b"),
        image_shape=None,
        peak=None,
        ordered=ordered,
        held_out={"validation": 4, "test": test or 8},
        fingerprint="",
    )


def philox(key: int, blocks: int) -> list[int]:
    """Philox 4×64-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), counters from 1."""
    numbers = []
    for counter in range(1, blocks + 1):
        a, b, c, d, first, second = counter, 0, 0, 0, key & MASK, key >> 64
        for _ in range(10):
            left, right = 0xD2E7470EE14C6C93 * a, 0xCA5A826395121157 * c
            a, b, c, d = right >> 64 ^ b ^ first, right & MASK, left >> 64 ^ d ^ second, left & MASK
            first, second = first + 0x9E3779B97F4A7C15 & MASK, second + 0xBB67AE8584CAA73B & MASK
        numbers += [a, b, c, d]
    return numbers


def test_the_draw_follows_the_published_generator_whatever_the_version_of_numpy() -> None:
    y = digits.read().train.y
    bits = philox(KEY, len(y) // 4 + 1)
    first, second, rest = (set(rows.tolist()) for rows in stratified(y, [300, 200]))
    for label in range(10):
        drawn = sorted(np.flatnonzero(y == label).tolist(), key=bits.__getitem__)
        size, end = len(first & {*drawn}), len((first | second) & {*drawn})
        assert ({*drawn[:size]}, {*drawn[size:end]}) == (first & {*drawn}, second & {*drawn})
        assert {*drawn[end:]} == rest & {*drawn}


@given(st.lists(st.integers(1, 60), min_size=1, max_size=8), st.data())
def test_quotas_sum_to_their_size_within_1_of_exact_and_leave_one_of_each(
    counts: list[int], data: st.DataObject
) -> None:
    size = data.draw(st.integers(0, sum(counts) - len(counts)))
    taken = quotas(np.array(counts), size)
    exact = np.array(counts) * size / sum(counts)
    assert taken.sum() == size
    assert (taken >= 0).all()
    assert (taken < counts).all()
    if (np.ceil(exact) < counts).all():
        assert (abs(taken - exact) < 1).all()


@given(st.lists(st.integers(0, 5), min_size=1, max_size=80), st.data())
def test_every_row_is_in_one_group_and_every_class_keeps_one(
    labels: list[int], data: st.DataObject
) -> None:
    y = np.array(labels, np.int32)
    first = data.draw(st.integers(0, room := len(y) - len(set(labels))))
    second = data.draw(st.integers(0, room - first))
    groups = stratified(y, [first, second])
    assert [len(rows) for rows in groups[:2]] == [first, second]
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(y)))
    assert all((np.diff(rows) > 0).all() for rows in groups)
    assert set(y[groups[2]].tolist()) == set(labels)


def rows(part: Table) -> list[int]:
    return part.x[:, 0].astype(int).tolist()


def test_ordered_sources_validate_on_their_first_examples() -> None:
    parts = split(source(test=10, ordered=True), None, None)
    assert rows(parts.validation) == [0, 1, 2, 3]
    assert rows(parts.train) == list(range(4, 40))
    assert rows(parts.test) == list(range(10))


def test_nothing_of_an_ordered_source_is_copied() -> None:
    given = source(test=10, ordered=True)
    assert np.shares_memory(split(given, 5, 6).train.x, given.train.x)


@pytest.mark.parametrize(
    ("validation", "test", "sizes"), [(6, 5, (34, 6, 5)), (0.25, 0.5, (30, 10, 5))]
)
@pytest.mark.parametrize("ordered", [False, True])
def test_a_test_set_of_its_own_gives_its_first_examples_and_fractions_are_of_each_table(
    validation: int | float, test: int | float, sizes: tuple[int, ...], ordered: bool
) -> None:
    parts = split(source(test=10, ordered=ordered), validation, test)
    assert tuple(map(len, parts)) == sizes
    assert rows(parts.test) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("validation", "test", "sizes"), [(None, None, (28, 4, 8)), (0.25, 2, (28, 10, 2))]
)
def test_one_table_is_divided_in_three_with_fractions_of_the_whole(
    validation: float | None, test: int | None, sizes: tuple[int, ...]
) -> None:
    parts = split(source(), validation, test)
    assert tuple(map(len, parts)) == sizes
    assert sorted(rows(parts.train) + rows(parts.validation) + rows(parts.test)) == list(range(40))


def test_the_same_data_always_split_the_same() -> None:
    one, other = split(source(), 0.2, 0.3), split(source(), 8, 12)
    assert [rows(part) for part in one] == [rows(part) for part in other]


@pytest.mark.parametrize(
    ("validation", "test", "message"),
    [
        (
            39,
            None,
            "--validation 39: 47 held-out examples are too many: of the 40 in toy.npz at most 38",
        ),
        (None, 10**12, "--test 1000000000000: 1,000,000,000,004 held-out"),
        (20, 0.5, "--validation 20 --test 0.5: 40 held-out"),
        (0.01, None, "--validation 0.01: of 40 examples that is not one"),
        (None, 0.01, "--test 0.01: of 40 examples that is not one"),
    ],
)
def test_sizes_that_leave_a_split_empty_or_a_class_untrained_name_their_options(
    validation: float | None, test: float | None, message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        split(source(), validation, test)


def test_an_ordered_source_keeps_at_least_one_training_example() -> None:
    given = source(test=10, ordered=True)
    assert len(split(given, 39, None).train) == 1
    with pytest.raises(SpecError, match=r"--validation 40: .* at most 39 can be held out"):
        split(given, 40, None)


def test_a_test_set_cannot_give_more_than_it_has() -> None:
    with pytest.raises(SpecError, match=r"--test 11: the test set of toy\.npz has 10 examples"):
        split(source(test=10), None, 11)


def test_data_too_few_for_the_default_sizes_are_at_fault_themselves() -> None:
    with pytest.raises(
        DataError, match=r"2 held-out examples are too many: of the 3 in toy\.npz at most 1"
    ):
        split(replace(source(3), held_out={"validation": 1, "test": 1}), None, None)
