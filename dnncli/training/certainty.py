"""How surely a network is better than an answer that knows nothing, example by example."""

import math

import numpy as np
from jaxtyping import Float, Float64, Int

# With fewer examples outside the largest class their mean loss is far from normal: chance alone
# then passes a test at 1 % in up to 4 of 100 cases, from here on in 1 of 100 at most.
FEWEST = 10
# Losses are of float32: a smaller mean difference in nats is rounding.
RESOLUTION = 2.0**-20

Values = Float64[np.ndarray, " rows"]


def standard_errors(differences: Values, weights: Values | None = None) -> float:
    """By how many standard errors the mean of differences is above 0.

    weights: how much each one counts in the mean; None: all alike. 0 where nothing can be told, of
    one difference, of equal ones or of an infinite one.
    """
    count = len(differences)
    if count < 2 or not np.isfinite(differences).all():
        return 0.0
    shares = np.full(count, 1 / count) if weights is None else weights / weights.sum()
    mean = float((shares * differences).sum())
    scatter = float(np.square(shares * (differences - mean)).sum())
    error = math.sqrt(scatter * count / (count - 1))
    return mean / error if error > 0 else 0.0


def above_frequencies(
    losses: Float[np.ndarray, " rows"], y: Int[np.ndarray, " rows"], weights: Values | None = None
) -> float:
    """By how many standard errors a log loss is below that of knowing how frequent classes are.

    losses: each example's, in nats; y: its class, weights: how much it counts. The frequencies are
    these examples' own, the best that can be said of them all alike: a network that answers without
    looking at features is never above 0. Nor is one where fewer than FEWEST examples are outside
    the largest class.
    """
    counts = np.bincount(y)
    if len(y) - counts.max(initial=0) < FEWEST:
        return 0.0
    totals = np.bincount(y, weights)
    shares = totals / totals.sum()
    gains = -np.log(shares[y]) - losses.astype(np.float64)
    if abs(np.average(gains, weights=weights)) < RESOLUTION:
        return 0.0
    return standard_errors(gains, weights)
