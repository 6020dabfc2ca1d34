"""The doctor's record: what is wrong, what each candidate gained, and the options to train with."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from dnncli.diagnosis.remedy import command_line, flags
from dnncli.experiments import paired, statistics
from dnncli.experiments.doctor.choice import DIAGNOSIS, Choice, best, choose
from dnncli.experiments.doctor.run import Examination
from dnncli.experiments.halving import RUNGS
from dnncli.experiments.paired import Trial
from dnncli.experiments.race import Outcome
from dnncli.experiments.statistics import Paired
from dnncli.experiments.train import elapsed
from dnncli.records import CandidateRecord, DoctorRecord, Gain, Health, Seconds
from dnncli.spec import RunSpec
from dnncli.spec.given import options_to_type
from dnncli.training import seeds
from dnncli.training.run import test_score
from dnncli.training.snapshot import Snapshot, summary

HEALTHY = "The network is healthy: it has learned, and so have its layers."
UNDECIDED = (
    "The network is healthy as far as it got, but the budget did not allow all its epochs: give a"
    " larger one to be sure."
)
UNFINISHED = "Nothing is known yet: it was stopped before the run as it is had trained."
MISLED = (
    "What that gains no trial on the validation rows can show: they have the column too, whose"
    " answer will not be there in use."
)
NOT_RACED = "The network is not healthy; it was stopped before any remedy was tried."
NOT_CURED = "It is better so than as it is, but not healthy yet."
CUT_SHORT = (
    "It is better so than as it is; the budget allowed {} of its {} epochs: a larger one"
    " (--budget) would tell whether it is healthy then."
)
CANNOT_FIT = (
    "No change of options that was tried helps, and the network cannot fit even one batch: look at"
    " the inputs, and at the network's size."
)
UNPROVEN = (
    "{} did best, but over {} seeds that may be chance: more of them (--seeds {}) would tell."
)
DIAGNOSED = (
    "Train with {}: the diagnosis says so. In the trial it did {} over {} seeds, which may be"
    " chance; more of them (--seeds {}) would tell."
)
LEARNED = (
    "It has learned, and no change of options that was tried makes it better beyond chance: more"
    " rows, or other features, may."
)
HARMLESS = (
    "It has learned, and no change that was tried makes it better beyond chance: what was found"
    " does no harm that shows here."
)
# Of accuracy or R²: with less left to gain, what is missing is not worth more rows.
NEARLY_ALL = 0.95
NOTHING_TO_LEARN = (
    "No change of options that was tried helps, though the network can fit one batch: the data do"
    " not contain the answer, or too little of it."
)


def result(examination: Examination) -> DoctorRecord:
    """The record of what an examination knows so far."""
    trained = examination.trained
    outcomes = examination.race.outcomes() if examination.race else ()
    choice = choose(outcomes, examination.advised)
    chosen = choice.outcome if choice else None
    spec = chosen.trial.spec if chosen else _without_race(examination)
    options = options_to_type(spec)
    candidates = tuple(_candidate(examination, outcome) for outcome in outcomes)
    record = DoctorRecord(
        config=examination.spec.options(),
        data=examination.dataset.record(),
        before=examination.before,
        health=Health("unknown"),
        test=None,
        majority=None,
        linear=None,
        one_batch=examination.one_batch,
        seeds=examination.seeds,
        examined=len((examination.examined or examination.dataset).train),
        candidates=candidates,
        chosen=_name(chosen),
        options=options,
        command_line=command_line(options),
        test_gain=None,
        healthy=_healthy(examination, candidates) and not examination.standing,
        finished=_finished(examination),
        conclusion=_conclusion(examination, choice),
        budget=examination.budget,
        seconds=Seconds(elapsed(examination.began), 0.0, 0.0),
        basis=_basis(examination, choice),
    )
    if examination.reference:
        reference = examination.reference
        record = replace(record, majority=reference.majority, linear=reference.linear)
    if trained:
        seconds = replace(trained.record.seconds, total=elapsed(examination.began))
        record = replace(
            record, health=trained.record.health, test=trained.record.test, seconds=seconds
        )
    return _with_test_scores(record, outcomes[0], chosen) if chosen else record


def _healthy(examination: Examination, candidates: Sequence[CandidateRecord]) -> bool:
    """Whether the run as it is has learned, and so have its layers, be it in the race.

    A run that its share of the budget ended may learn in the race what it had no time for.
    """
    trained = examination.trained
    if trained is None or trained.healthy:
        return trained is not None
    got_on = trained.cut and trained.record.health.verdict == "healthy" and bool(candidates)
    return got_on and candidates[0].healthy and candidates[0].epochs > len(trained.record.epochs)


def _without_race(examination: Examination) -> RunSpec:
    """The run to train where nothing was chosen by trial: without a column that misleads."""
    if examination.to_drop is None:
        return examination.spec
    return paired.changed(examination.spec, examination.to_drop)


def _name(chosen: Outcome | None) -> str | None:
    return None if chosen is None else chosen.trial.candidate.name


def _basis(examination: Examination, choice: Choice | None) -> str | None:
    """On what grounds something is prescribed; a column that misleads needs no trial."""
    if choice is not None:
        return choice.basis
    return None if examination.to_drop is None else DIAGNOSIS


def _candidate(examination: Examination, outcome: Outcome) -> CandidateRecord:
    """How a candidate did, as the record has it."""
    trial = outcome.trial
    record = CandidateRecord(
        name=trial.candidate.name,
        changes=dict(trial.candidate.changes),
        flags=flags(trial.candidate.changes),
        rung=outcome.rung,
        rungs=len(RUNGS),
        epochs=trial.epochs,
        val_accuracy=None,
        val_loss=None,
        val_accuracies=tuple(score.accuracy for score in outcome.scores),
        diverged=trial.diverged,
        gain=_gain(outcome.gain, len(outcome.scores)),
        verdict=None,
        healthy=False,
    )
    if not outcome.scores:
        return record
    mean = paired.mean_score(outcome.scores)
    loss = None if trial.diverged else mean.loss
    verdict = most_frequent(paired.verdicts(trial))
    learned = not trial.diverged and examination.has_learned(mean)
    return replace(
        record,
        val_accuracy=mean.accuracy,
        val_loss=loss,
        verdict=verdict,
        healthy=learned and verdict == "healthy",
    )


def most_frequent(verdicts: Sequence[str]) -> str:
    """The verdict on the most seeds, the first of equals."""
    return Counter(verdicts).most_common(1)[0][0]


def _gain(gain: Paired | None, pairs: int) -> Gain | None:
    return None if gain is None else Gain(*gain, pairs=pairs)


def _with_test_scores(record: DoctorRecord, untreated: Outcome, chosen: Outcome) -> DoctorRecord:
    """The record with test accuracies of the untreated and the chosen run, and the difference."""
    before = scores_on_test(untreated.trial)
    after = scores_on_test(chosen.trial)
    known = {untreated.trial.candidate.name: before, chosen.trial.candidate.name: after}
    candidates = tuple(
        replace(candidate, test_accuracies=known.get(candidate.name))
        for candidate in record.candidates
    )
    # The untreated run may have been tried with more seeds, for another candidate's sake.
    gain = _gain(statistics.paired(after, before[: len(after)]), len(after))
    return replace(record, candidates=candidates, test_gain=gain)


def scores_on_test(trial: Trial) -> tuple[float, ...]:
    """Each seed's best network on the test set; 0 where it diverged, as on validation."""
    ends = seeds.snapshots(trial.batch, summary(trial.dataset))
    return tuple(
        _test_accuracy(run.stopped == "diverged", end, trial)
        for run, end in zip(trial.runs, ends, strict=True)
    )


