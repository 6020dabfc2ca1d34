"""A clock that is wrong, steps back while a command runs, or files from the future or the past."""

import itertools
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from faults import forked, syscalls, writers
from faults.judge import RIGHT, Verdict, loss, success, wrong

YEAR = 365.25 * 86_400
OFFSETS = (-40 * YEAR, -YEAR, -3600.0, -1.0, 0.0, 1.0, 3600.0, YEAR, 80 * YEAR)  # seconds
NAMED = (*writers.TRAIN, "--out", "net.ckpt", "--overwrite", "-q")


@dataclass(frozen=True)
class Stage:
    """What a run with a right clock writes."""

    network: bytes


def prepare() -> Stage:
    """Run once."""
    syscalls.give()
    shutil.copytree("given", "work")
    done = forked.run(NAMED, Path("work"))
    assert done.code == 0, done.err
    return Stage(Path("work/net.ckpt").read_bytes())


def stepping(offsets: list[float]) -> None:
    """Let this process's clock of the day jump: each reading is off by the next of these."""
    real, strftime, localtime = time.time, time.strftime, time.localtime
    steps = itertools.cycle(offsets)

    def now() -> float:
        return max(0.0, real() + next(steps))

    time.time = now
    time.time_ns = lambda: int(now() * 1e9)
    time.localtime = lambda seconds=None: localtime(now() if seconds is None else seconds)
    time.strftime = lambda text, when=None: strftime(text, when or time.localtime())


def run(stage: Stage, rng: Random, _: int) -> Verdict:
    """Two runs under new names and one under its own, by such a clock."""
    shutil.rmtree("work", ignore_errors=True)
    folder = Path(shutil.copytree("given", "work"))
    offsets = [rng.choice(OFFSETS) for _ in range(rng.choice((1, 2, 5)))]
    for path in folder.iterdir():
        seconds = max(0.0, time.time() + rng.choice(OFFSETS))
        os.utime(path, (seconds, seconds))
    found = _trained(stage, folder, lambda: stepping(offsets))
    return Verdict(found.outcome, f"{offsets}: {found.detail}")


def _trained(stage: Stage, folder: Path, before: Callable[[], None]) -> Verdict:
    for line in (writers.TRAIN, writers.TRAIN, NAMED):
        result = forked.run((*line, "--format", "json"), folder, before)
        if (found := success(result)) != RIGHT:
            return found
        seconds = result.json["seconds"]
        if not all(0 <= value < forked.PATIENCE for value in seconds.values()):
            return wrong(f"durations {seconds}")
    if len(list((folder / "runs").glob("*.ckpt"))) != 2:
        return loss("two runs have left another number of checkpoints than two")
    if (folder / "net.ckpt").read_bytes() != stage.network:
        return wrong("another network than by a right clock")
    return RIGHT
