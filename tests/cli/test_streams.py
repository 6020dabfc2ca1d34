"""Pipes, full disks, closed streams, locales and terminals: right output, right exit code, no traceback."""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from pathlib import Path

import pytest
from shell import TINY, environment, process, run, shell, start

TRAIN = f"dnncli train {' '.join(TINY)}"
HELP = "dnncli train --help"  # long enough for the pipe, and without JAX


@pytest.mark.parametrize("words", ["--version", "data list", "nonsense", "train --lr nan"])
def test_a_forked_process_ends_as_an_interpreter_does(words):
    """The latter has a variable that Python reads at its start."""
    hashed = environment(PYTHONHASHSEED="1")
    assert process(*words.split()) == process(*words.split(), env=hashed)


def test_a_closed_pipe_ends_quietly():
    for line in (f"{HELP} | true", f"{TRAIN} --epochs 3000 --patience 0 | head -1"):
        result = shell(f"set -o pipefail; {line}")
        assert (result.code, result.err) == (0, ""), line


@pytest.mark.parametrize("command", [HELP, f"{TRAIN} -q", "dnncli --version"])
def test_a_full_disk_behind_stdout_is_one_line_with_1(command):
    result = shell(f"{command} > /dev/full")
    assert result.code == 1
    assert result.err.endswith("cannot write the output: no space left on device.\n")
    assert len(result.err.splitlines()) == 1


def test_closed_streams_are_no_traceback_and_lose_nothing():
    out = shell(f"{TRAIN} --out a.ckpt >&-")
    assert (out.code, out.err) == (
        1,
        "dnncli train: cannot write the output: bad file descriptor.\n",
    )
    assert not Path("a.ckpt").exists()
    rest = shell(f"{TRAIN} --out b.ckpt <&- 2>&-")
    assert (rest.code, rest.err) == (0, "")
    assert "saved b.ckpt" in rest.out
    assert run("eval", "b.ckpt").code == 0
    assert shell("dnncli train --lr nan 2>&-") == shell("exit 2")
    assert shell("dnncli train --lr nan >&- 2>&- <&-").code == 2


def test_a_table_in_a_pipe_has_no_escapes_and_is_not_cut():
    options = ["--hidden", "4,3", "--act", "leaky-relu", "--bn", "--clip-norm", "1e-9"]
    for variables in ({}, {"TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "nonsense"}):
        result = process("train", *TINY, *options, env=environment(**variables))
        assert (result.code, result.err) == (0, "")
        assert "\x1b" not in result.out
        assert "…" not in re.sub(r"10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+…10", "", result.out)
        assert re.search(r"hidden2 .* %", result.out)


def test_a_table_in_a_pipe_has_no_blanks_at_the_ends_of_its_lines():
    assert run("train", *TINY, "--out", "a.ckpt", "-q").code == 0
    for line in ("data list", "data show tiny.npz", "inspect a.ckpt", "eval a.ckpt --gradients"):
        shown = run(*line.split()).out
        assert len(shown.splitlines()) > 3
        assert [text for text in shown.splitlines() if text != text.rstrip()] == []


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii:strict"},
    ],
    ids=str,
)
def test_a_locale_without_the_signs_prints_others_instead(variables):
    result = process("train", *TINY, env=environment(**variables))
    assert (result.code, result.err) == (0, "")
    assert "test accuracy" in result.out
    assert "hidden1" in result.out
    assert process("train", "--help", env=environment(**variables)).code == 0


def test_columns_are_honoured(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, run("train", "--help").out.partition("Examples")[0].splitlines())) <= 60
    narrow = run("train", *TINY).out.splitlines()
    assert max(map(len, narrow)) <= 60


def test_quiet_leaves_stderr_empty_and_stdout_as_it_was():
    loud, quiet = run("train", *TINY), run("train", *TINY, "-q")
    times = r" *[\d.]+ (ms|s)|\d{8}-\d{6}(-\d)?"
    assert quiet.err == ""
    assert re.sub(times, "", quiet.out) == re.sub(times, "", loud.out)


