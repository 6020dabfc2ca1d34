"""What a network is trained for: the loss of an example, and the metrics of many.

The engine, the loop and the records below a command know a task's loss and its metrics by name, and
nothing of what its outputs mean.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

# A batch's targets: a class each, or a row of numbers each.
Targets = Int[Array, " batch"] | Float[Array, "batch outputs"]
Losses = Callable[[Float[Array, "batch outputs"], Any], Float[Array, " batch"]]
Metric = Callable[[Float[Array, "batch outputs"], Any], Float[Array, ""]]


@dataclass(frozen=True)
class Task:
    """A task by its parts.

    losses: each example's loss. metrics: by name, each a number for many examples.
    primary: the metric that ranks runs, of which more is better.
    """

    losses: Losses
    metrics: Mapping[str, Metric]
    primary: str


def cross_entropy(
    logits: Float[Array, "batch classes"], y: Int[Array, " batch"]
) -> Float[Array, " batch"]:
    """-ln softmax(logits)[y], in nats."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, y)


def accuracy(logits: Float[Array, "batch classes"], y: Int[Array, " batch"]) -> Float[Array, ""]:
    """The share of examples whose class has the largest logit."""
    hits = jnp.argmax(logits, axis=1) == y
    return jnp.mean(hits, dtype=jnp.float32)


TASKS: dict[str, Task] = {
    "classification": Task(cross_entropy, {"accuracy": accuracy}, primary="accuracy"),
}
