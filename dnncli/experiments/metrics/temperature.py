"""`--calibrate`: temperature scaling of logits (Guo et al. 2017), judged by cross-fitting."""

import numpy as np
from jaxtyping import Float, Float64, Int

from dnncli.data import Dataset
from dnncli.errors import SpecError
from dnncli.experiments.metrics.classification import log_sum
from dnncli.nn import inference
from dnncli.records.calibration import CalibrationRecord
from dnncli.spec import RunSpec
from dnncli.theory.fixed_points import bisect
from dnncli.training import placement
from dnncli.training.snapshot import Snapshot

OPTION = "--calibrate"
FOLDS = 5  # each example's loss is by a temperature that was fitted without it
HOTTEST = 100.0  # and the coldest temperature is 1 / HOTTEST

Logits = Float64[np.ndarray, "examples classes"]
Labels = Int[np.ndarray, " examples"]


def check(spec: RunSpec, dataset: Dataset) -> None:
    """Raise SpecError for probabilities that there are not."""
    if spec.decision.calibrate and dataset.quantities is not None:
        raise SpecError(
            f"{OPTION}: a regression has no probabilities; leave it out.", option=OPTION
        )


def calibrate(snapshot: Snapshot, dataset: Dataset) -> CalibrationRecord | None:
    """The temperature for the best epoch's network, if it was asked for."""
    if not snapshot.spec.decision.calibrate:
        return None
    x = placement.features(dataset.validation.x)
    outputs = inference.compiled_logits(snapshot.spec.network, snapshot.network, x)
    return judged(np.asarray(outputs), dataset.validation.y)


def judged(logits: Float[np.ndarray, "examples classes"], y: Labels) -> CalibrationRecord:
    """The temperature of all examples, kept where those of their folds lower the log loss.

    Folds take every FOLDS-th example, or one each where there are fewer; a single example has
    nothing to be judged by, and its temperature is not kept.
    """
    exact = logits.astype(np.float64)
    folds = np.arange(len(y)) % FOLDS
    before = log_losses(exact, y)
    after = before.copy()
    for fold in range(min(FOLDS, len(y))):
        asked = folds == fold
        if not asked.all():
            found = temperature(exact[~asked], y[~asked])
            after[asked] = log_losses(exact[asked] / found, y[asked])
    means = (float(before.mean()), float(after.mean()))
    return CalibrationRecord(
        temperature=temperature(exact, y),
        kept=means[1] < means[0],
        before=means[0],
        after=means[1],
        examples=len(y),
        folds=min(FOLDS, len(y)),
    )


def log_losses(logits: Logits, y: Labels) -> Float64[np.ndarray, " examples"]:
    """Each example's -log softmax(logits)[y]."""
    return log_sum(logits) - logits[np.arange(len(y)), y]


def temperature(logits: Logits, y: Labels) -> float:
    """The T for which softmax(logits / T) has the lowest log loss, by bisection of its derivative.

    Log loss is convex in 1 / T. Targets are Platt's (1999), 1 - 1 / (n + 2) for the right class of
    n examples and the rest shared by the others: where all are right T would be 0 otherwise.
    1 for logits that are not finite.
    """
    if not np.isfinite(logits).all():
        return 1.0
    count, classes = logits.shape
    rest = 1 / (count + 2)
    right = logits[np.arange(count), y]
    others = (logits.sum(axis=1) - right) / (classes - 1)
    wanted = (1 - rest) * right + rest * others

    def too_flat(sharpness: float) -> bool:
        """Whether the loss still falls: the mean logit is below what the targets have."""
        scaled = np.exp(sharpness) * logits
        shares = np.exp(scaled - log_sum(scaled)[:, None])
        return bool((shares * logits).sum(axis=1).mean() < wanted.mean())

    limit = float(np.log(HOTTEST))
    return float(np.exp(-bisect(too_flat, -limit, limit)))
