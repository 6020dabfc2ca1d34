"""The doctor at work: look, train, try one batch, race remedies within a budget of seconds.

`Examination.run` is a generator of events; `result.result` makes a record of what is known at any
time, so that an interrupt gives that much.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from dnncli import data
from dnncli.data import Dataset
from dnncli.diagnosis.remedy import flags
from dnncli.experiments import train
from dnncli.experiments.doctor import candidates, choice
from dnncli.experiments.doctor.one_batch import fit_one_batch
from dnncli.experiments.doctor.reference import Reference, excerpt, reference
from dnncli.experiments.halving import Deadline, Halved
from dnncli.experiments.paired import SeedScore
from dnncli.experiments.race import Advanced, Load, Race, trials
from dnncli.records import Finding, OneBatchRecord, TrainRecord
from dnncli.spec import DataSpec, RunSpec
from dnncli.training import run as training
from dnncli.training.run import Progress
from dnncli.training.snapshot import Snapshot

SEEDS = 5
BUDGET = 60.0  # seconds
TRAINING_SHARE = 0.35  # of the budget, for the run as it is
CLOSING_SHARE = 0.1  # of the budget, for the scores on the test set and a program that overran
# Times that finalists get as many seeds again. Each look at an interval is another chance to be
# fooled: three in all make a 95 % interval one of about 90 %.
REPEATS = 2


@dataclass(frozen=True)
class Looked:
    """What was found before training."""

    findings: tuple[Finding, ...]
    seconds_left: float


@dataclass(frozen=True)
class Trained:
    """The run as it is has trained.

    healthy: so are its layers, and it has learned. cut: its share of the budget ended it, so that
    nobody knows how far it would have got.
    """

    record: TrainRecord
    healthy: bool
    cut: bool
    seconds_left: float


@dataclass(frozen=True)
class FittedOneBatch:
    """Whether the network can fit one batch."""

    record: OneBatchRecord
    seconds_left: float


@dataclass(frozen=True)
class Racing:
    """The race begins: the candidates' names, the untreated run first, and the seeds of each."""

    names: tuple[str, ...]
    seeds: int
    seconds_left: float


Event = Looked | Progress | Trained | FittedOneBatch | Racing | Advanced | Halved


