"""Budgets that count work instead of time: the same choices on every machine, whatever its load."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

# What an idle core takes for the calibration's small networks, in seconds.
PROGRAM = 1.0  # to compile one
STEP = 2e-4  # of one seed


@dataclass
class Work:
    """Seconds that the work done so far would take on an idle core. It is a `Deadline`'s clock."""

    seconds: float = 0.0
    programs: set[Hashable] = field(default_factory=set)

    def __call__(self) -> float:
        """The reading of the clock."""
        return self.seconds

    def add(self, program: Hashable, steps: int) -> None:
        """Count so many steps of a program, and its compilation where it is new."""
        if program not in self.programs:
            self.programs.add(program)
            self.seconds += PROGRAM
        self.seconds += STEP * steps

    def take(self, event: Any, examination: Any) -> None:
        """Count what an event of the doctor's tells of."""
        from dnncli.experiments.doctor.one_batch import RATES, STEPS
        from dnncli.experiments.doctor.run import FittedOneBatch
        from dnncli.experiments.race import Advanced
        from dnncli.training.run import Progress

        match event:
            case Progress():
                self.add("as it is", steps_per_epoch(examination.spec, examination.examined))
            case FittedOneBatch():
                self.add("one batch", STEPS * len(RATES))
            case Advanced():
                trial = examination.race.trials[event.name]
                steps = steps_per_epoch(trial.spec, trial.dataset)
                self.add(program(trial.spec, trial.dataset), steps * examination.seeds)


def steps_per_epoch(spec: Any, dataset: Any) -> int:
    """How many batches the training examples make."""
    from dnncli.training.plan import batch_size

    examples = len(dataset.train)
    return -(-examples // batch_size(spec, examples))


def program(spec: Any, dataset: Any) -> Hashable:
    """What is compiled for a run; runs that differ in rate, initialiser or seed share it."""
    from dnncli.training import seeds

    return seeds.program(spec, len(dataset.train))
