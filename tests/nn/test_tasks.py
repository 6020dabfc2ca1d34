"""A task's losses and metrics are their definitions in float64."""

import jax
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
    losses = TASKS["cross-entropy"].losses(jnp.asarray(logits), jnp.asarray(y))
    assert losses.shape == (examples,)
    np.testing.assert_allclose(losses, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("examples", [1, 7, 1000])
def test_accuracy_is_the_share_of_examples_whose_largest_logit_is_their_class(examples):
    logits, y = logits_and_classes(examples)
    accuracy = TASKS["cross-entropy"].metrics["accuracy"](jnp.asarray(logits), jnp.asarray(y))
    assert float(accuracy) == pytest.approx((logits.argmax(axis=1) == y).mean(), rel=1e-6)


def test_cross_entropy_of_logits_of_any_size_is_finite():
    logits = jnp.float32([[1e30, 0, 0], [-1e30, 0, 0]])
    losses = TASKS["cross-entropy"].losses(logits, jnp.int32([0, 1]))
    np.testing.assert_allclose(losses, [0, np.log(2)], rtol=1e-6)


@pytest.mark.parametrize("name", TASKS)
def test_the_primary_metric_is_one_of_the_tasks_own(name):
    task = TASKS[name]
    assert task.primary in task.metrics


def outputs_and_numbers(examples, outputs=2):
    rng = np.random.default_rng(examples + outputs)
    y = rng.standard_normal((examples, outputs))
    z = y + 1.5 * rng.standard_normal((examples, outputs))
    return z.astype(np.float32), y.astype(np.float32)


def squared(z, y):
    return np.square(z - y).mean(axis=1)


def absolute(z, y):
    return np.abs(z - y).mean(axis=1)


def huber(z, y):
    size = np.abs(z - y)
    return np.where(size <= 1, size**2 / 2, size - 1 / 2).mean(axis=1)


NUMBER_LOSSES = {"squared": squared, "absolute": absolute, "huber": huber}


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("name", NUMBER_LOSSES)
def test_losses_of_numbers_are_their_definitions_averaged_over_outputs(name, outputs):
    z, y = outputs_and_numbers(50, outputs)
    expected = NUMBER_LOSSES[name](z.astype(np.float64), y.astype(np.float64))
    found = TASKS[name].losses(jnp.asarray(z), jnp.asarray(y))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("name", NUMBER_LOSSES)
def test_gradients_of_numbers_losses_are_those_of_finite_differences(name, outputs):
    z, y = outputs_and_numbers(20, outputs)
    loss = NUMBER_LOSSES[name]
    exact = z.astype(np.float64)
    wide = y.astype(np.float64)
    expected = np.empty_like(exact)
    for place in np.ndindex(*exact.shape):
        step = np.zeros_like(exact)
        step[place] = 1e-6
        difference = loss(exact + step, wide) - loss(exact - step, wide)
        expected[place] = difference[place[0]] / 2e-6
    found = jax.grad(lambda o: TASKS[name].losses(o, jnp.asarray(y)).sum())(jnp.asarray(z))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NUMBER_LOSSES)
def test_metrics_of_numbers_are_their_closed_forms_for_each_output(name):
    z, y = outputs_and_numbers(40, 3)
    exact = z.astype(np.float64)
    wide = y.astype(np.float64)
    error = wide - exact
    spread = np.square(wide - wide.mean(axis=0)).sum(axis=0)
    expected = {
        "r2": 1 - np.square(error).sum(axis=0) / spread,
        "rmse": np.sqrt(np.square(error).mean(axis=0)),
        "mae": np.abs(error).mean(axis=0),
    }
    for metric, values in expected.items():
        found = TASKS[name].metrics[metric](jnp.asarray(z), jnp.asarray(y))
        np.testing.assert_allclose(found, values, rtol=1e-4)


def test_r2_is_1_for_right_answers_and_0_for_the_mean_and_where_nothing_varies():
    _, y = outputs_and_numbers(30, 1)
    r2 = TASKS["squared"].metrics["r2"]
    numbers = jnp.asarray(y)
    assert float(r2(numbers, numbers)[0]) == 1.0
    mean = jnp.full_like(numbers, numbers.mean())
    assert float(r2(mean, numbers)[0]) == pytest.approx(0.0, abs=1e-6)
    assert float(r2(numbers, jnp.zeros_like(numbers))[0]) == 0.0
