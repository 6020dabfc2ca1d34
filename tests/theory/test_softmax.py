"""The output's delta before training, from uniform to one-hot predictions."""

import math

import numpy as np
import pytest

from dnncli.theory.softmax import collision, output_delta_square

RNG = np.random.default_rng(3)


def sampled(q, classes, count):
    z = math.sqrt(q) * RNG.standard_normal((count, classes))
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 10, 300])
@pytest.mark.parametrize("q", [0.01, 1.0, 30.0, 390.0, 1e4])
def test_it_is_the_mean_over_sampled_logits(q, classes):
    p = sampled(q, classes, 400_000 // classes)
    delta = p - np.eye(classes)[0]
    squares = np.mean(delta**2, axis=1)
    error = squares.std() / math.sqrt(len(squares))
    assert output_delta_square(q, classes) == pytest.approx(
        squares.mean(), abs=5 * error + 1e-3 / classes
    )


@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
def test_no_variance_gives_uniform_predictions_and_endless_variance_one_hot_ones(classes):
    assert output_delta_square(0.0, classes) == pytest.approx((1 - 1 / classes) / classes, rel=1e-6)
    assert output_delta_square(math.inf, classes) == pytest.approx(
        (2 - 2 / classes) / classes, rel=1e-12
    )
    assert output_delta_square(1e12, classes) == pytest.approx(
        (2 - 2 / classes) / classes, rel=1e-4
    )


def test_two_classes_are_a_logistic_integral():
    """Sum p^2 = 1 - 2 s (1 - s), s the sigmoid of a normal variable of variance 2 q."""
    x, w = np.polynomial.hermite_e.hermegauss(80)
    for q in (0.1, 1.0, 4.0):
        s = 1 / (1 + np.exp(-math.sqrt(2 * q) * x))
        exact = (w / w.sum()) @ (1 - 2 * s * (1 - s))
        assert collision(q, 2) == pytest.approx(exact, abs=1e-6)


def test_it_grows_with_variance_across_the_change_of_method():
    values = [collision(q, 10) for q in np.geomspace(1e-3, 1e5, 60)]
    assert np.all(np.diff(values) > 0)
    assert collision(399.9, 10) == pytest.approx(collision(400.1, 10), abs=1e-4)


def test_one_class_leaves_nothing_to_learn():
    assert output_delta_square(1.0, 1) == 0
