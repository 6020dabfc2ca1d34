"""Which examples train, validate and test: fixed by data and options, never by a run's seed.

Unless a split has a seed of its own, rows are drawn by their places in the file, as ever.
"""

from collections.abc import Sequence
from itertools import cycle
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Int32, Int64, UInt64

from dnncli.data import grouping, labels
from dnncli.data.blocks.stored import Stored
from dnncli.data.row_numbers import row_numbers
from dnncli.data.source import DataSource, Table
from dnncli.errors import DataError, SpecError
from dnncli.records import Notice
from dnncli.spec import Amount, option

KEY = 0x646E6E636C69  # of every stratified draw; another one gives every data set other splits


AT_ONCE = 1 << 20  # examples whose random numbers are in memory at a time
Asked = Amount | str | None  # None: the source's default; text: a table of its own


class Parts(NamedTuple):
    """The raw examples of each split, in the order of the data."""

    train: Table
    validation: Table
    test: Table


def split(source: DataSource, validation: Asked, test: Asked, seed: int | None = None) -> Parts:
    """Hold out the amounts asked for, or else the source's defaults; text: its own table is read.

    seed: rows are drawn by it and by their values, whatever their order in the file, and stand in
    an order of their own; also where a source would take the first rows for validation.
    Fractions are of the table that the examples are taken from. Raises SpecError, naming the
    option, for sizes that leave a split empty or a class without training examples; DataError where
    nothing was asked for and the data are too few.
    """
    asked = {"validation": validation, "test": test}
    own = {"test": source.test, "validation": source.validation}
    names = [name for name, table in own.items() if table is None]
    given = {name: amount for name, amount in asked.items() if name in names}
    sizes = [_size(name, asked[name], source, source.train) for name in names]
    *held_out, rest = _draw(source, sizes, given, seed)
    parts = dict(zip(names, map(source.train.take, held_out), strict=True))
    if source.validation is not None:
        parts["validation"] = source.validation
    if source.test is not None:
        parts["test"] = source.test.take(slice(_own_size(source, source.test, test)))
    return Parts(source.train.kept(rest), **parts)


def held_out_sizes(source: DataSource, validation: Asked, test: Asked) -> dict[str, int]:
    """How many examples are drawn for each split that has no table of its own."""
    asked = {"validation": validation, "test": test}
    own = {"validation": source.validation, "test": source.test}
    names = [name for name, table in own.items() if table is None]
    return {name: _size(name, asked[name], source, source.train) for name in names}


def validation_size(source: DataSource, amount: Asked) -> int:
    """How many validation examples --validation asks for, or the source's default."""
    return _size("validation", amount, source, source.train)


def _size(name: str, amount: Asked, source: DataSource, table: Table) -> int:
    """How many examples an option asks for."""
    if amount is None or isinstance(amount, str):
        return source.held_out[name]
    count = amount if isinstance(amount, int) else round(amount * len(table))
    if count < 1:
        raise SpecError(
            f"{option(name)} {amount}: of {len(table):,} examples that is not one; ask for more.",
            option=option(name),
        )
    return count


def _own_size(source: DataSource, table: Table, amount: Asked) -> int:
    """How many examples an option asks for of a source's own test set."""
    size = _size("test", amount, source, table)
    if size > len(table):
        raise SpecError(
            f"--test {amount}: the test set of {source.location} has {len(table):,} examples.",
            option="--test",
        )
    return size


def _draw(
    source: DataSource, sizes: list[int], given: dict[str, Asked], seed: int | None
) -> list[slice | Int[np.ndarray, "_"]]:
    """Rows of the training table for each size, and last the rows that are left."""
    y = source.train.strata
    first = source.ordered and seed is None
    kept = 1 if first else int(np.count_nonzero(np.bincount(y)))
    room = len(y) - kept
    if sum(sizes) > room:
        _refuse(source, sum(sizes), room, given)
    if first:
        return [slice(0, sizes[0]), slice(sizes[0], None)]
    return [*drawn(source.train, sizes, seed)]


def drawn(table: Table, sizes: Sequence[int], seed: int | None) -> list[Int64[np.ndarray, "_"]]:
    """Rows of a table for each size and last those that are left."""
    if isinstance(table.x, Stored):
        return few_of_many(table.strata, sizes)
    if table.groups is not None:
        parts = grouping.held_out(table.groups, sizes, seed, table.strata)
    else:
        numbers = None if seed is None else row_numbers(table.in_memory, seed)
        parts = stratified(table.strata, sizes, numbers)
    return ordered(table, parts, seed)


def ordered(
    table: Table, parts: list[Int64[np.ndarray, "_"]], seed: int | None
) -> list[Int64[np.ndarray, "_"]]:
    """Each part's rows by random numbers, whatever their places; without a seed by their places."""
    if seed is None:
        return parts
    # Targets and weights tell apart rows of equal features.
    keys = [*table.y.reshape(len(table), -1).T, row_numbers(table.in_memory, seed)]
    if table.weights is not None:
        keys.insert(0, table.weights)
    places = np.empty(len(table), np.int64)
    places[np.lexsort(keys)] = np.arange(len(table))
    return [rows[np.argsort(places[rows])] for rows in parts]


