"""Any command line whatever: it ends with a code that is documented, and never with a traceback.

Options come from the command line, from files of --config and from the environment.
"""

import os
import shutil
import urllib.request
from pathlib import Path
from unittest import mock

import click
import jaxtyping
import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shell import LEAVES, TINY, run, write_tiny

from dnncli.cli.types import Name

EXAMPLES = int(os.environ.get("DNNCLI_FUZZ", "12"))  # command lines of each command
LINES = 10  # of an error's file at most: one is right, a warning of Python's would be more

WORDS = [
    "",
    "0",
    "-1",
    "nan",
    "x",
    ",",
    "a,,b",
    "--",
    "-",
    "é💥",
    "a\nb",
    "'",
    "$(x)",
    "\udcff",
    "\x1b[31m",
]
NUMBERS = ["-inf", "nan", "1e999", "-1e-300", "1e-45", "1e30", "3.4e38", "abc", "", "1_0", "9" * 20]
PATHS = ["none", "none/net.ckpt", ".", "", "tiny.npz", "net.ckpt", "run.toml", "rows.csv"]
# What a command can work with, by an option's name or else its type. Large numbers of layers,
# units, epochs and seeds are no use: they are right, and take for ever.
GOOD = {
    "data": ["tiny.npz", "rows.csv"],
    "test": ["0.2", "5", "rows.csv"],
    "validation": ["0.2", "5"],
    "hidden": ["1", "2,3", "3,3,3"],
    "depths": ["1", "2,3"],
    "add": ["2"],
    "classes": ["0-1", "0,2"],
    "keep": ["1", "all", "auto", "hidden1"],
    "freeze": ["1", "all", "hidden1"],
    "unfreeze": ["2:hidden1"],
    "reinit": ["hidden1"],
    "acts": ["relu", "elu,tanh"],
    "inits": ["he", "auto,critical"],
    "lrs": ["0.01", "0.1,0.2"],
    "baseline": ["relu"],
    "cases": ["relu:he", "tanh,relu:he+bn"],
    "config": ["run.toml"],
    "resume": ["net.ckpt"],
    "verify": ["net.ckpt"],
    "plot": ["a.svg", "a.png", "a.pdf"],
    "target": ["y", "4"],
    "drop": ["a", "b,c"],
    "types": ["a=category"],
    "where": ["a > 3"],
    "delimiter": [","],
    "label-strip": ["."],
    "label-prefix": ["x"],
    "memory": ["1", "2kB", "1MB", "1GB"],
    "devices": ["1", "all", "2"],
    "class-weight": ["balanced", "0=2"],
    "weight": ["a"],
    "group": ["b"],
    "time": ["a"],
    "missing": ["?", "none"],
    "encoding": ["utf-8", "latin-1", "auto"],
    "threshold": ["0.5", "f1"],
    "mirror": ["http://127.0.0.1:9/", "none"],
    # A whole set of these would wait for other processes: tests/training has them.
    "coordinator": ["nowhere"],
}
# What an argument takes.
ARGUMENTS = {
    "checkpoint": ["net.ckpt", "table.ckpt"],
    "source": ["net.ckpt", "table.ckpt"],
    "data": ["rows.csv", "tiny.npz", "digits"],
    "file": ["tiny.npz", "rows.csv", "new.onnx", "new.safetensors"],
}
COUNTS, SHARES, NEW = ["1", "2", "3"], ["0.5", "1", "0.001", "2.5"], ["new", "new.csv", "old/new"]
# What keeps a command that gets through short, unless it is drawn.
SHORT = {
    "data": "tiny.npz",
    "hidden": "3",
    "epochs": "1",
    "seeds": "1",
    "train": "0",
    "acts": "relu",
}
SHORT |= {"cases": "relu:he", "depths": "2", "budget": "1"}
# Runs of the tour, each of seconds, have tests of their own.
ALWAYS = {"tour": ["--list"]}
# Values in a file that a text or a number cannot stand for.
TYPED = [True, False, 0, -1, 2.5, float("nan"), [], ["a", 1], [[1]], {"a": 1}, "\x00", "x" * 9999]
CONFIGURED = [
    name
    for name, command in LEAVES.items()
    if any("--config" in param.opts for param in command.params)
]
BROKEN = ["[train", "= 1", "[train]\nlr = 01", "\ufeff", "lr = 1", "[none]\na = 1", "[train]\n" * 2]


