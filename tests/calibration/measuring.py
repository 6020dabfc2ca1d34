"""What is sick is measured: runs and their accuracies are kept, so that none is run twice."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from calibration import running
from calibration.cases import MARGIN, Case, Run
from calibration.running import Measured
from calibration.tables import make

import dnncli
from dnncli.records import Health

SEEDS = (0, 1)  # a label is a mean over these
TRAINING = ("nn", "spec", "theory", "training")  # the package's folders that decide on outcomes


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
    """Keeps what was measured in a folder, by the options, the table and what trains."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        running.begin()

    def outcome(self, run: Run, seed: int = SEEDS[0]) -> Outcome:
        """What a run is told of itself, by today's rules. Raises ValueError for a wrong one."""
        measured = self._measured(run, seed, judged=True)
        health = running.judge(measured)
        if health is None:
            measured = self._again(run, seed)
            health = running.judge(measured)
        assert health is not None
        return read(measured.code, measured.accuracy, health)

    def accuracy(self, run: Run) -> float:
        """Mean test accuracy over `SEEDS`. Raises ValueError for a wrong command line."""
        reached = [self._measured(run, seed).accuracy for seed in SEEDS]
        return sum(reached) / len(SEEDS)

    def label(self, case: Case, known: Known) -> Label:
        """Measure a case and its twin over `SEEDS`, where `known` does not have them."""
        scores = known.get(digest(case))
        if scores is None:
            scores = (self.accuracy(case.run), self.accuracy(case.twin))
        return Label(case, *scores, majority(case.run))

    def _measured(self, run: Run, seed: int, judged: bool = False) -> Measured:
        """From the folder, where it is there. A first seed is judged, or it would run twice."""
        judged = judged or seed == SEEDS[0]
        place = self.folder / key(run, seed)
        if place.exists():
            measured = running.kept(place)
            if measured.situation is not None or not judged:
                return measured
        return self._again(run, seed, judged)

    def _again(self, run: Run, seed: int, judged: bool = True) -> Measured:
        measured = running.measure(run, seed, judged, self.folder)
        if measured.error:
            raise ValueError(f"{run} cannot be run: {measured.error}")
        running.keep(measured, self.folder / key(run, seed))
        return measured


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
    """What trains and how tables are made, hashed: outcomes of another version are not ours.

    Rules are left out: they judge what was measured anew each time.
    """
    digest = hashlib.sha256()
    package = Path(dnncli.__file__).parent
    files = [path for folder in TRAINING for path in sorted((package / folder).rglob("*.py"))]
    for path in [*files, Path(__file__).with_name("tables.py")]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def majority(run: Run) -> float:
    """The largest share of one class among a run's test rows."""
    table = make(run.recipe)
    labels = list(table.y[table.train :])
    return max(labels.count(label) for label in set(labels)) / len(labels)


def read(code: int, accuracy: float, health: Health) -> Outcome:
    """The outcome of a run that was judged."""
    rules = tuple(finding.rule for finding in health.findings)
    first = health.findings[0] if health.findings else None
    changes = dict(first.remedy.changes) if first and first.remedy else {}
    return Outcome(code, accuracy, health.verdict, rules, changes)


def remedied(run: Run, changes: dict[str, Any]) -> Run:
    """The run with a remedy's changes, followed to the letter and nothing besides."""
    options = dict(run.options)
    if changes.keys() & {"depth", "width"}:
        options.pop("hidden", None)
    if "hidden" in changes:
        options.pop("depth", None)
        options.pop("width", None)
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
