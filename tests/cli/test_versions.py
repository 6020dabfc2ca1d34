"""`dnncli --version` and `--version --verbose`."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from shell import refused, run

from dnncli import __version__
from dnncli.cli import installed

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
OWN_EXTRAS = ("test", "lint")  # for people who change the code


def names(requirements):
    return {re.match(r"[\w.-]+", text)[0] for text in requirements}


def test_the_libraries_are_those_that_the_project_names():
    assert set(installed.REQUIRED) == names(PROJECT["dependencies"])
    extras = PROJECT["optional-dependencies"]
    optional = [
        text for extra, texts in extras.items() if extra not in OWN_EXTRAS for text in texts
    ]
    assert set(installed.OPTIONAL) == names(optional)


@pytest.mark.parametrize("order", [("--version", "--verbose"), ("--verbose", "--version")])
def test_every_library_stands_there_with_its_installed_version(order):
    result = run(*order)
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == f"dnncli {__version__}"
    assert f"Python {sys.version.split()[0]} (CPython)" in lines
    for name in installed.REQUIRED:
        assert any(line.startswith(f"{name} {metadata.version(name)}") for line in lines), name
    # Of what these need in turn, none of which pyproject.toml names.
    for name in ("ml-dtypes", "markdown-it-py", "wadler-lindig"):
        assert any(line.startswith(f"{name} {metadata.version(name)}") for line in lines), name
    assert any(re.match(r"devices cpu \(\d+ processors\)", line) for line in lines)


def test_a_package_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(installed, "OPTIONAL", ("no-such-package",))
    assert "no-such-package not installed\n" in run("--version", "--verbose").out


def test_licences_are_short_or_left_out(monkeypatch):
    class Metadata(dict):
        def get_all(self, name):
            return ["License :: OSI Approved :: MIT License", "Topic :: x"]

    assert installed._licence(Metadata({"License-Expression": "A OR B"})) == "A OR B"
    assert installed._licence(Metadata({"License": "BSD"})) == "BSD"
    assert installed._licence(Metadata({"License": "long " * 50})) == "MIT License"


def test_verbose_alone_and_with_a_command_is_refused():
    for words in (("--verbose",), ("--verbose", "train")):
        assert refused(2, *words) == "dnncli: --verbose goes with --version only.\n"


def test_versions_are_told_without_importing_what_they_are_of():
    code = (
        "import sys; from dnncli.cli import versions; list(versions.lines(verbose=True));"
        f"print(sorted(set({installed.REQUIRED!r}) - {{'click'}} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
