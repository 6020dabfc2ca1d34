"""<TAB>: what is offered, in each shell's form, by the very scripts that are installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from shell import environment, refused, run

from dnncli.cli import completion, program
from dnncli.spec import catalog, monitors

S = ["sigmoid", "softsign", "softplus", "selu", "swish", "silu"]  # activations that start so
SCRIPTS = Path(__file__).parents[2] / "completions"


def ask(instruction, monkeypatch, capfd, **variables):
    monkeypatch.setenv(completion.VARIABLE, instruction)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert program.answer() == 0
    out, err = capfd.readouterr()
    assert not err
    return out


@pytest.fixture
def complete(monkeypatch, capfd):
    """What completes a line at its end, as zsh is told: name → summary (`_`: none)."""

    def offered(line):
        said = ask(
            "zsh_complete", monkeypatch, capfd, COMP_WORDS=line, COMP_CWORD=str(line.count(" "))
        )
        lines = said.splitlines()
        return dict(zip(lines[1::3], lines[2::3], strict=True)) if lines != [""] else {}

    return offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_kept_in_the_repository_are_those_the_program_prints(shell, monkeypatch, capfd):
    printed = ask(f"{shell}_source", monkeypatch, capfd)
    assert printed.strip() == (SCRIPTS / f"dnncli.{shell}").read_text().strip()


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_the_command_prints_the_script_to_the_byte(shell):
    result = run("completion", shell)
    assert (result.code, result.err) == (0, "")
    assert result.out == (SCRIPTS / f"dnncli.{shell}").read_text()
    assert completion.VARIABLE in result.out


def test_the_command_names_the_shells_there_are():
    assert refused(2, "completion", "tcsh").count("'bash', 'zsh', 'fish'") == 1
    assert "bash, zsh, fish" in refused(2, "completion")


def test_commands_come_with_their_summaries_and_without_their_modules(complete, monkeypatch):
    monkeypatch.setattr(program.importlib, "import_module", None)
    offered = complete("dnncli ")
    assert offered == program.COMMANDS
    assert list(complete("dnncli ev")) == ["eval"]
    assert set(complete("dnncli --")) == {"--help", "--version", "--verbose"}


def test_options_come_with_their_help(complete):
    offered = complete("dnncli train --clip")
    assert set(offered) == {"--clip-value", "--clip-norm", "--clip-global-norm"}
    assert offered["--clip-value"].startswith("Clip every gradient")
    assert "--no-bn" in complete("dnncli train --no")


@pytest.mark.parametrize(
    ("option", "table"),
    [
        ("act", catalog.ACTIVATIONS),
        ("init", catalog.INITIALIZERS),
        ("optimizer", catalog.OPTIMIZERS),
        ("schedule", catalog.SCHEDULES),
        ("scale", catalog.SCALINGS),
        ("monitor", monitors.MONITORS),
        ("format", catalog.FORMATS),
        ("data", catalog.DATASETS),
        ("fail-on", catalog.RULES),
        ("stop-on", catalog.RULES),
    ],
)
def test_names_of_every_table_come_with_their_summaries(complete, option, table):
    offered = complete(f"dnncli train --{option} ")
    for entry in table.values():
        assert offered[entry.name.replace(":", r"\:")] == entry.summary


def test_names_are_found_by_their_start_aliases_too(complete):
    assert set(complete("dnncli train --act s")) == set(S)
    assert complete("dnncli train --act sil") == {"silu": "= swish"}
    assert set(complete("dnncli train --init a")) == {"auto"}
    assert complete("dnncli train --act zzz") == {}


def test_the_last_name_of_a_list_is_completed(complete):
    assert set(complete("dnncli train --fail-on dead,sa")) == {"dead,saturated"}
    assert len(complete("dnncli train --fail-on dead,")) == len(catalog.RULES) - 1


@pytest.mark.parametrize(
    "line",
    [
        "nonsense x",
        "train --nonsense x",
        "train --lr x --act nonsense --ep",
        "train --config none --act ",
    ],
)
def test_a_wrong_line_is_completed_without_a_word(complete, line):
    complete(f"dnncli {line}")


def test_a_value_behind_an_equals_sign_is_completed_in_bash(monkeypatch, capfd):
    words = {"COMP_WORDS": "dnncli train --act = si", "COMP_CWORD": "4"}
    assert ask("bash_complete", monkeypatch, capfd, **words).split() == [
        "plain,sigmoid",
        "plain,silu",
    ]
    words = {"COMP_WORDS": "dnncli train --act =", "COMP_CWORD": "3"}
    assert len(ask("bash_complete", monkeypatch, capfd, **words).split()) == len(
        catalog.names(catalog.ACTIVATIONS)
    )


@pytest.fixture
def checkpoints():
    """Files whose ages are in the order of this list, the newest first."""
    names = ["new.ckpt", "runs/second.ckpt", "runs/.hidden.ckpt", "old.ckpt", "runs/deep/far.ckpt"]
    for age, name in enumerate(names):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
        os.utime(name, (1e9 - age, 1e9 - age))
    Path("runs/notes.txt").touch()


def test_checkpoints_are_offered_newest_first_from_here_and_one_folder_down(complete, checkpoints):
    everywhere = ["new.ckpt", "runs/second.ckpt", "runs/.hidden.ckpt", "old.ckpt"]
    for line in ("dnncli eval ", "dnncli train --resume "):
        assert list(complete(line)) == everywhere
    below = ["runs/second.ckpt", "runs/.hidden.ckpt", "runs/deep/far.ckpt"]
    assert list(complete("dnncli eval runs/")) == below
    assert list(complete("dnncli eval o")) == ["old.ckpt"]
    here = Path.cwd()
    assert list(complete(f"dnncli eval {here}/n")) == [f"{here}/new.ckpt"]


def test_without_checkpoints_or_with_awkward_names_the_shell_completes_files(monkeypatch, capfd):
    words = {"COMP_WORDS": "dnncli eval ", "COMP_CWORD": "2"}
    assert ask("bash_complete", monkeypatch, capfd, **words) == "file,\n"
    Path("with space.ckpt").touch()
    assert ask("bash_complete", monkeypatch, capfd, **words) == "file,\n"


def in_shell(command, line):
    """A shell with a `dnncli` on its path that runs a line of its own."""
    bin = Path("bin")
    bin.mkdir()
    (bin / "dnncli").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dnncli "$@"\n')
    (bin / "dnncli").chmod(0o755)
    path = f"{bin.absolute()}:{os.environ['PATH']}"
    ran = subprocess.run(
        [*command, line],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(PATH=path),
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert not ran.stderr
    return ran.stdout.split()


def test_bash_completes_with_the_installed_script():
    bash = shutil.which("bash")
    line = f"""
        source {SCRIPTS}/dnncli.bash
        compopt() {{ :; }}  # only there while a person completes
        COMP_WORDS=(dnncli train --act s); COMP_CWORD=3
        _dnncli_completion dnncli
        echo "${{COMPREPLY[@]}}"
    """
    assert in_shell([bash, "--norc", "-c"], line) == [
        "sigmoid",
        "softsign",
        "softplus",
        "selu",
        "swish",
        "silu",
    ]


@pytest.mark.skipif(not shutil.which("fish"), reason="needs fish")
def test_fish_completes_with_the_installed_script():
    line = f"source {SCRIPTS}/dnncli.fish; complete -C 'dnncli train --act sil'"
    assert in_shell(["fish", "--no-config", "-c"], line) == ["silu", "=", "swish"]