@pytest.fixture(autouse=True, scope="module")
def checked(quick):
    """Any line whatever may come to any shape: they are checked here, as in tests of the core."""
    jaxtyping.config.update("jaxtyping_disable", False)


def good(option):
    """Values that an option takes."""
    name = max(option.opts, key=len).lstrip("-")
    if isinstance(option.type, click.Choice):
        return list(option.type.choices)
    if name in GOOD:
        return GOOD[name]
    if isinstance(option.type, Name):
        return [*option.type.table, *option.type.extra]
    if isinstance(option.type, click.Path):
        return NEW
    if isinstance(option.type, click.IntRange) and (option.type.min or 0) > 1:
        return [str(option.type.min)]
    return COUNTS if option.type.name.startswith("integer") else SHARES


def wild(option):
    """Values that it may not."""
    few = ["-1", "0", "1.5", "x", ""]
    if option.opts[0] in ("--epochs", "--depth", "--width", "--seeds", "--train"):
        return few
    return (
        [*WORDS, *NUMBERS, *PATHS]
        if option.opts[0] not in ("--hidden", "--depths", "--add")
        else WORDS
    )


def values(option):
    """Good ones for the most part, or hardly a line would get past its first mistake."""
    return st.sampled_from([0] * 7 + [1]).flatmap(
        lambda odd: st.sampled_from((wild if odd else good)(option))
    )


@st.composite
def lines(draw, command):
    """The words of a command line."""
    options = [param for param in command.params if isinstance(param, click.Option)]
    some = st.just([])
    if options:
        some = st.lists(st.sampled_from(options), max_size=6, unique_by=lambda option: option.name)
    drawn = draw(some)
    words = []
    for argument in (param for param in command.params if isinstance(param, click.Argument)):
        right = ARGUMENTS[argument.name] if argument.name in ARGUMENTS else good(argument)
        if argument.required or draw(st.booleans()):
            many = right * (60 // len(right))
            words.append(draw(st.sampled_from(many + WORDS + PATHS)))
    for option in drawn:
        words.append(draw(st.sampled_from([*option.opts, *option.secondary_opts])))
        if not option.is_flag:
            words += [draw(values(option)) for _ in range(option.nargs)]
    names = {option.name for option in drawn}
    if "format_" not in names and any(option.name == "format_" for option in options):
        # `run` holds a result in JSON against its schema.
        words += draw(st.sampled_from([[], ["--format", "json"]]))
    names |= {"hidden", "depths"} if "depth" in names else set()
    for option in options:
        if option.name in SHORT and option.name not in names:
            words += [option.opts[0], SHORT[option.name]]
    return words


@st.composite
def settings_elsewhere(draw, name):
    """The text of a file for --config, and variables: options of a command, right and wrong."""
    options = [param for param in LEAVES[name].params if isinstance(param, click.Option)]
    section, variables = {}, {}
    for option in draw(st.lists(st.sampled_from(options), max_size=3, unique_by=id)):
        key = max(option.opts, key=len).lstrip("-")
        value = draw(values(option) | st.sampled_from(TYPED))
        if draw(st.booleans()):
            section[key] = (
                value.encode("utf-8", "replace").decode() if str(value) == value else value
            )
        elif not option.is_flag:
            variable = f"DNNCLI_{name}_{key}".upper().replace("-", "_").replace(" ", "_")
            variables[variable] = draw(values(option)).replace("\0", "")
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(BROKEN)), variables
    for word in reversed(name.split()):
        section = {word: section}
    return tomli_w.dumps(section), variables


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A folder with a checkpoint, a table and a config, to begin each line from."""
    folder, before = tmp_path_factory.mktemp("stage"), Path.cwd()
    os.chdir(folder)
    write_tiny("tiny.npz")
    Path("rows.csv").write_text(
        "a,b,c,y\n" + "".join(f"{i},{i % 3},{-i},{i % 2}\n" for i in range(40))
    )
    Path("run.toml").write_text("[train]\nact = 'tanh'\n[eval]\nsplit = ['train']\n")
    assert run("train", *TINY, "--bn", "--out", "net.ckpt", "-q").code == 0
    table = ("--data", "rows.csv", "--preset", "plain", "--hidden", "3", "--epochs", "1")
    assert run("train", *table, "--out", "table.ckpt", "-q").code == 0
    os.chdir(before)
    return folder


def unreachable(*_, **__):
    """In place of the network."""
    raise urllib.error.URLError("no network in tests")


def begin(stage, folder):
    """The folder as each command line finds it."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(stage, folder, dirs_exist_ok=True)


