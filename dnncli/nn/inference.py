"""Forward passes over all examples: logits, hidden layers' outputs, batch norm's moments."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from dnncli.nn import dropout, examples, network
from dnncli.nn.examples import Examples
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
    it: only activation, precision and dropout rate are read.
    """
    for index, (layer, moments) in enumerate(zip(*base, strict=True)):
        z, _ = network.preactivate(layer, x, moments, precision=spec.precision)
        x = network.activate(spec, layer, z)
        if dropout_key is not None:
            x = dropout.dropped(spec, x, jax.random.fold_in(dropout_key, index))
    return x


def tiled_outputs(
    spec: NetworkSpec,
    base: Network,
    x: Examples,
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

    count = x.shape[0]
    tiles = -(-count // tile)
    padded = examples.change(x, lambda rows: jnp.pad(rows, ((0, tiles * tile - count), (0, 0))))
    if tiles == 1:
        return one(examples.scaled(padded))[:count]
    parts = examples.tiled(one, padded, tile)
    return parts.reshape(tiles * tile, -1)[:count]


def logits(spec: NetworkSpec, trained: Network, x: Examples) -> Float[Array, "examples outputs"]:
    """The network's outputs for each example, in chunks of bounded memory."""

    def forward(rows: Float[Array, "rows features"]) -> Float[Array, "rows outputs"]:
        return network.apply(spec, trained.parameters, rows, statistics=trained.statistics)[0]

    return _chunked(forward, x)


def _chunked(forward: Callable[[Any], Any], x: Examples) -> Any:
    """`forward` applied to at most EVALUATION_ROWS examples at a time."""
    whole = x.shape[0] // EVALUATION_ROWS * EVALUATION_ROWS
    if not whole:
        return forward(examples.scaled(x))
    head = examples.change(x, lambda rows: rows[:whole])
    rest = examples.change(x, lambda rows: rows[whole:])
    return jax.tree.map(
        lambda part, last: jnp.concatenate([part.reshape(whole, -1), last]),
        examples.tiled(forward, head, EVALUATION_ROWS),
        forward(examples.scaled(rest)),
    )


def hidden_outputs(
    spec: NetworkSpec, base: Network, x: Examples
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
    spec: NetworkSpec, parameters: Parameters, x: Examples, size: int
) -> Statistics:
    """Batch norm's moments averaged over batches of `size` examples, in the order of `x`.

    Each batch is normalised by its own moments and weighted by its number of examples.
    """

    def moments(rows: Float[Array, "rows features"]) -> Statistics:
        statistics = network.apply(spec, parameters, rows)[1].statistics
        return jax.tree.map(lambda moment: moment * (len(rows) / count), statistics)

    count = x.shape[0]
    whole = count // size * size
    parts = examples.tiled(moments, examples.change(x, lambda rows: rows[:whole]), size)
    means = jax.tree.map(lambda part: jnp.sum(part, axis=0), parts)
    if whole < count:
        rest = examples.scaled(examples.change(x, lambda rows: rows[whole:]))
        means = jax.tree.map(jnp.add, means, moments(rest))
    return means


def population_statistics(spec: NetworkSpec, parameters: Parameters, x: Examples) -> Statistics:
    """The exact moments of the whole set, layer by layer: those of one batch of all examples."""
    return network.apply(spec, parameters, examples.scaled(x))[1].statistics


compiled_logits = jax.jit(logits, static_argnums=0)
compiled_outputs = jax.jit(tiled_outputs, static_argnums=(0, 3))
compiled_hidden_outputs = jax.jit(hidden_outputs, static_argnums=0)
compiled_batch_statistics = jax.jit(batch_statistics, static_argnums=(0, 3))
compiled_population_statistics = jax.jit(population_statistics, static_argnums=0)
