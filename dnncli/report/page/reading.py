"""Results of `--format json` read back as the records that they were made from."""

import dataclasses
import json
import re
from collections.abc import Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from dnncli.errors import DataError
from dnncli.report.merit import own_name
from dnncli.report.page import pages
from dnncli.report.page.blocks import Page
from dnncli.report.structured import SCHEMA
from dnncli.storage.decoding import decode

PLACE = re.compile(r"[^.\[\]]+")  # a key or an index in the name of a place
INFINITE = ("depth_scale", "trainable_depth")  # of a network through which gradients keep level
BROKEN = (RecursionError, TypeError, ValueError, KeyError, IndexError, OverflowError)


def page(data: bytes, name: str) -> Page:
    """The page of a result's JSON. name: of its file.

    Raises DataError for what is not a result of a command that has pages, or contradicts itself.
    """
    found = record(data, name)
    try:
        return pages.page(found)
    except (*BROKEN, ZeroDivisionError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"{name} contradicts itself ({reason}).") from error


def record(data: bytes, name: str) -> Any:
    """The record in a result's JSON. name: of its file.

    Raises DataError for what is not a result of a command that has pages.
    """
    document = _document(data, name)
    command = document.get("command")
    kind = pages.RECORDS.get(command) if isinstance(command, str) else None
    if kind is None:
        known = ", ".join(pages.RECORDS)
        raise DataError(
            f"{name} is neither a checkpoint nor a result that has a page: those are of --format"
            f" json of {known}."
        )
    if document.get("schema") != SCHEMA:
        raise DataError(f"{name} was made by another dnncli (schema {document.get('schema')!r}).")
    try:
        _restore_nonfinite(document)
        return decode(kind, _fitted(kind, document), "result")
    except BROKEN as error:
        raise DataError(f"{name} is not an intact result of dnncli {command}: {error}.") from None


def _document(data: bytes, name: str) -> dict[str, Any]:
    """One JSON object. Raises DataError for anything else, and for a stream of events."""
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        hint = " (--format jsonl is a stream; give json)" if data.count(b'"event"') > 1 else ""
        raise DataError(f"{name} is neither a checkpoint nor one JSON object{hint}.")
    return document


def _restore_nonfinite(document: dict[str, Any]) -> None:
    """Numbers that JSON does not have come back as NaN, or as infinity where they can only be that.

    Which one each was is not told.
    """
    for place in document.get("nonfinite", ()):
        *path, last = PLACE.findall(place)
        inner: Any = document
        for key in path:
            inner = inner[_key(inner, key)]
        infinite = any(key in INFINITE for key in (*path, last))
        inner[_key(inner, last)] = "inf" if infinite else "nan"


def _key(container: Any, key: str) -> Any:
    return int(key) if isinstance(container, list) else key


def _fitted(kind: Any, value: Any) -> Any:
    """A JSON value with its keys as a record's fields are called, further keys left out.

    A regression's results say r2 where the records say accuracy.
    """
    if dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        return _fitted_fields(kind, value)
    arguments = get_args(kind)
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _fitted_union(arguments, value)
    if origin in (dict, Mapping) and isinstance(value, Mapping):
        return {key: _fitted(arguments[1], item) for key, item in value.items()}
    if origin is tuple and isinstance(value, list):
        return [_fitted(arguments[0], item) for item in value]
    return value


def _fitted_union(kinds: tuple[Any, ...], value: Any) -> Any:
    """The value fitted to the first of the types that it then has."""
    for kind in kinds:
        fitted = _fitted(kind, value)
        try:
            decode(kind, fitted, "")
        except TypeError:
            continue
        return fitted
    return value


def _fitted_fields(kind: Any, value: Mapping[str, Any]) -> dict[str, Any]:
    """A record's fields by their own names."""
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    keys = {name: own_name(name) for name in names} | {
        name: name for name in names if name in value
    }
    return {name: _fitted(hints[name], value[key]) for name, key in keys.items() if key in value}
