"""Which of the raced changes is prescribed, on what grounds, and what more seeds would decide."""

from collections.abc import Sequence
from dataclasses import dataclass

from dnncli.experiments import paired
from dnncli.experiments.race import Outcome

# Accuracy that a change must add to be worth one more option.
MARGIN = 0.01
# The grounds of a choice: better than the run as it is beyond chance, or the diagnosis alone.
TRIAL = "trial"
DIAGNOSIS = "diagnosis"


@dataclass(frozen=True)
class Choice:
    """What is prescribed; basis: the trial or the diagnosis."""

    outcome: Outcome
    basis: str


def choose(outcomes: Sequence[Outcome], advised: str | None = None) -> Choice | None:
    """The change to prescribe; None where none is known to help.

    outcomes: the untreated run's first. advised: the name of the remedy of the first finding. That
    cures nearly always (tests/calibration), which a few seeds cannot outweigh: it stands where the
    trial does not tell it apart from the best.
    """
    last = _last(outcomes)
    if not last:
        return None
    winner = best(outcomes, advised)
    if proven(winner):
        return Choice(winner, TRIAL)
    remedy = _named(last, advised)
    if remedy is not None and _helps(remedy) and not _behind(remedy, _top(last)):
        return Choice(remedy, DIAGNOSIS)
    others = [outcome for outcome in last if proven(outcome)]
    return Choice(_top(others), TRIAL) if others else None


def best(outcomes: Sequence[Outcome], advised: str | None = None) -> Outcome:
    """The outcome with the best validation score in the last rung, the untreated run included.

    Of those that are as good as the best, it is the advised one, if its gain is proven, else the
    one with the fewest changes.
    """
    last = _last(outcomes)
    if not last:
        return outcomes[0]
    top = _top(last)
    remedy = _named(last, advised)
    if remedy is not None and proven(remedy) and not _behind(remedy, top):
        return remedy
    equals = [outcome for outcome in last if _as_good(outcome, top)]
    return min(equals, key=lambda outcome: len(outcome.trial.candidate.changes))


def undecided(outcomes: Sequence[Outcome], advised: str | None = None) -> tuple[str, ...]:
    """The candidates, the untreated run first, of which more seeds may change what is prescribed.

    They do where the best one's gain may be chance, and where it leads the advised one by more than
    is negligible, but perhaps by chance. Empty where all is decided.
    """
    last = _last(outcomes)
    if not last:
        return ()
    top = _top(last)
    remedy = _named(last, advised)
    unproven = top is not outcomes[0] and not proven(best(outcomes, advised))
    unclear = remedy is not None and not (_as_good(remedy, top) or _behind(remedy, top))
    if not (unproven or unclear):
        return ()
    names = [outcome.trial.candidate.name for outcome in (outcomes[0], top, remedy) if outcome]
    return tuple(dict.fromkeys(names))


def proven(outcome: Outcome) -> bool:
    """Whether a candidate is better than the untreated run beyond chance."""
    return outcome.gain is not None and outcome.gain.low is not None and outcome.gain.low > 0


def _last(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those that completed the last rung that any change did."""
    last_rung = max((outcome.rung for outcome in outcomes[1:]), default=0)
    return [outcome for outcome in outcomes if last_rung and outcome.rung >= last_rung]


def _top(last: Sequence[Outcome]) -> Outcome:
    return min(last, key=lambda outcome: paired.rank(outcome.scores))


def _named(outcomes: Sequence[Outcome], name: str | None) -> Outcome | None:
    found = [outcome for outcome in outcomes if outcome.trial.candidate.name == name]
    return found[0] if found else None


def _helps(outcome: Outcome) -> bool:
    """Whether a candidate gained what is worth an option, chance aside."""
    return outcome.gain is not None and outcome.gain.difference > MARGIN


def _behind(outcome: Outcome, top: Outcome) -> bool:
    """Whether a candidate is worse than the best one beyond chance and by more than MARGIN."""
    lead = paired.gain(top.scores, outcome.scores)
    return lead.difference > MARGIN and lead.low is not None and lead.low > 0


def _as_good(outcome: Outcome, top: Outcome) -> bool:
    """Whether an outcome is within MARGIN of the best one and not worse beyond chance."""
    lead = paired.gain(top.scores, outcome.scores)
    certain = lead.low is not None and lead.low > 0
    return lead.difference <= MARGIN and not certain
