"""Two processes at once on one file, one folder, one cache of data and one of programs."""

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from faults import forked, syscalls, writers
from faults.judge import HUNG, RIGHT, Outcome, Verdict, loss, refusal, wrong

from dnncli.errors import DnncliError
from dnncli.storage import checkpoint

OUT = ("--out", "net.ckpt", "--overwrite")
ONE = (*writers.TRAIN, *OUT)
OTHER = (*writers.TRAIN, "--seed", "7", *OUT)
FETCH = ("data", "fetch", "mnist", "-q")
# Two command lines each, and whether programs are compiled anew.
PAIRS = {
    "one checkpoint": (ONE, OTHER, False),
    "one new name": (writers.TRAIN, writers.TRAIN, False),
    "one cache of programs": (ONE, (*writers.TRAIN, "--out", "b.ckpt"), True),
    "one cache of data": (FETCH, FETCH, False),
    "one file written and read": (ONE, ("eval", "net.ckpt", "-q"), False),
    "one folder of a comparison": (writers.WRITERS["compare-activations"].line,) * 2 + (False,),
}


@dataclass(frozen=True)
class Stage:
    """The bytes that each of two runs writes alone."""

    right: tuple[bytes, ...]
    fetched: dict[str, bytes]


def prepare() -> Stage:
    """Run them alone."""
    syscalls.give()
    writers.serve()
    right = []
    for line in (ONE, OTHER):
        done = forked.run(line, _folder())
        assert done.code == 0, done.err
        right.append(Path("work/net.ckpt").read_bytes())
    return Stage(tuple(right), {path.name: path.read_bytes() for path in Path("served").iterdir()})


def _folder() -> Path:
    shutil.rmtree("work", ignore_errors=True)
    folder = Path(shutil.copytree("given", "work"))
    shutil.copy(folder / "given.ckpt", folder / "net.ckpt")
    return folder


def run(stage: Stage, rng: Random, _: int) -> Verdict:
    """One pair, the second a little later than the first."""
    name = rng.choice(list(PAIRS))
    one, other, anew = PAIRS[name]
    folder = _folder()
    children = []
    for line in (one, other):
        child = forked.prepare(line, folder, lambda: writers.own_cache("cache" if anew else ""))
        child.begin()
        children.append(child)
        time.sleep(rng.choice((0, rng.random() * 0.5)))
    for child in children:
        child.wait()
    found = _judged(stage, name, folder, children)
    return Verdict(found.outcome, f"{name}: {found.detail}")


def _judged(stage: Stage, name: str, folder: Path, children: list[forked.Child]) -> Verdict:
    """Both end well, or the second in one line; what is written is whole."""
    results = [child.result() for child in children]
    if any(result.code == HUNG for result in results):
        return Verdict(Outcome.HANG)
    for result in results:
        if result.code:
            found = refusal(result.code, result.out, result.err)
            # Only an existing file or folder may be in the way of one of them.
            if found.outcome != Outcome.REFUSED or not re.search(
                "exists|holds a comparison", result.err
            ):
                return wrong(result.err[-300:])
    if all(result.code for result in results):
        return wrong("neither of them did it")
    return _files(stage, name, folder) or RIGHT


def _files(stage: Stage, name: str, folder: Path) -> Verdict | None:
    """What is wrong with the files, if anything."""
    if found := writers.litter(folder):
        return wrong(f"litter: {found}")
    if name == "one cache of data":
        held = writers.left(folder, writers.WRITERS["data fetch"])
        return None if held == stage.fetched else loss("other files than the server has")
    if name == "one new name" and len(list((folder / "runs").iterdir())) != 2:
        return loss("two runs have left another number of checkpoints than two")
    own = name in ("one checkpoint", "one file written and read")
    if own and (folder / "net.ckpt").read_bytes() not in stage.right:
        return loss("net.ckpt is of neither run")
    for path in folder.rglob("*.ckpt"):
        try:
            checkpoint.read(path)
        except DnncliError as error:
            return loss(str(error))
    return None
