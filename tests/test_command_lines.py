"""The command lines that versions are compared by: every command, its formats and option groups."""

import re

import click
import pytest
from command_lines import COMMAND_LINES
from shell import LEAVES

from dnncli.cli.program import COMMANDS


def lines_of(name):
    """What follows a command's name, wherever a line calls it."""
    text = "\n".join(COMMAND_LINES.values())
    return re.findall(rf"dnncli {name}\b([^;&|\n]*)", text)


def groups(leaf):
    """The names of a command's options by the section of its help."""
    found = {}
    for param in leaf.params:
        if isinstance(param, click.Option) and hasattr(param, "section"):
            names = found.setdefault(param.section, set())
            names.update((*param.opts, *param.secondary_opts))
    return found


@pytest.mark.parametrize("name", LEAVES)
def test_a_command_runs_with_options_of_every_group_in_every_format(name):
    words = " ".join(lines_of(name)).split()
    assert lines_of(name)
    unused = [title for title, names in groups(LEAVES[name]).items() if not names & set(words)]
    assert not unused
    if name == "data fetch":
        return  # what it prints of a data set needs the network
    formats = [param for param in LEAVES[name].params if param.name == "format_"]
    for param in formats:
        others = [choice for choice in param.type.table if choice != param.default]
        assert not [choice for choice in others if f"--format {choice}" not in " ".join(words)]


def test_no_command_is_left_out():
    assert {name.split()[0] for name in LEAVES} == set(COMMANDS)
    assert len(COMMAND_LINES) >= 40