class Terminal:
    """A process on a terminal of its own, and all that it writes there."""

    def __init__(self, *arguments, size=(24, 80), stdout=None, **variables):
        self.controller, device = pty.openpty()
        fcntl.ioctl(device, termios.TIOCSWINSZ, struct.pack("4H", *size, 0, 0))
        settings = {
            "stdin": device,
            "stdout": stdout or device,
            "stderr": device,
            "start_new_session": True,
        }
        variables = {"TERM": "xterm-256color", **variables}
        self.process = start(*arguments, env=environment(**variables), **settings)
        os.close(device)
        self.text = ""

    def read(self, until=None, seconds=60):
        """Read until a pattern appears, or to the end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not (until and re.search(until, self.text)):
            if select.select([self.controller], [], [], 0.1)[0]:
                try:
                    data = os.read(self.controller, 65536)
                except OSError:  # what Linux says at the end of a terminal
                    break
                self.text += data.decode(errors="replace")
        return self.text

    def close(self):
        """The exit code."""
        self.read()
        os.close(self.controller)
        return self.process.wait(60)


def visible(text, columns=80):
    """The lines that stand on a terminal after this was written to it."""
    lines, row, column = [""], 0, 0
    for sign in re.findall(r"\x1b\[[\d;?]*[A-Za-z]|[\s\S]", text):
        if sign == "\r":
            column = 0
        elif sign == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif sign == "\x1b[2K":
            lines[row] = ""
        elif re.fullmatch(r"\x1b\[\d*A", sign):
            row = max(0, row - int(sign[2:-1] or 1))
        elif not sign.startswith("\x1b"):
            lines[row] = lines[row].ljust(column)[:column] + sign + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]


def test_a_terminal_of_80_columns_shows_a_bar_and_then_only_the_result():
    terminal = Terminal("train", *TINY, "--epochs", "30", "--patience", "0")
    assert terminal.close() == 0
    text = terminal.text
    assert "━" in text
    assert "\x1b[?25l" in text  # the cursor is hidden …
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # … and shown again
    lines = visible(text)
    assert not [line for line in lines if "━" in line]
    assert len([line for line in lines if re.match(r" +\d+ +\d", line)]) == 30
    assert max(map(len, lines)) <= 80


def test_the_gradient_table_stands_on_80_columns_unbroken():
    terminal = Terminal("train", *TINY, "-q")
    assert terminal.close() == 0
    lines = visible(terminal.text)
    (head,) = [line for line in lines if line.startswith("layer")]
    assert head.split() == [
        "layer",
        "δ",
        *re.findall(r"10\S+", head),
        "‖∂W‖",
        "ΔW/W",
        "mean",
        "std",
        "flat",
        "dead",
    ]
    assert all(line.endswith("%") for line in lines if re.match(r"(hidden\d|output) ", line))


def test_json_lines_keep_to_a_file_while_the_bar_keeps_to_the_terminal(folder):
    with open("lines.jsonl", "wb") as file:
        terminal = Terminal("train", *TINY, "--format", "jsonl", stdout=file)
        assert terminal.close() == 0
    assert Path("lines.jsonl").read_text().count("\n") == 4
    assert "event" not in terminal.text
    assert not "".join(visible(terminal.text)).strip()


@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, {"NO_COLOR": "1"}], ids=str)
def test_terminals_without_colours_get_none(variables):
    terminal = Terminal("train", *TINY, **variables)
    assert terminal.close() == 0
    colours = re.findall(r"\x1b\[[\d;]*[34]\d[\d;]*m", terminal.text)
    assert not colours
    if "TERM" in variables:
        assert "\x1b" not in terminal.text


def test_control_c_on_a_terminal_leaves_no_bar_and_the_cursor_visible():
    terminal = Terminal(
        "train", *TINY, "--epochs", "1000000", "--patience", "0", "--out", "part.ckpt"
    )
    terminal.read(until=r" 5 +\d")
    os.write(terminal.controller, b"\x03")
    # The terminal is the process's own only where it leads a session: the signal may have to be
    # sent.
    time.sleep(0.3)
    if terminal.process.poll() is None:
        terminal.process.send_signal(2)
    assert terminal.close() == 130
    assert terminal.text.rindex("\x1b[?25h") > terminal.text.rindex("\x1b[?25l")
    lines = visible(terminal.text)
    assert not [line for line in lines if "━" in line]
    assert [line for line in lines if line][-1].endswith("dnncli train --resume part.ckpt")
    assert sys.platform != "linux" or Path("part.ckpt").exists()
