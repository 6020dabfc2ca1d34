"""The chapter's recipes with published numbers, several seeds each, through `dnncli train`; run by hand.

    python tests/benchmarks/bench_recipes.py --data ../shared/data/mnist

prints the tables of `recipes.md` in Markdown. `--only A,digits` runs some of them, `--seeds N` more or
fewer seeds. Everything goes through the command line, as a reader would run it.
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
DEEP = "--scale standard --batch-size 64 --optimizer adam --lr 1e-3 --epochs 30 --patience 0"


@dataclass(frozen=True)
class Check:
    """What a recipe's mean over seeds must be: after which epoch, in per cent, within which band."""

    epoch: int
    low: float
    high: float
    stated: str


@dataclass(frozen=True)
class Recipe:
    """A command line, what it is checked against, and the verdict it must (or must not) earn."""

    name: str
    options: str
    checks: tuple[Check, ...]
    healthy: bool
    mnist: bool = False
    resumes: str | None = None


def near(epoch: int, published: float, within: float = 0.5) -> Check:
    """A published number of one run, to be met by the mean."""
    return Check(epoch, published - within, published + within, f"{published} ± {within}")


RECIPES = [
    Recipe("A", A, (near(1, 89.5, 2.5), near(10, 96.4), near(20, 97.4)), True, mnist=True),
    Recipe("B", B, (near(20, 96.1),), True, mnist=True),
    Recipe("C", "--epochs 40", (near(21, 96.4), near(40, 97.1)), True, mnist=True, resumes="B"),
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


def train(arguments: list[str]) -> dict[str, Any]:
    """One run's JSON."""
    command = [sys.executable, "-m", "dnncli", "train", *arguments, "--format", "json", "-q"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {answer.returncode}: {answer.stderr}")
    told: dict[str, Any] = json.loads(answer.stdout)
    return told


def runs(recipe: Recipe, data: Path, seeds: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Every seed's run, its checkpoint kept for a recipe that goes on from it."""
    for seed in range(seeds):
        arguments = [*recipe.options.split(), "--out", str(folder / f"{recipe.name}-{seed}.ckpt")]
        if recipe.resumes:
            arguments += ["--resume", str(folder / f"{recipe.resumes}-{seed}.ckpt")]
        else:
            arguments += ["--seed", str(seed)]
        if recipe.mnist:
            arguments += ["--data", str(data)]
        began = time.perf_counter()
        told = train(arguments)
        print(f"{recipe.name}, seed {seed}: {time.perf_counter() - began:.1f} s", file=sys.stderr)
        yield told


def accuracies(told: list[dict[str, Any]], epoch: int) -> list[float]:
    """Each run's validation accuracy after an epoch, in per cent; -1 stands for the best epoch's."""
    picked = [run["best_epoch"] if epoch < 0 else epoch for run in told]
    by_epoch = [{entry["epoch"]: entry["val_accuracy"] for entry in run["epochs"]} for run in told]
    return [100 * accuracy[number] for accuracy, number in zip(by_epoch, picked, strict=True)]


def rows(recipe: Recipe, told: list[dict[str, Any]]) -> Iterator[str]:
    """The recipe's lines of the table, one a check and one for its verdicts."""
    for check in recipe.checks:
        values = accuracies(told, check.epoch)
        mean = statistics.mean(values)
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        when = "best epoch" if check.epoch < 0 else f"epoch {check.epoch}"
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
    from dnncli import snapshots

    versions = ", ".join(f"{name} {value}" for name, value in snapshots.versions().items())
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
    print("| recipe | when | must be | validation accuracy, % | by seed | met |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for recipe in RECIPES:
            if recipe.name in wanted:
                told = list(runs(recipe, chosen.data, chosen.seeds, Path(folder)))
                print(*rows(recipe, told), sep="\n", flush=True)


if __name__ == "__main__":
    main()
