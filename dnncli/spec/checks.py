"""Checks of options that a spec makes of itself while it is constructed."""

import math
from collections.abc import Callable

from dnncli.errors import SpecError


def option(name: str) -> str:
    """A field's name as it stands on the command line."""
    return "--" + name.replace("_", "-")


def check(holds: bool, name: str, value: object, need: str) -> None:
    """Raise SpecError unless a condition on an option's value holds; `need` says which."""
    if not holds:
        raise SpecError(f"{option(name)} {value}: must be {need}.", option=option(name))


def check_number(spec: object, name: str, test: Callable[[float], bool], need: str) -> None:
    """Raise SpecError unless a field is None, or finite and passes the test."""
    value = getattr(spec, name)
    if value is not None:
        check(math.isfinite(value) and test(value), name, value, need)


def check_numbers(spec: object, names: str, test: Callable[[float], bool], need: str) -> None:
    """Check several fields alike; `names` has blanks between them."""
    for name in names.split():
        check_number(spec, name, test, need)


def fill(spec: object, **values: object) -> None:
    """Set fields of a frozen dataclass that is still being constructed."""
    for name, value in values.items():
        object.__setattr__(spec, name, value)


def number_or(value: float | None, default: float | None) -> float | None:
    """The value as a float, or the default where it is None."""
    return default if value is None else float(value)