def _test_accuracy(diverged: bool, end: Snapshot, trial: Trial) -> float:
    if diverged:
        return paired.diverged_merit(trial.spec)
    return test_score(end, trial.dataset).merit


def _finished(examination: Examination) -> bool:
    """Whether the network needs no race after all its epochs, or finalists had all of theirs."""
    if examination.race is not None:
        return examination.race.last_rung == len(RUNGS)
    trained = examination.trained
    if trained is None or trained.cut:
        return False
    return trained.healthy or examination.to_drop is not None


def _conclusion(examination: Examination, choice: Choice | None) -> str:
    """What to do, in a sentence."""
    trained = examination.trained
    if trained is None:
        return UNFINISHED
    if examination.to_drop is not None:
        return f"Train with {flags(examination.to_drop)}. {MISLED}"
    if choice is not None:
        return prescription(examination, choice)
    if trained.healthy:
        return UNDECIDED if trained.cut else HEALTHY
    if examination.race is None or not examination.race.last_rung:
        return NOT_RACED
    return without_cure(examination, best(examination.race.outcomes(), examination.advised))


def prescription(examination: Examination, choice: Choice) -> str:
    """What to train with, and what is not certain of it."""
    candidate = _candidate(examination, choice.outcome)
    if choice.basis == DIAGNOSIS:
        assert candidate.gain is not None
        raced = candidate.gain.pairs
        counted = "R²" if examination.dataset.quantities is not None else "accuracy"
        better = f"{candidate.gain.mean:.2g} better in {counted}"
        return DIAGNOSED.format(candidate.flags, better, raced, 2 * raced)
    text = f"Train with {candidate.flags}."
    if candidate.healthy:
        return text
    if candidate.rung < candidate.rungs:
        planned = choice.outcome.trial.spec.schedule.epochs
        return f"{text} {CUT_SHORT.format(candidate.epochs, planned)}"
    return f"{text} {NOT_CURED}"


def without_cure(examination: Examination, winner: Outcome) -> str:
    """What it means that no change is better beyond chance; winner: the best, maybe no change."""
    mean = paired.mean_score(winner.scores)
    learned = not winner.trial.diverged and examination.has_learned(mean)
    if learned and winner.gain is None:
        return HARMLESS if mean.accuracy >= NEARLY_ALL else LEARNED
    if learned:
        raced = len(winner.scores)
        return UNPROVEN.format(flags(winner.trial.candidate.changes), raced, 2 * raced)
    fits = examination.one_batch is not None and examination.one_batch.fits
    return NOTHING_TO_LEARN if fits else CANNOT_FIT
