"""Whether a linear network's errors follow a bend of the features, which no line can.

Rao's score test, on held-out examples: where a linear model is the right one, what it gets wrong
has nothing to do with any function of the features. Random kinks of them (an untrained hidden
layer, Rahimi & Recht 2008) are fitted to the training examples' errors by ridge regression; what
counts is whether the held-out errors go along with the fit, example by example. Classes that
overlap leave many errors, but none that can be told from the features.
"""

import numpy as np
from jaxtyping import Float, Float64, Int

KEY = 0x62656E64  # of the kinks: the same data always give the same
KINKS = 400
# In examples a kink: the fit's direction counts, not its size, so that 10 to 300 give much the
# same.
PENALTY = 30.0


def residuals(
    logits: Float[np.ndarray, "rows classes"], y: Int[np.ndarray, " rows"]
) -> Float64[np.ndarray, "rows classes"]:
    """What is missing of each class's probability: 1 or 0, minus softmax."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    truth = np.eye(logits.shape[1])[y]
    return truth - exponentials / exponentials.sum(axis=1, keepdims=True)


def bend(
    x: Float64[np.ndarray, "rows features"],
    errors: Float64[np.ndarray, "rows classes"],
    new: Float64[np.ndarray, "asked features"],
    new_errors: Float64[np.ndarray, "asked classes"],
) -> float | None:
    """By how many standard errors `new_errors` go along with kinks fitted to `errors`.

    The features are standardised. None where no error is left to go along with.
    """
    kinks = _kinks(x)
    centre = kinks.mean(axis=0)
    inside = kinks - centre
    gram = inside.T @ inside + PENALTY * np.eye(KINKS)
    weights = np.linalg.solve(gram, inside.T @ errors)
    along = np.sum((_kinks(new) - centre) @ weights * new_errors, axis=1)
    spread = along.std()
    return float(along.mean() / spread * np.sqrt(len(along))) if spread > 0 else None


def _kinks(x: Float64[np.ndarray, "rows features"]) -> Float64[np.ndarray, "rows kinks"]:
    """Rectified random projections of features, which are cut off at three deviations."""
    rng = np.random.Generator(np.random.Philox(key=KEY))
    weights = rng.standard_normal((x.shape[1], KINKS)) / np.sqrt(x.shape[1])
    return np.maximum(np.clip(x, -3, 3) @ weights + rng.standard_normal(KINKS), 0)
