"""The probability from which on the second of two classes is answered."""

import math

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from dnncli.data import Dataset
from dnncli.errors import SpecError
from dnncli.nn import inference
from dnncli.spec import RunSpec
from dnncli.training import placement
from dnncli.training.snapshot import Snapshot

FARTHEST = 30.0  # log odds; from about 36 on a probability is 1 in floating point


def check(spec: RunSpec, dataset: Dataset) -> None:
    """Raise SpecError for a threshold where there are not two classes."""
    asked = spec.decision.threshold
    if asked is not None and dataset.classes != 2:
        there = f"there are {dataset.classes}" if dataset.classes else "a regression has none"
        raise SpecError(
            f"--threshold {asked}: it is for two classes, and {there}.",
            option="--threshold",
        )


def decide(snapshot: Snapshot, dataset: Dataset) -> float | None:
    """The threshold asked for; for auto the one that is best on the validation examples."""
    asked = snapshot.spec.decision
    if asked.threshold is None or asked.number is not None:
        return asked.number
    x = placement.features(dataset.validation.x)
    outputs = inference.compiled_logits(snapshot.spec.network, snapshot.answering, x)
    return best(_margins(np.asarray(outputs)), dataset.validation.y == 1)


def best(
    margins: Float64[np.ndarray, " examples"], positive: Bool[np.ndarray, " examples"]
) -> float:
    """The threshold of highest balanced accuracy, which is that of Youden's (1950) J.

    It lies halfway, in log odds, between two examples; of several the one nearest to 1/2. 1/2 where
    none is better than answering one class alone.
    """
    order = np.argsort(margins)
    ranked = margins[order]
    hits = positive[order]
    # Examples up to each place are called negative, those after it positive.
    specificity = np.cumsum(~hits)[:-1] / max(1, int((~hits).sum()))
    sensitivity = 1 - np.cumsum(hits)[:-1] / max(1, int(hits.sum()))
    between = ranked[1:] > ranked[:-1]
    cuts = (ranked[1:] + ranked[:-1])[between] / 2
    gains = (specificity + sensitivity)[between]
    if not len(gains) or gains.max() <= 1 or positive.all() or not positive.any():
        return 0.5
    chosen = cuts[gains >= gains.max() - 1e-12]
    cut = float(chosen[np.argmin(abs(chosen))])
    return 1 / (1 + math.exp(-min(max(cut, -FARTHEST), FARTHEST)))


def answered(
    logits: Float[np.ndarray, "examples classes"], threshold: float | None
) -> Int[np.ndarray, " examples"]:
    """The class that each example is taken for; of several classes the most probable one."""
    if threshold is None:
        return logits.argmax(axis=1)
    least = math.log(threshold) - math.log1p(-threshold)
    return (_margins(logits) >= least).astype(np.int64)


def _margins(logits: Float[np.ndarray, "examples 2"]) -> Float64[np.ndarray, " examples"]:
    """The second class's log odds."""
    exact = logits.astype(np.float64)
    return exact[:, 1] - exact[:, 0]
