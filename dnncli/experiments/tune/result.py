"""What a search is worth: the best setting, on examples that did not choose it."""

from dataclasses import replace
from pathlib import Path

from dnncli.diagnosis.remedy import command_line, flags
from dnncli.experiments import paired, statistics
from dnncli.experiments.doctor.result import scores_on_test
from dnncli.experiments.metrics.held_out import test_score
from dnncli.experiments.paired import Trial
from dnncli.experiments.train import elapsed
from dnncli.experiments.tune.run import DEFAULTS, LAST, Search, Tried
from dnncli.records import Gain, Score, Seconds
from dnncli.records.tune import TriedRecord, TuneRecord
from dnncli.spec import RunSpec
from dnncli.spec.given import options_to_type
from dnncli.training import seeds
from dnncli.training.snapshot import summary

NOTHING = "Nothing is known yet: it was stopped before the defaults had trained."
ALONE = "Only the defaults were tried: give a larger --budget."
KEEP = "No setting is better than the defaults beyond chance: keep them."
CONFIRMED = "Train with {}: the test set, which did not choose it, confirms that it is better."
UNCONFIRMED = (
    "{} did best on validation, but on the test set, which did not choose it, it is not better than"
    " the defaults beyond chance."
)
UNTESTED = "{} did best on validation; a larger --budget would train it again and test it."
UNFINISHED = "No setting has trained to its last epoch yet: give a larger --budget."


def result(search: Search, folder: Path | None = None) -> TuneRecord:
    """The record of what a search knows so far."""
    chosen = _chosen(search)
    name = DEFAULTS if chosen is None else chosen.name
    options = options_to_type(_spec(search, chosen))
    tested = _on_test(search, DEFAULTS)
    ours: tuple[float, ...] = ()
    gain = None
    if chosen is not None:
        ours = _on_test(search, name)
    if ours and tested:
        gain = Gain(*statistics.paired(ours, tested), pairs=len(ours))
    return TuneRecord(
        config=search.spec.options(),
        data=search.dataset.record(),
        searched={name: str(values) for name, values in search.space.items()},
        seeds=search.seeds,
        rounds=search.rounds,
        tried=tuple(map(_tried, search.tried.values())),
        chosen=_named(chosen),
        options=options,
        command_line=command_line(options),
        test=_score(search, name),
        test_accuracies=ours,
        default_test_accuracies=tested,
        test_gain=gain,
        optimism=_optimism(search, chosen, ours, tested),
        finished=any(tried.rung == LAST for tried in search.tried.values()),
        conclusion=_conclusion(search, chosen, gain),
        folder=_shown(folder),
        budget=search.budget,
        seconds=Seconds(elapsed(search.began), 0.0, 0.0),
    )


def _chosen(search: Search) -> Tried | None:
    """The best setting, where it has trained to the end and is better beyond chance."""
    best = search.tried.get(search.best)
    if best is None or best.rung < LAST or best.gain is None:
        return None
    return best if best.gain.low is not None and best.gain.low > 0 else None


def _named(chosen: Tried | None) -> str | None:
    return None if chosen is None else chosen.name


def _shown(folder: Path | None) -> str | None:
    return None if folder is None else str(folder)


def _spec(search: Search, chosen: Tried | None) -> RunSpec:
    """The chosen run."""
    if chosen is None:
        return search.spec
    return paired.changed(search.spec, chosen.candidate.changes)


def _on_test(search: Search, name: str) -> tuple[float, ...]:
    """Each seed's score on the test set, of a setting that has trained to the end."""
    trial = _trained(search, name)
    return () if trial is None else scores_on_test(trial)


def _trained(search: Search, name: str) -> Trial | None:
    """A setting's networks; None where they are not at hand or have not trained to the end."""
    trial = search.trials.get(name)
    return None if trial is None or trial.running else trial


def _score(search: Search, name: str) -> Score | None:
    """The first seed's test score with intervals over examples; None where it diverged."""
    trial = _trained(search, name)
    if trial is None or trial.runs[0].stopped == "diverged":
        return None
    first, *_ = seeds.snapshots(trial.batch, summary(trial.dataset))
    return test_score(first, trial.dataset)


def _optimism(
    search: Search, chosen: Tried | None, ours: tuple[float, ...], tested: tuple[float, ...]
) -> float | None:
    """By how much validation flatters the chosen setting more than the defaults."""
    if chosen is None or not ours or not tested:
        return None
    pairs = ((chosen.scores, ours), (search.tried[DEFAULTS].scores, tested))
    gaps = [paired.mean_score(scores).accuracy - sum(test) / len(test) for scores, test in pairs]
    return gaps[0] - gaps[1]


def _tried(tried: Tried) -> TriedRecord:
    """How a setting did, as the record has it."""
    record = TriedRecord(
        name=tried.name,
        changes=dict(tried.candidate.changes),
        flags=flags(tried.candidate.changes),
        rung=tried.rung,
        rungs=LAST,
        val_accuracy=None,
        val_loss=None,
        val_accuracies=tuple(score.accuracy for score in tried.scores),
        diverged=tried.diverged,
        gain=None,
    )
    if tried.gain is not None:
        record = replace(record, gain=Gain(*tried.gain, pairs=len(tried.scores)))
    if not tried.scores:
        return record
    mean = paired.mean_score(tried.scores)
    loss = None if tried.diverged else mean.loss
    return replace(record, val_accuracy=mean.accuracy, val_loss=loss)


def _conclusion(search: Search, chosen: Tried | None, gain: Gain | None) -> str:
    """What to do, in a sentence."""
    trained = [tried for tried in search.tried.values() if tried.rung]
    if not trained:
        return NOTHING
    if len(trained) == 1:
        return ALONE
    if search.tried[search.best].rung < LAST:
        return UNFINISHED
    if chosen is None:
        return KEEP
    typed = flags(chosen.candidate.changes)
    if gain is None:
        return UNTESTED.format(typed)
    confirmed = gain.low is not None and gain.low > 0
    return CONFIRMED.format(typed) if confirmed else UNCONFIRMED.format(typed)
