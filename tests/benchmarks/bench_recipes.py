"""The chapter's recipes with published numbers, several seeds each, through the command line; run by hand.

    python tests/benchmarks/bench_recipes.py --data ../shared/data/mnist

prints the tables of `recipes.md` in Markdown. `--only A,digits` runs some of them, `--seeds N` more
or fewer seeds; a recipe needs its parent. Everything goes through the command line, as a reader
would run it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FROM_CHAPTER = "--optimizer sgd --lr 0.01 --batch-size 200 --epochs 20 --patience 0"
A = f"--hidden 300,100 --act elu --init lecun-normal --bn --bn-output {FROM_CHAPTER}"
B = f"--hidden 300,50,50,50,50 --act relu --init xavier-uniform --clip-value 1 {FROM_CHAPTER}"
REUSE = "--keep 3 --add 20 --head new --no-baseline --seeds 1 --epochs 20"
# Digits 0 to 4, then 5 to 9 with 100 images of each: frozen, thawed from the top, then all.
LOW = (
    "--classes 0-4 --depth 5 --width 100 --act elu --init he --dropout 0.2"
    " --optimizer momentum --lr 0.01 --epochs 30"
)
HIGH = "--classes 5-9 --per-class 100 --validation-per-class 30 --seeds 1 --lr 0.02 --epochs 100 --patience 30"
THAW = ("--freeze", "all", "--unfreeze", "5:hidden5 10:hidden4 15:hidden3 20:all")
DEEP = "--scale standard --batch-size 64 --optimizer adam --lr 1e-3 --epochs 30 --patience 0"


@dataclass(frozen=True)
class Check:
    """What a recipe's mean over seeds must be: after which epoch, in per cent, within which band.

    Epoch -1 is the best; 0 stands for points of test accuracy gained over training from scratch.
    """

    epoch: int
    low: float
    high: float
    stated: str


@dataclass(frozen=True)
class Recipe:
    """A command line, what it is checked against, and the verdict it must (or must not) earn.

    `parent` is the recipe whose networks it resumes or, with `transfer`, takes layers from.
    """

    name: str
    options: str
    checks: tuple[Check, ...]
    healthy: bool
    mnist: bool = False
    parent: str | None = None
    command: str = "train"
    more: tuple[str, ...] = ()  # options with spaces in them


def near(epoch: int, published: float, within: float = 0.5) -> Check:
    """A published number of one run, to be met by the mean."""
    return Check(epoch, published - within, published + within, f"{published} ± {within}")


FROZEN = (Check(20, 95.3, 96.5, "95.8 to 96.0 ± 0.5"),)
GAIN = (Check(0, -100, 0, "frozen: below 0"), Check(0, 4, 100, "thawed: at least 4"))
RECIPES = [
    Recipe("A", A, (near(1, 89.5, 2.5), near(10, 96.4), near(20, 97.4)), True, mnist=True),
    Recipe("B", B, (near(20, 96.1),), True, mnist=True),
    Recipe("C", "--epochs 40", (near(21, 96.4), near(40, 97.1)), True, mnist=True, parent="B"),
    Recipe(
        "D",
        REUSE,
        (Check(1, 87.5, 93.5, "90 to 91 ± 2.5"), near(20, 96.8)),
        True,
        True,
        "B",
        "transfer",
    ),
    Recipe(
        "E",
        f"{REUSE} --freeze 2",
        (Check(20, 95.3, 96.5, "95.8 to 96.0 ± 0.5"),),
        True,
        True,
        "B",
        "transfer",
    ),
    Recipe("low", LOW, (Check(-1, 98.5, 100, "at least 98.5"),), True, mnist=True),
    Recipe("high frozen", HIGH, GAIN[:1], True, True, "low", "transfer", ("--freeze", "all")),
    Recipe("high", HIGH, GAIN[1:], True, True, "low", "transfer", THAW),
    Recipe("digits", "", (Check(-1, 95, 100, "at least 95"),), True),
    Recipe(
        "deep xavier",
        f"--depth 20 --act sigmoid --init xavier {DEEP}",
        (Check(30, 0, 20, "below 20"),),
        False,
    ),
    Recipe(
        "deep critical",
        f"--depth 20 --act sigmoid --init critical {DEEP}",
        (Check(30, 60, 100, "above 60"),),
        True,
    ),
    Recipe("naive sigmoid", "--depth 5 --act sigmoid --init normal", (), False),
]


def call(arguments: list[str]) -> dict[str, Any]:
    """One command's JSON."""
    command = [sys.executable, "-m", "dnncli", *arguments, "--format", "json", "-q", "--overwrite"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {answer.returncode}: {answer.stderr}")
    told: dict[str, Any] = json.loads(answer.stdout)
    return told


def arguments(recipe: Recipe, seed: int, data: Path, folder: Path) -> list[str]:
    """The command line of one seed; its checkpoint is kept for a recipe that goes on from it."""
    parent = str(folder / f"{recipe.parent}-{seed}.ckpt")
    words = [recipe.command, *recipe.options.split(), *recipe.more]
    if recipe.command == "transfer":
        words[1:1] = [parent]
    elif recipe.parent:
        words += ["--resume", parent]
    if recipe.command == "transfer" or not recipe.parent:
        words += ["--seed", str(seed)]
    return [
        *words,
        "--out",
        str(folder / f"{recipe.name}-{seed}.ckpt"),
        *["--data", str(data)] * recipe.mnist,
    ]


def runs(recipe: Recipe, data: Path, seeds: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Every seed's run."""
    for seed in range(seeds):
        began = time.perf_counter()
        told = call(arguments(recipe, seed, data, folder))
        print(f"{recipe.name}, seed {seed}: {time.perf_counter() - began:.1f} s", file=sys.stderr)
        yield told


def figures(told: list[dict[str, Any]], epoch: int) -> list[float]:
    """Each run's figure that a check is about, in per cent."""
    if epoch == 0:
        return [100 * run["difference"]["mean"] for run in told]
    picked = [run["best_epoch"] if epoch < 0 else epoch for run in told]
    by_epoch = [{entry["epoch"]: entry["val_accuracy"] for entry in run["epochs"]} for run in told]
    return [100 * accuracy[number] for accuracy, number in zip(by_epoch, picked, strict=True)]


def rows(recipe: Recipe, told: list[dict[str, Any]]) -> Iterator[str]:
    """The recipe's lines of the table, one a check and one for its verdicts."""
    for check in recipe.checks:
        values = figures(told, check.epoch)
        mean = statistics.mean(values)
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        when = {-1: "best epoch", 0: "gain, test"}.get(check.epoch, f"epoch {check.epoch}")
        met = "yes" if check.low <= mean <= check.high else "**no**"
        seeds = ", ".join(f"{value:.2f}" for value in values)
        yield f"| {recipe.name} | {when} | {check.stated} | {mean:.2f} ± {spread:.2f} | {seeds} | {met} |"
    verdicts = Counter(run["health"]["verdict"] for run in told)
    fine = all((verdict == "healthy") == recipe.healthy for verdict in verdicts)
    found = ", ".join(f"{count} × {verdict}" for verdict, count in verdicts.items())
    wanted = "healthy" if recipe.healthy else "not healthy"
    yield f"| {recipe.name} | verdict | {wanted} | {found} | | {'yes' if fine else '**no**'} |"


def machine() -> str:
    """What the numbers depend on."""
    from dnncli.training import checkpointing

    parts = checkpointing.versions().items()
    versions = ", ".join(f"{name} {value}" for name, value in parts)
    return f"{len(os.sched_getaffinity(0))} cores; {versions}"


def main() -> None:
    """Run the recipes and print their table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/mnist"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default=",".join(recipe.name for recipe in RECIPES))
    chosen = parser.parse_args()
    wanted = chosen.only.split(",")
    print(f"{machine()}; {chosen.seeds} seeds\n")
    print("| recipe | when | must be | measured | by seed | met |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for recipe in RECIPES:
            if recipe.name in wanted:
                told = list(runs(recipe, chosen.data, chosen.seeds, Path(folder)))
                print(*rows(recipe, told), sep="\n", flush=True)


if __name__ == "__main__":
    main()
