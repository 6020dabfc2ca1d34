"""A few cases of every kind of fault; `python tests/faults/run.py` runs as many as one likes."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from faults import checkpoints, damage, runner, syscalls, tables
from faults.judge import Outcome, Verdict, refusal
from faults.kinds import KINDS
from faults.runner import Kind

SEED = 1
CASES = {
    "damaged-checkpoints": (20, lambda: checkpoints.prepare(("plain.ckpt",))),
    "hostile-checkpoints": (12, lambda: checkpoints.prepare(("plain.ckpt",))),
    "damaged-data": (25, lambda: tables.prepare(())),
}
EXPORTS = """
import warm
from faults import run, runner, syscalls
warm.import_everything()
kind = runner.Kind("export", lambda: syscalls.prepare(("export",)), syscalls.run)
tally = runner.examine(kind, 6, 1, lambda line: None)
print(tally.counts.total(), tally.bad)
"""


@pytest.mark.parametrize("name", CASES)
def test_no_damage_and_no_enemy_is_met_with_more_than_a_line(
    name: str, quick_compilation: None
) -> None:
    count, prepare = CASES[name]
    kind = replace(KINDS[name], prepare=prepare)
    found = [verdict for _, verdict in runner.cases(kind, count, SEED)]
    assert [
        verdict for verdict in found if verdict.outcome not in ("right result", "one clear line")
    ] == []
    assert any(verdict.outcome == Outcome.REFUSED for verdict in found)


@pytest.mark.skipif(not syscalls.available(), reason="needs strace")
def test_a_writer_that_is_killed_or_refused_at_a_system_call_loses_nothing() -> None:
    """In a process of its own: JAX must not have begun where command lines are forked."""
    ran = subprocess.run(
        [sys.executable, "-c", EXPORTS],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.startswith("6 "), ran.stdout + ran.stderr
    assert ran.stdout.strip().endswith("[]")


def test_damaged_bytes_are_never_those_that_were_given() -> None:
    rng = Random(SEED)
    data = b"some bytes, and more of them\n" * 20
    assert all(damage.damaged(data, rng) != data for _ in range(300))


def silent(_stage: object, _rng: Random, index: int) -> Verdict:
    """A case of each outcome that only another process survives."""
    if index == 1:
        os._exit(7)
    if index == 2:
        raise ValueError("a bug")
    if index == 3:
        time.sleep(60)
    return Verdict(Outcome.RIGHT)


@pytest.mark.filterwarnings("ignore:.*fork")
def test_the_runner_survives_and_counts_processes_that_die_or_fall_silent() -> None:
    kind = Kind("trial", lambda: None, silent, patience=1)
    tally = runner.examine(kind, 5, SEED, lambda _: None)
    assert tally.counts == {"right result": 2, "traceback": 2, "hang": 1}
    assert len(tally.bad) == 3


def test_a_refusal_is_one_printable_line_with_its_exit_code() -> None:
    assert refusal(1, "", "dnncli eval: it is damaged.\n").outcome == Outcome.REFUSED
    saved = "dnncli train: stopped; go on with: dnncli train --resume net.ckpt\n"
    assert refusal(1, "", f"{saved}dnncli train: net.csv: no space.\n").outcome == Outcome.REFUSED
    assert refusal(1, "", f"{saved}{saved}dnncli train: no space.\n").outcome == Outcome.WRONG
    for code, err in (
        (0, "dnncli: x.\n"),
        (1, ""),
        (1, "dnncli: a\nb\n"),
        (1, "dnncli: \x1b[2J\n"),
    ):
        assert refusal(code, "", err).outcome == Outcome.WRONG
    assert refusal(1, "", "Traceback …\nKeyError: 3\n").outcome == Outcome.TRACEBACK


def test_places_in_json_are_all_of_them() -> None:
    value = {"a": [1, {"b": 2}]}
    assert len(checkpoints.places(value)) == 4
    assert tables.CHECKED