@pytest.mark.parametrize("name", LEAVES)
def test_every_option_of_every_command_has_a_value_that_it_takes(name, stage, folder):
    """Or a new option's command lines would end at that option; a new text needs one in GOOD."""
    begin(stage, folder)
    command = LEAVES[name]
    context = click.Context(command)
    for param in command.params:
        if isinstance(param, click.Option) and not param.is_flag:
            assert any(takes(param, value, context) for value in good(param)), param.opts
            named = max(param.opts, key=len).lstrip("-") in GOOD
            assert named or param.type is not click.STRING, param.opts


def takes(option, value, context):
    """Whether an option's type takes a value."""
    try:
        option.type.convert(value, option, context)
    except click.BadParameter:
        return False
    return True


@pytest.mark.parametrize("name", LEAVES)
def test_no_command_line_ends_in_a_traceback(name, stage, folder, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    monkeypatch.setenv("DNNCLI_CACHE", os.environ["DNNCLI_CACHE"])

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize="DNNCLI_FUZZ" not in os.environ,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(words=lines(LEAVES[name]))
    def check(words):
        begin(stage, folder)
        result = run(*name.split(), *words, *ALWAYS.get(name, []))
        assert_ended(folder, result)

    check()


def assert_ended(folder, result):
    """A command has ended as one may, and left nothing unfinished."""
    assert result.code in (0, 1, 2, 3, 4)
    assert "Traceback" not in result.err
    if result.code in (1, 2):
        assert len(result.err.splitlines()) <= LINES
        assert result.err.splitlines()[-1].startswith("dnncli")
    assert not [path for path in folder.rglob("*.dnncli-tmp") if "claim" not in path.name]


@pytest.mark.parametrize("name", CONFIGURED)
def test_neither_does_any_file_of_options_nor_any_environment(name, stage, folder, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", unreachable)

    @settings(
        max_examples=max(4, EXAMPLES // 3),
        deadline=None,
        derandomize="DNNCLI_FUZZ" not in os.environ,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(elsewhere=settings_elsewhere(name), words=lines(LEAVES[name]))
    def check(elsewhere, words):
        text, variables = elsewhere
        begin(stage, folder)
        Path("own.toml").write_text(text)
        with mock.patch.dict(os.environ, variables):
            result = run(*name.split(), *words, "--config", "own.toml", *ALWAYS.get(name, []))
        assert_ended(folder, result)

    check()


@pytest.mark.parametrize(
    "words", [[word] for word in WORDS if word != "--"] + [["--"], ["train", "--", "x"]]
)
def test_no_first_word_ends_in_a_traceback(words):
    result = run(*words)
    assert result.code == 2
    assert result.err.startswith(("dnncli", "Usage"))
