"""A classifier's scores on a set of examples, each with its interval and its baseline.

The baseline answers without looking at an example: always the largest class of the training
examples or, where probabilities are asked for, always their classes' shares.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from dnncli.experiments.metrics import calibration, intervals, ranking
from dnncli.experiments.metrics.intervals import Bounds
from dnncli.experiments.metrics.ranking import Ranked
from dnncli.experiments.metrics.threshold import answered
from dnncli.records import ConfidenceBin, Metric

UNDEFINED = Metric(None)


class Answers(NamedTuple):
    """What a network says of examples whose classes are known.

    right: each example's class; one more than there are for any that training had not. said: the
    class it was taken for, by the threshold if there is one. log_shares: the logarithms of the
    probabilities of all classes. margins: each class's log odds, p / (1 - p), by which examples are
    ranked. frequencies: the classes' shares of the training examples.
    """

    right: Int[np.ndarray, " examples"]
    said: Int[np.ndarray, " examples"]
    log_shares: Float64[np.ndarray, "examples classes"]
    margins: Float64[np.ndarray, "examples classes"]
    frequencies: Float64[np.ndarray, " classes"]


class Rankings(NamedTuple):
    """A class against the rest; None where there is nothing to rank."""

    roc_auc: Ranked | None
    pr_auc: Ranked | None


def answers(
    logits: Float[np.ndarray, "examples classes"],
    y: Int[np.ndarray, " examples"],
    trained_on: Int[np.ndarray, " training"],
    threshold: float | None = None,
) -> Answers:
    """What the scores are made of, in float64; trained_on: the training examples' classes."""
    exact = logits.astype(np.float64)
    said = answered(logits, threshold)
    shares = frequencies(trained_on, logits.shape[1])
    with np.errstate(invalid="ignore"):  # of outputs that are not finite
        log_shares = exact - log_sum(exact)[:, None]
        return Answers(y, said, log_shares, _margins(log_shares), shares)


def log_sum(
    logits: Float64[np.ndarray, "examples classes"],
) -> Float64[np.ndarray, " examples"]:
    """The logarithm of the sum of each row's exponentials."""
    peak = logits.max(axis=1, keepdims=True)
    return np.log(np.exp(logits - peak).sum(axis=1)) + peak[:, 0]


def frequencies(y: Int[np.ndarray, " examples"], classes: int) -> Float64[np.ndarray, " classes"]:
    """Each class's share of some examples."""
    return np.bincount(y, minlength=classes) / len(y)


def _margins(
    log_shares: Float64[np.ndarray, "examples classes"],
) -> Float64[np.ndarray, "examples classes"]:
    """Each class's logit less the logarithm of the sum of the others' exponentials.

    They tell examples apart whose probabilities are all 1 in floating point.
    """
    rows = np.arange(len(log_shares))
    top = log_shares.argmax(axis=1)
    shares = np.exp(log_shares)
    shares[rows, top] = 0.0  # the largest has its own line: 1 - p would cancel
    margins = log_shares - np.log1p(-shares)
    others = log_shares.copy()
    others[rows, top] = -np.inf
    margins[rows, top] = log_shares[rows, top] - log_sum(others)
    return margins


def headline(trained_on: Int[np.ndarray, " training"], classes: int) -> str:
    """The score that comes first: accuracy, or balanced accuracy where a class is too large for it.

    Guessing evenly among K classes errs with 1 - 1/K. Where always answering the largest class
    makes fewer than half as many errors (a share of more than 3/4 of 2 classes, of 0.55 of 10),
    more than half of accuracy's scale is reached without looking at an example.
    """
    largest = frequencies(trained_on, classes).max()
    return "accuracy" if largest <= (1 + 1 / classes) / 2 else "balanced_accuracy"


def positive(class_names: Sequence[str]) -> str | None:
    """Of two classes the second, as scikit-learn has it; None of more."""
    return class_names[1] if len(class_names) == 2 else None


def rankings(given: Answers) -> list[Rankings]:
    """Every class against the rest."""
    return [_rankings(given, label) for label in range(len(given.frequencies))]


def _rankings(given: Answers, label: int) -> Rankings:
    positive = given.right == label
    scores = given.margins[:, label]
    if not positive.any() or np.isnan(scores).any():
        return Rankings(None, None)
    steps = ranking.steps(scores, positive)
    area = None if positive.all() else ranking.roc_auc(steps, positive)
    return Rankings(area, ranking.average_precision(steps, positive))


def metrics(given: Answers, ranked: Sequence[Rankings]) -> dict[str, Metric]:
    """All scores of a set of examples by name.

    Of two classes the areas are those of the second, the positive one; of more they are means over
    the classes that have examples.
    """
    asked = ranked[1:] if len(ranked) == 2 else ranked
    counts = np.bincount(given.right, minlength=len(given.frequencies))
    present = counts[: len(ranked)][-len(asked) :]
    prevalence = float(present.sum() / counts.sum()) / max(1, int((present > 0).sum()))
    areas = [one.roc_auc for one in asked]
    precisions = [one.pr_auc for one in asked]
    return {
        "accuracy": accuracy(given),
        "balanced_accuracy": balanced_accuracy(given),
        "roc_auc": _macro(areas, 0.5, "newcombe"),
        "pr_auc": _macro(precisions, prevalence, "wilson"),
        "log_loss": log_loss(given),
        "brier": brier(given),
        "calibration_error": calibration_error(given),
    }


