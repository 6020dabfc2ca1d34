"""K-fold cross-validation: every example is in the test set of one fold.

By time a fold is tested on the examples that follow those it is trained on, so the earliest ones
are in no test set.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int

from dnncli.data import grouping, loading, splitting
from dnncli.data.dataset import Dataset
from dnncli.data.source import DataSource, Table
from dnncli.data.splitting import Parts
from dnncli.errors import SpecError
from dnncli.spec import DataSpec

OPTION = "--folds"


@dataclass(frozen=True, eq=False)
class Folds:
    """A source of examples, and the rows that each fold tests on."""

    source: DataSource
    spec: DataSpec
    tests: tuple[Int[np.ndarray, "_"], ...]

    def __len__(self) -> int:
        """How many folds there are."""
        return len(self.tests)

    def datasets(self) -> Iterator[Dataset]:
        """Each fold's examples, scaled by its own training examples; one at a time, for memory."""
        for rows in self.tests:
            yield loading.prepared(self.source, self._parts(rows), self.spec)

    def everything(self) -> Dataset:
        """All rows to train on. None is held out: the same rows stand for held-out ones, too."""
        (rows,) = _groups(self.source.train, np.arange(self.examples), [], self.spec.split_seed)
        table = self.source.train.take(rows)
        dataset = loading.prepared(self.source, Parts(table, table, table), self.spec)
        return replace(dataset, validation=dataset.train, test=dataset.train)

    @property
    def examples(self) -> int:
        """How many examples there are."""
        return len(self.source.train)

    def _parts(self, test: Int[np.ndarray, "_"]) -> Parts:
        """One fold: its validation examples are drawn from those that it is not tested on.

        By time these are the examples before it, of which the same share validates.
        """
        table = self.source.train
        validation = self.source.validation
        size = splitting.validation_size(self.source, self.spec.validation)
        if table.groups is not None and table.groups.ordered:
            others = table.groups.earlier(test)
            size = max(1, round(size * len(others) / len(table)))
        else:
            others = np.delete(np.arange(len(table)), test)
        if validation is not None:
            (rest,) = _groups(table, others, [], self.spec.split_seed)
            return Parts(table.take(rest), validation, table.take(test))
        drawn, rest = _groups(table, others, [size], self.spec.split_seed)
        return Parts(table.take(rest), table.take(drawn), table.take(test))


def folds(spec: DataSpec, count: int) -> Folds:
    """Folds of equal sizes, within 1, in the classes' proportions; a source's test set is not used.

    Raises SpecError for fewer than 2, for more than there are examples for, and with --test, since
    the folds are the test sets; DataError as loading does.
    """
    if count < 2:
        raise SpecError(f"{OPTION} {count}: must be at least 2.", option=OPTION)
    if spec.test is not None:
        raise SpecError(
            f"{OPTION} {count}: every fold is the test set once; leave out --test {spec.test}.",
            option=OPTION,
        )
    source = loading.read(spec)
    examples = len(source.train)
    classes = len(np.unique(source.train.strata))
    if examples // count < classes:
        raise SpecError(
            f"{OPTION} {count}: a fold would have {examples // count} of the {examples:,} examples,"
            f" fewer than there are classes, or bins of a numeric target ({classes}).",
            option=OPTION,
        )
    table = source.train
    if table.groups is not None:
        parts = grouping.folds(table.groups, count, spec.split_seed, table.strata)
        return Folds(source, spec, tuple(splitting.ordered(table, parts, spec.split_seed)))
    sizes = [examples // count + (index < examples % count) for index in range(count - 1)]
    groups = _groups(table, np.arange(examples), sizes, spec.split_seed)
    return Folds(source, spec, tuple(groups))


def _groups(
    table: Table, rows: Int[np.ndarray, "_"], sizes: list[int], seed: int | None
) -> list[Int[np.ndarray, "_"]]:
    """Some rows in groups of these sizes and a last one of the rest, as a split draws them."""
    return [rows[part] for part in splitting.drawn(table.take(rows), sizes, seed)]
