"""The loss's largest curvature before the first step, and the learning rate that it allows.

Gradient descent oscillates along a direction of curvature c where its rate exceeds 2/c, heavy-ball
momentum b where it exceeds 2 (1 + b)/c (Cohen et al. 2021). Optimizers that divide by a root of
past squared gradients descend on the preconditioned loss, whose curvature is that of P^-1/2 H
P^-1/2 (Cohen et al. 2022); Adam's momentum of 0.9 is an average, whose limit is (2 + 2 b)/((1 - b)
c).

It is a limit of the first steps, on one batch, for a loss that is nearly quadratic there. It does
not hold for lion and lamb, whose steps have a fixed length; it does not tell how curvature changes
later, which usually grows up to the limit and stays there (the edge of stability), or shrinks in
early steps above it.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dnncli.data import Dataset
from dnncli.nn import network, tasks
from dnncli.nn.network import Parameters
from dnncli.nn.tasks import Targets
from dnncli.records.diagnosis import Sharpness
from dnncli.spec import NetworkSpec, RunSpec
from dnncli.training.program import initial_network

ITERATIONS = 20  # of the power method: within a tenth of the eigenvalue, for a factor of 2 wanted
EXAMPLES = 1024  # of the batch; the curvature of a smaller one scatters
FIXED_LENGTH = ("lion", "lamb")
DIVIDING = ("adam", "adamw", "nadam", "rmsprop", "adagrad")
AVERAGE = 0.9  # Adam's own momentum, as Optax has it


class _Measured(NamedTuple):
    loss: Float[Array, ""]
    eigenvalue: Float[Array, ""]


def measure(run: RunSpec, dataset: Dataset) -> tuple[float, Sharpness]:
    """The loss before the first step and the largest eigenvalue, on up to EXAMPLES examples."""
    moment = dataset.train.second_moment
    sizes = (dataset.features, dataset.outputs, run.seed, moment)
    parameters, _ = initial_network(run.network, *sizes)
    stride = max(1, -(-len(dataset.train) // EXAMPLES))
    x = dataset.train.x[::stride]
    y = dataset.train.y[::stride]
    preconditioned = run.update.optimizer in DIVIDING
    seen = jax.device_get(_compiled(run.network, run.loss, preconditioned, parameters, x, y))
    eigenvalue = float(seen.eigenvalue)
    return float(seen.loss), Sharpness(eigenvalue, preconditioned, limit(run, eigenvalue))


def limit(run: RunSpec, eigenvalue: float) -> float | None:
    """The largest rate that does not oscillate along the sharpest direction, or None."""
    optimizer = run.update.optimizer
    if optimizer in FIXED_LENGTH or not 0 < eigenvalue < math.inf:
        return None
    if optimizer in ("adam", "adamw", "nadam"):
        return 2 * (1 + AVERAGE) / (1 - AVERAGE) / eigenvalue
    return 2 * (1 + (run.update.momentum or 0.0)) / eigenvalue


def _power(
    spec: NetworkSpec,
    loss_name: str,
    preconditioned: bool,
    parameters: Parameters,
    x: Float[Array, "examples features"],
    y: Targets,
) -> _Measured:
    """Power iteration with Hessian-vector products, which one pass forward and back each makes."""

    def loss(parameters: Parameters) -> Float[Array, ""]:
        outputs, _ = network.apply(spec, parameters, x)
        return jnp.mean(tasks.TASKS[loss_name].losses(outputs, y))

    value, gradient = jax.value_and_grad(loss)(parameters)
    scales = jax.tree.map(lambda g: _scale(g, preconditioned), gradient)

    def product(vector: Any) -> Any:
        """P^-1/2 H P^-1/2 v."""
        inner = jax.tree.map(jnp.multiply, scales, vector)
        _, outer = jax.jvp(jax.grad(loss), (parameters,), (inner,))
        return jax.tree.map(jnp.multiply, scales, outer)

    def step(_: Any, carry: tuple[Any, Any]) -> tuple[Any, Any]:
        vector, _ = carry
        image = product(vector)
        size = _norm(image)
        return jax.tree.map(lambda leaf: leaf / jnp.maximum(size, 1e-30), image), size

    start = jax.tree.map(lambda leaf: _random(leaf.shape), parameters)
    unit = jax.tree.map(lambda leaf: leaf / _norm(start), start)
    _, eigenvalue = jax.lax.fori_loop(0, ITERATIONS, step, (unit, jnp.zeros(())))
    return _Measured(value, eigenvalue)


def _scale(gradient: Float[Array, "..."], preconditioned: bool) -> Float[Array, "..."]:
    """P^-1/2: the first step divides by the gradient's size, so that P is |g|; else 1."""
    if not preconditioned:
        return jnp.ones_like(gradient)
    return jax.lax.rsqrt(jnp.abs(gradient) + 1e-8)


def _norm(tree: Any) -> Float[Array, ""]:
    squares = [jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(tree)]
    return jnp.sqrt(sum(squares, jnp.zeros(())))


def _random(shape: tuple[int, ...]) -> Float[np.ndarray, "..."]:
    """The same direction every time: it only must not be orthogonal to the sharpest one."""
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


_compiled = jax.jit(_power, static_argnums=(0, 1, 2))
