"""Scores of a ranking, one class against the rest: ROC AUC and average precision (PR AUC).

Both come with each example's influence: how much the score would grow if the example counted a
little more. The sum of the squared influences estimates the score's variance (the infinitesimal
jackknife; of ROC AUC that is the estimate of DeLong et al. 1988 but for a factor (n - 1) / n).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64

from dnncli.experiments.metrics import intervals
from dnncli.experiments.metrics.intervals import Bounds


class Ranked(NamedTuple):
    """A score of a ranking: its value, the examples' influences, and its interval."""

    value: float
    influence: Float64[np.ndarray, " examples"]
    bounds: Bounds


class Steps(NamedTuple):
    """Examples by falling score, those of equal score as one step.

    step: each example's step. positives, negatives: their numbers within each step.
    """

    step: Int64[np.ndarray, " examples"]
    positives: Float64[np.ndarray, " steps"]
    negatives: Float64[np.ndarray, " steps"]


def steps(
    scores: Float64[np.ndarray, " examples"], positive: Bool[np.ndarray, " examples"]
) -> Steps:
    """The thresholds that a ranking has."""
    order = np.argsort(-scores)
    falls = np.diff(scores[order]) != 0
    step = np.empty(len(scores), np.int64)
    step[order] = np.concatenate([[0], np.cumsum(falls)])
    count = int(step[order[-1]]) + 1
    positives = np.bincount(step, weights=positive, minlength=count)
    negatives = np.bincount(step, weights=~positive, minlength=count)
    return Steps(step, positives, negatives)


def roc_auc(found: Steps, positive: Bool[np.ndarray, " examples"]) -> Ranked:
    """The share of pairs of a positive and a negative that are in order; ties count half.

    There must be examples of both.
    """
    positives = int(positive.sum())
    negatives = len(positive) - positives
    # What share of the others a positive beats, and a negative is beaten by.
    beaten = (negatives - np.cumsum(found.negatives) + found.negatives / 2) / negatives
    beating = (np.cumsum(found.positives) - found.positives / 2) / positives
    shares = np.where(positive, beaten[found.step], beating[found.step])
    value = float(shares[positive].mean())
    influence = (shares - value) / np.where(positive, positives, negatives)
    variance = float(np.square(influence).sum())
    return Ranked(value, influence, intervals.ranking(value, positives, negatives, variance))


def average_precision(found: Steps, positive: Bool[np.ndarray, " examples"]) -> Ranked:
    """The mean, over positives, of the precision at their threshold: no interpolation.

    There must be a positive. The interval is Wilson's with as many trials as there are positives,
    or fewer where the influences say that the score varies more than a share of so many.
    """
    positives = int(positive.sum())
    hits = np.cumsum(found.positives)
    taken = hits + np.cumsum(found.negatives)
    precision = hits / taken
    value = float(found.positives @ precision / positives)
    # One more positive at a step raises the precision of all thresholds from there on by
    # (1 - precision) / taken, one more negative lowers it by precision / taken.
    gains = np.cumsum((found.positives / taken)[::-1])[::-1]
    losses = np.cumsum((found.positives * precision / taken)[::-1])[::-1]
    own = np.where(positive, precision[found.step] - value + gains[found.step], 0.0)
    influence = (own - losses[found.step]) / positives
    variance = float(np.square(influence).sum())
    trials = float(positives)
    if variance > 0:
        trials = min(trials, value * (1 - value) / variance)
    return Ranked(value, influence, intervals.wilson(value, trials))


def macro(classes: Sequence[Ranked]) -> Ranked:
    """The mean over classes; scores correlate as their influences do, 0 where one does not vary."""
    values = [one.value for one in classes]
    influences = np.stack([one.influence for one in classes])
    lengths = np.sqrt(np.square(influences).sum(axis=1))
    products = influences @ influences.T
    scale = np.outer(lengths, lengths)
    correlation = np.divide(products, scale, out=np.eye(len(values)), where=scale > 0)
    bounds = intervals.average(values, [one.bounds for one in classes], correlation)
    return Ranked(float(np.mean(values)), influences.mean(axis=0), bounds)
