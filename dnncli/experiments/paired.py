"""Named changes of one run, tried over paired seeds: the same seeds, examples and batches for all.

All seeds of a candidate train in one program. Differences between candidates are paired by seed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple

from dnncli.data import Dataset
from dnncli.diagnosis.verdict import diagnose
from dnncli.experiments import statistics
from dnncli.experiments.compilation_pool import CompilationPool
from dnncli.experiments.statistics import Paired
from dnncli.spec import RunSpec, catalog, from_options
from dnncli.spec.objective import REGRESSION
from dnncli.training import early_stopping, seeds
from dnncli.training.history import RunHistory
from dnncli.training.program import Block
from dnncli.training.run import network_context
from dnncli.training.seeds import SeedBatch

# Options that a change of another option leaves to their defaults, unless they change as well.
DEPENDENT: Mapping[str, tuple[str, ...]] = {
    "act": ("alpha",),
    "optimizer": ("lr", "momentum", "weight_decay"),
    "schedule": ("decay_rate", "decay_steps"),
}


@dataclass(frozen=True)
class Candidate:
    """A change to try: new values of options, as `RunSpec.options` names them.

    None turns an option off or leaves it to its default. Without changes it is the untreated run.
    """

    name: str
    changes: Mapping[str, object] = field(default_factory=dict)


class SeedScore(NamedTuple):
    """Validation accuracy and loss of a seed's best epoch; of a regression R² for accuracy."""

    accuracy: float
    loss: float


# A run that diverged is not missing: nobody can use its network. An R² of 0 is the mean's, which
# some networks that did not diverge are below.
DIVERGED = SeedScore(0.0, float("inf"))
DIVERGED_R2 = -1.0


def changed(spec: RunSpec, changes: Mapping[str, object]) -> RunSpec:
    """The run with some options changed.

    An option that has no use any more takes its default: alpha under another activation, momentum
    and the learning rate under another optimizer, batch norm's momentum without batch norm.
    Raises SpecError where the options do not go together.
    """
    options = spec.options()
    for name in changes:
        for dependent in DEPENDENT.get(name, ()):
            options.pop(dependent, None)
    if "act" in changes and spec.network.init == catalog.ACTIVATIONS[spec.network.act].init:
        options["init"] = "auto"  # it was the activation's own
    options.update(changes)
    if not (options["bn"] or options["bn_output"]):
        options["bn_momentum"] = None
    if options["schedule"] == "one-cycle":
        options["warmup"] = 0.0
    options["warmup"] = min(options["warmup"], options["epochs"])
    return from_options(options)


@dataclass(frozen=True)
class Trial:
    """A candidate's runs so far; `batch` has one run a seed."""

    candidate: Candidate
    spec: RunSpec
    dataset: Dataset
    batch: SeedBatch

    @property
    def runs(self) -> tuple[RunHistory, ...]:
        """One run a seed."""
        return self.batch.runs

    @property
    def epochs(self) -> int:
        """How many epochs the longest run has done."""
        return self.batch.epoch

    @property
    def running(self) -> bool:
        """Whether some seed has epochs left and has neither diverged nor lost patience."""
        return self.batch.running

    @property
    def diverged(self) -> int:
        """How many seeds have diverged."""
        return sum(run.stopped == "diverged" for run in self.runs)


def start(candidate: Candidate, spec: RunSpec, seed_count: int, dataset: Dataset) -> Trial:
    """A candidate before its first epoch; `spec` is the changed run.

    Raises SpecError where a critical initialisation has no solution.
    """
    return Trial(candidate, spec, dataset, seeds.start(spec, seed_count, dataset))


def next_seeds(trial: Trial, seed_count: int) -> Trial:
    """The same run before its first epoch, with the seeds that follow those it has."""
    spec = replace(trial.spec, seed=trial.spec.seed + len(trial.runs))
    return start(trial.candidate, spec, seed_count, trial.dataset)


def joined(trial: Trial, more: Trial) -> Trial:
    """A trial with the seeds of another one of the same run; both have ended."""
    return replace(trial, batch=seeds.joined(trial.batch, more.batch))


def advance(
    trial: Trial, epochs: int, pool: CompilationPool, train: Block, validation: Block
) -> Iterator[Trial]:
    """Train until the longest run has done so many epochs; yields after each epoch.

    train, validation: the dataset's splits on the device.
    """
    if not trial.running or trial.epochs >= epochs:
        return
    compiled = pool.get(trial.spec).epoch
    steps = seeds.run(trial.batch, train, validation, compiled)
    for batch in islice(steps, epochs - trial.epochs):
        yield replace(trial, batch=batch)


def scores(trial: Trial, epochs: int | None = None) -> tuple[SeedScore, ...]:
    """Each seed's score after so many epochs; None: after all that are done."""
    limit = trial.epochs if epochs is None else epochs
    return tuple(score(run, limit) for run in trial.runs)


def score(run: RunHistory, epochs: int) -> SeedScore:
    """A run's best epoch among the first ones, as early stopping chooses it."""
    history = run.epochs[:epochs]
    if not history or (run.stopped == "diverged" and run.epoch < epochs):
        return DIVERGED._replace(accuracy=diverged_merit(run.spec))
    best = history[early_stopping.best_epoch(history, run.spec.stopping) - 1]
    return SeedScore(best.merit, best.val_loss)


def diverged_merit(spec: RunSpec) -> float:
    """What a run that diverged counts as: no example right, or an R² worse than the mean's."""
    return DIVERGED_R2 if spec.data.task == REGRESSION else DIVERGED.accuracy


def mean_score(seed_scores: Sequence[SeedScore]) -> SeedScore:
    """Means over seeds; the loss is infinite where a seed diverged."""
    count = len(seed_scores)
    accuracy = sum(score.accuracy for score in seed_scores) / count
    return SeedScore(accuracy, sum(score.loss for score in seed_scores) / count)


def rank(seed_scores: Sequence[SeedScore]) -> tuple[float, float]:
    """A key that sorts candidates from best to worst: by mean accuracy, then by mean loss."""
    mean = mean_score(seed_scores)
    return -mean.accuracy, mean.loss


def gain(ours: Sequence[SeedScore], untreated: Sequence[SeedScore]) -> Paired:
    """How much more accurate a candidate is than the untreated run, paired by seed.

    Both begin with the same seeds; where one has more of them, those have no pair.
    """
    pairs = list(zip(ours, untreated, strict=False))
    mine, theirs = zip(*pairs, strict=True)
    return statistics.paired(
        [score.accuracy for score in mine], [score.accuracy for score in theirs]
    )


def verdicts(trial: Trial) -> tuple[str, ...]:
    """Each seed's verdict on the layers of its best epoch."""
    return tuple(_verdict(run, trial.dataset) for run in trial.runs)


def _verdict(run: RunHistory, dataset: Dataset) -> str:
    if run.stopped == "diverged":
        return "diverged"
    if not run.epochs:
        return "unknown"
    best = run.epochs[max(run.best_epoch, 1) - 1]
    context = network_context(run.spec, dataset)
    return diagnose(context, best.layers, run.initial).verdict
