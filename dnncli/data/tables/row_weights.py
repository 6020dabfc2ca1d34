"""`--weight`: a column that says how much each row counts in the loss."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from dnncli.data.tables import sql, targets
from dnncli.data.tables.opening import open_table
from dnncli.data.tables.options import Reading
from dnncli.data.tables.relation import Relation, Scan
from dnncli.errors import DataError, SpecError
from dnncli.spec import DataSpec

OPTION = "--weight"
LEAST = 1e-6
MOST = 1e6


def dropping(spec: DataSpec, columns: Sequence[str], predicted: Sequence[str]) -> DataSpec:
    """The spec with the column of weights among those that are left out of the features.

    Raises SpecError for a column that is not there or is a target.
    """
    if spec.weight is None:
        return spec
    name = targets.resolve(columns, spec.weight, OPTION)
    if name in predicted:
        raise SpecError(f"{OPTION} {spec.weight}: is the column to predict.", option=OPTION)
    quoted = '"' + name.replace('"', '""') + '"'
    return replace(spec, drop=",".join(filter(None, [spec.drop, quoted])))


def read(
    spec: DataSpec, reading: Reading, *, optional: bool = False
) -> Float32[np.ndarray, " rows"] | None:
    """Every row's weight, in the order of the file; None where no column was asked for.

    optional: also where the table has no such column, as other data that are only measured. Raises
    SpecError for a column that is not there, DataError for a row whose weight is not a number from
    1e-6 to 1e6.
    """
    if spec.weight is None:
        return None
    relation = open_table(spec.data, reading)
    columns = list(relation.declared)
    if optional and spec.weight not in columns and not spec.weight.isdecimal():
        return None
    name = targets.resolve(columns, spec.weight, OPTION)
    weights = _values(relation, name)
    _check(relation, name, weights)
    return weights


def _values(relation: Relation, name: str) -> Float32[np.ndarray, " rows"]:
    """A column as numbers; NaN for what is not one."""
    value = sql.number(name, relation.types.get(name, "VARCHAR"))
    scan = Scan(relation, f"{value} AS x", 1)
    parts = [batch["x"] for _, batch in scan]
    return np.concatenate([*parts, np.empty(0)]).astype(np.float32)


def _check(relation: Relation, name: str, weights: Float32[np.ndarray, " rows"]) -> None:
    """Raise DataError for a weight that is none."""
    wrong = np.flatnonzero(~((weights >= LEAST) & (weights <= MOST)))
    if len(wrong):
        raise DataError(
            f"{relation.location}: {name!r} is {weights[wrong[0]]:g} in row {wrong[0] + 1:,}"
            f" ({len(wrong):,} such rows): a weight must be a number from {LEAST:g} to {MOST:g};"
            " leave such rows out with --where."
        )
