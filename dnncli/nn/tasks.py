"""What a network is trained for: the loss of an example, and the metrics of many.

The engine, the loop and the records below a command know a loss and its metrics by name, and
nothing of what the outputs mean.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from dnncli.nn import class_metrics
from dnncli.spec.objective import HUBER_DELTA

# A batch's targets: a class each, or a row of numbers each.
Targets = Int[Array, " batch"] | Float[Array, "batch outputs"]
Losses = Callable[[Float[Array, "batch outputs"], Any], Float[Array, " batch"]]
# A number for many examples, or one for each output.
Metric = Callable[[Float[Array, "batch outputs"], Any], Float[Array, "..."]]
Numbers = Float[Array, "batch outputs"]


@dataclass(frozen=True)
class Task:
    """A task by its parts.

    losses: each example's loss. metrics: by name, each a number for many examples.
    primary: the metric that ranks runs, of which more is better. more: metrics for the asking.
    hits: of classes, 1 for each example that is answered rightly, else 0.
    """

    losses: Losses
    metrics: Mapping[str, Metric]
    primary: str
    more: Mapping[str, Metric] = field(default_factory=dict)
    hits: Losses | None = None

    def asked(self, names: Sequence[str]) -> dict[str, Metric]:
        """The metrics, and of `more` those of these names."""
        return {**self.metrics, **{n: self.more[n] for n in names if n in self.more}}


def cross_entropy(
    logits: Float[Array, "batch classes"], y: Int[Array, " batch"]
) -> Float[Array, " batch"]:
    """-ln softmax(logits)[y], in nats."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, y)


def hits(logits: Float[Array, "batch classes"], y: Int[Array, " batch"]) -> Float[Array, " batch"]:
    """1 for each example whose class has the largest logit, else 0."""
    return (jnp.argmax(logits, axis=1) == y).astype(jnp.float32)


def accuracy(logits: Float[Array, "batch classes"], y: Int[Array, " batch"]) -> Float[Array, ""]:
    """The share of examples whose class has the largest logit."""
    return jnp.mean(hits(logits, y))


def squared(outputs: Numbers, y: Numbers) -> Float[Array, " batch"]:
    """(output - y)^2, a mean over outputs: 1 for always answering the mean of standardised y."""
    return jnp.mean(jnp.square(outputs - y), axis=1)


def absolute(outputs: Numbers, y: Numbers) -> Float[Array, " batch"]:
    """|output - y|, a mean over outputs."""
    return jnp.mean(jnp.abs(outputs - y), axis=1)


def huber(outputs: Numbers, y: Numbers) -> Float[Array, " batch"]:
    """r^2/2 up to |r| = d, d (|r| - d/2) beyond, r = output - y; a mean over outputs (Huber 1964).

    d is HUBER_DELTA.
    """
    return jnp.mean(optax.huber_loss(outputs, y, delta=HUBER_DELTA), axis=1)


def r2(outputs: Numbers, y: Numbers) -> Float[Array, " outputs"]:
    """1 - sum (y - output)^2 / sum (y - mean y)^2 of each output; 0 where y does not vary."""
    errors = jnp.sum(jnp.square(y - outputs), axis=0)
    spread = jnp.sum(jnp.square(y - jnp.mean(y, axis=0, keepdims=True)), axis=0)
    return jnp.where(spread > 0, 1 - errors / jnp.where(spread > 0, spread, 1.0), 0.0)


def rmse(outputs: Numbers, y: Numbers) -> Float[Array, " outputs"]:
    """The root of each output's mean squared error."""
    return jnp.sqrt(jnp.mean(jnp.square(outputs - y), axis=0))


def mae(outputs: Numbers, y: Numbers) -> Float[Array, " outputs"]:
    """Each output's mean absolute error."""
    return jnp.mean(jnp.abs(outputs - y), axis=0)


# Those that are computed where they are monitored.
OF_CLASSES: Mapping[str, Metric] = {
    "balanced_accuracy": class_metrics.balanced_accuracy,
    "roc_auc": class_metrics.roc_auc,
    "pr_auc": class_metrics.pr_auc,
    "log_loss": class_metrics.log_loss,
    "brier": class_metrics.brier,
}
OF_NUMBERS: Mapping[str, Metric] = {"r2": r2, "rmse": rmse, "mae": mae}

# By the loss: what is minimised says what the outputs are.
TASKS: dict[str, Task] = {
    "cross-entropy": Task(
        cross_entropy, {"accuracy": accuracy}, primary="accuracy", more=OF_CLASSES, hits=hits
    ),
    "squared": Task(squared, OF_NUMBERS, primary="r2"),
    "absolute": Task(absolute, OF_NUMBERS, primary="r2"),
    "huber": Task(huber, OF_NUMBERS, primary="r2"),
}
