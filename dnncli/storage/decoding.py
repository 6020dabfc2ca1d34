"""Dataclasses from JSON values, every type checked: files are not trusted."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

NUMBERS = ("nan", "inf", "-inf")  # strict JSON has strings for them


def decode(kind: Any, value: Any, place: str) -> Any:
    """A JSON value as a type: a dataclass, tuple, dict, union, or one of Python's own.

    Lists become tuples; absent fields take their defaults, or None. Raises TypeError, naming the
    place, for a value of another type.
    """
    if dataclasses.is_dataclass(kind):
        return _decode_fields(kind, _checked(dict, value, place), place)
    origin = get_origin(kind)
    arguments = get_args(kind)
    if origin in (Union, UnionType):
        return _decode_union(arguments, value, place)
    if origin is tuple:
        return _decode_tuple(arguments, _checked(list, value, place), place)
    if origin in (dict, Mapping):
        entries = _checked(dict, value, place).items()
        return {key: decode(arguments[1], entry, f"{place}.{key}") for key, entry in entries}
    if kind in (Any, object):
        return value
    if kind is float:
        number = float(value) if value in NUMBERS else value
        return float(_checked((float, int), number, place))
    return _checked(kind, value, place)


def _checked(kind: Any, value: Any, place: str) -> Any:
    """The value if it has one of the types. Raises TypeError otherwise."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if type(value) not in kinds:
        raise TypeError(f"{place} is a {type(value).__name__}, not a {kinds[0].__name__}")
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    """A class's fields with their types; slow to find, so found once."""
    return get_type_hints(kind)


def _decode_fields(kind: Any, values: Mapping[str, Any], place: str) -> Any:
    """A dataclass from a dictionary."""
    hints = _hints(kind)
    if unknown := values.keys() - hints.keys():
        raise TypeError(f"{place} has no {min(unknown)}")
    known = {name: decode(hints[name], value, f"{place}.{name}") for name, value in values.items()}
    absent = {
        field.name: None
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and NoneType in get_args(hints[field.name])
    }
    return kind(**absent | known)


def _decode_union(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    """The first of the types that the value has."""
    failures = []
    for kind in kinds:
        try:
            return decode(kind, value, place)
        except TypeError as error:
            failures.append(error)
    raise failures[0]


def _decode_tuple(kinds: tuple[Any, ...], values: list[Any], place: str) -> tuple[Any, ...]:
    """A tuple of one type throughout, or of one type for each place."""
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(values)
    if len(values) != len(kinds):
        raise TypeError(f"{place} has {len(values)} entries, not {len(kinds)}")
    pairs = enumerate(zip(kinds, values, strict=True))
    return tuple(decode(kind, value, f"{place}[{index}]") for index, (kind, value) in pairs)