def _macro(classes: Sequence[Ranked | None], baseline: float, method: str) -> Metric:
    """A mean over the classes that have the score; of one class its own."""
    found = [one for one in classes if one is not None]
    if not found:
        return UNDEFINED
    if len(found) == 1:
        return _metric(found[0].value, found[0].bounds, method, baseline)
    mean = ranking.macro(found)
    return _metric(mean.value, mean.bounds, f"mover-{method}", baseline)


def _metric(value: float, bounds: Bounds | None, method: str, baseline: float | None) -> Metric:
    """A metric; without an interval where `bounds` is None, undefined where `value` is NaN."""
    if np.isnan(value):
        return UNDEFINED
    if bounds is None:
        return Metric(value, baseline=baseline)
    return Metric(value, bounds.low, bounds.high, method, baseline)


def accuracy(given: Answers) -> Metric:
    """The share of examples that were taken for what they are."""
    largest = int(given.frequencies.argmax())
    baseline = float((given.right == largest).mean())
    return _share(given.said == given.right, baseline)


def _share(hits: Bool[np.ndarray, " examples"], baseline: float | None = None) -> Metric:
    """A proportion; undefined where nothing counts."""
    if not len(hits):
        return UNDEFINED
    bounds = intervals.clopper_pearson(int(hits.sum()), len(hits))
    return _metric(float(hits.mean()), bounds, "clopper-pearson", baseline)


def balanced_accuracy(given: Answers) -> Metric:
    """The mean of the recalls of the classes that have examples, each with Wilson's interval.

    Classes that training had not are one class together, of recall 0.
    """
    counts = np.bincount(given.right, minlength=len(given.frequencies))
    hits = np.bincount(given.right[given.said == given.right], minlength=len(counts))
    present = counts > 0
    recalls = (hits[present] / counts[present]).tolist()
    pairs = zip(recalls, counts[present].tolist(), strict=True)
    bounds = intervals.average(recalls, [intervals.wilson(*pair) for pair in pairs])
    baseline = float(present[given.frequencies.argmax()]) / len(recalls)
    return _metric(float(np.mean(recalls)), bounds, "mover-wilson", baseline)


def log_loss(given: Answers) -> Metric:
    """The mean of -ln of the probability of the right class, in nats.

    Examples of classes that training had not do not count: their loss is infinite by definition.
    """
    rows = np.flatnonzero(given.right < len(given.frequencies))
    right = given.right[rows]
    losses = -given.log_shares[rows, right]
    with np.errstate(divide="ignore"):
        baseline = float(-np.log(given.frequencies)[right].mean())
    return _mean(losses, baseline)


def brier(given: Answers) -> Metric:
    """The mean over examples of the sum over classes of (probability - whether it is right)^2."""
    classes = len(given.frequencies)
    right = np.eye(classes + 1)[given.right, :classes]
    errors = np.square(np.exp(given.log_shares) - right).sum(axis=1)
    baseline = float(np.square(given.frequencies - right).sum(axis=1).mean())
    return _mean(errors, baseline)


def _mean(losses: Float64[np.ndarray, " examples"], baseline: float) -> Metric:
    """A mean of losses, which are at least 0."""
    bounds = intervals.mean(losses)
    if bounds is not None:
        bounds = Bounds(max(0.0, bounds.low), bounds.high)
    return _metric(float(losses.mean()), bounds, "hall", baseline)


def calibration_error(given: Answers) -> Metric:
    """The expected calibration error, in ten bins of equal numbers of examples."""
    confidence, right = _confidences(given)
    if np.isnan(confidence).any():
        return UNDEFINED
    found = calibration.calibration_error(confidence, right)
    largest = int(given.frequencies.argmax())
    baseline = abs(float((given.right == largest).mean() - given.frequencies[largest]))
    return _metric(found.value, found.bounds, "half-normal", baseline)


def reliability(given: Answers) -> tuple[ConfidenceBin, ...]:
    """The bins that the calibration error is of; none where probabilities are not finite."""
    confidence, right = _confidences(given)
    return () if np.isnan(confidence).any() else calibration.reliability(confidence, right)


def _confidences(
    given: Answers,
) -> tuple[Float64[np.ndarray, " examples"], Bool[np.ndarray, " examples"]]:
    """Each example's most probable class: its probability, and whether it is right."""
    confidence = np.exp(given.log_shares.max(axis=1))
    return confidence, given.log_shares.argmax(axis=1) == given.right


def by_class(given: Answers, ranked: Sequence[Rankings]) -> Iterator[dict[str, Metric]]:
    """Every class's scores: precision, recall, F1, and the areas against the rest."""
    for label, (area, precision) in enumerate(ranked):
        answered = given.said == label
        there = given.right == label
        either = answered | there
        yield {
            "precision": _share(there[answered]),
            "recall": _share(answered[there]),
            "f1": _f1((answered & there)[either]),
            "roc_auc": _macro([area], 0.5, "newcombe"),
            "pr_auc": _macro([precision], float(there.mean()), "wilson"),
        }


def _f1(both: Bool[np.ndarray, " examples"]) -> Metric:
    """F1 from the share J of true answers among examples that are or are called of a class.

    F1 = 2 J / (1 + J) rises with J, a proportion, so the exact interval of J gives its own.
    """
    share = _share(both)
    if share.value is None or share.low is None or share.high is None:
        return UNDEFINED
    ends = (share.value, share.low, share.high)
    value, low, high = map(_harmonic, ends)
    return Metric(value, low, high, share.method)


def _harmonic(share: float) -> float:
    return 2 * share / (1 + share)
