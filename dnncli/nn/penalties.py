"""Which share of a step comes from l1, l2 and decoupled weight decay rather than from the loss."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dnncli.nn import reductions, stacks
from dnncli.spec import UpdateSpec

Kernel = Any  # a matrix, or a stack of them; every layer's has a shape of its own
Norms = Float[Array, " layers"]


class Pull(NamedTuple):
    """What pulls kernels towards 0 in a step; None where there is no such part.

    decay: the rate times the decay, of each layer. lamb: each layer's rate, where LAMB sets the
    length of the whole step.
    """

    l1: Float[Array, ""] | None
    l2: Float[Array, ""] | None
    decay: Norms | None
    lamb: Norms | None


def pull(spec: UpdateSpec, rates: Norms) -> Pull | None:
    """What the options pull with at these learning rates; None without penalties."""
    if not (spec.l1 or spec.l2 or spec.weight_decay):
        return None
    l1 = jnp.float32(spec.l1) if spec.l1 else None
    l2 = jnp.float32(spec.l2) if spec.l2 else None
    decay = rates * spec.weight_decay if spec.weight_decay else None
    lamb = rates if spec.optimizer == "lamb" else None
    return Pull(l1, l2, decay, lamb)


def shares(
    pulled: Pull | None,
    kernels: Sequence[Kernel],
    updates: Sequence[Kernel],
    weight_norms: Norms,
    gradient_norms: Norms,
) -> Norms:
    """P / (P + L) of each layer's step, P and L the norms of the penalties' and the loss's part.

    l1 and l2 enter the rule as a part of the gradient: of what the rule makes of it they have the
    share that their gradient has. Decay is the part -rate * decay * W of the step itself. In LAMB's
    step it is held against Adam's direction, whose entries are near 1. gradient_norms: the loss's.
    """
    if pulled is None:
        return jnp.zeros(stacks.offsets(kernels)[-1])
    share = _share(_coupled(pulled, kernels, weight_norms), gradient_norms)
    if pulled.decay is None:
        return share
    if pulled.lamb is None:
        decays = stacks.divided(pulled.decay, kernels)
        rows = zip(updates, decays, kernels, strict=True)
        own = [stacks.mapped(_undecayed, *row) for row in rows]
        rest = reductions.each(reductions.frobenius, own)
    else:
        rest = pulled.lamb * np.sqrt(_sizes(kernels))
    decayed = pulled.decay * weight_norms
    return _share(decayed + share * rest, (1 - share) * rest)


def _coupled(pulled: Pull, kernels: Sequence[Kernel], weight_norms: Norms) -> Norms:
    """The norm of l1 sign(W) + 2 l2 W, without a pass over W for one of them alone."""
    if pulled.l1 is None:
        nothing = jnp.zeros_like(weight_norms)
        return nothing if pulled.l2 is None else 2 * pulled.l2 * weight_norms
    sizes = _sizes(kernels)
    if pulled.l2 is None:
        return pulled.l1 * np.sqrt(sizes)
    # |a sign(W) + b W|^2 = a^2 n + 2 a b sum|W| + b^2 |W|^2.
    a = pulled.l1
    b = 2 * pulled.l2
    means = reductions.each(lambda w: reductions.mean(jnp.abs(w)), list(kernels))
    squares = jnp.square(a) + 2 * a * b * means
    return jnp.sqrt(squares * sizes + jnp.square(b * weight_norms))


def _sizes(kernels: Sequence[Kernel]) -> Float[np.ndarray, " layers"]:
    """How many weights each kernel has."""
    sizes = [np.full(stacks.count(kernel), _size(kernel), np.float32) for kernel in kernels]
    return np.concatenate(sizes)


def _size(kernel: Kernel) -> int:
    """How many weights it has, or each of a stack's."""
    (leaf,) = jax.tree.leaves(kernel)
    return math.prod(leaf.shape[-2:])


def _undecayed(update: Kernel, decay: Float[Array, ""], kernel: Kernel) -> Kernel:
    """What a step is without its decay."""
    return update + decay * kernel


def _share(part: Norms, rest: Norms) -> Norms:
    """The part of the whole; 0 where there is nothing."""
    whole = part + rest
    return jnp.where(whole > 0, part / jnp.where(whole > 0, whole, 1.0), 0.0)
