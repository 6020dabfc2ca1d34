"""`--group` and `--time`: columns that say which rows belong together, and which come later."""

import numpy as np
from jaxtyping import Float64

from dnncli.data.grouping import Groups
from dnncli.data.tables import notation_search, row_roles, sql
from dnncli.data.tables.opening import open_table
from dnncli.data.tables.options import Reading
from dnncli.data.tables.relation import Relation, Scan
from dnncli.errors import DataError
from dnncli.spec import DataSpec, option


def read(spec: DataSpec, reading: Reading, rows: int, *, optional: bool = False) -> Groups | None:
    """The group of every row, in the order of the file; None where no column was asked for.

    rows: how many the table has. optional: None also where the table has no such column, as other
    data that are only measured. Raises SpecError for a column that is not there, DataError for a
    row without a value.
    """
    role = "group" if spec.time is None else "time"
    if getattr(spec, role) is None:
        return None
    relation = open_table(spec.data, reading)
    name = row_roles.column(spec, list(relation.declared), role, optional=optional)
    if name is None:
        return None
    value = _time(relation, name) if role == "time" else sql.level(name, relation.types[name])
    ranks = _ranks(relation, value, rows)
    missing = np.flatnonzero(np.isnan(ranks))
    if len(missing):
        raise DataError(
            f"{relation.location}: {name!r}, the column of {option(role)}, has no {role} in row"
            f" {missing[0] + 1:,} ({len(missing):,} such rows): leave such rows out with --where."
        )
    return Groups(ranks.astype(np.int64) - 1, role == "time", option(role), name)


def check_apart(spec: DataSpec, test: str, reading: Reading) -> None:
    """Raise DataError where a test table of its own has a group of the training table too."""
    if spec.group is None:
        return
    found = [_values(path, spec, reading) for path in (spec.data, test)]
    shared = found[0] & found[1]
    if shared:
        raise DataError(
            f"{test}: {len(shared):,} values of {spec.group!r}, the column of --group, are in"
            f" {spec.data} too, the first {min(shared)!r}: leave their rows out of one of them."
        )


def _values(path: str, spec: DataSpec, reading: Reading) -> set[str]:
    """The different groups of a table; none where it has no such column."""
    relation = open_table(path, reading)
    name = row_roles.column(spec, list(relation.declared), "group", optional=True)
    if name is None:
        return set()
    text = sql.level(name, relation.types[name])
    rows = relation.fetch(f"SELECT DISTINCT {text} FROM {relation.filtered}")
    return {value for (value,) in rows if value is not None}


def _time(relation: Relation, name: str) -> str:
    """SQL of a column as something that has an order: a time, or a number such as a year."""
    type_ = relation.types[name]
    if sql.simple(type_) != "VARCHAR":
        kind = "time" if sql.simple(type_) == "TIMESTAMP" else "number"
        return sql.number(name, type_, kind)
    found = notation_search.find(relation, [name], {}).get(name)
    if found is not None and found.format:
        return sql.number(name, type_, found.kind, found.format)
    return f"coalesce({sql.number(name, type_, 'time')}, {sql.number(name, type_)})"


def _ranks(relation: Relation, value: str, rows: int) -> Float64[np.ndarray, " rows"]:
    """Each row's place among the different values, from 1; NaN for none."""
    rank = f"CASE WHEN {value} IS NOT NULL THEN dense_rank() OVER (ORDER BY {value}) END"
    found = np.empty(rows, np.float64)
    scan = Scan(relation, f"({rank})::DOUBLE AS x", 1, rows)
    for part, batch in scan:
        found[part] = batch["x"]
    (found,) = scan.sort(found)
    return found
