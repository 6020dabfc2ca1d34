"""How a table's columns become numbers: found on the training table, kept in the checkpoint."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool

from dnncli.data.tables import notation, recurring

KINDS = ("number", "time", "code", "text")
# Of a column, absent from metadata where they say nothing: fingerprints stay.
UNSAID = ("format", "marks", "parts", "by_target", "outputs", "effects")


@dataclass(frozen=True)
class Column:
    """One column and its encoding.

    kind: number, time (days since 1970), code (numbers that stand for categories) or text.
    levels: of a code or text, one 0/1 feature each, and one more for any other value.
    median: what stands for a missing number or time.
    center: subtracted in float64, before a value is rounded to float32.
    missing: whether training had missing values; they then have a 0/1 feature of their own.
    format: how numbers or times are written in text, as in `notation`; empty: as programs do.
    marks: values that stand for missing, besides those that do in every column.
    parts: of a time, what comes again in it, as in `recurring`: features after that of its days.
    by_target: a level's feature is its effect on each of `outputs`, as in `level_effects`, instead
    of 0/1 features. effects: for each output each level's; empty before they are estimated.
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()
    median: float = 0.0
    center: float = 0.0
    missing: bool = False
    format: str = ""
    marks: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    by_target: bool = False
    outputs: tuple[str, ...] = ()
    effects: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no table gives: a checkpoint may hold anything."""
        finite = math.isfinite(self.median) and math.isfinite(self.center)
        sound = self.kind in KINDS and notation.is_known(self.format)
        possible = recurring.PARTS if self.kind == "time" else ()
        distinct = _distinct(self.levels) and _distinct(self.parts)
        if not sound or not finite or not distinct or not {*self.parts} <= {*possible}:
            raise ValueError(f"the column {self.name!r} has no possible encoding")
        if self.kind == "code":
            tuple(map(float, self.levels))
        self._check_effects()

    def _check_effects(self) -> None:
        """Refuse effects that are not those of levels."""
        sizes = {len(self.levels), *map(len, self.effects)}
        sound = all(math.isfinite(value) for one in self.effects for value in one)
        possible = self.categorical or not self.by_target
        known = self.by_target or not self.outputs
        if not (sound and possible and known and len(self.outputs) == len(self.effects)):
            raise ValueError(f"the column {self.name!r} has no possible effects")
        if len(sizes) > 1 or not _distinct(self.outputs):
            raise ValueError(f"the column {self.name!r} has other effects than levels")

    @property
    def categorical(self) -> bool:
        """Whether its values are levels rather than numbers."""
        return self.kind in ("code", "text")

    @property
    def measured(self) -> int:
        """How many of its features, which come first, are numbers rather than 0 or 1."""
        if self.by_target:
            return max(1, len(self.outputs))
        return int(not self.categorical)

    @property
    def features(self) -> tuple[str, ...]:
        """Its features' names, in order."""
        names = [self.name, *recurring.names(self.name, self.parts)]
        if self.by_target:
            names = [f"{self.name} effect on {output}" for output in self.outputs] or [self.name]
        elif self.categorical:
            names = [f"{self.name}={level}" for level in self.levels]
            names.append(f"{self.name} other")
        if self.missing:
            names.append(f"{self.name} missing")
        return tuple(names)


@dataclass(frozen=True)
class Encoding:
    """A table's columns in the order of their features, and its target with its classes.

    layout: every column of a file without a header line, target included; empty where names are
    read from the file. quantities: the targets of a regression, of which `target` is the first.
    """

    columns: tuple[Column, ...]
    target: str
    classes: tuple[str, ...]
    layout: tuple[str, ...] = ()
    quantities: tuple[Column, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no table gives."""
        names = [*(column.name for column in self.columns), *self.targets]
        if len(names) < 2 or not all(map(_distinct, (names, self.classes, self.layout))):
            raise ValueError("columns and classes need distinct names")
        if self.layout and not {*names} <= {*self.layout}:
            raise ValueError("the layout lacks a column")

    @property
    def targets(self) -> tuple[str, ...]:
        """Every column to predict."""
        return tuple(column.name for column in self.quantities) or (self.target,)

    @property
    def features(self) -> tuple[str, ...]:
        """Every feature's name."""
        return tuple(name for column in self.columns for name in column.features)

    @property
    def numeric(self) -> Bool[np.ndarray, " features"]:
        """Mask of the features that are numbers rather than 0 or 1: those are scaled."""
        mask: list[bool] = []
        for column in self.columns:
            indicators = len(column.features) - column.measured
            mask += [*[True] * column.measured, *[False] * indicators]
        return np.array(mask, bool)

    @property
    def spelled(self) -> tuple[str, ...]:
        """The columns that are read from their spelling.

        DuckDB reads 43.269 as a number, which is 43269 where points separate thousands.
        """
        return tuple(c.name for c in self.columns if c.kind == "text" or c.format)

    @property
    def identity(self) -> bool:
        """Whether every column is a number that is never missing: features are the columns."""
        return all(c.kind == "number" and not c.missing and c.center == 0 for c in self.columns)

    @property
    def by_target(self) -> bool:
        """Whether levels of some column have effects."""
        return any(column.by_target for column in self.columns)

    @property
    def estimated(self) -> bool:
        """Whether all effects of levels are there, so that rows can be encoded."""
        return all(column.effects or not column.by_target for column in self.columns)

    @property
    def without_effects(self) -> "Encoding":
        """As it was found, before effects of levels were estimated."""
        if not self.by_target:
            return self
        columns = (replace(column, outputs=(), effects=()) for column in self.columns)
        return replace(self, columns=tuple(columns))

    def json(self) -> dict[str, Any]:
        """As a checkpoint's metadata hold it."""
        values = asdict(self)
        if not self.quantities:
            del values["quantities"]
        for column in (*values["columns"], *values.get("quantities", ())):
            for name in UNSAID:
                if not column[name]:
                    del column[name]
        return values


def _distinct(names: Sequence[str]) -> bool:
    """Whether no two names are the same."""
    return len(set(names)) == len(names)
