"""Splits are fixed by data and options, keep classes in proportion, and impossible sizes are refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnncli.data.formats import digits
from dnncli.data.row_numbers import row_numbers
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


def shuffled(source: DataSource, seed: int) -> DataSource:
    """The same rows in another order."""
    order = np.random.default_rng(seed).permutation(len(source.train))
    return replace(source, train=source.train.take(order))


class TestSplitSeed:
    def test_without_one_the_split_is_that_of_the_rows_places(self) -> None:
        given = source()
        rows = stratified(given.train.y, [8, 4])
        parts = split(given, None, None)
        assert [part.x[:, 0].tolist() for part in parts] == [
            [*map(float, rows[place])] for place in (2, 1, 0)
        ]

    @pytest.mark.parametrize("test", [0, 9])
    @pytest.mark.parametrize("ordered", [False, True])
    def test_the_split_and_its_order_do_not_depend_on_the_rows_order(
        self, test: int, ordered: bool
    ) -> None:
        given = source(test=test, ordered=ordered)
        first = split(given, None, None, seed=3)
        other = split(shuffled(given, 1), None, None, seed=3)
        for one, same in zip(first, other, strict=True):
            np.testing.assert_array_equal(one.x, same.x)
            np.testing.assert_array_equal(one.y, same.y)

    def test_other_seeds_give_other_splits_of_the_same_sizes(self) -> None:
        given = source(400)
        splits = [split(given, 40, 80, seed=seed) for seed in range(20)]
        tests = [frozenset(parts.test.x[:, 0].tolist()) for parts in splits]
        assert len(set(tests)) == 20
        for parts in splits:
            together = np.concatenate([part.x[:, 0] for part in parts])
            assert sorted(together.tolist()) == list(range(400))
            assert np.bincount(parts.test.y).tolist() == [40, 40]
        drawn = np.bincount([int(row) for rows in tests for row in rows], minlength=400)
        assert drawn.max() <= 13, "each row is drawn in a fifth of the splits: 4 of 20"

    def test_rows_that_are_equal_but_for_their_class_stay_in_one_order(self) -> None:
        given = replace(source(), train=Table(np.ones((40, 1), np.float32), table(40).y))
        first = split(given, None, None, seed=0)
        other = split(shuffled(given, 2), None, None, seed=0)
        for one, same in zip(first, other, strict=True):
            np.testing.assert_array_equal(one.y, same.y)


def test_row_numbers_are_of_the_values_and_the_seed() -> None:
    x = np.random.default_rng(0).normal(size=(9000, 3)).astype(np.float32)
    numbers = row_numbers(x, 7)
    assert len(set(numbers.tolist())) == 9000
    np.testing.assert_array_equal(row_numbers(x[::-1], 7), numbers[::-1])
    assert not (row_numbers(x, 8) == numbers).any()
    ones = np.unpackbits(numbers.view(np.uint8)).mean()
    assert abs(ones - 0.5) < 0.005
    pixels = np.array([[0, 200]], np.uint8)
    assert row_numbers(pixels, 1) == row_numbers(pixels.astype(np.float32), 1)
    assert row_numbers(np.array([[-0.0]], np.float32), 1) == row_numbers(
        np.array([[0.0]], np.float32), 1
    )


def test_row_numbers_are_the_mixed_sum_of_products() -> None:
    """By hand, in whole numbers of any size."""
    x = np.array([[1.5, -2.0]], np.float32)
    first, *multipliers = [int(n) for n in np.random.Philox(key=4).random_raw(3)]
    multipliers = [n | 1 for n in multipliers]
    total = first + sum(
        int(word) * n for word, n in zip(x.view(np.uint32)[0], multipliers, strict=True)
    )
    total &= MASK
    total = (total ^ total >> 30) * 0xBF58476D1CE4E5B9 & MASK
    total = (total ^ total >> 27) * 0x94D049BB133111EB & MASK
    assert row_numbers(x, 4).tolist() == [total ^ total >> 31]
