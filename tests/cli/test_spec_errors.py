"""Errors that begin with an option know which option that is."""

import ast
from pathlib import Path

import dnncli

PACKAGE = Path(dnncli.__file__).parent


def message_of(call: ast.Call) -> str:
    """How the message of a raised SpecError begins, as it stands in the source."""
    return ast.unparse(call.args[0]).lstrip("f").strip("'\"")


def test_every_spec_error_that_begins_with_an_option_names_it_as_data() -> None:
    offenders = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}"
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "SpecError"
        and message_of(node).startswith(("--", "{option", "{checks.option"))
        and "option" not in [keyword.arg for keyword in node.keywords]
    ]
    assert not offenders
