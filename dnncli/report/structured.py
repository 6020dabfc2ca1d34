"""Records as strict JSON and as CSV."""

import csv
import dataclasses
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dnncli import __version__
from dnncli.records import Notice, SourceNote, SourceTensor
from dnncli.report import notices

SCHEMA = 1


def document(command: str, record: Any) -> dict[str, Any]:
    """A result as one JSON object: the common head, the record's fields, and what was not finite.

    JSON has no NaN or infinity: they become null, and the name of their field, with its place, is
    listed under "nonfinite".
    """
    head = {"command": command, "version": __version__, "schema": SCHEMA}
    return {**head, **_body(record)}


def event(kind: str, record: Any) -> dict[str, Any]:
    """A record as one object of a stream."""
    return {"event": kind, **_body(record)}


def _body(record: Any) -> dict[str, Any]:
    """A record's fields, and the list of those that are not finite where there are any."""
    nonfinite: list[str] = []
    body = dict(_encode(record, "", nonfinite))
    if nonfinite:
        body["nonfinite"] = nonfinite
    return body


def dumps(document: Mapping[str, Any]) -> str:
    """One line of strict JSON, in ASCII: right in every locale."""
    return json.dumps(document, allow_nan=False)


def _encode(value: Any, place: str, nonfinite: list[str]) -> Any:
    if isinstance(value, Notice):
        return notices.sentence(value)
    if isinstance(value, SourceNote):
        return notices.source_note(value)
    if isinstance(value, SourceTensor):
        return value.name
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {
            key: _encode(item, f"{place}.{key}".lstrip("."), nonfinite)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_encode(item, f"{place}[{i}]", nonfinite) for i, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        nonfinite.append(place)
        return None
    return value


def csv_lines(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV with Unix line ends; floats as Python writes them: they read back equal."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().rstrip("\n")
