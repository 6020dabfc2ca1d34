"""How to get a result again: the command, its options, versions and fingerprints."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dnncli.diagnosis.remedy import command_line
from dnncli.errors import SpecError
from dnncli.records import DataRecord
from dnncli.report.page.blocks import Block, Command, Details, Fact, Facts, Prose, Section, Source
from dnncli.spec import from_options
from dnncli.spec.given import options_to_type

NAME = "reproduce"
TITLE = "How to get it again"
SAME = (
    "On a machine of the same kind, with the same versions and as many threads, the same command"
    " gives the same numbers to the last bit, times aside."
)


def of_training(config: Mapping[str, Any], blocks: Sequence[Block]) -> Section:
    """A run of `train`: its shortest command line, then other blocks, then every option."""
    try:
        options = options_to_type(from_options(config))
        first: Block = Command(shlex.join(command_line(options)))
    except (SpecError, TypeError, ValueError):
        first = Prose("Its options are not those of a run of this version.", "note")
    options_block = Details("Every option, as a file for --config", (_toml("train", config),))
    return Section(NAME, TITLE, (first, *blocks, Prose(SAME, "note"), options_block))


def of_command(
    command: str, config: Mapping[str, Any], blocks: Sequence[Block], words: Sequence[str] = ()
) -> Section:
    """A run of another command by its options in a file. words: what else it is given."""
    line = shlex.join(["dnncli", *command.split(), *words, "--config", "again.toml"])
    file = _toml(command, config)
    shown: tuple[Block, ...] = (file, Command(line, "with that file, run"))
    return Section(NAME, TITLE, (*shown, *blocks, Prose(SAME, "note")))


def of_network(
    command: str, words: Sequence[str], config: Mapping[str, Any], blocks: Sequence[Block]
) -> Section:
    """A command on a trained network, whose training has the options."""
    line = shlex.join(["dnncli", command, *words])
    trained = Details("How the network was trained", (_toml("train", config),))
    return Section(NAME, TITLE, (Command(line), *blocks, trained))


def _toml(command: str, config: Mapping[str, Any]) -> Source:
    """Options as a command's section of TOML; those that are not set are left out."""
    lines = [f"[{command}]", *_options(config)]
    return Source("\n".join(lines), "again.toml")


def _options(config: Mapping[str, Any]) -> Iterator[str]:
    """A line an option. No patience is written as 0: absent it would have its default."""
    for name, value in config.items():
        given = 0 if name == "patience" and value is None else value
        if given is not None and given != []:
            yield f"{name.replace('_', '-')} = {_value(given)}"


def _value(value: Any) -> str:
    """A value as TOML has it: of texts JSON's escapes are TOML's, too."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return _text(value) if isinstance(value, str) else repr(value)


def _text(value: str) -> str:
    """A basic string of TOML."""
    plain = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'


def data(record: DataRecord, more: Sequence[Fact] = ()) -> Facts:
    """What identifies the data, and what else is known."""
    return Facts((Fact("data", record.name), Fact("data, SHA-256", record.fingerprint), *more))


def versions(known: Mapping[str, str]) -> tuple[Fact, ...]:
    """The libraries and the machine."""
    return tuple(Fact(name, version) for name, version in known.items())
