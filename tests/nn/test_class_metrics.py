"""Scores in JAX, against the float64 ones that results have (and those against scikit-learn's)."""

import jax
import numpy as np
import pytest

from dnncli.experiments.metrics import classification
from dnncli.nn.tasks import OF_CLASSES


def problem(classes, ties, examples=400):
    rng = np.random.default_rng(classes)
    y = rng.integers(0, classes, examples).astype(np.int32)
    logits = rng.standard_normal((examples, classes)) + np.eye(classes)[y]
    if ties:  # rows that are equal, since rounding parts those that only should be
        logits = logits[rng.integers(0, 40, examples)]
    return logits.astype(np.float32), y


@pytest.mark.parametrize("name", OF_CLASSES)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("classes", [2, 4])
def test_they_are_those_of_the_results(name, ties, classes):
    logits, y = problem(classes, ties)
    given = classification.answers(logits, y, y)
    exact = classification.metrics(given, classification.rankings(given))[name].value
    assert float(jax.jit(OF_CLASSES[name])(logits, y)) == pytest.approx(exact, rel=2e-5)


@pytest.mark.parametrize("name", OF_CLASSES)
def test_classes_without_examples_and_outputs_of_any_size_do_no_harm(name):
    logits, y = problem(4, ties=False)
    y = np.minimum(y, 2)
    given = classification.answers(100 * logits, y, y)
    exact = classification.metrics(given, classification.rankings(given))[name].value
    assert float(jax.jit(OF_CLASSES[name])(100 * logits, y)) == pytest.approx(exact, rel=2e-5)
