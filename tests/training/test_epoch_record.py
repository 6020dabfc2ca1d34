"""From an epoch's raw figures to its records, and whether it left finite numbers behind."""

import math

import numpy as np
import pytest
from problems import spec

from dnncli.nn.layer_stats import LayerStats
from dnncli.records import LAYER_FIELDS
from dnncli.training import epoch_record, plan
from dnncli.training.engine import EpochInfo, Score
from dnncli.training.step import Log

EXAMPLES = 42  # in batches of 16: the last has 10
LAYERS, STEPS = 3, 3


def info(**changes):
    """A plausible report of an epoch of (7, 5) hidden units, as NumPy arrays."""
    rng = np.random.default_rng(0)
    parts = {
        "losses": np.array([3.0, 2.0, 1.0], np.float32),
        "clipped": np.array([[1, 0, 0], [0, 0, 0], [1, 1, 0]], bool),
        "active": np.array([[1, 1, 1, 1, 1, 1, 0], [1, 0, 0, 1, 1, 0, 0]], bool),
        "stats": LayerStats(*rng.random((len(LAYER_FIELDS), STEPS, LAYERS), dtype=np.float32)),
        "loss": np.float32(1.5),
        "accuracy": np.float32(0.75),
        "finite": np.ones(LAYERS, bool),
        "hits": np.array([0.25, 0.5, 1.0], np.float32),
    } | changes
    log = Log(parts["losses"], parts["clipped"], parts["active"], hits=parts["hits"])
    score = Score(parts["loss"], {"accuracy": parts["accuracy"]})
    return EpochInfo(log, parts["stats"], score, parts["finite"])


def record(**changes):
    run = spec(epochs=5, schedule="cosine", lr=0.5)
    return epoch_record.record(run, 2, plan.epoch_plan(run, 2, EXAMPLES), info(**changes), 0.25)


def test_epochs_count_from_one_and_keep_their_time():
    assert record().epoch == 3
    assert record().seconds == 0.25


def test_the_training_loss_is_the_mean_over_examples_not_over_steps():
    assert record().train_loss == pytest.approx((16 * 3 + 16 * 2 + 10 * 1) / 42)


def test_the_training_accuracy_is_the_share_of_examples_and_numbers_have_none():
    assert record().train_accuracy == pytest.approx((16 * 0.25 + 16 * 0.5 + 10 * 1) / 42)
    assert record(hits=None).train_accuracy is None


def test_the_validation_figures_are_those_reported():
    assert (record().val_loss, record().val_accuracy) == (1.5, 0.75)


def test_the_learning_rate_is_the_last_steps():
    fraction = (3 * 3 - 1) / (3 * 5)  # of the steps before it
    assert record().learning_rate == pytest.approx(
        0.5 * (1 + math.cos(math.pi * fraction)) / 2, rel=1e-6
    )


def test_a_step_counts_as_clipped_where_any_layer_was():
    assert record().clipped_fraction == pytest.approx(2 / 3)
    assert [layer.clipped_fraction for layer in record().layers] == pytest.approx([2 / 3, 1 / 3, 0])


def test_units_that_never_responded_are_dead():
    assert [layer.dead_fraction for layer in record().layers] == pytest.approx([1 / 7, 2 / 5, 0])


def test_the_first_steps_figures_are_kept_of_a_run_and_no_unit_is_called_dead_after_it():
    report = info()
    first = epoch_record.initial(spec(), report)
    for index, layer in enumerate(first):
        for name in LAYER_FIELDS:
            value = float(getattr(report.stats, name)[0, index])
            assert getattr(layer, name) == value
            assert layer.ranges[name] == (value, value)
        assert layer.dead_fraction == 0
    assert [layer.clipped_fraction for layer in first] == [1, 0, 0]


def test_an_epoch_of_finite_numbers_is_finite():
    assert epoch_record.finite(info())


@pytest.mark.parametrize("layer", range(LAYERS))
def test_one_layers_state_that_is_not_finite_is_enough_to_end_a_run(layer):
    assert not epoch_record.finite(info(finite=np.arange(LAYERS) != layer))


@pytest.mark.parametrize("value", [math.nan, math.inf, 2.0**24, 1e30])
def test_a_loss_that_float32_cannot_resolve_to_one_ends_a_run(value):
    assert not epoch_record.finite(info(losses=np.array([1, 3 * value, 1], np.float32)))
    assert not epoch_record.finite(info(loss=np.float32(value)))


def test_a_large_loss_that_still_says_something_does_not():
    nearly = 0.99 * 2.0**24
    assert epoch_record.finite(info(losses=np.full(3, nearly, np.float32), loss=np.float32(nearly)))


def test_losses_whose_sum_leaves_float32_are_averaged_all_the_same():
    assert not epoch_record.finite(
        info(losses=np.full(3, 3e38, np.float32))
    )  # and raises no warning
