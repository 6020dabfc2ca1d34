"""Gradients that batch norm makes grow: named with what training made of them, never judged alone."""

from dataclasses import replace

import pytest
from problems import layers

from dnncli.diagnosis import chain, growth
from dnncli.diagnosis.verdict import diagnose
from tests.diagnosis.runs import GUESSING, case, falling, outcome

DEEP = {"hidden": (20,) * 11, "bn": True}


def grown(first, last, options=DEEP, **evidence):
    """A run of 11 hidden layers whose delta ratios are these in the first step and the last."""
    epochs = tuple(
        replace(epoch, layers=layers(11, delta_rms=[0.1 * last, *[0.1] * 10]))
        for epoch in falling()
    )
    initial = layers(11, delta_rms=[0.1 * first, *[0.1] * 10])
    return case(options, epochs, initial, **evidence)


def test_what_was_learned_all_the_same_is_a_note_with_both_ratios():
    of = grown(1e4, 8)
    assert chain.findings(of) == ()
    (note,) = growth.notes(of, ())
    assert "δ grew 10,000 times from hidden11 to hidden1 (2.51 a layer)" in note
    assert note.endswith("in epoch 10 8 times: it trains all the same")


def test_where_nothing_was_learned_it_is_the_finding_with_both_ratios():
    of = grown(1e4, 700, outcome=outcome(GUESSING, GUESSING))
    first = chain.findings(of)[0]
    assert first.rule == "exploding"
    assert "before any update δ grows 1.0e+04 times" in first.evidence
    assert first.evidence.endswith("in epoch 10 700 times")
    assert not list(growth.notes(of, chain.findings(of)))


def test_growth_that_would_train_beside_bad_accuracy_is_told_without_blame():
    of = grown(40, 9, outcome=outcome(GUESSING, GUESSING))
    (note,) = growth.notes(of, chain.findings(of))
    assert note.endswith("the network is right on 50% of the held-out examples so far")


@pytest.mark.parametrize("options", [{**DEEP, "bn": False}, DEEP])
def test_nothing_is_said_without_batch_norm_or_growth(options):
    ratio = 1e4 if not options["bn"] else 5
    assert not list(growth.notes(grown(ratio, 1, options), ()))


def test_the_verdict_carries_the_note():
    of = grown(1e4, 8)
    health = diagnose(of.context, of.layers, of.initial, None, of.evidence)
    assert health.verdict == "healthy"
    assert "trains all the same" in health.notes[0]
