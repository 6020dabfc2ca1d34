"""Signals at random moments of every long command: it ends as documented, and nothing is lost."""

import contextlib
import os
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import shell
from faults import forked, syscalls, writers
from faults.judge import HUNG, RIGHT, Outcome, Verdict, loss, wrong

from dnncli.errors import DnncliError
from dnncli.experiments.comparison.state import STATE
from dnncli.storage import checkpoint

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FRESH = 0.1  # the share of cases in new processes, where modules are imported too
MANY = 30_000  # rows to predict
IMPORTS = 3.0  # seconds that takes, about
FINISHED = (0, 3, 4)
TRAIN = (*writers.TRAIN, "--epochs", "40", "--patience", "0")
TABLE = ("train", "--data", "table.csv", "--preset", "plain", "--hidden", "3", "--epochs", "2")
COMMANDS = {
    "train": (*TRAIN, "--out", "net.ckpt"),
    "compare-activations": ("compare-activations", *writers.COMPARED, "relu,elu", "--out", "acts"),
    "transfer": ("transfer", "given.ckpt", "--seeds", "2", "--epochs", "3", "--out", "t.ckpt"),
    "doctor": ("doctor", *shell.TINY, "--budget", "3", "--seeds", "2"),
    "tune": ("tune", *shell.TINY[:2], "--budget", "2", "--seeds", "2", "--out", "tuned"),
    "eval": ("eval", "table.ckpt", "--importance", "--gradients"),
    "predict": ("predict", "given.ckpt", "many.npz", "--out", "rows.csv"),
    "vanishing-demo": ("vanishing-demo", "--depth", "4", "--width", "10", "--train", "2"),
    "tour": ("tour", "--quick", "saturation"),
}


@dataclass(frozen=True)
class Stage:
    """How long each command takes, and the bytes that an uninterrupted `train` writes."""

    seconds: dict[str, float]
    network: bytes


def prepare() -> Stage:
    """Run every command to its end: here first, so that its programs are traced."""
    syscalls.give()
    shell.write_tiny(Path("given", "many.npz"), examples=MANY)
    lines = [f"{i % 9},{'abc'[i % 3]},{'xy'[i // 2 % 2]}\n" for i in range(90)]
    Path("given", "table.csv").write_text("size,kind,label\n" + "".join(lines))
    trained = forked.run((*TABLE, "--out", "table.ckpt"), Path("given"))
    assert trained.code == 0, trained.err
    seconds = {}
    for name, line in COMMANDS.items():
        with contextlib.chdir(_folder()):
            shell.run(*line)
        folder = _folder()
        began = time.monotonic()
        done = forked.run(line, folder)
        assert done.code in FINISHED, f"{name}: {done}"
        seconds[name] = time.monotonic() - began
        if name == "train":
            network = (folder / "net.ckpt").read_bytes()
    return Stage(seconds, network)


def _folder() -> Path:
    shutil.rmtree("work", ignore_errors=True)
    return Path(shutil.copytree("given", "work"))


def run(stage: Stage, rng: Random, _: int) -> Verdict:
    """One signal, or two at once as `timeout` sends them."""
    name = rng.choice(list(COMMANDS))
    number = rng.choice(SIGNALS)
    folder = _folder()
    fresh = rng.random() < FRESH
    moment = rng.random() * (stage.seconds[name] + fresh * IMPORTS)
    start = forked.fresh if fresh else forked.prepare
    child = start(COMMANDS[name], folder)
    child.begin()
    time.sleep(moment)
    for _twice in range(rng.choice((1, 2))):
        if child.alive():
            os.kill(child.pid, number)
    child.wait()
    found = _judged(stage, name, number, child.result(), folder)
    return Verdict(found.outcome, f"{name}, {number.name} after {moment:.2f} s: {found.detail}")


def _judged(
    stage: Stage, name: str, number: signal.Signals, result: shell.Result, folder: Path
) -> Verdict:
    """How it ended and what it left."""
    if result.code == HUNG:
        return Verdict(Outcome.HANG)
    if "Traceback" in result.err:
        return Verdict(Outcome.TRACEBACK, result.err[-300:])
    # Before Python has a handler, the signal's own action ends the process.
    if result.code not in (*FINISHED, 128 + number, -number):
        return wrong(f"code {result.code}: {result.err[-300:]!r}")
    if not all(line.startswith("dnncli") for line in result.err.splitlines()):
        return wrong(f"said {result.err[-300:]!r}")
    if result.code >= 0 and (found := writers.litter(folder)):
        return wrong(f"litter: {found}")
    return _kept(folder) or _goes_on(stage, name, folder) or RIGHT


def _kept(folder: Path) -> Verdict | None:
    """Every checkpoint that is there can be read."""
    for path in folder.rglob("*.ckpt"):
        try:
            checkpoint.read(path)
        except DnncliError as error:
            return loss(str(error))
    return None


def _goes_on(stage: Stage, name: str, folder: Path) -> Verdict | None:
    """What a stopped command left can be gone on with, to the same end."""
    if name == "compare-activations" and (folder / "acts" / STATE).exists():
        done = forked.run(("compare-activations", "--resume", "acts"), folder)
        return None if done.code == 0 else loss(f"and --resume said {done.err[-300:]!r}")
    if name != "train" or not (folder / "net.ckpt").exists():
        return None
    if (folder / "net.ckpt").read_bytes() == stage.network:
        return None
    again = ("train", "--resume", "net.ckpt", "--out", "end.ckpt", "-q")
    done = forked.run(again, folder)
    if done.code or (folder / "end.ckpt").read_bytes() != stage.network:
        return loss(f"resumed, it does not become what it would have been: {done.err[-200:]!r}")
    return None
