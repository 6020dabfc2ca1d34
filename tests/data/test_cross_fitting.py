"""Closed-form models on clear, overlapping and noisy classes, and on a feature that is the label."""

import numpy as np
import pytest

from dnncli.data import Split
from dnncli.data.cross_fitting import cross_fit, giveaways


def clouds(distance, classes=4, rows=800, features=6, wrong=0.0, seed=0):
    """Gaussian clouds around random centres; `wrong` is the share of labels drawn anew."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((classes, features)) * distance
    y = np.arange(rows) % classes
    x = centres[y] + rng.standard_normal((rows, features))
    drawn = np.where(rng.random(rows) < wrong, rng.integers(0, classes, rows), y)
    return Split(x.astype(np.float32), drawn.astype(np.int32))


def test_clear_classes_are_told_without_an_error_among_the_surest():
    models = cross_fit(clouds(3.0), 4)
    assert models.linear > 0.99
    assert (models.examples, models.surest, models.surest_wrong) == (800, 160, 0)


def test_accuracy_is_that_of_examples_that_were_not_fitted():
    # 300 features fit 200 random labels without an error; unseen ones are told by chance.
    rng = np.random.default_rng(1)
    x = rng.standard_normal((400, 300)).astype(np.float32)
    y = rng.integers(0, 2, 400).astype(np.int32)
    models = cross_fit(Split(x, y), 2)
    assert abs(models.accuracy - 0.5) < 4 * 0.5 / np.sqrt(400)


def test_exclusive_or_is_told_by_kinks_and_not_by_lines():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((1000, 2)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int32)
    models = cross_fit(Split(x, y), 2)
    assert models.linear < 0.6
    assert models.kinked > 0.9
    assert models.accuracy == models.kinked


@pytest.mark.parametrize("wrong", [0.3, 0.5])
def test_wrong_labels_are_among_the_surest_and_are_any_other_class(wrong):
    models = cross_fit(clouds(3.0, wrong=wrong), 4)
    expected = wrong * 3 / 4  # a label that is drawn anew is the old one in one of four cases
    assert models.surest_wrong / models.surest == pytest.approx(expected, abs=0.12)
    assert models.surest_second / models.surest_wrong == pytest.approx(1 / 3, abs=0.2)


@pytest.mark.parametrize("classes", [2, 4])
def test_where_classes_overlap_errors_are_the_runner_up_and_grow_rare_with_certainty(classes):
    models = cross_fit(clouds(0.5, classes), classes)
    errors = 1 - models.accuracy
    assert errors > 0.15
    assert models.surest_wrong / models.surest < 0.5 * errors
    if classes > 2:
        assert models.surest_second > 0.5 * models.surest_wrong


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e6])
def test_the_features_scale_and_offset_change_nothing(factor):
    plain = clouds(1.0)
    moved = Split((plain.x * factor + factor).astype(np.float32), plain.y)
    assert cross_fit(moved, 4).accuracy == pytest.approx(cross_fit(plain, 4).accuracy, abs=0.01)


def test_too_few_examples_give_no_models():
    assert cross_fit(clouds(3.0, classes=4, rows=7), 4) is None


def test_the_same_data_give_the_same():
    assert cross_fit(clouds(1.0), 4) == cross_fit(clouds(1.0), 4)


def test_more_features_than_models_take_are_projected():
    rng = np.random.default_rng(3)
    y = (np.arange(300) % 2).astype(np.int32)
    x = (rng.standard_normal((300, 1500)) + y[:, None]).astype(np.float32)
    assert cross_fit(Split(x, y), 2).accuracy > 0.99


class TestGiveaways:
    def test_the_label_itself_is_found(self):
        data = clouds(0.5)
        noise = np.random.default_rng(4).normal(0, 0.1, len(data))
        told = (data.y + noise).astype(np.float32)
        assert giveaways(np.column_stack([data.x, told]), data.y) == [6]

    def test_ordinary_features_do_not_give_the_class_away(self):
        data = clouds(2.0)
        assert giveaways(data.x, data.y) == []

    def test_where_several_features_tell_the_class_it_is_an_easy_task(self):
        y = (np.arange(400) % 2).astype(np.int32)
        rng = np.random.default_rng(5)
        x = (10 * y[:, None] + rng.standard_normal((400, 3))).astype(np.float32)
        assert giveaways(x, y) == []
