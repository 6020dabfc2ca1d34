"""Scores of classifiers in JAX, for a program that computes them in every epoch.

Each is that of `experiments.metrics`, without an interval, in float32.
"""

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

Logits = Float[Array, "examples classes"]
Labels = Int[Array, " examples"]
Value = Float[Array, ""]


def balanced_accuracy(logits: Logits, y: Labels) -> Value:
    """The mean of the recalls of the classes that have examples."""
    there = _indicators(logits, y)
    hits = (jnp.argmax(logits, axis=1) == y).astype(jnp.float32)
    counts = there.sum(axis=0)
    recalls = (there * hits[:, None]).sum(axis=0) / jnp.maximum(counts, 1.0)
    return recalls.sum() / (counts > 0).sum().astype(jnp.float32)


def log_loss(logits: Logits, y: Labels) -> Value:
    """The mean of -ln of the probability of the right class, whatever the examples' weights."""
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, y))


def brier(logits: Logits, y: Labels) -> Value:
    """The mean over examples of the sum over classes of (probability - whether it is right)^2."""
    shares = jnp.exp(logits - _log_sum(logits)[:, None])
    return jnp.mean(jnp.square(shares - _indicators(logits, y)).sum(axis=1))


def roc_auc(logits: Logits, y: Labels) -> Value:
    """Of two classes the second's area; of more a mean over those that have examples and others.

    By the positives' mean rank (Mann & Whitney 1947): examples of equal scores share theirs.
    """
    there = _asked(_indicators(logits, y))
    scores = _asked(_margins(logits))
    below, upto = _ranks(scores)
    ranks = (below + upto + 1) / 2
    positives = there.sum(axis=0)
    negatives = len(y) - positives
    # Centred, so that float32 holds the sum of the ranks of many examples.
    centred = (there * (ranks - (len(y) + 1) / 2)).sum(axis=0)
    areas = 0.5 + centred / jnp.maximum(positives * negatives, 1.0)
    return _mean(areas, (positives > 0) & (negatives > 0))


def pr_auc(logits: Logits, y: Labels) -> Value:
    """Average precision, of two classes the second's; of more a mean over those with examples."""
    there = _asked(_indicators(logits, y))
    scores = _asked(_margins(logits))
    order = jnp.argsort(scores, axis=0)
    hits = jnp.take_along_axis(there, order, axis=0)
    # Positives from each place of the order upwards, and those of all examples of equal scores.
    above = jnp.cumsum(hits[::-1], axis=0)[::-1]
    below, _ = _ranks(scores)
    found = jnp.take_along_axis(above, below.astype(jnp.int32), axis=0)
    precision = found / (len(y) - below)
    positives = there.sum(axis=0)
    values = (there * precision).sum(axis=0) / jnp.maximum(positives, 1.0)
    return _mean(values, positives > 0)


def _indicators(logits: Logits, y: Labels) -> Logits:
    """1 for each example's class."""
    return (jnp.arange(logits.shape[1])[None] == y[:, None]).astype(jnp.float32)


def _log_sum(logits: Logits) -> Float[Array, " examples"]:
    """The logarithm of the sum of each row's exponentials."""
    peak = logits.max(axis=1)
    return peak + jnp.log(jnp.exp(logits - peak[:, None]).sum(axis=1))


def _margins(logits: Logits) -> Logits:
    """Each class's log odds: its logit less the logarithm of the sum of the others' exponentials.

    They tell examples apart whose probabilities are all 1 in floating point.
    """
    classes = logits.shape[1]
    own = jnp.eye(classes, dtype=bool)
    others = jnp.where(own[None], -jnp.inf, logits[:, None, :])
    return logits - _log_sum(others.reshape(-1, classes)).reshape(logits.shape)


def _asked(values: Logits) -> Float[Array, "examples asked"]:
    """Of two classes the second's column, of more all."""
    return values[:, 1:] if values.shape[1] == 2 else values


def _ranks(
    scores: Float[Array, "examples asked"],
) -> tuple[Float[Array, "examples asked"], Float[Array, "examples asked"]]:
    """For each score how many are less, and how many are at most as large."""
    ordered = jnp.sort(scores, axis=0)
    columns = range(scores.shape[1])

    def counts(side: str) -> Float[Array, "examples asked"]:
        found = [jnp.searchsorted(ordered[:, k], scores[:, k], side=side) for k in columns]
        return jnp.stack(found, axis=1).astype(jnp.float32)

    return counts("left"), counts("right")


def _mean(values: Float[Array, " asked"], defined: Array) -> Value:
    """The mean of the values that are defined; NaN for none."""
    total = jnp.where(defined, values, 0.0).sum()
    return total / defined.sum().astype(jnp.float32)
