"""Learning rates are Optax's schedules, step by step over a run."""

import math

import jax
import numpy as np
import optax
import pytest

from dnncli.nn import schedules
from dnncli.spec import ScheduleSpec

STEPS = 7  # an epoch
EPOCHS = 10
TOTAL = STEPS * EPOCHS


def course(steps_per_epoch=STEPS, **options):
    """Every learning rate of a run."""
    spec = ScheduleSpec(**{"lr": 0.3, "epochs": EPOCHS} | options)
    epochs = [
        schedules.learning_rates(spec, epoch, steps_per_epoch) for epoch in range(spec.epochs)
    ]
    return np.concatenate(epochs)


def optax_course(make, *arguments, total=TOTAL):
    """A schedule of Optax over a run; its own code leans on implicit promotion."""
    with jax.numpy_dtype_promotion("standard"):
        schedule = make(*arguments)
        return np.array([float(schedule(step)) for step in range(total)])


def test_constant_is_the_same_throughout():
    assert (course(schedule="constant") == np.float32(0.3)).all()


@pytest.mark.parametrize(
    ("decay_rate", "decay_steps"), [(0.5, 10), (0.96, 3), (1.0, 5), (0.1, None)]
)
def test_exponential_is_optaxs(decay_rate, decay_steps):
    expected = optax_course(optax.exponential_decay, 0.3, decay_steps or TOTAL, decay_rate)
    actual = course(schedule="exponential", decay_rate=decay_rate, decay_steps=decay_steps)
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_exponential_falls_to_a_tenth_over_the_run_unless_told_otherwise():
    rates = course(schedule="exponential")
    assert rates[-1] == pytest.approx(0.3 * 0.1 ** ((TOTAL - 1) / TOTAL))


def test_cosine_is_optaxs():
    expected = optax_course(optax.cosine_decay_schedule, 0.3, TOTAL)
    np.testing.assert_allclose(course(schedule="cosine"), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("steps", "epochs"), [(7, 10), (11, 3), (1, 50), (1, 4), (3, 1), (1, 1)])
def test_one_cycle_is_optaxs(steps, epochs):
    total = steps * epochs
    if int(0.3 * total):
        expected = optax_course(optax.cosine_onecycle_schedule, total, 0.3, total=total)
    else:  # too short to rise; Optax divides by 0
        expected = optax_course(optax.cosine_decay_schedule, 0.3, total, 4e-6, total=total)
    np.testing.assert_allclose(
        course(steps, schedule="one-cycle", epochs=epochs), expected, rtol=1e-4, atol=1e-7
    )


def test_one_cycle_peaks_after_three_tenths_and_ends_near_nothing():
    rates = course(schedule="one-cycle")
    assert rates[0] == pytest.approx(0.3 / 25)
    assert np.argmax(rates) == int(0.3 * TOTAL)
    assert rates.max() == pytest.approx(0.3)
    assert rates[-1] < 0.3 / 500


def test_warmup_rises_in_equal_steps_to_the_full_rate_and_moves_at_once():
    rates = course(warmup=2)
    np.testing.assert_allclose(
        rates[: 2 * STEPS], 0.3 * np.arange(1, 2 * STEPS + 1) / (2 * STEPS), rtol=1e-6
    )
    assert (rates[2 * STEPS :] == np.float32(0.3)).all()


def test_warmup_may_be_a_part_of_an_epoch():
    rates = course(warmup=0.5)
    np.testing.assert_allclose(rates[:4], 0.3 * np.array([1, 2, 3, 3.5]) / 3.5, rtol=1e-6)


@pytest.mark.parametrize("schedule", ["exponential", "cosine"])
def test_warmup_multiplies_the_schedule(schedule):
    ratio = course(schedule=schedule, warmup=3) / course(schedule=schedule)
    np.testing.assert_allclose(
        ratio, np.minimum(1, np.arange(1, TOTAL + 1) / (3 * STEPS)), rtol=1e-5
    )


@pytest.mark.parametrize("schedule", ["constant", "exponential", "cosine", "one-cycle"])
def test_rates_are_float32_positive_and_at_most_the_learning_rate(schedule):
    rates = course(schedule=schedule)
    assert rates.dtype == np.float32
    assert (rates > 0).all()
    assert rates.max() <= np.float32(0.3)


def test_the_exponential_recipe_reads_as_optaxs_formula():
    rates = course(schedule="exponential", decay_rate=0.9, decay_steps=STEPS)
    assert rates[STEPS] / rates[0] == pytest.approx(0.9)
    assert math.isclose(rates[3] / rates[0], 0.9 ** (3 / STEPS), rel_tol=1e-6)
