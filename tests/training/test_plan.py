"""An epoch's plan shuffles every example in, spreads its measurements, and is the same when made again."""

import numpy as np
import pytest

from dnncli.spec import ScheduleSpec, from_options
from dnncli.training import plan as plans


@pytest.mark.parametrize("examples", [1, 2, 7, 1297, 55_000])
def test_a_shuffle_holds_every_example_once(examples):
    order = plans.shuffle(0, 0, examples)
    assert order.dtype == np.int32
    assert (np.sort(order) == np.arange(examples)).all()


def test_a_shuffle_is_a_function_of_seed_and_epoch():
    assert (plans.shuffle(3, 5, 100) == plans.shuffle(3, 5, 100)).all()
    assert (plans.shuffle(3, 5, 100) != plans.shuffle(3, 6, 100)).any()
    assert (plans.shuffle(3, 5, 100) != plans.shuffle(4, 5, 100)).any()


def test_shuffles_are_uniform():
    firsts = np.bincount([plans.shuffle(seed, 0, 5)[0] for seed in range(1000)], minlength=5)
    assert ((firsts - 200) ** 2 / 200).sum() < 23.5  # chi-squared with 4 degrees of freedom at 1e-4


@pytest.mark.parametrize("full", [1, 2, 31, 32])
def test_few_steps_are_all_measured(full):
    assert plans.spread(full).tolist() == list(range(full))


@pytest.mark.parametrize("full", [33, 64, 275, 1375, 100_001])
def test_of_many_steps_32_are_measured_evenly_from_the_first(full):
    measured = plans.spread(full)
    assert len(measured) == 32
    assert measured[0] == 0
    assert measured[-1] < full
    gaps = np.diff([*measured, full])
    assert gaps.max() - gaps.min() <= 1
    assert gaps.min() >= 1


def test_no_full_batch_measures_nothing():
    assert plans.spread(0).tolist() == []


@pytest.mark.parametrize(
    ("examples", "batch", "steps", "full"),
    [(1297, 128, 11, 10), (55_000, 200, 275, 275), (64, 64, 1, 1), (65, 64, 2, 1), (10, 64, 1, 1)],
)
def test_a_plan_has_a_rate_for_every_step_and_measures_full_batches(examples, batch, steps, full):
    spec = from_options({"batch_size": batch, "epochs": 3, "schedule": "cosine"})
    plan = plans.epoch_plan(spec, 1, examples)
    assert len(plan.order) == examples
    assert len(plan.learning_rates) == steps
    assert plan.measured.tolist() == plans.spread(full).tolist()
    assert plans.batch_size(spec, examples) == min(batch, examples)


def test_rates_go_on_from_epoch_to_epoch():
    spec = from_options({"batch_size": 10, "epochs": 4, "schedule": "cosine", "lr": 1})
    rates = np.concatenate([plans.epoch_plan(spec, epoch, 95).learning_rates for epoch in range(4)])
    assert len(rates) == 40
    np.testing.assert_allclose(rates, (1 + np.cos(np.pi * np.arange(40) / 40)) / 2, rtol=1e-5)


def test_a_longer_run_does_not_change_the_shuffles_or_the_constant_rate():
    short, long = (from_options({"epochs": epochs}) for epochs in (2, 20))
    for one, other in zip(
        plans.epoch_plan(short, 1, 500), plans.epoch_plan(long, 1, 500), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_the_epochs_loss_is_the_mean_over_examples_not_over_steps():
    losses = np.float32([1, 2, 9])
    assert plans.over_examples(losses, 25, 10) == pytest.approx((10 * 1 + 10 * 2 + 5 * 9) / 25)
    assert plans.over_examples(losses, 30, 10) == pytest.approx(4)
    assert plans.over_examples(np.float32([3]), 7, 10) == pytest.approx(3)


def test_the_default_batch_is_that_of_the_schedule():
    assert plans.batch_size(from_options({}), 10**6) == ScheduleSpec().batch_size
