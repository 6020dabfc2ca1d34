"""Every command of the README runs, and its consoles show what the program prints."""

import re
from pathlib import Path

import pytest
import readme


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One working folder for all commands, with links to the data beside the repository."""
    path = tmp_path_factory.mktemp("readme")
    readme.link(path)
    return path


def needs_what_is_not_here(command: str, folder: Path) -> bool:
    return any(
        f"{name}/" in command and not (folder / name).exists() for name in ("mnist", "tables")
    )


def affordable(command: str) -> str:
    """Runs on MNIST take one epoch here; nothing else is changed."""
    return re.sub(r"--epochs \d+", "--epochs 1", command) if "mnist/" in command else command


@pytest.mark.parametrize("command", readme.commands())
def test_a_command_of_the_readme_runs(command, folder):
    if needs_what_is_not_here(command, folder):
        pytest.skip("needs ../shared")
    done = readme.run(affordable(command), folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("console", readme.consoles(), ids=lambda console: console.command)
def test_a_console_of_the_readme_shows_what_the_program_prints(console, folder):
    if needs_what_is_not_here(console.command, folder):
        pytest.skip("needs ../shared")
    done = readme.run(console.command, folder)
    assert readme.shape(done.stdout) == readme.shape(console.output)


def test_the_options_are_the_programs():
    assert readme.OPTIONS.findall(readme.README.read_text()) == [readme.options()]


def test_the_set_up_commands_are_there_word_for_word():
    text = readme.README.read_text()
    venv = "python3 -m venv .venv && "
    assert venv + ".venv/bin/pip install . && .venv/bin/dnncli train --act elu --init he\n" in text
    assert venv + ".venv/bin/pip install -e '.[test]' && .venv/bin/pytest\n" in text


def test_every_path_that_contributors_are_sent_to_exists():
    _, _, text = readme.README.read_text().partition("\n## Contributing\n")
    section, _, _ = text.partition("\n## ")
    paths = re.findall(r"`([\w./]+/[\w./]*|\w+\.py)`", section)
    root = readme.README.parent
    places = (root, root / "dnncli")
    found = {path for place in places for path in paths if (place / path).exists()}
    assert len(paths) > 40
    assert set(paths) == found
    assert len(section.splitlines()) <= 40
