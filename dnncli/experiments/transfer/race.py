"""A race of ways to reuse layers against training from scratch, on training and validation rows.

The best of either kind is found by successive halving of its own, so that layers that are ahead
early do not drop the runs from scratch that catch up. Then both are compared, paired by seed, over
all their epochs. It counts epochs and not seconds: the same seed chooses the same on any machine.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from dnncli.experiments import halving, paired
from dnncli.experiments.halving import RUNGS, Deadline, Halved
from dnncli.experiments.paired import SeedScore
from dnncli.experiments.race import last_epoch
from dnncli.experiments.transfer.budget import steps_per_epoch
from dnncli.experiments.transfer.candidates import Choice, settings
from dnncli.experiments.transfer.run import begin
from dnncli.experiments.transfer.task import Transfer
from dnncli.experiments.transfer.trial import Programs, ReuseTrial, compiling
from dnncli.records import Gain, RaceStanding, ReuseCandidate, ReuseRace
from dnncli.training import placement
from dnncli.training.program import Block

SEEDS = 5
SEEDS_OF_MANY = 3  # where examples are many, seeds scatter little and cost most
MANY = 2000  # training examples
UNLIMITED = Deadline(seconds=1e9, began=0.0, clock=lambda: 0.0)


@dataclass(frozen=True)
class Racing:
    """The candidates and seeds of a race that is about to begin; epochs: of a whole run."""

    reused: tuple[str, ...]
    scratch: tuple[str, ...]
    seeds: tuple[int, ...]
    epochs: int


@dataclass(frozen=True)
class Tried:
    """A candidate has trained for another epoch; `score` is a mean over seeds."""

    name: str
    rung: int
    epoch: int
    last_epoch: int  # of this rung
    score: SeedScore


Event = Racing | Tried | Halved


@dataclass
class Heat:
    """Candidates of one kind. It is a `halving.Contest`.

    rungs: the last one that each has completed.
    """

    choices: dict[str, Choice]
    trials: dict[str, ReuseTrial]
    programs: Programs
    rungs: dict[str, int] = field(default_factory=dict)

    def train(self, name: str, rung: int) -> Iterator[Tried]:
        """Train all seeds of a candidate to the end of a rung."""
        trial = self.trials[name]
        last = last_epoch(self.choices[name].layout.run, rung)
        for epoch in trial.advance(last, self.programs):
            yield Tried(name, rung, epoch, last, paired.mean_score(_scores(trial, epoch)))
        self.rungs[name] = rung

    def ready(self, name: str) -> bool:
        """Whether its next program is compiled."""
        return self.trials[name].prepare(self.programs).done()

    def estimate(self, name: str, rung: int) -> float:
        """Nothing: time is not limited."""
        del name, rung
        return 0.0

    def rank(self, name: str) -> tuple[float, float]:
        """By mean validation accuracy, then by mean loss."""
        return paired.rank(self.scores(name))

    def scores(self, name: str) -> tuple[SeedScore, ...]:
        """Each seed's score at the end of the last rung that the candidate completed.

        Where it was stopped before the first one, after the epochs that it has done.
        """
        trial = self.trials[name]
        rung = self.rungs.get(name, 0)
        limit = last_epoch(self.choices[name].layout.run, rung) if rung else trial.epochs
        return _scores(trial, limit)

    def run(self) -> Iterator[Tried | Halved]:
        """Halve the candidates until the last ones have had all their epochs."""
        for trial in self.trials.values():
            trial.prepare(self.programs)
        yield from halving.halving(list(self.trials), self, UNLIMITED)

    def begun(self) -> list[str]:
        """The candidates that have done an epoch."""
        return [name for name, trial in self.trials.items() if trial.epochs]

    def best(self) -> str:
        """The best of those that have had all their epochs."""
        last = [name for name, rung in self.rungs.items() if rung == len(RUNGS)]
        return min(last or self.rungs, key=self.rank)


def _scores(trial: ReuseTrial, epochs: int) -> tuple[SeedScore, ...]:
    """Each seed's score after so many epochs."""
    return tuple(paired.score(run, epochs) for run in trial.runs)


