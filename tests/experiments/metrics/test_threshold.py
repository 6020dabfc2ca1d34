"""Thresholds against trying every one, and what is decided by them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from problems import dataset, snapshot, spec

from dnncli.errors import CheckpointError, SpecError
from dnncli.experiments import evaluate, predict
from dnncli.experiments.metrics import threshold
from dnncli.training.checkpointing import from_checkpoint, to_checkpoint

DATA = dataset(classes=2, validation=60, test=50)


def balanced(margins, positive, least):
    """Balanced accuracy of answering the second class from a probability on."""
    said = 1 / (1 + np.exp(-margins)) >= least
    return (said[positive].mean() + (~said)[~positive].mean()) / 2


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("tied", [False, True])
def test_the_best_threshold_is_as_good_as_any(seed, tied):
    rng = np.random.default_rng(seed)
    positive = rng.random(80) < 0.2
    positive[:2] = [True, False]
    margins = rng.standard_normal(80) - 2 + 1.5 * positive
    margins = np.round(margins) if tied else margins
    found = threshold.best(margins, positive)
    every = [balanced(margins, positive, p) for p in np.linspace(0.0005, 0.9995, 4000)]
    assert balanced(margins, positive, found) >= max(every) - 1e-12


def test_it_lies_halfway_between_two_examples_and_of_several_nearest_to_a_half():
    positive = np.array([False, True, False, True])
    assert threshold.best(np.array([-3.0, -1.0, 1.0, 2.0]), positive) == pytest.approx(
        1 / (1 + math.exp(-1.5))
    )


def test_without_one_that_is_better_than_one_class_alone_it_is_a_half():
    positive = np.array([True, True, False])
    assert threshold.best(np.array([0.0, 1.0, 2.0]), positive) == 0.5
    assert threshold.best(np.zeros(3), positive) == 0.5
    assert threshold.best(np.arange(3.0), np.ones(3, bool)) == 0.5


def test_it_stays_a_probability_however_sure_the_network_is():
    assert 0 < threshold.best(np.array([800.0, 900.0]), np.array([False, True])) < 1


def test_a_half_decides_as_the_larger_probability_does():
    logits = np.random.default_rng(0).standard_normal((50, 2)).astype(np.float32)
    np.testing.assert_array_equal(threshold.answered(logits, 0.5), logits.argmax(axis=1))
    assert threshold.answered(np.array([[0, math.log(0.25)]], np.float32), 0.19).tolist() == [1]
    assert threshold.answered(np.array([[0, math.log(0.25)]], np.float32), 0.21).tolist() == [0]


def test_auto_is_chosen_on_the_validation_examples_and_a_number_is_taken():
    run = snapshot(spec(threshold="auto"), data=DATA)
    found = threshold.decide(run, DATA)
    changed = replace(DATA, train=DATA.test, test=DATA.train)
    assert threshold.decide(run, changed) == found
    assert threshold.decide(snapshot(spec(threshold="0.3"), data=DATA), DATA) == 0.3
    assert threshold.decide(snapshot(spec(), data=DATA), DATA) is None


def test_three_classes_have_none():
    with pytest.raises(SpecError, match="--threshold auto: it is for two classes, and there are 3"):
        threshold.check(spec(threshold="auto"), dataset(classes=3))


@pytest.mark.parametrize("text", ["0", "1", "1.5", "nan", "much"])
def test_what_is_not_a_probability_is_refused(text):
    with pytest.raises(SpecError, match="must be auto, or a probability between 0 and 1"):
        spec(threshold=text)


def test_eval_and_predict_answer_by_it_and_the_checkpoint_keeps_it():
    plain = snapshot(spec(), data=DATA)
    run = replace(snapshot(spec(threshold="0.2"), data=DATA), threshold=0.2)
    stored = from_checkpoint(to_checkpoint(run), "run.ckpt")
    assert stored.threshold == 0.2
    assert stored.spec.decision.threshold == "0.2"
    (rows,) = predict.predict(plain, [DATA.test.x], probabilities=True)
    expected = ["class 1" if shares[1] >= 0.2 else "class 0" for shares in rows.probabilities]
    (answers,) = predict.predict(stored, [DATA.test.x])
    assert answers.classes == expected
    assert answers.classes != rows.classes, "the threshold is no test"
    record = evaluate.evaluate(stored, DATA, ("test",), "run.ckpt")
    right = np.mean([name == f"class {y}" for name, y in zip(expected, DATA.test.y, strict=True)])
    score = record.splits["test"]
    assert record.threshold == 0.2
    assert score.accuracy == score.metrics["accuracy"].value == pytest.approx(right)
    assert score.confusion[0][1] + score.confusion[1][1] == expected.count("class 1")


def test_a_checkpoint_with_a_threshold_that_is_none_is_refused():
    run = replace(snapshot(spec(), data=DATA), threshold=1.5)
    with pytest.raises(CheckpointError, match=r"its threshold is 1\.5 for 2 classes"):
        from_checkpoint(to_checkpoint(run), "run.ckpt")


def test_runs_without_a_threshold_have_no_such_option_in_their_checkpoint():
    stored = to_checkpoint(snapshot(spec(), data=DATA))
    assert "threshold" not in stored.metadata
    assert "threshold" not in stored.metadata["spec"]
