"""A race: candidate changes of a run tried over paired seeds by successive halving."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from dnncli.data import Dataset
from dnncli.errors import DnncliError
from dnncli.experiments import compilation_pool, halving, paired
from dnncli.experiments.compilation_pool import CompilationPool
from dnncli.experiments.halving import RUNGS, Deadline, Halved
from dnncli.experiments.paired import Candidate, SeedScore, Trial
from dnncli.experiments.statistics import Paired
from dnncli.spec import DataSpec, RunSpec
from dnncli.training.placement import block, block_shapes
from dnncli.training.program import Block

UNTREATED = Candidate("as it is")
COMPILING = 2  # programs at once; training takes little of the time in a race of small networks

Load = Callable[[DataSpec], Dataset]


@dataclass(frozen=True)
class Advanced:
    """A candidate has trained for another epoch; `score` is a mean over seeds."""

    name: str
    rung: int
    epoch: int
    last_epoch: int  # of this rung
    score: SeedScore
    seconds_left: float


@dataclass(frozen=True)
class Outcome:
    """How a candidate did.

    rung: the last one it completed, 0 where there was no time to try it. scores: each seed's, at
    the end of that rung. gain: of validation accuracy over the untreated run at the same rung,
    paired by seed; None for the untreated run and where one of both was not tried.
    """

    trial: Trial
    rung: int
    scores: tuple[SeedScore, ...]
    gain: Paired | None


@dataclass
class Race:
    """The trials as they stand, by name, the untreated run first. It is a `halving.Contest`.

    It may be asked for the outcomes at any time, also where its events are no longer iterated.
    always: how many of the first trials reach the last rung however they do.
    paces: what each candidate's last epoch took of the budget. longest_wait: what it took at most
    to wait for a program.
    """

    trials: dict[str, Trial]
    deadline: Deadline
    seed_count: int
    rungs: dict[str, int] = field(default_factory=dict)
    pool: CompilationPool | None = None
    blocks: dict[DataSpec, tuple[Block, Block]] = field(default_factory=dict)
    always: int = 1
    paces: dict[str, float] = field(default_factory=dict)
    longest_wait: float = 0.0

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """Compile the candidates' programs in the background, until the race is over."""
        specs = [trial.spec for trial in self.trials.values()]
        dataset = next(iter(self.trials.values())).dataset
        with compilation_pool.compiling(
            specs, self.seed_count, dataset, forward=False, workers=COMPILING
        ) as self.pool:
            yield

    def run(self) -> Iterator[Advanced | Halved]:
        """Race until the deadline, inside `compiling`.

        Diverged runs count as the worst possible. The validation set decides; the test set takes no
        part.
        """
        yield from halving.halving(list(self.trials), self, self.deadline, self.always)

    def train(self, name: str, rung: int) -> Iterator[Advanced]:
        """Train all seeds of a candidate to the end of a rung."""
        for trial, event in self._advance(self.trials[name], rung):
            self.trials[name] = trial
            yield event
        self.rungs[name] = rung

    def repeat(self, names: Sequence[str]) -> Iterator[Advanced]:
        """Train as many seeds again of candidates that are at their end, with the same programs.

        They count once all of these candidates have them, so that each has its pair.
        """
        more: dict[str, Trial] = {}
        for name in names:
            more[name] = paired.next_seeds(self.trials[name], self.seed_count)
            for trial, event in self._advance(more[name], len(RUNGS)):
                more[name] = trial
                yield event
        self.trials |= {name: paired.joined(self.trials[name], more[name]) for name in names}

    def repeatable(self, names: Sequence[str]) -> bool:
        """Whether these candidates are at their end, and there is time for as many seeds again."""
        if any(self.rungs.get(name, 0) < len(RUNGS) for name in names):
            return False
        needed = math.fsum(
            self.paces.get(name, 0.0) * last_epoch(self.trials[name].spec, len(RUNGS))
            for name in names
        )
        return 0 < needed < self.deadline.left

    def _advance(self, trial: Trial, rung: int) -> Iterator[tuple[Trial, Advanced]]:
        """Train a trial to the end of a rung, and note what an epoch takes of the budget."""
        assert self.pool is not None
        name = trial.candidate.name
        last = last_epoch(trial.spec, rung)
        asked = self.deadline.clock()
        self.pool.get(trial.spec)
        before = self.deadline.clock()
        self.longest_wait = max(self.longest_wait, before - asked)
        for after in paired.advance(trial, last, self.pool, *self._blocks(trial)):
            now = self.deadline.clock()
            self.paces[name] = now - before
            score = paired.mean_score(paired.scores(after))
            before = now
            yield after, Advanced(name, rung, after.epochs, last, score, self.deadline.left)

    def _blocks(self, trial: Trial) -> tuple[Block, Block]:
        """The trial's training and validation data on the device, put there once."""
        data = trial.spec.data
        if data not in self.blocks:
            self.blocks[data] = (block(trial.dataset.train), block(trial.dataset.validation))
        return self.blocks[data]

    def ready(self, name: str) -> bool:
        """Whether a candidate's program is compiled."""
        assert self.pool is not None
        return self.pool.ready(self.trials[name].spec)

    def estimate(self, name: str, rung: int) -> float:
        """Seconds to the end of a rung, as the last epoch went; a new one is as slow as any."""
        trial = self.trials[name]
        epochs = max(0, last_epoch(trial.spec, rung) - trial.epochs)
        slowest = max(self.paces.values(), default=0.0)
        compiling = 0.0 if self.ready(name) else self.longest_wait
        return compiling + self.paces.get(name, slowest) * epochs

    def rank(self, name: str) -> tuple[float, float]:
        """By mean validation accuracy, then by mean loss."""
        return paired.rank(paired.scores(self.trials[name]))

    @property
    def last_rung(self) -> int:
        """The last rung that some other candidate than the untreated run completed."""
        _, *others = self.trials
        return max((self.rungs.get(name, 0) for name in others), default=0)

    def outcomes(self) -> tuple[Outcome, ...]:
        """How the candidates have done so far, in their order."""
        return tuple(map(self._outcome, self.trials))

    def _outcome(self, name: str) -> Outcome:
        untreated = next(iter(self.trials))
        rung = self.rungs.get(name, 0)
        common = min(rung, self.rungs.get(untreated, 0))
        gain = None
        if common and name != untreated:
            gain = paired.gain(self._scores(name, common), self._scores(untreated, common))
        return Outcome(self.trials[name], rung, self._scores(name, rung), gain)

    def _scores(self, name: str, rung: int) -> tuple[SeedScore, ...]:
        """Each seed's score at the end of a rung; none before the first."""
        trial = self.trials[name]
        return paired.scores(trial, last_epoch(trial.spec, rung)) if rung else ()


