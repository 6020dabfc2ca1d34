"""Forward passes over all examples: logits, hidden layers' outputs, batch norm's moments."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from dnncli.nn import network
from dnncli.nn.network import Network, Parameters, Statistics
from dnncli.spec import NetworkSpec

EVALUATION_ROWS = 8192  # examples a forward pass takes at once, to bound its memory


def outputs(
    spec: NetworkSpec,
    base: Network,
    x: Float[Array, "rows features"],
    dropout_key: PRNGKeyArray | None = None,
) -> Float[Array, "rows units"]:
    """The outputs of `base`, frozen hidden layers whose batch norm uses its stored moments.

    With a key dropout acts on them too. `spec` may be the whole network's or that of any part of
    it: only the activation and the dropout rate are read.
    """
    for index, (layer, moments) in enumerate(zip(*base, strict=True)):
        z, _ = network.preactivate(layer, x, moments)
        x = network.activate(spec, layer, z)
        if dropout_key is not None:
            x = network.dropout(spec, x, jax.random.fold_in(dropout_key, index))
    return x


def tiled_outputs(
    spec: NetworkSpec,
    base: Network,
    x: Float[Array, "rows features"],
    tile: int,
    dropout_key: PRNGKeyArray | None = None,
) -> Float[Array, "rows units"]:
    """`outputs`, computed for `tile` examples at a time; zeros fill up the last tile.

    A matrix product rounds by its shape, not by where a row stands in it: with tiles of one size an
    example has the same outputs to the bit alone, in a batch and among all others.
    """

    def one(rows: Float[Array, "tile features"]) -> Float[Array, "tile units"]:
        # The barriers keep XLA from fusing a tile with what surrounds it, which rounds differently.
        rows = jax.lax.optimization_barrier(rows)
        return jax.lax.optimization_barrier(outputs(spec, base, rows, dropout_key))

    tiles = -(-len(x) // tile)
    padded = jnp.pad(x, ((0, tiles * tile - len(x)), (0, 0)))
    if tiles == 1:
        return one(padded)[: len(x)]
    parts = jax.lax.map(one, padded.reshape(tiles, tile, -1))
    return parts.reshape(tiles * tile, -1)[: len(x)]


def logits(
    spec: NetworkSpec, trained: Network, x: Float[Array, "examples features"]
) -> Float[Array, "examples outputs"]:
    """The network's outputs for each example, in chunks of bounded memory."""

    def forward(rows: Float[Array, "rows features"]) -> Float[Array, "rows outputs"]:
        return network.apply(spec, trained.parameters, rows, statistics=trained.statistics)[0]

    return _chunked(forward, x)


def _chunked(forward: Callable[[Any], Any], x: Float[Array, "examples features"]) -> Any:
    """`forward` applied to at most EVALUATION_ROWS examples at a time."""
    full = len(x) // EVALUATION_ROWS
    head = x[: full * EVALUATION_ROWS]
    rest = x[full * EVALUATION_ROWS :]
    if not full:
        return forward(x)
    parts = jax.lax.map(forward, head.reshape(full, EVALUATION_ROWS, -1))
    return jax.tree.map(
        lambda part, last: jnp.concatenate([part.reshape(len(head), -1), last]),
        parts,
        forward(rest),
    )


def hidden_outputs(
    spec: NetworkSpec, base: Network, x: Float[Array, "examples features"]
) -> tuple[Float[Array, "examples _"], ...]:
    """Each hidden layer's activations for every example, from the input up.

    `base` is the hidden layers, whose batch norm uses its stored moments.
    """

    def forward(rows: Float[Array, "rows features"]) -> tuple[Float[Array, "rows _"], ...]:
        seen = []
        for layer, moments in zip(*base, strict=True):
            rows = outputs(spec, Network((layer,), (moments,)), rows)
            seen.append(rows)
        return tuple(seen)

    return _chunked(forward, x)


def batch_statistics(
    spec: NetworkSpec, parameters: Parameters, x: Float[Array, "examples features"], size: int
) -> Statistics:
    """Batch norm's moments averaged over batches of `size` examples, in the order of `x`.

    Each batch is normalised by its own moments and weighted by its number of examples.
    """

    def moments(rows: Float[Array, "rows features"]) -> Statistics:
        statistics = network.apply(spec, parameters, rows)[1].statistics
        return jax.tree.map(lambda moment: moment * (len(rows) / len(x)), statistics)

    full = len(x) // size
    parts = jax.lax.map(moments, x[: full * size].reshape(full, size, -1))
    means = jax.tree.map(lambda part: jnp.sum(part, axis=0), parts)
    if len(x) % size:
        means = jax.tree.map(jnp.add, means, moments(x[full * size :]))
    return means


def population_statistics(
    spec: NetworkSpec, parameters: Parameters, x: Float[Array, "examples features"]
) -> Statistics:
    """The exact moments of the whole set, layer by layer: those of one batch of all examples."""
    return network.apply(spec, parameters, x)[1].statistics


compiled_logits = jax.jit(logits, static_argnums=0)
compiled_outputs = jax.jit(tiled_outputs, static_argnums=(0, 3))
compiled_hidden_outputs = jax.jit(hidden_outputs, static_argnums=0)
compiled_batch_statistics = jax.jit(batch_statistics, static_argnums=(0, 3))
compiled_population_statistics = jax.jit(population_statistics, static_argnums=0)
