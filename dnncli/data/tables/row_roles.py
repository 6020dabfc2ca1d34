"""Columns that say something of rows and are not features: weights, groups, times."""

from collections.abc import Sequence
from dataclasses import replace

from dnncli.data.tables import targets
from dnncli.errors import SpecError
from dnncli.spec import DataSpec, option

ROLES = ("weight", "group", "time")


def roles(spec: DataSpec, columns: Sequence[str]) -> dict[str, str]:
    """Each such column's name and the option that asked for it.

    Raises SpecError for a column that is not there.
    """
    wanted = {name: getattr(spec, name) for name in ROLES}
    return {
        targets.resolve(columns, column, option(name)): option(name)
        for name, column in wanted.items()
        if column is not None
    }


def dropping(spec: DataSpec, columns: Sequence[str], predicted: Sequence[str]) -> DataSpec:
    """The spec with these columns among those that are left out of the features.

    Raises SpecError for a column that is not there or is a target.
    """
    found = roles(spec, columns)
    for name, flag in found.items():
        if name in predicted:
            raise SpecError(f"{flag} {name}: is the column to predict.", option=flag)
    quoted = ['"' + name.replace('"', '""') + '"' for name in found]
    return replace(spec, drop=",".join(filter(None, [spec.drop, *quoted])) or None)


def column(spec: DataSpec, columns: Sequence[str], name: str, *, optional: bool) -> str | None:
    """The column of a role; None where none was asked for, or where it may be absent and is."""
    wanted = getattr(spec, name)
    if wanted is None:
        return None
    if optional and wanted not in columns and not wanted.isdecimal():
        return None
    return targets.resolve(columns, wanted, option(name))
