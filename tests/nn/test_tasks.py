"""A task's losses and metrics are their definitions in float64."""

import jax.numpy as jnp
import numpy as np
import pytest

from dnncli.nn.tasks import TASKS


def logits_and_classes(examples, classes=4, scale=3.0):
    rng = np.random.default_rng(examples)
    logits = (scale * rng.standard_normal((examples, classes))).astype(np.float32)
    return logits, rng.integers(0, classes, examples).astype(np.int32)


@pytest.mark.parametrize("examples", [1, 7, 1000])
def test_cross_entropy_is_minus_the_log_of_the_softmax_at_the_class(examples):
    logits, y = logits_and_classes(examples)
    wide = logits.astype(np.float64)
    chances = np.exp(wide) / np.exp(wide).sum(axis=1, keepdims=True)
    expected = -np.log(chances[np.arange(examples), y])
    losses = TASKS["classification"].losses(jnp.asarray(logits), jnp.asarray(y))
    assert losses.shape == (examples,)
    np.testing.assert_allclose(losses, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("examples", [1, 7, 1000])
def test_accuracy_is_the_share_of_examples_whose_largest_logit_is_their_class(examples):
    logits, y = logits_and_classes(examples)
    accuracy = TASKS["classification"].metrics["accuracy"](jnp.asarray(logits), jnp.asarray(y))
    assert float(accuracy) == pytest.approx((logits.argmax(axis=1) == y).mean(), rel=1e-6)


def test_cross_entropy_of_logits_of_any_size_is_finite():
    logits = jnp.float32([[1e30, 0, 0], [-1e30, 0, 0]])
    losses = TASKS["classification"].losses(logits, jnp.int32([0, 1]))
    np.testing.assert_allclose(losses, [0, np.log(2)], rtol=1e-6)


@pytest.mark.parametrize("name", TASKS)
def test_the_primary_metric_is_one_of_the_tasks_own(name):
    task = TASKS[name]
    assert task.primary in task.metrics