@dataclass
class Race:
    """The race of one transfer, and its outcome once `run` has ended.

    heats: from scratch and with layers reused; none before `run` has begun. It may be asked for
    its standing at any time, also where its events are no longer iterated.
    """

    task: Transfer
    heats: tuple[Heat, ...] = ()
    outcome: ReuseRace | None = None
    chosen: Choice | None = None
    scratch: Choice | None = None

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those of every candidate: after the seeds of the runs that are reported."""
        first = self.task.layout.run.seed + self.task.spec.seeds
        count = SEEDS if len(self.task.dataset.train) <= MANY else SEEDS_OF_MANY
        return tuple(range(first, first + count))

    @property
    def most_epochs(self) -> int:
        """How many epochs the race takes at most."""
        every = (*self.task.reusing, *self.task.from_scratch)
        return sum(choice.layout.run.schedule.epochs for choice in every)

    def run(self) -> Iterator[Event]:
        """Race until the last epoch.

        Raises SpecError where a critical initialisation has no solution.
        """
        dataset = self.task.dataset
        blocks = (placement.block(dataset.train), placement.block(dataset.validation))
        with compiling() as programs:
            scratch = self._heat(self.task.from_scratch, blocks, programs)
            reused = self._heat(self.task.reusing, blocks, programs)
            self.heats = (scratch, reused)
            names = (tuple(reused.choices), tuple(scratch.choices))
            yield Racing(*names, self.seeds, self.task.layout.run.schedule.epochs)
            yield from scratch.run()
            yield from reused.run()
        self._decide(reused, scratch)

    def _heat(
        self, choices: Sequence[Choice], blocks: tuple[Block, Block], programs: Programs
    ) -> Heat:
        trials = {choice.name: self._trial(choice, blocks) for choice in choices}
        return Heat({choice.name: choice for choice in choices}, trials, programs)

    def _trial(self, choice: Choice, blocks: tuple[Block, Block]) -> ReuseTrial:
        """A candidate before its first epoch."""
        snapshots = tuple(begin(self.task, choice.layout, seed) for seed in self.seeds)
        return ReuseTrial(snapshots, blocks, self.task.spec.cache)

    def _decide(self, reused: Heat, scratch: Heat) -> None:
        """Choose, and make the record."""
        ours = reused.best()
        theirs = scratch.best()
        helps = better(reused.scores(ours), scratch.scores(theirs))
        gained = paired.gain(reused.scores(ours), scratch.scores(theirs))
        run = self.task.layout.run
        epochs = run.schedule.epochs
        gain = Gain(*gained, pairs=len(self.seeds))
        self.scratch = scratch.choices[theirs]
        self.chosen = reused.choices[ours] if helps else self.scratch
        self.outcome = ReuseRace(
            first_seed=self.seeds[0],
            seeds=len(self.seeds),
            epochs=epochs,
            steps=epochs * steps_per_epoch(run, len(self.task.dataset.train)),
            candidates=(*_records(reused), *_records(scratch)),
            reused=ours,
            scratch=theirs,
            gain=gain,
            helps=helps,
            chosen=self.chosen.name,
            conclusion=conclusion(ours, theirs, gain, helps=helps),
        )

    def standing(self) -> RaceStanding | None:
        """How the candidates have done so far; None where none has done an epoch."""
        known = [record for heat in self.heats for record in _records(heat)]
        if not known:
            return None
        leader = min(known, key=lambda one: (-one.rung, -one.val_accuracy))
        return RaceStanding(
            parent=self.task.parent_record,
            data=self.task.dataset.record(),
            stopped="signal",
            first_seed=self.seeds[0],
            seeds=len(self.seeds),
            candidates=tuple(known),
            leader=leader.name,
        )

    def settled(self) -> Transfer:
        """The transfer with what was chosen, and the best from scratch as its baseline."""
        assert self.chosen is not None
        assert self.scratch is not None
        return replace(
            self.task,
            layout=self.chosen.layout,
            scratch=self.scratch.layout,
            race=self.outcome,
        )


def better(ours: Sequence[SeedScore], scratch: Sequence[SeedScore]) -> bool:
    """Whether reuse is worth having: more accurate on average, or as accurate with less loss."""
    return paired.rank(ours) < paired.rank(scratch)


def conclusion(reused: str, scratch: str, gain: Gain, *, helps: bool) -> str:
    """What the race says, in a sentence; gain: of the best reuse over the best from scratch."""
    interval = ""
    if gain.low is not None and gain.high is not None:
        interval = f" [{100 * gain.low:+.2f}, {100 * gain.high:+.2f}]"
    points = f"{100 * gain.mean:+.2f} points{interval} of validation accuracy"
    if not helps:
        return f"Reuse does not help here. With {reused}: {points} against {scratch}."
    told = gain.low is not None and gain.low > 0
    sure = "" if told else ", which may be chance"
    return f"Reuse: {reused}: {points} against {scratch}{sure}."


def _records(heat: Heat) -> Iterator[ReuseCandidate]:
    """How those of a heat's candidates did that have done an epoch, as the record has it."""
    for name in heat.begun():
        choice = heat.choices[name]
        trial = heat.trials[name]
        scores = heat.scores(name)
        mean = paired.mean_score(scores)
        rate, decay = settings(choice.layout.run)
        loss = None if trial.diverged else mean.loss
        yield ReuseCandidate(
            name=name,
            keep=choice.keep,
            hidden=choice.layout.run.network.hidden,
            frozen=choice.layout.frozen,
            unfreeze=choice.unfreeze,
            lr=rate,
            lr_decay=decay,
            rung=heat.rungs.get(name, 0),
            rungs=len(RUNGS),
            epochs=trial.epochs,
            val_accuracy=mean.accuracy,
            val_loss=loss,
            val_accuracies=tuple(score.accuracy for score in scores),
            diverged=trial.diverged,
        )
