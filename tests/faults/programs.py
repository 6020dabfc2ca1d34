"""A damaged cache of compiled programs: the right result always, compiled anew, without a word.

Entries are flipped, cut, emptied, filled with something else, or exchanged for each other.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from random import Random

from faults import damage, forked, syscalls, writers
from faults.judge import RIGHT, Verdict, success, wrong

LINE = (*writers.TRAIN, "--out", "net.ckpt", "--overwrite", "-q")
CACHE = "cache/programs"


@dataclass(frozen=True)
class Stage:
    """The folder of programs after one run, and the checkpoint that it wrote."""

    network: bytes


def prepare() -> Stage:
    """Run once with a cache of its own."""
    syscalls.give()
    shutil.copytree("given", "filled")
    done = _run(Path("filled"))
    assert done == RIGHT, done
    assert _entries(Path("filled"))
    return Stage(Path("filled/net.ckpt").read_bytes())


def _run(folder: Path, expected: bytes | None = None) -> Verdict:
    """Train, and compare what is written."""
    result = forked.run(LINE, folder, lambda: writers.own_cache("cache"))
    if (found := success(result)) != RIGHT:
        return found
    if result.err:
        return wrong(f"said {result.err[-300:]!r}")
    if expected is not None and (folder / "net.ckpt").read_bytes() != expected:
        return wrong("another network than without damage")
    return RIGHT


def _entries(folder: Path) -> list[Path]:
    """The programs, without what JAX notes of their use."""
    return sorted(path for path in (folder / CACHE).rglob("*-cache") if path.is_file())


def run(stage: Stage, rng: Random, _: int) -> Verdict:
    """One to all entries damaged, and the run again, twice: what is written then must do too."""
    shutil.rmtree("work", ignore_errors=True)
    folder = Path(shutil.copytree("filled", "work"))
    entries = _entries(folder)
    how = rng.choice((_flipped, _damaged, _emptied, _foreign, _exchanged))
    for path in rng.sample(entries, rng.choice((1, 1, len(entries)))):
        how(path, entries, rng)
    found = _run(folder, stage.network)
    if found == RIGHT:
        found = _run(folder, stage.network)
    return Verdict(found.outcome, f"{how.__name__[1:]}: {found.detail}")


def _flipped(path: Path, entries: list[Path], rng: Random) -> None:
    data = bytearray(path.read_bytes())
    damage.flip(data, rng)
    path.write_bytes(data)


def _damaged(path: Path, entries: list[Path], rng: Random) -> None:
    path.write_bytes(damage.damaged(path.read_bytes(), rng))


def _emptied(path: Path, entries: list[Path], rng: Random) -> None:
    path.write_bytes(b"")


def _foreign(path: Path, entries: list[Path], rng: Random) -> None:
    path.write_bytes(rng.randbytes(rng.choice((1, 100, 100_000))))


def _exchanged(path: Path, entries: list[Path], rng: Random) -> None:
    other = rng.choice(entries)
    one, two = path.read_bytes(), other.read_bytes()
    path.write_bytes(two)
    other.write_bytes(one)
