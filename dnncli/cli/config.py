"""Options in TOML files: what `--config` reads and `--save-config` writes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from dnncli import __version__
from dnncli.cli import command
from dnncli.cli.suggestions import meant
from dnncli.errors import SpecError
from dnncli.storage import files

LARGEST = 1_000_000  # bytes; no list of options is larger, but /dev/zero is
NEVER_IN_FILES = ("config", "save-config", "help")


def read(ctx: click.Context, param: click.Parameter, path: Path | None) -> None:
    """Take this command's section of a TOML file as defaults below environment and flags.

    Raises DnncliError for a file that cannot be read, SpecError for one that sets no such options.
    """
    if path is None or ctx.resilient_parsing:
        return
    section = _section(ctx, _parse(path), path)
    options = {
        command.option_name(option): option
        for option in ctx.command.params
        if isinstance(option, click.Option) and command.option_name(option) not in NEVER_IN_FILES
    }
    ctx.meta[command.CONFIG_FILE] = str(path)
    ctx.default_map = dict(_value(path, options, key, value) for key, value in section.items())


def _parse(path: Path) -> dict[str, Any]:
    import tomllib

    with files.reported(path, "read"), open(path, "rb") as file:
        data = file.read(LARGEST + 1)
    try:
        if len(data) > LARGEST:
            raise ValueError("it is too large for a list of options")
        return tomllib.loads(data.decode("utf-8-sig"))
    # UnicodeDecodeError and TOMLDecodeError are ValueErrors.
    except (ValueError, RecursionError) as error:
        raise SpecError(
            f"--config {path} is not a TOML file: {error}.", option="--config"
        ) from None


def _section(ctx: click.Context, document: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """The table of a command: `[train]`. Other commands' may stand beside it, and nothing else."""
    root = ctx.find_root().command
    commands = root.list_commands(ctx) if isinstance(root, click.Group) else []
    words = ctx.command_path.split()[1:]
    names = ", ".join(commands)
    for key, value in document.items():
        if not isinstance(value, dict):
            raise SpecError(
                f"--config {path}: {key} stands outside a section; put it under [{words[0]}].",
                option="--config",
            )
        if key not in commands:
            raise SpecError(
                f"--config {path}: no command is called [{key}]. There are {names}.",
                option="--config",
            )
    section: Any = document
    for word in words:
        section = section.get(word, {}) if isinstance(section, dict) else {}
    return section if isinstance(section, dict) else {}


def _value(
    path: Path, options: Mapping[str, click.Option], key: str, value: Any
) -> tuple[str, Any]:
    """An option's parameter and its value in the form a command line would give it."""
    name = key.replace("_", "-")
    if name not in options:
        near = meant(name, options)
        ending = f": did you mean {near!r}?" if near else "."
        raise SpecError(f"--config {path}: no option is called {key}{ending}", option="--config")
    option = options[name]
    try:
        return str(option.name), _given(option, value)
    except ValueError as need:
        raise SpecError(
            f"--config {path}: {key} must be {need}, not {_shown(value)}.", option="--config"
        ) from None


def _given(option: click.Option, value: Any) -> Any:
    if option.is_flag:
        if not isinstance(value, bool):
            raise ValueError("true or false")
        return value
    if option.multiple or option.nargs != 1:
        return [_text(item) for item in value] if isinstance(value, list) else [_text(value)]
    if isinstance(value, list) and getattr(option.type, "is_list", False):
        return ",".join(map(_text, value))
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("a number or a text")
    return str(value)


def _shown(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)


def save(path: Path, name: str, options: Mapping[str, Any]) -> None:
    """Write options as a command's section, so that `--config` gives the same run.

    Options that are None are off by being absent, but for `patience`, which 0 turns off.
    Raises DnncliError where the file cannot be written, SpecError for a text that TOML cannot hold.
    """
    import tomli_w

    values = dict(options)
    if "patience" in values:
        values["patience"] = values["patience"] or 0
    section = {key.replace("_", "-"): value for key, value in values.items() if value is not None}
    head = f"# dnncli {__version__}; run it again with: dnncli {name} --config FILE\n"
    try:
        data = (head + tomli_w.dumps({name: section})).encode()
    except UnicodeEncodeError:
        raise SpecError(
            f"--save-config {path}: a file name in it is not UTF-8, which TOML must be.",
            option="--save-config",
        ) from None
    files.write(path, data)
