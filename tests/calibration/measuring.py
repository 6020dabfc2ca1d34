"""Command lines of `dnncli train`, several at a time; outcomes are kept, so that none is run twice.

Each of a few worker processes runs many command lines, exactly as `dnncli` would: to import JAX
for each of them takes several times as long as a small run itself.
"""

import hashlib
import json
import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import chdir
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import shell
from calibration.cases import MARGIN, Case, Options, Run
from calibration.tables import make, write

import dnncli

SEEDS = (0, 1)  # a label is a mean over these
TASKS = 200  # a worker is replaced after so many runs, with the programs that it has compiled
STOPPED = (130, 143)  # by a signal
ENDED = (0, 3, 4)  # exit codes of a run that was made: done, diverged, a health condition met


@dataclass(frozen=True)
class Outcome:
    """What a run said and reached. `changes`: the first finding's remedy; {} without one."""

    code: int
    accuracy: float  # on the test rows; 0 where nothing finite is left
    verdict: str = "healthy"
    rules: tuple[str, ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)
    error: str = ""


Known = dict[str, tuple[float, float]]  # accuracies of a case and its twin, by `digest`


@dataclass(frozen=True)
class Label:
    """Whether a case is what it was made to be: mean test accuracies, the largest class's share."""

    case: Case
    accuracy: float
    twin: float
    majority: float

    @property
    def twin_learned(self) -> bool:
        """Whether the twin makes at most half of the errors that the largest class alone makes."""
        return 1 - self.twin <= (1 - self.majority) / 2

    @property
    def holds(self) -> bool:
        """Sick: clearly worse than a twin that learned. Healthy: it learned."""
        if self.case.truth is None:
            return self.twin_learned
        return self.twin_learned and self.twin - self.accuracy >= MARGIN


class Runner:
    """Keeps outcomes in a folder, by the options, the table and the program's source."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self.folder = folder
        self.jobs = jobs
        folder.mkdir(parents=True, exist_ok=True)

    def outcomes(self, wanted: list[tuple[Run, int]]) -> None:
        """Run what is not in the folder yet."""
        missing = [pair for pair in dict.fromkeys(wanted) if not self._place(*pair).exists()]
        if self.jobs == 1:
            for pair in missing:
                self.outcome(*pair)
        elif missing:
            # Spawned, since a process that uses JAX must not be forked.
            spawn = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(self.jobs, spawn, max_tasks_per_child=TASKS) as pool:
                places = [self._place(*pair) for pair in missing]
                for _ in pool.map(keep, missing, places):
                    pass

    def outcome(self, run: Run, seed: int) -> Outcome:
        """One run's outcome, from the folder where it is there."""
        place = self._place(run, seed)
        if not place.exists():
            keep((run, seed), place)
        stored = json.loads(place.read_text())
        return Outcome(**{**stored, "rules": tuple(stored["rules"])})

    def _place(self, run: Run, seed: int) -> Path:
        return self.folder / f"{key(run, seed)}.json"

    def labels(self, cases: list[Case], known: Known) -> list[Label]:
        """Measure cases and their twins over `SEEDS`; what `known` holds is not measured again.

        Raises ValueError for a wrong command line.
        """
        measured = [case for case in cases if digest(case) not in known]
        runs = [run for case in measured for run in (case.run, case.twin)]
        wanted = [(run, seed) for run in runs for seed in SEEDS]
        self.outcomes(wanted)
        for run, seed in wanted:
            outcome = self.outcome(run, seed)
            if outcome.code not in ENDED:
                raise ValueError(f"{run} cannot be run: {outcome.error}")
        scores = {
            digest(case): (self.accuracy(case.run), self.accuracy(case.twin)) for case in measured
        }
        scores |= known
        return [Label(case, *scores[digest(case)], majority(case.run)) for case in cases]

    def accuracy(self, run: Run) -> float:
        """Mean test accuracy over `SEEDS`."""
        return sum(self.outcome(run, seed).accuracy for seed in SEEDS) / len(SEEDS)


