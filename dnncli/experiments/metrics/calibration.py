"""Whether probabilities mean what they say: the expected calibration error."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int

from dnncli.experiments.metrics import intervals
from dnncli.experiments.metrics.intervals import Bounds
from dnncli.records import ConfidenceBin

BINS = 10  # of equal numbers of examples, by rising confidence


class Calibration(NamedTuple):
    """The calibration error and its interval."""

    value: float
    bounds: Bounds


def calibration_error(
    confidence: Float64[np.ndarray, " examples"], right: Bool[np.ndarray, " examples"]
) -> Calibration:
    """The mean over examples of |accuracy - mean confidence| of their bin (Naeini et al. 2015).

    confidence: the probability of the most probable class. Bins hold equal numbers of examples
    (Nguyen & O'Connor 2015). The estimate is above 0 even where every probability is right, for the
    bins' accuracies scatter. So the interval is the estimate plus and minus what the scatter adds
    up to in 95 % of cases: by the triangle inequality the error lies in it at least as often.
    """
    bins = _bins(confidence)
    sizes = np.array([len(part) for part in bins], np.float64)
    hits = np.array([right[part].sum() for part in bins], np.float64)
    claimed = np.array([confidence[part].sum() for part in bins], np.float64)
    value = float(abs(hits - claimed).sum() / len(confidence))
    # Two hits and two misses more: a bin without misses has a scatter too (Agresti & Coull 1998).
    shares = (hits + 2) / (sizes + 4)
    deviations = np.sqrt(shares * (1 - shares) / sizes) * sizes / len(confidence)
    reach = _reach(deviations)
    return Calibration(value, Bounds(max(0.0, value - reach), min(1.0, value + reach)))


def reliability(
    confidence: Float64[np.ndarray, " examples"], right: Bool[np.ndarray, " examples"]
) -> tuple[ConfidenceBin, ...]:
    """What the bins of the calibration error claim and what they reach."""
    found = []
    for part in _bins(confidence):
        hits = int(right[part].sum())
        bounds = intervals.clopper_pearson(hits, len(part))
        claimed = float(confidence[part].mean())
        found.append(ConfidenceBin(len(part), claimed, hits / len(part), *bounds))
    return tuple(found)


def _bins(confidence: Float64[np.ndarray, " examples"]) -> list[Int[np.ndarray, " members"]]:
    """The examples of each bin, by rising confidence; empty bins are left out."""
    order = np.argsort(confidence, kind="stable")
    return [part for part in np.array_split(order, BINS) if len(part)]


def _reach(deviations: Float64[np.ndarray, " bins"]) -> float:
    """What the sum of |errors| with these deviations stays below in 95 % of cases.

    A sum of half-normal variables, taken as normal.
    """
    mean = math.sqrt(2 / math.pi) * float(deviations.sum())
    variance = (1 - 2 / math.pi) * float(np.square(deviations).sum())
    return mean + intervals.ONE_SIDED * math.sqrt(variance)
