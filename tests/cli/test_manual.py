"""The man page: written from the same tables as help, and sound roff."""

import re
import shutil
import subprocess

import click
import manual
import pytest
from shell import LEAVES

from dnncli.cli.program import COMMANDS
from dnncli.errors import ExitCode

groff = pytest.mark.skipif(not shutil.which("groff"), reason="needs groff")


def shown() -> str:
    """The page as a reader sees it, hyphens as hyphens, without its layout."""
    command = ["groff", "-man", "-Kutf8", "-Tutf8", "-P-cbou", "-rHY=0", str(manual.PAGE)]
    ran = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return " ".join(re.sub("[‐−]", "-", ran.stdout.decode()).split())


def test_the_page_kept_in_the_repository_is_the_programs() -> None:
    written = manual.PAGE.read_text(encoding="utf-8")
    assert written == manual.page(), "write it anew: python tests/manual.py"


def test_every_exit_code_is_explained() -> None:
    assert set(manual.EXIT_CODES) == set(ExitCode)


@groff
def test_groff_has_nothing_to_say_against_it() -> None:
    command = ["groff", "-man", "-Kutf8", "-Tutf8", "-ww", "-z", str(manual.PAGE)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert not ran.stderr


@groff
def test_the_page_shows_every_command_and_option() -> None:
    text = shown()
    for summary in COMMANDS.values():
        assert summary in text
    for words, leaf in LEAVES.items():
        _, _, section = text.partition(f"DNNCLI {words.upper()} ")
        for option in leaf.params:
            if isinstance(option, click.Option):
                name = max(option.opts, key=len)
                assert name in section.partition(" DNNCLI ")[0], (words, name)


@groff
@pytest.mark.parametrize("text", [r"a \fBback\fR\slash", "--hyphens-", ".TH at the start", "'so"])
def test_a_text_stands_as_it_is(text: str) -> None:
    command = ["groff", "-man", "-Kutf8", "-Tascii", "-P-cbou"]
    lines = ".TH X 1\n" + manual.roff(text) + "\n"
    ran = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    assert text in ran.stdout
