"""Every command of the README runs, and its consoles show what the program prints."""

import re
import shlex
from pathlib import Path

import chapter
import pytest
import readme
import shell

from dnncli.spec import catalog


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One working folder for all commands, with links to the data beside the repository."""
    path = tmp_path_factory.mktemp("readme")
    readme.link(path)
    return path


def needs_what_is_not_here(command: str, folder: Path) -> bool:
    """Data beside the repository, or a file that an earlier command made of them."""
    absent = [f"{name}/" for name in ("mnist", "tables") if not (folder / name).exists()]
    without = [line for line in readme.commands() if any(name in line for name in absent)]
    made = [name for line in without for name in re.findall(r"--out (\S+)", line)]
    return any(name in command for name in (*absent, *made))


def affordable(command: str) -> str:
    """Runs on MNIST take one epoch here and budgets are short; nothing else is changed."""
    shorter = re.sub(r"--budget \d+", "--budget 1", command)
    return re.sub(r"--epochs \d+", "--epochs 1", shorter) if "mnist/" in command else shorter


# One command: a variable, its words, the file that its output goes to, the exit code that it must
# have. Other lines need a shell.
ONE = re.compile(
    r"((?P<variable>[A-Z_]+)=(?P<value>\S+) )?dnncli (?P<words>[^|<>&;$*]+?)"
    r"( > (?P<file>[\w.]+))?( \|\| test \$\? = (?P<code>\d+))?"
)


@pytest.mark.parametrize("command", readme.commands())
def test_a_command_of_the_readme_runs(command, folder, monkeypatch, quick_compilation):
    """In this process where the line needs no shell: JAX is imported once."""
    if needs_what_is_not_here(command, folder):
        pytest.skip("needs ../shared")
    line = affordable(command)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("COLUMNS", raising=False)
    if one := ONE.fullmatch(line):
        if one["variable"]:
            monkeypatch.setenv(one["variable"], one["value"])
        result = shell.run(*shlex.split(one["words"]))
        assert result.code == 0 or str(result.code) == one["code"], result.err
        if one["file"]:
            Path(one["file"]).write_text(result.out)
        chapter.check(command, result.out)
    else:
        done = readme.run(line, folder)
        assert done.returncode == 0, done.stderr
        shell.check_output(done.stdout)
    for path in folder.glob("*.json"):
        document = shell.strict(path.read_text())
        if "command" in document:  # a schema is no result
            shell.check_schema(document)


@pytest.mark.parametrize("program", readme.PYTHON.findall(readme.README.read_text()))
def test_a_program_of_the_readme_runs(program, folder, monkeypatch, quick_compilation):
    monkeypatch.chdir(folder)
    exec(program, {})


def test_claims_are_of_rows_of_the_chapters_table():
    assert set(chapter.CLAIMS) <= set(readme.commands())
    rows = [row["command"] for row in readme.ROW.finditer(readme.README.read_text())]
    assert {row for row in rows if "mnist/" not in row} == set(chapter.CLAIMS)


@pytest.mark.parametrize("console", readme.consoles(), ids=lambda console: console.command)
def test_a_console_of_the_readme_shows_what_the_program_prints(
    console, folder, monkeypatch, quick_compilation
):
    if needs_what_is_not_here(console.command, folder):
        pytest.skip("needs ../shared")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("COLUMNS", raising=False)
    one = ONE.fullmatch(console.command)
    result = shell.run(*shlex.split(one["words"]))
    assert readme.shape(result.out) == readme.shape(console.output)


def test_the_options_are_the_programs():
    assert readme.OPTIONS.findall(readme.README.read_text()) == [readme.options()]


def test_the_korean_page_has_the_commands_and_outputs_of_the_first_half():
    text = readme.KOREAN.read_text()
    assert readme.BLOCK.findall(text) == readme.blocks_of_first_half()
    assert len(readme.BLOCK.findall(text)) > 20


def test_both_pages_have_a_row_for_each_verdict_and_their_links_lead_somewhere():
    text = readme.KOREAN.read_text()
    first_cells = re.findall(r"^\| ([a-z][a-z-]*) \| ", text, re.MULTILINE)
    assert set(first_cells) == set(catalog.RULES)
    _, _, table = readme.README.read_text().partition("\n| verdict | what it means |")
    rows, _, _ = table.partition("\n\n")
    assert set(re.findall(r"^\| ([a-z][a-z-]+) \| ", rows, re.MULTILINE)) == set(catalog.RULES)
    links = {readme.KOREAN: text, readme.README: readme.README.read_text()}
    targets = [
        (page, target)
        for page, body in links.items()
        for target in re.findall(r"\]\((?!http|#)([^)#]+)", body)
    ]
    assert (readme.README, "dnncli/docs/README.ko.md") in targets
    for page, target in targets:
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    "term",
    ["기울기 소실", "활성화 함수", "배치 정규화", "조기 종료", "전이 학습", "가중치", "은닉층"],
)
def test_the_korean_page_uses_the_fields_terms(term):
    assert term in readme.KOREAN.read_text()


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