def digest(case: Case) -> str:
    """A case by its name, its run and its twin: where one of them changes, its label is unknown."""
    text = f"{case.name}\n{case.run}\n{case.twin}"
    return f"{case.name} {hashlib.sha256(text.encode()).hexdigest()[:8]}"


def read_labels(path: Path) -> Known:
    """The labels that were measured before."""
    if not path.exists():
        return {}
    return {name: tuple(pair) for name, pair in json.loads(path.read_text()).items()}


def write_labels(path: Path, labels: list[Label]) -> None:
    """Add labels to those in the file."""
    added = {digest(label.case): (label.accuracy, label.twin) for label in labels}
    text = [
        f"{json.dumps(name)}: [{scores[0]:.4f}, {scores[1]:.4f}]"
        for name, scores in sorted((read_labels(path) | added).items())
    ]
    path.write_text("{\n" + ",\n".join(text) + "\n}\n")


def key(run: Run, seed: int) -> str:
    """What a run's outcome depends on, as a file's name."""
    parts = [str(run.recipe), str(run.options), str(seed), source_hash()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


@cache
def source_hash() -> str:
    """The program and the tables' making, hashed: outcomes of another version are not ours."""
    digest = hashlib.sha256()
    files = sorted(Path(dnncli.__file__).parent.rglob("*.py"))
    for path in [*files, Path(__file__).with_name("tables.py")]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def majority(run: Run) -> float:
    """The largest share of one class among a run's test rows."""
    table = make(run.recipe)
    labels = list(table.y[table.train :])
    return max(labels.count(label) for label in set(labels)) / len(labels)


def keep(pair: tuple[Run, int], place: Path) -> None:
    """Run and store the outcome."""
    partial = place.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(asdict(train(*pair))))
    partial.replace(place)


def train(run: Run, seed: int) -> Outcome:
    """Run `dnncli train` on the run's table in a folder of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        write(run.recipe, Path(scratch))
        with chdir(scratch):
            ended = shell.run(*arguments(dict(run.options), seed))
    if ended.code in STOPPED:
        raise KeyboardInterrupt
    if ended.code not in ENDED or not ended.out.strip():
        return Outcome(ended.code, 0.0, "failed", error=ended.err.strip()[-300:])
    return read(ended.code, ended.json)


def arguments(options: Options, seed: int) -> list[str]:
    """The command line of `dnncli`, on train.csv and test.csv."""
    line = ["train", "--data", "train.csv", "--test", "test.csv", "--seed", str(seed)]
    line += ["--format", "json", "-q", "--out", "run.ckpt"]
    for name, value in options.items():
        line.append(f"--{name}")
        if value:
            line.append(value)
    return line


def read(code: int, result: dict[str, Any]) -> Outcome:
    """The outcome in the JSON of `train`."""
    findings = result["health"]["findings"]
    accuracy = (result["test"] or {}).get("accuracy") or 0.0
    first = findings[0] if findings else {}
    rules = tuple(finding["rule"] for finding in findings)
    changes = (first.get("remedy") or {}).get("changes") or {}
    return Outcome(code, accuracy, result["health"]["verdict"], rules, changes)


def remedied(run: Run, changes: dict[str, Any]) -> Run:
    """The run with a remedy's changes, followed to the letter and nothing besides."""
    options = dict(run.options)
    if changes.keys() & {"depth", "width"}:
        options.pop("hidden", None)
    for field_name, value in changes.items():
        name = field_name.replace("_", "-")
        options.pop(name, None)
        if value is True:
            options[name] = ""
        elif isinstance(value, list | tuple):
            options[name] = ",".join(map(str, value))
        elif value is not None and value is not False:
            options[name] = str(value)
        if name == "bn" and value is False:
            options.pop("bn-momentum", None)
            options.pop("bn-output", None)
    return Run.of(run.recipe, options)
