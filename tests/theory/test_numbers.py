"""Theory's delta at the output of a network that predicts numbers, against draws and training."""

import math

import numpy as np
import pytest

from dnncli.spec import from_options
from dnncli.theory import numbers, predict

SLOPES = {
    "squared": lambda r: 2 * r,
    "absolute": np.sign,
    "huber": lambda r: np.clip(r, -1, 1),
}


@pytest.mark.parametrize("q", [0.0, 0.3, 2.0, 50.0])
@pytest.mark.parametrize("outputs", [1, 4])
@pytest.mark.parametrize("loss", SLOPES)
def test_delta_square_is_that_of_random_outputs_and_standardised_targets(loss, outputs, q):
    rng = np.random.default_rng(1)
    z = math.sqrt(q) * rng.standard_normal(400_000)
    y = rng.standard_normal(400_000)
    expected = np.square(SLOPES[loss](z - y) / outputs).mean()
    found = numbers.output_delta_square(loss, q, outputs)
    assert found == pytest.approx(expected, rel=0.01)


def test_squared_losses_delta_does_not_depend_on_the_targets_distribution():
    rng = np.random.default_rng(2)
    z = rng.standard_normal(400_000)
    skewed = rng.exponential(size=400_000) - 1
    found = numbers.output_delta_square("squared", 1.0, 1)
    assert found == pytest.approx(np.square(2 * (z - skewed)).mean(), rel=0.02)


@pytest.mark.parametrize("loss", SLOPES)
def test_delta_stays_finite_for_outputs_of_any_size(loss):
    assert numbers.output_delta_square(loss, 1e300, 1) > 0
    assert numbers.output_delta_square(loss, math.inf, 2) > 0


def test_hubers_delta_is_smooth_where_its_series_takes_over():
    below = numbers.output_delta_square("huber", numbers.WIDE, 1)
    above = numbers.output_delta_square("huber", numbers.WIDE * (1 + 1e-9), 1)
    assert below == pytest.approx(above, rel=1e-8)
    assert numbers.output_delta_square("huber", math.inf, 2) == 1 / 4


@pytest.mark.parametrize("loss", SLOPES)
def test_the_prediction_of_a_whole_network_ends_in_that_delta(loss):
    spec = from_options({"hidden": [50, 50], "act": "relu"}).network
    layers = predict(spec, 10, 2, 1.0, loss).layers
    expected = numbers.output_delta_square(loss, layers[-1].q, 2)
    assert layers[-1].delta_rms == pytest.approx(math.sqrt(expected))
    ratio = predict(spec, 10, 2, 1.0).delta_ratio
    assert predict(spec, 10, 2, 1.0, loss).delta_ratio == pytest.approx(ratio)
