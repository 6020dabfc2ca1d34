"""A search: round by round, proposals race against the defaults and the best setting so far.

Every setting trains on the same seeds and examples; the validation examples decide, the test
examples take no part. `Search.run` is a generator of events; what is known stands in `tried`.
"""

import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dnncli.data import Dataset
from dnncli.diagnosis.remedy import flags
from dnncli.errors import DnncliError
from dnncli.experiments import paired
from dnncli.experiments.halving import RUNGS, Deadline, Halved
from dnncli.experiments.paired import Candidate, SeedScore, Trial
from dnncli.experiments.race import UNTREATED, Advanced, Race
from dnncli.experiments.statistics import Paired
from dnncli.experiments.tune.sampler import Sampler, Told
from dnncli.spec import RunSpec, tuning
from dnncli.spec.tuning import Choice, Point, Range

ROUND = 4  # points that are asked for a round, each a program to compile
RANDOM = 8  # settings that are tried before what is known proposes others
ROUND_SHARE = 0.2  # of the budget that a round may take …
ROUND_SECONDS = 60.0  # … and never less than this, where there is so much


@dataclass(frozen=True)
class Proposed:
    """A round begins: its settings' names, the defaults and the best one so far first."""

    round: int
    names: tuple[str, ...]
    seeds: int
    seconds_left: float


@dataclass(frozen=True)
class Ended:
    """A round has ended: how many settings were tried so far, and the best one's name."""

    round: int
    tried: int
    best: str
    seconds_left: float


Event = Proposed | Advanced | Halved | Ended


@dataclass(frozen=True)
class Tried:
    """How a setting did, without its networks; `point` is None for the defaults.

    rung: the last one it completed, 0 where there was no time. scores, gain: as of `race.Outcome`.
    """

    candidate: Candidate
    point: Point | None
    rung: int
    scores: tuple[SeedScore, ...]
    diverged: int
    gain: Paired | None

    @property
    def name(self) -> str:
        """The setting's name."""
        return self.candidate.name

    @property
    def order(self) -> tuple[float, ...]:
        """A key that sorts settings from the best to the worst: first those that got farther."""
        return (-self.rung, *paired.rank(self.scores))


@dataclass
class Search:
    """One search, and what is known of it so far.

    spec: the run with its defaults. tried: every setting that was trained, by name. rounds: how
    many have ended. trials: the networks of the defaults and of the best setting, if at hand.
    """

    spec: RunSpec
    dataset: Dataset
    space: Mapping[str, Choice | Range]
    budget: float
    seeds: int
    tried: dict[str, Tried] = field(default_factory=dict)
    rounds: int = 0
    trials: dict[str, Trial] = field(default_factory=dict)
    began: float = field(default_factory=time.perf_counter)

    @property
    def deadline(self) -> Deadline:
        """When the budget is used up."""
        return Deadline(self.budget, self.began)

    @property
    def best(self) -> str:
        """The setting that got farthest and did best."""
        ranked = [tried for tried in self.tried.values() if tried.rung]
        return min(ranked, key=lambda tried: tried.order).name if ranked else DEFAULTS

    def run(self) -> Generator[Event, None, None]:
        """Search until the budget is used up, or nothing new is proposed.

        Raises SpecError where the defaults cannot train.
        """
        sampler = Sampler(self.space, RANDOM, self.spec.seed + self.rounds)
        sampler.tell(self._told(self.tried))
        points: dict[str, Point] = {}
        while not points or self.deadline.left > 0:
            proposed = {flags(tuning.changes(point)): point for point in self._proposed(sampler)}
            new = {name: point for name, point in proposed.items() if name not in self.tried}
            points |= new
            if not new:
                return
            yield from self._round(new)
            sampler.tell(self._told(new))
            self.rounds += 1
            tried = sum(tried.rung > 0 for tried in self.tried.values())
            yield Ended(self.rounds, tried - 1, self.best, self.deadline.left)

    def _proposed(self, sampler: Sampler) -> Iterator[Point]:
        """New points, each with other rates besides: these share its program."""
        for point in sampler.ask(ROUND):
            yield point
            yield from tuning.with_other_rates(point)

    def _round(self, points: Mapping[str, Point]) -> Iterator[Event]:
        """Race new settings, and keep what is known of them also where it is interrupted."""
        race = self._prepared_race(points)
        try:
            with race.compiling():
                names = tuple(race.trials)
                yield Proposed(self.rounds + 1, names, self.seeds, self.deadline.left)
                yield from race.run()
        finally:
            self._take(race, points)

    def _prepared_race(self, points: Mapping[str, Point]) -> Race:
        """The defaults, the best setting so far, and those that are new and possible."""
        trials = {
            name: self.trials.get(name) or self._begun(name) for name in (DEFAULTS, self.best)
        }
        known = [trial.spec for trial in trials.values()]
        for name, point in points.items():
            candidate = Candidate(name, self._complete(point))
            try:
                spec = paired.changed(self.spec, candidate.changes)
                trial = paired.start(candidate, spec, self.seeds, self.dataset)
            except DnncliError:  # too large for the memory, or options that do not go together
                continue
            if spec not in known:
                known.append(spec)
                trials[name] = trial
        seconds = max(ROUND_SECONDS, ROUND_SHARE * self.budget)
        deadline = Deadline(min(seconds, self.deadline.left), time.perf_counter())
        return Race(trials, deadline, self.seeds)

    def _begun(self, name: str) -> Trial:
        """A setting before its first epoch."""
        candidate = self.tried[name].candidate if name in self.tried else UNTREATED
        spec = paired.changed(self.spec, candidate.changes) if candidate.changes else self.spec
        return paired.start(candidate, spec, self.seeds, self.dataset)

    def _complete(self, point: Point) -> dict[str, object]:
        """A point's changes with the rate, which another optimizer would change too."""
        return {"lr": self.spec.schedule.lr, **tuning.changes(point)}

    def _take(self, race: Race, points: Mapping[str, Point]) -> None:
        """Keep how the settings of a race did, and the networks that are needed again.

        What an earlier search has trained further stays as it was known.
        """
        trials = dict(self.trials)
        for outcome in race.outcomes():
            trial = outcome.trial
            name = trial.candidate.name
            known = self.tried.get(name)
            if known is None or outcome.rung >= known.rung:
                point = known.point if known else points.get(name)
                found = (outcome.rung, outcome.scores, trial.diverged, outcome.gain)
                self.tried[name] = Tried(trial.candidate, point, *found)
            trials[name] = trial
        self.trials = {name: trials[name] for name in (DEFAULTS, self.best) if name in trials}

    def _told(self, names: Iterable[str]) -> list[Told]:
        """What the sampler learns of settings that were trained."""
        found = [self.tried[name] for name in names if name in self.tried]
        return [
            Told(one.point, paired.mean_score(one.scores).accuracy, one.rung, one.rung == LAST)
            for one in found
            if one.point is not None and one.rung
        ]


DEFAULTS = UNTREATED.name
LAST = len(RUNGS)
