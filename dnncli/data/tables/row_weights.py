"""`--weight`: a column that says how much each row counts in the loss."""

import numpy as np
from jaxtyping import Float32

from dnncli.data.tables import row_roles, sql
from dnncli.data.tables.opening import open_table
from dnncli.data.tables.options import Reading
from dnncli.data.tables.relation import Relation, Scan
from dnncli.errors import DataError
from dnncli.spec import DataSpec

LEAST = 1e-6
MOST = 1e6


def read(
    spec: DataSpec, reading: Reading, rows: int, *, optional: bool = False
) -> Float32[np.ndarray, " rows"] | None:
    """Every row's weight, in the order of the file; None where no column was asked for.

    rows: how many the table has. optional: None also where the table has no such column, as other
    data that are only measured. Raises SpecError for a column that is not there, DataError for a
    row whose weight is not a number from 1e-6 to 1e6.
    """
    if spec.weight is None:
        return None
    relation = open_table(spec.data, reading)
    name = row_roles.column(spec, list(relation.declared), "weight", optional=optional)
    if name is None:
        return None
    weights = _values(relation, name, rows)
    _check(relation, name, weights)
    return weights


def _values(relation: Relation, name: str, rows: int) -> Float32[np.ndarray, " rows"]:
    """A column as numbers; NaN for what is not one."""
    value = sql.number(name, relation.types.get(name, "VARCHAR"))
    found = np.empty(rows, np.float64)
    scan = Scan(relation, f"{value} AS x", 1, rows)
    for part, batch in scan:
        found[part] = batch["x"]
    (found,) = scan.sort(found)
    return found.astype(np.float32)


def _check(relation: Relation, name: str, weights: Float32[np.ndarray, " rows"]) -> None:
    """Raise DataError for a weight that is none."""
    wrong = np.flatnonzero(~((weights >= LEAST) & (weights <= MOST)))
    if len(wrong):
        raise DataError(
            f"{relation.location}: {name!r} is {weights[wrong[0]]:g} in row {wrong[0] + 1:,}"
            f" ({len(wrong):,} such rows): a weight must be a number from {LEAST:g} to {MOST:g};"
            " leave such rows out with --where."
        )
