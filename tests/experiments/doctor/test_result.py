"""What the doctor says where no change is better beyond chance."""

from unittest.mock import Mock, patch

import pytest

from dnncli.experiments.doctor import result
from dnncli.experiments.doctor.choice import DIAGNOSIS, TRIAL, Choice
from dnncli.experiments.doctor.result import without_cure
from dnncli.experiments.doctor.run import Examination
from dnncli.experiments.paired import Candidate, SeedScore, Trial
from dnncli.experiments.race import Outcome
from dnncli.experiments.statistics import Paired
from dnncli.records import Gain
from dnncli.spec import from_options

UNTREATED = None
UNCERTAIN = Paired(0.19, -0.06, 0.45, None)
CANDIDATE = Candidate("it", {"bn_momentum": 0.9})
SCORES = (SeedScore(0.9, 0.4),) * 3


def said(accuracy, gain, fits=True, diverged=False):
    """The sentence for a best candidate of this accuracy; above 0.5 something was learned."""
    trial = Mock(Trial, diverged=diverged, candidate=Candidate("it", {"bn_momentum": 0.9}))
    scores = (SeedScore(accuracy, 0.4),) * 3
    examination = Mock(Examination, one_batch=Mock(fits=fits))
    examination.has_learned = lambda score: score.accuracy > 0.5
    return without_cure(examination, Outcome(trial, 4, scores, gain))


def test_a_gain_that_may_be_chance_is_named_with_the_seeds_that_would_tell():
    sentence = said(0.9, UNCERTAIN)
    assert sentence.startswith("--bn-momentum 0.9 did best, but over 3 seeds that may be chance")
    assert "--seeds 6" in sentence


def test_a_network_that_learned_is_not_said_to_have_nothing_to_learn():
    assert said(0.9, UNTREATED).startswith("It has learned, and no change")
    assert "more rows" in said(0.9, UNTREATED)
    assert "does no harm" in said(0.98, UNTREATED)


@pytest.mark.parametrize("gain", [UNTREATED, UNCERTAIN])
def test_where_nothing_was_learned_one_batch_tells_the_data_from_the_network(gain):
    assert "the data do not contain the answer" in said(0.4, gain)
    assert "cannot fit even one batch" in said(0.4, gain, fits=False)
    assert "the data do not contain the answer" in said(0.9, gain, diverged=True)


def prescribed(basis, healthy=False, rung=4):
    """The sentence for a choice."""
    trial = Mock(Trial, epochs=5 * rung, diverged=0, candidate=CANDIDATE)
    trial.spec = from_options({"epochs": 40, "bn": True})
    choice = Choice(Outcome(trial, rung, SCORES * 2, UNCERTAIN), basis)
    told = Mock(healthy=healthy, rung=rung, rungs=4, epochs=5 * rung, flags="--bn-momentum 0.9")
    told.gain = Gain(0.19, -0.06, 0.45, None, pairs=6)
    with patch.object(result, "_candidate", return_value=told):
        return result.prescription(Mock(Examination, dataset=Mock(quantities=None)), choice)


def test_what_the_diagnosis_alone_prescribes_says_so():
    sentence = prescribed(DIAGNOSIS)
    assert sentence.startswith("Train with --bn-momentum 0.9: the diagnosis says so.")
    assert "0.19 better in accuracy over 6 seeds" in sentence
    assert "--seeds 12" in sentence


def test_a_trial_that_the_budget_cut_short_does_not_say_whether_it_is_healthy():
    assert prescribed(TRIAL, healthy=True) == "Train with --bn-momentum 0.9."
    assert "not healthy yet" in prescribed(TRIAL)
    cut = prescribed(TRIAL, rung=1)
    assert "not healthy" not in cut
    assert "5 of its 40 epochs" in cut
