"""The loss along its gradient, ahead of a step: how smooth training finds it.

Santurkar et al. 2018 (How does batch normalization help optimization?) walk from a network along
a batch's gradient, half a step to four steps far, and ask how far the loss ranges there, how much
the gradient changes, and how large that change is at most over the way that was walked: an
estimate from below of the loss's smoothness beta, the Lipschitz constant of its gradient.

Batch norm takes part as in training, with the batch's own moments; dropout and examples' weights
do not.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from dnncli.data import Dataset
from dnncli.nn import network, tasks
from dnncli.nn.network import Parameters
from dnncli.records import LossAlongGradient
from dnncli.spec import NetworkSpec
from dnncli.training import placement
from dnncli.training.plan import batch_size, epoch_plan
from dnncli.training.snapshot import Snapshot

STEPS = np.arange(0.5, 4.5, 0.5, dtype=np.float32)  # how far, in steps


class _Walk(NamedTuple):
    """From a network along each batch's gradient; at each step's end the loss and the change."""

    loss: Float[Array, " batches"]
    norm: Float[Array, " batches"]
    losses: Float[Array, "batches steps"]
    changes: Float[Array, "batches steps"]


def measure(snapshot: Snapshot, dataset: Dataset, rate: float) -> LossAlongGradient:
    """Means over the batches that an epoch measures; rate: of one step."""
    spec = snapshot.spec
    examples = len(dataset.train)
    plan = epoch_plan(spec, snapshot.history.best_epoch, examples)
    size = batch_size(spec, examples)
    rows = np.asarray(plan.order)[np.asarray(plan.measured)[:, None] * size + np.arange(size)]
    batches = (dataset.train.x[rows], dataset.train.y[rows])
    rates = np.float32(rate) * STEPS
    parameters = placement.put(snapshot.network.parameters)
    walk = placement.fetch(_compiled(spec.network, spec.loss, parameters, *batches, rates))
    return _record(rates, *(np.asarray(values, np.float64) for values in walk))


def _record(
    rates: Float[np.ndarray, " steps"],
    loss: Float[np.ndarray, " batches"],
    norm: Float[np.ndarray, " batches"],
    losses: Float[np.ndarray, "batches steps"],
    changes: Float[np.ndarray, "batches steps"],
) -> LossAlongGradient:
    """What a walk comes to; NaN where a batch has no gradient."""
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = changes / norm[:, None]
        beta = (relative / rates).max(axis=1)
    return LossAlongGradient(
        nearest=float(rates[0]),
        furthest=float(rates[-1]),
        loss=float(loss.mean()),
        loss_low=float(losses.min(axis=1).mean()),
        loss_high=float(losses.max(axis=1).mean()),
        gradient_change=float(relative.max(axis=1).mean()),
        smoothness=float(beta.mean()),
    )


def _walk(
    spec: NetworkSpec,
    loss_name: str,
    parameters: Parameters,
    x: Float[Array, "batches size features"],
    y: Int[Array, "batches size"] | Float[Array, "batches size outputs"],
    rates: Float[Array, " steps"],
) -> _Walk:
    """Every batch's walk, one after the other: memory is that of one."""

    def loss(parameters: Parameters, x: Any, y: Any) -> Float[Array, ""]:
        outputs, _ = network.apply(spec, parameters, x)
        return jnp.mean(tasks.TASKS[loss_name].losses(outputs, y))

    differentiate = jax.value_and_grad(loss)

    def along(batch: tuple[Any, Any]) -> _Walk:
        value, gradient = differentiate(parameters, *batch)

        def ahead(rate: Float[Array, ""]) -> tuple[Any, Any]:
            moved = jax.tree.map(lambda leaf, slope: leaf - rate * slope, parameters, gradient)
            further, turned = differentiate(moved, *batch)
            return further, _norm(jax.tree.map(jnp.subtract, turned, gradient))

        losses, changes = jax.lax.map(ahead, rates)
        return _Walk(value, _norm(gradient), losses, changes)

    return jax.lax.map(along, (x, y))


def _norm(tree: Any) -> Float[Array, ""]:
    squares = [jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(tree)]
    return jnp.sqrt(sum(squares, jnp.zeros(())))


_compiled = jax.jit(_walk, static_argnums=(0, 1))
