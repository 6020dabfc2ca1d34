"""What is prescribed, on what grounds, by scores made up by hand."""

from unittest.mock import Mock

from dnncli.experiments import paired
from dnncli.experiments.doctor.choice import DIAGNOSIS, TRIAL, Choice, best, choose, undecided
from dnncli.experiments.paired import Candidate, SeedScore, Trial
from dnncli.experiments.race import Outcome

SICK = [0.5, 0.52, 0.48]
# Seeds differ so much as they are that the gain of a cure may be chance: 0.19, from -0.16 to 0.54.
UNSTEADY = [0.84, 0.58, 0.82]
CURED = [0.93, 0.94, 0.94]


def raced(untreated, rung=4, **others):
    """Outcomes by name, the untreated run's first; an option more for each letter of a name."""
    base = [SeedScore(accuracy, 1 - accuracy) for accuracy in untreated]
    outcomes = [Outcome(trial("as it is", 0), rung, tuple(base), None)]
    for name, accuracies in others.items():
        scores = tuple(SeedScore(accuracy, 1 - accuracy) for accuracy in accuracies)
        gain = paired.gain(scores, base)
        outcomes.append(Outcome(trial(name, len(name)), rung, scores, gain))
    return tuple(outcomes)


def trial(name, changes):
    options = {str(index): index for index in range(changes)}
    return Mock(Trial, candidate=Candidate(name, options))


def chosen(outcomes, advised=None):
    """The name and the grounds."""
    choice = choose(outcomes, advised)
    return choice and (choice.outcome.trial.candidate.name, choice.basis)


def test_of_equals_the_one_with_fewest_changes_is_taken():
    almost = raced(SICK, ab=[0.905, 0.915, 0.92], a=[0.90, 0.92, 0.91])
    assert best(almost) is almost[2]
    far = raced(SICK, ab=[0.95, 0.97, 0.96], a=[0.90, 0.92, 0.91])
    assert best(far) is far[1]


def test_what_did_not_reach_the_last_rung_is_not_chosen():
    (early,) = raced(SICK, a=[0.99, 0.99, 0.99])[1:]
    untreated, late = raced(SICK, b=[0.8, 0.8, 0.81])
    outcomes = (untreated, Outcome(early.trial, 2, early.scores, early.gain), late)
    assert choose(outcomes, "a") == Choice(late, TRIAL)


def test_where_nothing_is_better_the_run_stays_as_it_is():
    outcomes = raced([0.9, 0.9, 0.9], a=[0.9, 0.9, 0.9])
    assert best(outcomes, "a") is outcomes[0]
    assert choose(outcomes, "a") is None
    assert choose((), "a") is None
    assert not undecided(outcomes, "a")


def test_among_ties_the_proven_remedy_of_the_diagnosis_is_taken():
    outcomes = raced(SICK, a=[0.90, 0.93, 0.90], b=[0.93, 0.93, 0.93])
    assert chosen(outcomes) == ("b", TRIAL)
    assert chosen(outcomes, "a") == ("a", TRIAL)
    # Three hundredths are more than is negligible: more seeds are to tell.
    assert undecided(outcomes, "a") == ("as it is", "b", "a")
    behind = raced(SICK, a=[0.80, 0.81, 0.80], b=[0.93, 0.93, 0.93])
    assert chosen(behind, "a") == ("b", TRIAL)
    assert not undecided(behind, "a")


def test_a_gain_that_may_be_chance_asks_for_more_seeds():
    outcomes = raced(UNSTEADY, a=CURED)
    assert outcomes[1].gain.low < 0 < outcomes[1].gain.difference
    assert undecided(outcomes) == ("as it is", "a")
    settled = raced(UNSTEADY * 4, a=CURED * 4)
    assert not undecided(settled)
    assert chosen(settled) == ("a", TRIAL)


def test_where_the_trial_cannot_tell_the_diagnosis_decides():
    outcomes = raced(UNSTEADY, a=CURED, b=[0.95, 0.92, 0.95])
    assert chosen(outcomes) is None
    assert chosen(outcomes, "a") == ("a", DIAGNOSIS)
    worse = raced(UNSTEADY, a=[0.75, 0.75, 0.74], b=[0.95, 0.92, 0.95])
    assert chosen(worse, "a") is None  # it gained nothing


def test_a_better_one_whose_gain_may_be_chance_does_not_hide_a_proven_one():
    outcomes = raced(SICK, a=[0.99, 0.55, 0.99], b=[0.6, 0.63, 0.59])
    assert outcomes[1].gain.low < 0 < outcomes[2].gain.low
    assert chosen(outcomes) == ("b", TRIAL)
