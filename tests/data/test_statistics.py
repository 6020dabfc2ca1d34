"""What is known of examples before training, against tables whose oddities are known."""

from dataclasses import replace

import numpy as np
import pytest
from problems import dataset

from dnncli.data import Scaling, Split
from dnncli.data.statistics import columns, inputs, row_hashes, shared, statistics
from dnncli.data.tables.encoding import Column, Encoding
from dnncli.records.diagnosis import SharedRows

ROWS = 400
NAMES = ("x1", "x2", "x3")
UNSCALED = Scaling("none", np.zeros(3, np.float32), np.ones(3, np.float32))
rng = np.random.default_rng(0)
NORMAL = rng.standard_normal((ROWS, 3)).astype(np.float32)


def of(x):
    rows = Split(np.asarray(x, np.float32, order="C"), np.zeros(ROWS, np.int32))
    return inputs(rows, UNSCALED, NAMES)


def test_scale_and_offset_are_those_of_the_features():
    told = of(NORMAL * [1, 10, 1] + [0, 0, 50])
    assert told.varying == 3
    assert told.second_moment == pytest.approx((1 + 100 + 2501) / 3, rel=0.1)
    assert told.mean_square == pytest.approx(2500 / 3, rel=0.01)
    assert (told.offset_name, told.largest_name) == ("x3", "x2")
    assert told.offset == pytest.approx(50, rel=0.1)
    assert told.share_of_largest == pytest.approx(100 / 102, abs=0.01)


def test_constants_do_not_vary_even_where_rounding_does():
    wobble = np.where(np.arange(ROWS) % 2, np.float32(1e6), np.nextafter(np.float32(1e6), 2e6))
    told = of(np.stack([np.full(ROWS, 3.0), wobble, NORMAL[:, 0]], axis=1))
    assert told.varying == 1


def test_a_row_number_rises_and_noise_does_not():
    assert of(np.column_stack([np.arange(ROWS), NORMAL[:, :2]])).increasing == ("x1",)
    assert of(NORMAL).increasing == ()


def test_outliers_are_few_rows_with_most_of_the_variance():
    squeezed = NORMAL.copy()
    squeezed[:3] += 1000
    assert of(squeezed).outliers == 1
    assert of(NORMAL).outliers == 0


def test_identical_rows_with_different_labels_limit_what_is_possible():
    plain = dataset(train=60)
    assert statistics(plain).classes.best_accuracy == 1
    same = dataset(train=60, transform=np.zeros_like)
    counts = statistics(same).classes.train
    assert statistics(same).classes.best_accuracy == pytest.approx(max(counts) / 60)
    assert sum(counts) == 60


def test_equal_rows_have_equal_hashes_and_others_do_not():
    twice = np.concatenate([NORMAL, NORMAL])
    hashes = row_hashes(twice)
    assert (hashes[:ROWS] == hashes[ROWS:]).all()
    assert len(set(hashes.tolist())) == ROWS


def with_copies(split, source, share):
    """A split of which every so-many-th example is one of another split's."""
    x = split.x.copy()
    places = np.arange(0, len(x), round(1 / share))
    x[places] = source.x[: len(places)]
    return replace(split, x=x)


def test_rows_that_were_copied_from_the_training_data_are_counted():
    plain = dataset(train=200, validation=100, test=100)
    assert shared(plain) == SharedRows(0, 0, 0)
    copied = replace(plain, test=with_copies(plain.test, plain.train, 0.25))
    assert shared(copied) == SharedRows(0, 0.25, 0)
    twice = replace(copied, train=with_copies(plain.train, plain.validation, 0.5))
    assert shared(twice).validation == 1
    halves = Split(np.repeat(plain.train.x[:100], 2, axis=0), plain.train.y)
    assert shared(replace(plain, train=halves)).repeated == 1


def test_shares_are_estimated_from_every_so_many_th_row(monkeypatch):
    plain = dataset(train=4000, validation=100, test=1000)
    copied = replace(plain, test=with_copies(plain.test, plain.train, 0.2))
    monkeypatch.setattr("dnncli.data.statistics.COMPARED", 2000)
    assert shared(copied).test == pytest.approx(0.2, abs=0.01)


def with_categories():
    """A table of a number and of a category, with a flag for missing ones, which is the class."""
    y = np.arange(90) % 3
    numbers = rng.standard_normal((90, 1))
    levels = np.eye(5)[y]  # a, b, c, any other, missing
    x = np.column_stack([numbers, levels]).astype(np.float32)
    kind = Column("kind", "text", levels=("a", "b", "c"), missing=True)
    encoding = Encoding((Column("size", "number"), kind), "label", ("0", "1", "2"))
    plain = dataset(train=90, features=6, classes=3)
    return replace(plain, train=Split(x, y.astype(np.int32)), encoding=encoding)


def test_a_category_is_one_column_whatever_its_features():
    table = with_categories()
    names, x = columns(table, np.arange(len(table.train)))
    assert names == ("size", "kind")
    assert x[:, 1].tolist() == table.train.y.tolist()
    assert (x[:, 0] == table.train.x[:, 0]).all()


def test_a_column_that_is_the_class_gives_it_away_by_its_name():
    assert statistics(with_categories()).giveaways == ("kind",)
    assert statistics(dataset(train=60)).giveaways == ()


def test_closed_form_models_are_fitted_where_there_are_examples_for_them():
    assert statistics(dataset(train=60)).cross_fit.examples == 60
    assert statistics(dataset(train=5)).cross_fit is None
