"""What the doctor says where no change is better beyond chance."""

from unittest.mock import Mock

import pytest

from dnncli.experiments.doctor.result import without_cure
from dnncli.experiments.doctor.run import Examination
from dnncli.experiments.paired import Candidate, SeedScore, Trial
from dnncli.experiments.race import Outcome
from dnncli.experiments.statistics import Paired

UNTREATED = None
UNCERTAIN = Paired(0.19, -0.06, 0.45, None)


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


@pytest.mark.parametrize("gain", [UNTREATED, UNCERTAIN])
def test_where_nothing_was_learned_one_batch_tells_the_data_from_the_network(gain):
    assert "the data do not contain the answer" in said(0.4, gain)
    assert "cannot fit even one batch" in said(0.4, gain, fits=False)
    assert "the data do not contain the answer" in said(0.9, gain, diverged=True)
