"""Scores of predicted numbers, each with a bootstrap interval and the mean's own score.

All are in the targets' units. The interval is over other examples of the kind, for this network:
the 2.5 and 97.5 percentiles of the score over samples of the examples, drawn with replacement
(Efron 1979).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from dnncli.data import Split
from dnncli.data.quantities import METRICS, Quantities
from dnncli.records import Metric

KEY = 0x72657361  # of the draws: the same errors always have the same interval
SAMPLES = 2000  # whose percentiles are then known to about a tenth of the interval
TAIL = 0.025
MOST_DRAWN = 1 << 22  # rows drawn at once, to bound memory
PICTURED = 500  # examples that a picture shows at most
METHOD = "bootstrap"

Numbers = Float64[np.ndarray, " examples"]


class Sums(NamedTuple):
    """What the scores of some examples are made of: means of the errors' and targets' powers."""

    square: Float64[np.ndarray, " samples"]
    absolute: Float64[np.ndarray, " samples"]
    target: Float64[np.ndarray, " samples"]
    target_square: Float64[np.ndarray, " samples"]


Scores = dict[str, Float64[np.ndarray, " samples"]]


def scores(sums: Sums) -> Scores:
    """R², root mean squared and mean absolute error; R² is NaN where the targets do not vary."""
    variance = sums.target_square - np.square(sums.target)
    # Rounding of a mean of squares leaves a constant a variance that is tiny, not 0.
    varies = variance > sums.target_square * 1e-12
    divisor = np.where(varies, variance, 1.0)
    return {
        "r2": np.where(varies, 1 - sums.square / divisor, np.nan),
        "rmse": np.sqrt(sums.square),
        "mae": sums.absolute,
    }


def _columns(y: Numbers, predicted: Numbers) -> Float64[np.ndarray, "4 examples"]:
    """Each example's part in the sums; targets from their mean, so that nothing cancels."""
    error = y - predicted
    centred = y - y.mean()
    return np.stack([np.square(error), np.abs(error), centred, np.square(centred)])


def point(y: Numbers, predicted: Numbers) -> dict[str, float]:
    """The scores of all examples."""
    means = _columns(y, predicted).mean(axis=1, keepdims=True)
    return {name: float(values[0]) for name, values in scores(Sums(*means)).items()}


def resampled(y: Numbers, predicted: Numbers) -> Scores:
    """The scores of SAMPLES samples with replacement, each of as many examples as there are."""
    columns = _columns(y, predicted)
    generator = np.random.Generator(np.random.Philox(key=KEY))
    at_once = max(1, MOST_DRAWN // len(y))
    parts = []
    for start in range(0, SAMPLES, at_once):
        drawn = min(at_once, SAMPLES - start)
        rows = generator.integers(0, len(y), (drawn, len(y)))
        parts.append(np.stack([column[rows].mean(axis=1) for column in columns]))
    return scores(Sums(*np.concatenate(parts, axis=1)))


def of_target(y: Numbers, predicted: Numbers, mean: float) -> dict[str, Metric]:
    """One target's scores; `mean`: of the training examples, which the baseline always answers.

    A network whose outputs are not finite has no scores.
    """
    found = point(y, predicted)
    base = point(y, np.full_like(y, mean))
    if not np.isfinite(predicted).all():
        return {name: Metric(None, baseline=_known(base[name])) for name in METRICS}
    if len(y) < 2:
        return {name: Metric(_known(found[name]), baseline=_known(base[name])) for name in METRICS}
    others = resampled(y, predicted)
    return {name: _metric(found[name], others[name], base[name]) for name in METRICS}


def _metric(value: float, samples: Float64[np.ndarray, " samples"], baseline: float) -> Metric:
    """A score with the percentiles of its samples; without an interval where some have no score."""
    if np.isnan(value) or np.isnan(samples).any():
        return Metric(_known(value), baseline=_known(baseline))
    low, high = np.quantile(samples, (TAIL, 1 - TAIL))
    return Metric(value, float(low), float(high), METHOD, _known(baseline))


def _known(value: float) -> float | None:
    """A number, or None for nan."""
    return None if np.isnan(value) else value


def metrics(
    outputs: Float[np.ndarray, "examples outputs"], split: Split, numbers: Quantities
) -> dict[str, Metric]:
    """Every score of a network's outputs on a split, by name.

    Of several targets each has its own, as `rmse_a`, and `r2` is their mean, without an interval.
    """
    y = numbers.restore(split.y)
    predicted = numbers.restore(outputs)
    each = [
        of_target(y[:, index], predicted[:, index], float(numbers.offset[index]))
        for index in range(len(numbers.names))
    ]
    if len(each) == 1:
        return each[0]
    found = {"r2": _mean([scores_["r2"] for scores_ in each])}
    for name, own in zip(numbers.names, each, strict=True):
        found |= {f"{score}_{name}": metric for score, metric in own.items()}
    return found


def _mean(of_targets: Sequence[Metric]) -> Metric:
    """The mean R² of several targets; None where one has none."""
    values = [metric.value for metric in of_targets if metric.value is not None]
    baselines = [metric.baseline for metric in of_targets if metric.baseline is not None]
    if len(values) < len(of_targets) or len(baselines) < len(of_targets):
        return Metric(None)
    return Metric(float(np.mean(values)), baseline=float(np.mean(baselines)))


def sample_of_predictions(
    outputs: Float[np.ndarray, "examples outputs"], split: Split, numbers: Quantities
) -> tuple[tuple[float, float], ...]:
    """Actual and predicted values of the first target, of PICTURED evenly spread examples."""
    step = max(1, -(-len(split) // PICTURED))
    y = numbers.restore(split.y)[::step, 0]
    predicted = numbers.restore(outputs)[::step, 0]
    return tuple((float(a), float(b)) for a, b in zip(y, predicted, strict=True))
