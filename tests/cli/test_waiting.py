"""What takes long is told on a terminal: where it is known, with the time left."""

import contextlib
import io
import time

import pytest
import shell

from dnncli import data, stages
from dnncli.cli import terminal, waiting
from dnncli.cli.waiting import CLEAR, WaitingLine, sentence
from dnncli.report.escaping import LONGEST_ERROR, error_line
from dnncli.spec import DataSpec
from dnncli.stages import Stage


class Told:
    """A watcher that keeps what it is told of."""

    def __init__(self):
        self.stages = []
        self.open = []

    def begin(self, stage):
        self.stages.append(stage)
        self.open.append(stage)

    def end(self, stage):
        self.open.remove(stage)

    def printing(self):
        return contextlib.nullcontext()


@pytest.fixture
def still(monkeypatch):
    """A clock that stands still, however slow this machine is."""
    now = time.monotonic()
    monkeypatch.setattr(stages.time, "monotonic", lambda: now)


def ago(seconds, what="reading a.csv", **more):
    return Stage(what, began=time.monotonic() - seconds, **more)


def test_a_stage_of_known_length_says_the_time_left_by_its_pace_so_far(still):
    stage = ago(30, total=400)
    assert sentence(stage, 80) == "reading a.csv: 0:30 so far"
    stage.reach(100)
    assert sentence(stage, 80) == "reading a.csv: 0:30 so far, about 1:30 left"
    stage.reach(500)  # a file that has grown
    assert sentence(stage, 80).endswith("about 0:00 left")


def test_a_stage_of_unknown_length_says_how_long_it_takes_and_what_is_done(still):
    assert sentence(ago(3725.2), 80) == "reading a.csv: 1:02:05 so far"
    assert sentence(ago(2, done=12_000), 80) == "reading a.csv: 0:02 so far, 12,000 done"


def test_a_stage_that_is_like_others_says_what_is_left_of_their_time(still):
    assert (
        sentence(ago(2, "compiling", expected=12.0), 80)
        == "compiling: 0:02 so far, about 0:10 left"
    )
    assert sentence(ago(13, "compiling", expected=12.0), 80) == "compiling: 0:13 so far"


def test_a_bar_says_when_what_it_waits_for_is_expected_to_end_while_it_waits(still):
    inside = terminal.StagesInside()
    first = ago(2, "compiling", expected=12.0)
    for stage in (ago(5, "reading", total=10, done=5), first, ago(0, "compiling", expected=99.0)):
        inside.begin(stage)
    assert f"compiling{inside}" == "compiling, about 0:10 left"
    inside.end(first)
    assert f"{inside}" == ", about 1:39 left"
    inside.show(waiting=False)
    assert f"{inside}" == ""
    inside.show(waiting=True)
    assert f"{inside}" == ", about 1:39 left"


@pytest.mark.parametrize("name", ["long" * 50, "긴이름" * 50, "\x1b[2J" * 50])
def test_a_line_fits_its_terminal_whatever_a_file_is_called(name, still):
    from rich.cells import cell_len

    line = sentence(ago(9, f"reading {name}"), 79)
    assert cell_len(line) <= 79
    assert line.endswith("…: 0:09 so far")
    assert "\x1b" not in line


def test_the_line_comes_only_after_a_while_and_is_gone_before_anything_is_printed(monkeypatch):
    monkeypatch.setattr(waiting, "EVERY", 0.001)
    monkeypatch.setattr(waiting, "AFTER", 3600.0)  # however slow this machine is
    stream = io.StringIO()
    line = WaitingLine(stream)
    with stages.watched(line), stages.stage("short"):
        time.sleep(0.01)
        assert stream.getvalue() == ""
        long = ago(7200)
        line.begin(long)
        while "reading a.csv: 2:00:" not in stream.getvalue():
            time.sleep(0.001)
        with stages.printing():
            assert stream.getvalue().endswith(CLEAR)
        line.end(long)
    line.close()
    assert stream.getvalue().endswith(CLEAR)


def test_reading_a_table_is_told_with_its_rows_and_every_stage_ends(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("size,label\n" + "".join(f"{n},{'ab'[n % 2]}\n" for n in range(50)))
    told = Told()
    with stages.watched(told):
        data.load(DataSpec(str(path)))
        with pytest.raises(ValueError, match="bug"), stages.stage("fails"):
            raise ValueError("bug")
    assert told.stages[0].what == f"reading {path}"
    rows = [stage for stage in told.stages if stage.total == 50]
    assert rows
    assert rows[-1].done == 50
    assert told.open == []


def test_nobody_watches_where_stderr_is_a_pipe():
    with waiting.shown(quiet=False):
        assert stages._watcher.get() is None
    assert not shell.run("data", "list").err


def test_an_error_that_quotes_a_whole_file_keeps_its_beginning_and_its_end():
    short = "a" * LONGEST_ERROR
    assert error_line(short) == short
    line = error_line("no act is called '" + "a" * 10_000 + "': there are relu, elu.")
    assert len(line) <= LONGEST_ERROR
    assert line.startswith("no act is called 'aaa")
    assert line.endswith("a': there are relu, elu.")
