"""Any command line whatever: it ends with a code that is documented, and never with a traceback."""

import os
import shutil
import urllib.request
from pathlib import Path

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shell import TINY, run, write_tiny
from test_help import LEAVES

from dnncli.cli.types import Name, Number

EXAMPLES = int(os.environ.get("DNNCLI_FUZZ", "12"))  # command lines of each command
LINES = 10  # of an error's file at most: one is right, a warning of Python's would be more

WORDS = ["", "0", "-1", "nan", "x", ",", "a,,b", "--", "-", "é💥", "a\nb", "'", "$(x)", "\udcff", "\x1b[31m"]
NUMBERS = [
    "-inf",
    "nan",
    "1e999",
    "-1e-300",
    "0",
    "1e-45",
    "0.5",
    "1",
    "2.5",
    "1e30",
    "3.4e38",
    "abc",
    "",
    "1_0",
]
COUNTS = ["-1", "0", "1", "2", "3", "7", "1.5", "1e3", "99999999999999999999", "four", ""]
# What a large number of would take for ever: layers, units, epochs, seeds.
SMALL = ["-1", "0", "1", "2", "3", "1.5", "x", ""]
SIZES = ["1", "2,3", "3,3,3", "0", "-1", "2,,2", "", ",", "2.5", "x"]
PATHS = [
    "none",
    "none/net.ckpt",
    ".",
    "",
    "tiny.npz",
    "net.ckpt",
    "run.toml",
    "new",
    "a.svg",
    "a.png",
    "rows.csv",
]
SMALL_OPTIONS = {"epochs", "depth", "width", "seeds", "train"}
SIZE_OPTIONS = {"hidden", "depths", "add"}
# What keeps a command that gets through short, unless it is drawn.
SHORT = {
    "data": "tiny.npz",
    "hidden": "3",
    "epochs": "1",
    "seeds": "1",
    "width": "3",
    "depth": "2",
    "acts": "relu",
    "cases": "relu:he",
}


def values(option):
    """What an option may be given: mostly what it takes, often what it does not."""
    name = option.opts[0].lstrip("-")
    if name in SMALL_OPTIONS:
        return st.sampled_from(SMALL)
    if name in SIZE_OPTIONS:
        return st.sampled_from(SIZES)
    if isinstance(option.type, Name):
        return st.sampled_from([*option.type.table, *option.type.extra, *WORDS])
    if isinstance(option.type, click.Choice):
        return st.sampled_from([*option.type.choices, *WORDS])
    if isinstance(option.type, Number):
        return st.sampled_from(NUMBERS)
    if isinstance(option.type, click.Path) or name in ("data", "test"):
        return st.sampled_from([*PATHS, *WORDS, "0.2", "5"])
    return (
        st.sampled_from([*COUNTS, *WORDS])
        if option.type is click.INT
        else st.sampled_from([*WORDS, *NUMBERS])
    )


@st.composite
def lines(draw, command):
    """The words of a command line."""
    options = [param for param in command.params if isinstance(param, click.Option)]
    drawn = draw(st.lists(st.sampled_from(options), max_size=5, unique_by=lambda option: option.name))
    words = []
    for argument in command.params:
        if isinstance(argument, click.Argument):
            words.append(draw(st.sampled_from([*["net.ckpt"] * 6, *PATHS, *WORDS])))
    for option in drawn:
        words.append(draw(st.sampled_from([*option.opts, *option.secondary_opts])))
        if not option.is_flag:
            words += [draw(values(option)) for _ in range(option.nargs)]
    names = {option.name for option in drawn}
    for option in options:
        if (
            option.name in SHORT
            and option.name not in names
            and not (option.name == "depth" and "hidden" in names)
        ):
            words += [option.opts[0], SHORT[option.name]]
    return without_two_sizes(words)


def without_two_sizes(words):
    """A line of defaults gives its sizes once, or none would come through."""
    if "--hidden" in words and "--depth" in words:
        place = words.index("--depth")
        words = words[:place] + words[place + 2 :]
        if "--width" in words:
            place = words.index("--width")
            words = words[:place] + words[place + 2 :]
    return words


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A folder with a checkpoint, a table and a config, to begin each line from."""
    folder, before = tmp_path_factory.mktemp("stage"), Path.cwd()
    os.chdir(folder)
    write_tiny("tiny.npz")
    Path("rows.csv").write_text("a,b,c,y\n" + "".join(f"{i},{i % 3},{-i},{i % 2}\n" for i in range(40)))
    Path("run.toml").write_text("[train]\nact = 'tanh'\n[eval]\nsplit = ['train']\n")
    assert run("train", *TINY, "--bn", "--out", "net.ckpt", "-q").code == 0
    os.chdir(before)
    return folder


@pytest.mark.parametrize("name", LEAVES)
def test_no_command_line_ends_in_a_traceback(name, stage, folder, monkeypatch):
    def unreachable(*_, **__):
        raise urllib.error.URLError("no network in tests")

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
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(stage, folder, dirs_exist_ok=True)
        result = run(*name.split(), *words)
        assert result.code in (0, 1, 2, 3, 4)
        assert "Traceback" not in result.err
        if result.code in (1, 2):
            assert len(result.err.splitlines()) <= LINES
            assert result.err.splitlines()[-1].startswith("dnncli")
        assert not [path for path in folder.rglob("*.dnncli-tmp") if "claim" not in path.name]

    check()


@pytest.mark.parametrize("words", [[word] for word in WORDS if word != "--"] + [["--"], ["train", "--", "x"]])
def test_no_first_word_ends_in_a_traceback(words):
    result = run(*words)
    assert result.code == 2
    assert result.err.startswith(("dnncli", "Usage"))
