"""Help: in sections, with defaults and examples that work, at every width."""

import re
import shlex

import click
import pytest
from shell import LEAVES, run

from dnncli.cli.program import COMMANDS

every_command = pytest.mark.parametrize("name", LEAVES)


def options(name):
    return [param for param in LEAVES[name].params if isinstance(param, click.Option)]


@pytest.mark.parametrize("words", ["", *COMMANDS, *LEAVES])
@pytest.mark.parametrize("columns", ["80", "120", "41"])
def test_help_fits_the_terminal_but_for_examples(words, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    result = run(*words.split(), "--help")
    assert (result.code, result.err) == (0, "")
    assert result == run(*words.split(), "-h")
    text = result.out.partition("Examples:")[0]
    if columns != "41":
        assert max(map(len, text.splitlines())) <= int(columns)


@every_command
def test_help_closes_with_examples_that_fit_80_columns(name):
    examples = run(*name.split(), "--help").out.partition("Examples:\n")[2].splitlines()
    assert examples
    assert all(line.startswith("  ") and "dnncli" in line and len(line) <= 82 for line in examples)


@every_command
def test_the_examples_are_command_lines_it_takes(name, monkeypatch):
    calls = []
    monkeypatch.setattr(LEAVES[name], "callback", lambda **given: calls.append(given))
    lines = LEAVES[name].examples.strip().splitlines()
    for line in lines:
        words = shlex.split(re.split(r"[|<>]", line)[0], comments=True)
        result = run(*words[words.index("dnncli") + 1 :])
        assert result.code == 0, result.err
    assert len(calls) == len(lines)


@every_command
def test_every_option_stands_in_a_section_and_has_a_help_text(name):
    shown = run(*name.split(), "--help").out
    for option in options(name):
        assert hasattr(option, "section"), option.name
        assert option.help, option.name
        assert max(option.opts, key=len) in shown


@every_command
def test_every_default_is_shown(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    shown = " ".join(run(*name.split(), "--help").out.split())
    for option in options(name):
        default = option.get_default(click.Context(LEAVES[name]), call=False)
        if not option.is_flag and isinstance(default, str | int | float | tuple) and default != ():
            entry = re.split(rf" {max(option.opts, key=len)} ", shown)[1].partition(" --")[0]
            assert "[default: " in entry, option.name


def test_the_sections_of_train_stand_in_the_order_of_the_work():
    titles = re.findall(r"^(\w+):$", run("train", "--help").out, re.M)
    sections = [
        "Data",
        "Tables",
        "Preset",
        "Network",
        "Optimisation",
        "Stopping",
        "Run",
        "Output",
        "Examples",
    ]
    assert titles == sections


def test_names_are_not_broken_at_their_hyphens(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = run("train", "--help").out
    for name in ("leaky-relu", "xavier-normal", "critical-orthogonal", "one-cycle", "val-accuracy"):
        assert name in shown
    assert not re.search(r"\[default:$", shown, re.M)


def test_without_a_command_help_goes_to_stderr_and_the_code_says_so():
    result = run()
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) > 10


def test_the_version_is_printed():
    from dnncli import __version__

    assert run("--version").out == f"dnncli {__version__}\n"


def test_help_is_shown_beside_a_wrong_variable(monkeypatch):
    monkeypatch.setenv("DNNCLI_TRAIN_NONSENSE", "1")
    assert run("train", "--help").code == 0