def last_epoch(spec: RunSpec, rung: int) -> int:
    """The last epoch of a rung (from 1)."""
    return max(1, math.ceil(RUNGS[rung - 1] * spec.schedule.epochs))


def trials(
    spec: RunSpec,
    dataset: Dataset,
    candidates: Sequence[Candidate],
    seed_count: int,
    load: Load,
) -> list[Trial]:
    """The untreated run and every candidate that makes another run, before their first epoch.

    Left out are changes that change nothing, that make a run which stands there already, that no
    run can have, and after which the examples or their sizes are others.
    """
    found = [paired.start(UNTREATED, spec, seed_count, dataset)]
    for candidate in candidates:
        known = [trial.spec for trial in found]
        trial = _trial(candidate, spec, dataset, seed_count, load, known)
        if trial is not None:
            found.append(trial)
    return found


def _trial(
    candidate: Candidate,
    spec: RunSpec,
    dataset: Dataset,
    seed_count: int,
    load: Load,
    known: Sequence[RunSpec],
) -> Trial | None:
    """The candidate's trial; None where it is left out."""
    try:
        run = paired.changed(spec, candidate.changes)
        if run in known:
            return None
        own = dataset if run.data == spec.data else load(run.data)
        if not _comparable(own, dataset):
            return None
        return paired.start(candidate, run, seed_count, own)
    except DnncliError:  # the options do not go together, or the data cannot be taken so
        return None


def _comparable(one: Dataset, other: Dataset) -> bool:
    """Whether splits and shapes are the same: differences are paired then, and programs shared."""
    pairs = ((one.train, other.train), (one.validation, other.validation), (one.test, other.test))
    return one.class_names == other.class_names and all(
        block_shapes(a) == block_shapes(b) and (a.y == b.y).all() for a, b in pairs
    )