@dataclass
class Examination:
    """One network examined, and what is known of it so far.

    dataset: as `data.load` gives it for the spec. before: what was found before training.
    seeds: of every candidate. load: how to take the data otherwise, for candidates that scale them.
    """

    spec: RunSpec
    dataset: Dataset
    budget: float = BUDGET
    seeds: int = SEEDS
    before: tuple[Finding, ...] = ()
    load: Load = data.load
    began: float = field(default_factory=time.perf_counter)
    examined: Dataset | None = None
    reference: Reference | None = None
    trained: Trained | None = None
    one_batch: OneBatchRecord | None = None
    race: Race | None = None

    @property
    def deadline(self) -> Deadline:
        """When the budget is used up."""
        return Deadline(self.budget, self.began)

    @property
    def standing(self) -> tuple[Finding, ...]:
        """What was found before training, but for what the whole run has refuted.

        Whether batch norm's batches and averages do harm is measured; the other findings say what
        works by luck at best.
        """
        if self.trained is None or self.trained.cut:
            return self.before
        rules = {finding.rule for finding in self.trained.record.health.all_findings()}
        refuted = {"normalisation"} - rules
        return tuple(finding for finding in self.before if finding.rule not in refuted)

    @property
    def to_drop(self) -> Mapping[str, object] | None:
        """The change that leaves out a column that gives the class away; None without one.

        No race can show what that gains: the validation rows have the column too.
        """
        findings = self.trained.record.health.findings if self.trained else ()
        remedy = findings[0].remedy if findings else None
        if remedy is None or "drop" not in remedy.changes:
            return None
        return remedy.changes

    @property
    def advised(self) -> str | None:
        """The first finding's remedy, by the candidate's name; None where it is not in the race."""
        found = self._findings()
        remedy = found[0].remedy if found else None
        if remedy is None or self.race is None:
            return None
        name = flags(remedy.changes)
        return name if name in self.race.trials else None

    def run(self) -> Iterator[Event]:
        """Examine the network; a healthy one is not raced, nor one that a column misleads.

        Raises SpecError where a critical initialisation has no solution, before anything trains.
        """
        yield Looked(self.before, self.deadline.left)
        self.examined = excerpt(self.dataset)
        self.reference = reference(self.examined)
        yield from self._train(self.examined)
        assert self.trained is not None
        if (self.trained.healthy and not self.standing) or self.to_drop is not None:
            return
        self.race = self._prepared_race(self.examined)
        with self.race.compiling():
            # While the race's programs compile: it needs one processor for its own.
            self.one_batch = fit_one_batch(self.spec, self.examined)
            yield FittedOneBatch(self.one_batch, self.deadline.left)
            yield Racing(tuple(self.race.trials), self.seeds, self.deadline.left)
            yield from self.race.run()
            yield from self._repeated(self.race)

    def _repeated(self, race: Race) -> Iterator[Advanced]:
        """More seeds of the finalists, while they may change the choice and there is time."""
        for _ in range(REPEATS):
            names = choice.undecided(race.outcomes(), self.advised)
            if not names or not race.repeatable(names):
                return
            yield from race.repeat(names)

    def _train(self, dataset: Dataset) -> Iterator[Event]:
        """The run as it is, with everything measured, for its share of the budget."""
        snapshot = training.start(self.spec, dataset)
        progress = None
        until = self.deadline.left - TRAINING_SHARE * self.budget
        for progress in training.run(snapshot, dataset):
            snapshot = progress.snapshot
            yield progress
            if self.deadline.left < until:
                break
        self.trained = self._trained(snapshot, progress, dataset)
        yield self.trained

    def _trained(self, snapshot: Snapshot, progress: Progress | None, dataset: Dataset) -> Trained:
        cut = progress is None or progress.stopped is None
        record = train.result(snapshot, progress, dataset, cut=cut, began=self.began)
        healthy = record.health.verdict == "healthy" and self._learned(record, cut)
        return Trained(record, healthy, cut, self.deadline.left)

    def _learned(self, record: TrainRecord, cut: bool) -> bool:
        """Whether the run has learned what can be expected of it, as far as it got."""
        assert self.reference is not None
        if record.stopped == "diverged" or not record.best_epoch:
            return False
        accuracy = record.epochs[record.best_epoch - 1].merit
        above = _by_loss(record) or self.reference.above_majority(accuracy)
        return above and (cut or self.reference.reaches_linear(accuracy))

    def has_learned(self, score: SeedScore) -> bool:
        """Whether a candidate's score is that of a network that has learned.

        Where the run as it is has, by its probabilities alone, one that is no worse has too.
        """
        assert self.reference is not None
        assert self.trained is not None
        if self.reference.beaten_by(score.accuracy):
            return True
        record = self.trained.record
        if not _by_loss(record) or not self.reference.reaches_linear(score.accuracy):
            return False
        return score.loss <= record.epochs[record.best_epoch - 1].val_loss

    def _findings(self) -> tuple[Finding, ...]:
        """All findings, those of the whole run first; what a part of it shows comes last."""
        if self.trained is None:
            return self.before
        measured = self.trained.record.health.findings
        if self.trained.cut:
            return (*self.before, *measured)
        return (*measured, *self.standing)

    def _prepared_race(self, dataset: Dataset) -> Race:
        """The findings' remedies and the standbys against the run as it is."""
        assert self.trained is not None
        found = self._findings()
        diverged = self.trained.record.stopped == "diverged"
        proposed = candidates.remedies(found)
        contestants = trials(
            self.spec,
            dataset,
            candidates.candidates(self.spec, proposed, diverged=diverged),
            self.seeds,
            self._load,
        )
        by_name = {trial.candidate.name: trial for trial in contestants}
        # The first remedy stays to the end: the choice may be between it and the best.
        always = 2 if found and found[0].remedy else 1
        ends = replace(self.deadline, seconds=(1 - CLOSING_SHARE) * self.budget)
        return Race(by_name, ends, self.seeds, always=always)

    def _load(self, source: DataSpec) -> Dataset:
        """The data taken otherwise, as much of them as is examined."""
        return excerpt(self.load(source))


def _by_loss(record: TrainRecord) -> bool:
    """Whether a run has learned what its probabilities show and its answers do not."""
    learned = record.health.learned
    return learned is not None and learned.by_loss and learned.verdict == "learned"
