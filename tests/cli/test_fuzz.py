"""Any command line whatever: it ends with a code that is documented, and never with a traceback."""

import os
import shutil
import urllib.request
from pathlib import Path

import click
import pytest
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
    "plot": ["a.svg", "a.png", "a.pdf"],
    "target": ["y", "4"],
    "drop": ["a", "b,c"],
    "types": ["a=category"],
    "where": ["a > 3"],
    "delimiter": [","],
    "label-strip": ["."],
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
SHORT |= {"cases": "relu:he", "depths": "2"}


def good(option):
    """Values that an option takes."""
    name = option.opts[0].lstrip("-")
    if name in GOOD:
        return GOOD[name]
    if isinstance(option.type, Name):
        return [*option.type.table, *option.type.extra]
    if isinstance(option.type, click.Choice):
        return list(option.type.choices)
    if isinstance(option.type, click.Path):
        return NEW
    return COUNTS if option.type is click.INT else SHARES


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
    for place, argument in enumerate(p for p in command.params if isinstance(p, click.Argument)):
        right = (
            ["net.ckpt", "tiny.npz"][place]
            if argument.name == "checkpoint" or place
            else "rows.csv"
        )
        words.append(draw(st.sampled_from([right] * 20 + WORDS + PATHS)))
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


@pytest.mark.parametrize(
    "words", [[word] for word in WORDS if word != "--"] + [["--"], ["train", "--", "x"]]
)
def test_no_first_word_ends_in_a_traceback(words):
    result = run(*words)
    assert result.code == 2
    assert result.err.startswith(("dnncli", "Usage"))
