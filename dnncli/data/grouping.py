"""Rows that belong together, of one person or of one day: never on two sides of a split."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int, Int32, Int64

from dnncli.errors import SpecError

KEY = 0x67726F757073  # of the order in which groups are drawn where no seed is given
MOST_DRAWS = 64  # of held-out groups, of which the one that is nearest to the proportions counts …
DRAWN = 200_000  # … and groups that all draws together go through: of many, any draw is near


@dataclass(frozen=True, eq=False)
class Groups:
    """The group of each row, numbered in the order of the groups' values.

    ordered: by time; what validates and tests is then later than what trains. option, column: what
    asked for them.
    """

    index: Int64[np.ndarray, " rows"]
    ordered: bool
    option: str
    column: str

    def earlier(self, rows: Int[np.ndarray, " rows"]) -> Int64[np.ndarray, "_"]:
        """The rows whose groups come before those of all of these."""
        return np.flatnonzero(self.index < self.index[rows].min())

    def take(self, rows: slice | Int[np.ndarray, " rows"]) -> "Groups":
        """The groups of some rows."""
        return replace(self, index=self.index[rows])

    def count(self) -> int:
        """How many different groups there are."""
        return len(np.unique(self.index))


def held_out(
    groups: Groups, sizes: Sequence[int], seed: int | None, strata: Int32[np.ndarray, " rows"]
) -> list[Int64[np.ndarray, "_"]]:
    """Rows for each size and then the rest, each ascending: whole groups, about so many rows.

    By time the first size has the latest groups. Else groups are drawn by their values and the
    seed, whatever the order of rows; of several draws the one counts whose parts are nearest to
    their sizes' shares of every class. Raises SpecError for fewer groups than parts.
    """
    _check(groups, len(sizes) + 1)
    index, counts = _numbered(groups)
    if groups.ordered:
        order = np.arange(len(counts))[::-1]
        parts = np.empty_like(order)
        parts[order] = _consecutive(counts[order], sizes)
        return _rows(index, parts, len(sizes) + 1)
    shares = _class_shares(index, strata)
    wanted = np.append(sizes, len(index) - sum(sizes)) / len(index)
    draws = _draws(counts, sizes, seed)
    best = min(draws, key=lambda parts: _distance(parts, shares, wanted))
    return _rows(index, best, len(sizes) + 1)


def folds(
    groups: Groups, count: int, seed: int | None, strata: Int32[np.ndarray, " rows"]
) -> list[Int64[np.ndarray, "_"]]:
    """Rows that each fold tests on, in whole groups and about equal numbers, classes in proportion.

    By time the earliest of count + 1 blocks is in no fold: it only trains. Raises SpecError for
    fewer groups than that takes.
    """
    if groups.ordered:
        _check(groups, count + 2)  # the first fold has two groups before it, one of which validates
        index, counts = _numbered(groups)
        sizes = [len(index) // (count + 1)] * count
        return _rows(index, _consecutive(counts, sizes, first=2), count + 1)[1:]
    _check(groups, max(count, 3))
    index, counts = _numbered(groups)
    order = np.lexsort((_numbers(len(counts), seed), -counts))
    shares = _class_shares(index, strata)
    parts = np.empty(len(counts), np.int64)
    parts[order] = _levelled(shares[order], count)
    return _rows(index, parts, count)


def _check(groups: Groups, least: int) -> None:
    """Raise SpecError for fewer groups."""
    found = groups.count()
    if found < least:
        raise SpecError(
            f"{groups.option} {groups.column}: it has {found} different values; the parts of the"
            f" split need {least} at least, for all rows of one value are in one part.",
            option=groups.option,
        )


def _numbered(groups: Groups) -> tuple[Int64[np.ndarray, " rows"], Int64[np.ndarray, " groups"]]:
    """Each row's group, numbered without gaps, and the groups' numbers of rows."""
    _, index, counts = np.unique(groups.index, return_inverse=True, return_counts=True)
    return index.astype(np.int64), counts.astype(np.int64)


def _numbers(groups: int, seed: int | None) -> Int64[np.ndarray, " groups"]:
    """Random numbers for groups in the order of their values."""
    key = KEY if seed is None else seed
    bits = np.random.Philox(key=key).random_raw(groups)
    return (bits >> 1).astype(np.int64)


def _rows(
    index: Int64[np.ndarray, " rows"], parts: Int64[np.ndarray, " groups"], count: int
) -> list[Int64[np.ndarray, "_"]]:
    """The rows of each part; parts: of the groups."""
    of_row = parts[index]
    return [np.flatnonzero(of_row == part) for part in range(count)]


def _class_shares(
    index: Int64[np.ndarray, " rows"], strata: Int32[np.ndarray, " rows"]
) -> Float64[np.ndarray, "groups classes"]:
    """Each group's share of the rows of every class, and of all rows, which weigh as all classes.

    Parts have their shares of both where the sums of these are right.
    """
    _, classes = np.unique(strata, return_inverse=True)
    many = int(classes.max()) + 1
    cells = np.bincount(index * many + classes, minlength=(int(index.max()) + 1) * many)
    counts = cells.reshape(-1, many).astype(np.float64)
    rows = counts.sum(axis=1, keepdims=True)
    return np.hstack([counts / counts.sum(axis=0), rows / rows.sum() * np.sqrt(many)])


def _draws(
    counts: Int64[np.ndarray, " groups"], sizes: Sequence[int], seed: int | None
) -> Iterator[Int64[np.ndarray, " groups"]]:
    """A part for each group, drawn again and again."""
    many = max(1, min(MOST_DRAWS, DRAWN // len(counts)))
    for numbers in _numbers(many * len(counts), seed).reshape(many, -1):
        order = np.argsort(numbers, kind="stable")
        parts = np.empty_like(order)
        parts[order] = _fitting(counts[order], sizes)
        yield parts


def _distance(
    parts: Int64[np.ndarray, " groups"],
    shares: Float64[np.ndarray, "groups classes"],
    wanted: Float64[np.ndarray, " parts"],
) -> float:
    """How far parts are from having the wanted share of every class: a sum of squares."""
    found = np.zeros((len(wanted), shares.shape[1]))
    np.add.at(found, parts, shares)
    return float(np.square(found - np.outer(wanted, shares.sum(axis=0))).sum())


def _consecutive(
    counts: Int64[np.ndarray, " groups"], sizes: Sequence[int], first: int = 1
) -> Int64[np.ndarray, " groups"]:
    """A part for each group, in their order: ends are where rows are nearest to the sizes.

    Each part has a group at least, the first one `first`.
    """
    parts = np.full(len(counts), len(sizes), np.int64)
    start = 0
    for part, size in enumerate(sizes):
        most = len(counts) - (len(sizes) - part)  # leaves one for each part that follows
        least = first if part == 0 else 1
        sums = np.cumsum(counts[start:most])
        taken = least + int(np.argmin(abs(sums[least - 1 :] - size)))
        parts[start : start + taken] = part
        start += taken
    return parts


def _fitting(
    counts: Int64[np.ndarray, " groups"], sizes: Sequence[int]
) -> Int64[np.ndarray, " groups"]:
    """A part for each group: in their order those that fit into what a size leaves.

    At the end a part has one group more where that brings it nearer to its size, or it has none.
    """
    rest = len(sizes)
    parts = np.full(len(counts), rest, np.int64)
    for part, size in enumerate(sizes):
        most = int((parts == rest).sum()) - (rest - part)  # leaves one for each part that follows
        filled = 0
        taken = 0
        for group in np.flatnonzero(parts == rest).tolist():
            if taken < most and filled + counts[group] <= size:
                parts[group] = part
                filled += int(counts[group])
                taken += 1
        free = np.flatnonzero(parts == rest)
        errors = abs(filled + counts[free] - size)
        if taken == 0 or (taken < most and errors.min() < size - filled):
            parts[free[np.argmin(errors)]] = part
    return parts


def _levelled(
    shares: Float64[np.ndarray, "groups classes"], count: int
) -> Int64[np.ndarray, " groups"]:
    """A part for each group, the one that has least of what it brings; large groups come first.

    That adds least to the sum of the parts' squared shares, which is smallest where all are equal.
    """
    parts = np.empty(len(shares), np.int64)
    filled = np.zeros((count, shares.shape[1]))
    for group, share in enumerate(shares):
        part = int(np.argmin(filled @ share))
        parts[group] = part
        filled[part] += share
    return parts