def notices(parts: Parts) -> tuple[Notice, ...]:
    """How many groups each part of a split by groups has; test rows of another file have none."""
    groups = parts.train.groups
    if groups is None:
        return ()
    named = parts._asdict().items()
    counts = tuple((name, part.groups.count()) for name, part in named if part.groups)
    facts: dict[str, str | int | float] = {"column": groups.column, "ordered": groups.ordered}
    return (Notice("groups", counts, facts),)


def _refuse(source: DataSource, size: int, room: int, given: dict[str, Asked]) -> None:
    """Raise the error for held-out examples that are too many."""
    asked = {name: value for name, value in given.items() if value is not None}
    options = " ".join(f"{option(name)} {value}" for name, value in asked.items())
    must_train = ", some must train" if source.targets else ", one of each class must train"
    why = "" if source.ordered else must_train
    trouble = (
        f"{size:,} held-out examples are too many: of the {len(source.train):,} in"
        f" {source.location} at most {max(room, 0):,} can be held out{why}."
    )
    if options:
        first = next(name for name, value in given.items() if value is not None)
        raise SpecError(f"{options}: {trouble}", option=option(first))
    raise DataError(trouble)


def stratified(
    y: Int32[np.ndarray, " examples"],
    sizes: Sequence[int],
    numbers: UInt64[np.ndarray, " examples"] | None = None,
) -> list[Int64[np.ndarray, "_"]]:
    """Rows for each size and then the rest, each ascending, drawn class by class in proportion.

    numbers: random ones, by which the rows of a class are drawn; None: by their places.
    Every class keeps a row in the rest; the sizes' sum must allow it. Philox's raw bits are the
    same in every version of NumPy, which its shuffles need not be.
    """
    if numbers is None:
        numbers = np.random.Philox(key=KEY).random_raw(len(y))
    order = np.lexsort((numbers, y))
    counts = np.bincount(y)
    rank = labels.ranks(y, order)
    taken = np.zeros_like(counts)
    group = np.zeros(len(y), np.int64)
    for size in sizes:
        taken = taken + quotas(counts - taken, size)
        group += rank >= taken[y[order]]
    return [np.sort(order[group == number]) for number in range(len(sizes) + 1)]


class _Drawn(NamedTuple):
    """Rows with the lowest random numbers of their classes so far."""

    numbers: UInt64[np.ndarray, " rows"]
    y: Int32[np.ndarray, " rows"]
    rows: Int64[np.ndarray, " rows"]


def few_of_many(
    y: Int32[np.ndarray, " examples"], sizes: Sequence[int]
) -> list[Int64[np.ndarray, "_"]]:
    """What `stratified` gives, where no more memory is to be taken than the drawn rows need."""
    counts = np.bincount(y)
    ends = []
    taken = np.zeros_like(counts)
    for size in sizes:
        taken = taken + quotas(counts - taken, size)
        ends.append(taken)
    generator = np.random.Philox(key=KEY)
    limits = np.full(len(counts), np.iinfo(np.uint64).max, np.uint64)
    found = _Drawn(np.empty(0, np.uint64), np.empty(0, np.int32), np.empty(0, np.int64))
    for start in range(0, len(y), AT_ONCE):
        part = y[start : start + AT_ONCE]
        numbers = np.asarray(generator.random_raw(len(part)), np.uint64)
        low = np.flatnonzero(numbers <= limits[part])
        new = _Drawn(numbers[low], part[low], start + low)
        found = _lowest(_Drawn(*map(np.concatenate, zip(found, new, strict=True))), taken)
        full = np.bincount(found.y, minlength=len(counts)) == taken
        highest = np.zeros(len(counts), np.uint64)
        np.maximum.at(highest, found.y, found.numbers)
        limits[full] = highest[full]
    rank = labels.ranks(found.y, np.arange(len(found.y)))
    group = sum((rank >= end[found.y]).astype(np.int64) for end in ends)
    rest = np.ones(len(y), bool)
    rest[found.rows] = False
    drawn_rows = [np.sort(found.rows[group == number]) for number in range(len(sizes))]
    return [*drawn_rows, np.flatnonzero(rest)]


def _lowest(found: _Drawn, count: Int64[np.ndarray, " classes"]) -> _Drawn:
    """So many rows of each class, by their numbers, sorted by class and number."""
    order = np.lexsort((found.numbers, found.y))
    kept = order[labels.ranks(found.y, order) < count[found.y[order]]]
    return _Drawn(*(values[kept] for values in found))


def quotas(counts: Int64[np.ndarray, " classes"], size: int) -> Int64[np.ndarray, " classes"]:
    """How many examples of each class make `size` of them, in proportion, leaving one of each.

    Largest remainders: within 1 of exact unless a class is too small.
    """
    taken, remainder = np.divmod(counts * size, counts.sum())
    missing = size - int(taken.sum())
    for label in cycle(np.argsort(-remainder, kind="stable")):
        if missing == 0:
            break
        if taken[label] < counts[label] - 1:
            taken[label] += 1
            missing -= 1
    return taken
