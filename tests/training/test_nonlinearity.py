"""Linear models that are right, and linear models that cannot be."""

import numpy as np
import pytest
from scipy.special import softmax

from dnncli.training import nonlinearity

ROWS = 800


def logistic(x, y, steps=400):
    """Logits of a logistic regression by gradient descent: weights and intercepts."""
    inputs = np.column_stack([x, np.ones(len(x))])
    truth = np.eye(y.max() + 1)[y]
    weights = np.zeros((inputs.shape[1], truth.shape[1]))
    for _ in range(steps):
        weights -= 0.5 * inputs.T @ (softmax(inputs @ weights, axis=1) - truth) / len(x)
    return weights


def bend(x, y):
    """Of the linear model fitted to the first half, asked about the second."""
    half = len(y) // 2
    weights = logistic(x[:half], y[:half])
    logits = np.column_stack([x, np.ones(len(x))]) @ weights
    errors = nonlinearity.residuals(logits, y)
    return nonlinearity.bend(x[:half], errors[:half], x[half:], errors[half:])


@pytest.mark.parametrize("seed", range(4))
def test_clouds_that_overlap_have_errors_but_no_bend(seed):
    # Two normal distributions of one covariance: a line is what Bayes' rule gives.
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, ROWS)
    x = rng.standard_normal((ROWS, 5)) + 0.4 * y[:, None]
    assert bend(x, y) < 2.58


def test_labels_at_random_have_no_bend():
    rng = np.random.default_rng(1)
    assert bend(rng.standard_normal((ROWS, 5)), rng.integers(0, 3, ROWS)) < 2.58


@pytest.mark.parametrize("kind", ["exclusive or", "distance", "partly"])
def test_classes_that_no_line_parts_have_one(kind):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((ROWS, 5))
    parts = {
        "exclusive or": x[:, 0] * x[:, 1],
        "distance": np.abs(x[:, 2]) - 0.7,
        "partly": x[:, 0] + np.abs(x[:, 1]) - 0.8,
    }
    assert bend(x, (parts[kind] > 0).astype(int)) > 4


def test_without_errors_there_is_nothing_to_follow():
    nothing = np.zeros((10, 2))
    x = np.random.default_rng(0).standard_normal((10, 3))
    assert nonlinearity.bend(x, nothing, x, nothing) is None


def test_residuals_are_what_is_missing_of_each_probability():
    logits = np.array([[0.0, 0.0], [800.0, 0.0]], np.float32)
    left = nonlinearity.residuals(logits, np.array([0, 1]))
    np.testing.assert_allclose(left, [[0.5, -0.5], [-1.0, 1.0]])
