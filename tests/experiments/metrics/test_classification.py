"""A classifier's scores against counting example by example."""

import numpy as np
import pytest

from dnncli.experiments.metrics import classification


def problem(examples=200, classes=3, seed=0, rare=False):
    """Logits that are often right, the classes, and the classes of some training examples."""
    rng = np.random.default_rng(seed)
    shares = np.arange(1, classes + 1.0) if rare else np.ones(classes)
    shares /= shares.sum()
    y = rng.choice(classes, examples, p=shares).astype(np.int32)
    y[:classes] = np.arange(classes)
    logits = rng.standard_normal((examples, classes)).astype(np.float32)
    logits[np.arange(examples), y] += 1.5
    trained_on = rng.choice(classes, 500, p=shares).astype(np.int32)
    return logits, y, trained_on


def scored(*case):
    given = classification.answers(*case)
    ranked = classification.rankings(given)
    return classification.metrics(given, ranked), list(classification.by_class(given, ranked))


def shares(logits):
    exact = np.exp(logits.astype(np.float64))
    return exact / exact.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_every_score_is_what_counting_gives(classes):
    logits, y, trained_on = problem(classes=classes)
    found, _ = scored(logits, y, trained_on)
    p, said = shares(logits), logits.argmax(axis=1)
    assert found["accuracy"].value == pytest.approx(np.mean(said == y))
    recalls = [np.mean(said[y == k] == k) for k in range(classes)]
    assert found["balanced_accuracy"].value == pytest.approx(np.mean(recalls))
    assert found["log_loss"].value == pytest.approx(-np.log(p[np.arange(200), y]).mean())
    squares = [((p[i] - np.eye(classes)[y[i]]) ** 2).sum() for i in range(200)]
    assert found["brier"].value == pytest.approx(np.mean(squares))
    assert found["roc_auc"].value == pytest.approx(mean_area(p, y, classes))


def mean_area(p, y, classes):
    """By all pairs: of the second of two classes, or the mean over classes."""
    areas = []
    for k in range(classes):
        ours, theirs = p[y == k, k][:, None], p[y != k, k][None]
        areas.append(np.mean((ours > theirs) + 0.5 * (ours == theirs)))
    return areas[1] if classes == 2 else np.mean(areas)


def test_baselines_answer_the_largest_training_class_or_its_shares():
    logits, y, trained_on = problem(rare=True)
    found, _ = scored(logits, y, trained_on)
    counts = np.bincount(trained_on)
    assert counts.argmax() == 2
    assert found["accuracy"].baseline == pytest.approx(np.mean(y == 2))
    assert found["balanced_accuracy"].baseline == pytest.approx(1 / 3)
    prior = counts / 500
    assert found["log_loss"].baseline == pytest.approx(-np.log(prior[y]).mean())
    squares = [((prior - np.eye(3)[k]) ** 2).sum() for k in y]
    assert found["brier"].baseline == pytest.approx(np.mean(squares))
    assert found["calibration_error"].baseline == pytest.approx(abs(np.mean(y == 2) - prior[2]))
    assert found["roc_auc"].baseline == 0.5
    assert found["pr_auc"].baseline == pytest.approx(1 / 3)


def test_every_score_lies_in_its_interval_and_says_how_that_was_found():
    for classes in (2, 4):
        found, by_class = scored(*problem(classes=classes, rare=True))
        for metrics in (found, *by_class):
            for name, metric in metrics.items():
                assert 0 <= metric.low <= metric.value <= metric.high, name
                assert metric.method, name


def test_ranking_tells_examples_apart_whose_probabilities_are_all_one():
    logits = np.array([[0, 60], [0, 90], [0, 80], [0, 70]], np.float32)
    y = np.array([0, 1, 1, 0], np.int32)
    found, _ = scored(logits, y, y)
    assert found["roc_auc"].value == 1


def test_margins_are_log_odds():
    logits, y, trained_on = problem(classes=4)
    given = classification.answers(logits, y, trained_on)
    p = shares(logits)
    np.testing.assert_allclose(given.margins, np.log(p / (1 - p)), rtol=1e-9)


def test_a_class_without_examples_leaves_the_means_to_the_others():
    logits, y, trained_on = problem(classes=3)
    kept = y != 1
    found, by_class = scored(logits[kept], y[kept], trained_on)
    said, y = logits[kept].argmax(axis=1), y[kept]
    recalls = [np.mean(said[y == k] == k) for k in (0, 2)]
    assert found["balanced_accuracy"].value == pytest.approx(np.mean(recalls))
    assert by_class[1]["recall"].value is None
    assert by_class[1]["roc_auc"].value is None
    assert by_class[1]["precision"].value == 0


def test_one_class_alone_has_nothing_to_rank():
    logits, y, trained_on = problem(classes=2)
    found, _ = scored(logits[y == 1], y[y == 1], trained_on)
    assert found["roc_auc"].value is None
    assert found["accuracy"].value == found["balanced_accuracy"].value


def test_one_example_has_values_and_no_interval_of_a_mean():
    logits, y, trained_on = problem(classes=2)
    found, _ = scored(logits[:1], y[:1], trained_on)
    assert found["log_loss"].value > 0
    assert found["log_loss"].low is None
    assert found["accuracy"].high - found["accuracy"].low == pytest.approx(0.975)


def test_outputs_that_are_not_finite_leave_what_can_be_said():
    logits, y, trained_on = problem(classes=3)
    logits[0] = np.nan
    logits[1, 0] = np.inf
    found, _ = scored(logits, y, trained_on)
    assert found["accuracy"].value is not None
    undefined = ("log_loss", "brier", "roc_auc", "calibration_error")
    assert all(found[name].value is None for name in undefined)


def test_f1_is_the_harmonic_mean_and_its_interval_rises_with_the_shares():
    logits, y, trained_on = problem()
    _, by_class = scored(logits, y, trained_on)
    for one in by_class:
        precision, recall = one["precision"].value, one["recall"].value
        assert one["f1"].value == pytest.approx(2 / (1 / precision + 1 / recall))


def test_accuracys_interval_covers_it_as_often_as_it_says():
    rng = np.random.default_rng(8)
    covered = 0
    for _ in range(100):
        y = rng.integers(0, 2, 120).astype(np.int32)
        right = rng.random(120) < 0.9
        logits = np.eye(2, dtype=np.float32)[np.where(right, y, 1 - y)]
        metric = classification.accuracy(classification.answers(logits, y, y))
        covered += metric.low <= 0.9 <= metric.high
    assert covered / 100 >= 0.93


@pytest.mark.parametrize(
    ("counts", "name"),
    [
        ((50, 50), "accuracy"),
        ((75, 25), "accuracy"),
        ((76, 24), "balanced_accuracy"),
        ((54, *(5,) * 9), "accuracy"),
        ((64, *(4,) * 9), "balanced_accuracy"),
    ],
)
def test_where_the_largest_class_is_most_of_the_data_balanced_accuracy_comes_first(counts, name):
    trained_on = np.repeat(np.arange(len(counts)), counts)
    assert classification.headline(trained_on, len(counts)) == name
    errors, even = 1 - max(counts) / sum(counts), 1 - 1 / len(counts)
    assert (errors < even / 2) == (name == "balanced_accuracy")


def test_of_two_classes_the_second_is_the_positive_one():
    assert classification.positive(("no", "yes")) == "yes"
    assert classification.positive(("a", "b", "c")) is None
