"""JSON Schema (2020-12) of every command's `--format json`, made from the records' types.

Keys only get added, never renamed: a schema allows further ones. Floats may be null: JSON has no
NaN. A regression's results say r2 where others say accuracy.
"""

import dataclasses
from collections.abc import Mapping
from inspect import cleandoc
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from dnncli import records
from dnncli.records import Notice, SourceNote, SourceTensor
from dnncli.records.tour import TourRecord
from dnncli.records.tune import TuneRecord
from dnncli.report.merit import own_name
from dnncli.report.structured import SCHEMA

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLAIN = {str: "string", bool: "boolean", int: "integer", NoneType: "null"}
WORDS = (Notice, SourceNote, SourceTensor)  # records that JSON has as a text
HEAD = {
    "command": {"type": "string"},
    "version": {"type": "string"},
    "schema": {"const": SCHEMA},
    "nonfinite": {
        "description": "Places of numbers that were NaN or infinite, and are null here.",
        "type": "array",
        "items": {"type": "string"},
    },
}
NUMBER = {"type": ["number", "null"]}

Schema = dict[str, Any]


def of_command(command: str) -> Schema:
    """The schema of a command's result: a key of RESULTS, or predict."""
    definitions: dict[str, Schema] = {}
    body = PREDICT if command == "predict" else _of_record(RESULTS[command], definitions)
    head = {"$schema": DIALECT, "title": f"The result of dnncli {command}"}
    required = ["command", "version", "schema", *body["required"]]
    properties = {**HEAD, **body["properties"]}
    return head | body | {"properties": properties, "required": required, "$defs": definitions}


def _of_type(type_: Any, definitions: dict[str, Schema]) -> Schema:
    """The schema of a value of a type; records are defined once and referred to."""
    if type_ in PLAIN:
        return {"type": PLAIN[type_]}
    if type_ is float:
        return NUMBER
    if type_ in WORDS:
        return {"type": "string"}
    if dataclasses.is_dataclass(type_):
        return _reference(type_, definitions)
    origin = get_origin(type_)
    arguments = get_args(type_)
    if origin in (Union, UnionType):
        return {"anyOf": [_of_type(argument, definitions) for argument in arguments]}
    if origin is tuple:
        return _of_tuple(arguments, definitions)
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _of_type(arguments[1], definitions)}
    return {}  # Any: options, whose values have many types


def _of_tuple(arguments: tuple[Any, ...], definitions: dict[str, Schema]) -> Schema:
    """A list of one type, or of so many values with a type each."""
    if arguments[-1] is Ellipsis:
        return {"type": "array", "items": _of_type(arguments[0], definitions)}
    items = [_of_type(argument, definitions) for argument in arguments]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _reference(record: Any, definitions: dict[str, Schema]) -> Schema:
    """A record by its name; its definition is added where it is new."""
    name = record.__name__
    if name not in definitions:
        definitions[name] = {}  # a record may hold others of its own kind
        definitions[name] = _of_record(record, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _of_record(record: Any, definitions: dict[str, Schema]) -> Schema:
    """An object with a record's fields; those that a regression calls otherwise by either name."""
    types = get_type_hints(record)
    names = [field.name for field in dataclasses.fields(record)]
    renamed: list[str] = []
    if not {"metrics", "r2"} & {*names}:
        renamed = [name for name in names if own_name(name) != name]
    values = {name: _of_type(types[name], definitions) for name in names}
    schema: Schema = {
        "type": "object",
        "description": cleandoc(record.__doc__),
        "properties": values | {own_name(name): values[name] for name in renamed},
        "required": [name for name in names if name not in renamed],
    }
    if renamed:
        schema["allOf"] = [_either(name, own_name(name)) for name in renamed]
    return schema


def _either(*names: str) -> Schema:
    """An object that has one of the names."""
    return {"oneOf": [{"required": [name]} for name in names]}


PREDICT: Schema = {
    "type": "object",
    "description": "The class, or the number, of every row, in their order.",
    "properties": {
        "config": {"type": "object"},
        "checkpoint": {"type": "string"},
        "file": {"type": "string"},
        "classes": {"type": "array", "items": {"type": "string"}},
        "targets": {"type": "array", "items": {"type": "string"}},
        "threshold": NUMBER,
        "predictions": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "probabilities": {"type": "object", "additionalProperties": NUMBER},
                },
            },
        },
    },
    "required": ["config", "checkpoint", "file", "classes", "threshold", "predictions"],
}

RESULTS: dict[str, type] = {
    "train": records.TrainRecord,
    "eval": records.EvalRecord,
    "doctor": records.DoctorRecord,
    "tune": TuneRecord,
    "transfer": records.TransferRecord,
    "data-list": records.DataListRecord,
    "data-show": records.DescriptionRecord,
    "data-fetch": records.FetchRecord,
    "data-clear": records.ClearRecord,
    "inspect": records.InspectRecord,
    "compare-activations": records.ComparisonRecord,
    "vanishing-demo": records.DemoRecord,
    "tour": TourRecord,
}
