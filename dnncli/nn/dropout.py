"""Dropout of a layer's outputs."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from dnncli.spec import NetworkSpec
from dnncli.theory.closed_forms import SELU_FLOOR


def dropped(
    spec: NetworkSpec, a: Float[Array, "batch units"], key: PRNGKeyArray
) -> Float[Array, "batch units"]:
    """Drop activations and keep their mean; alpha-dropout, for SELU, keeps the variance too."""
    keep = 1 - spec.dropout
    mask = jax.random.bernoulli(key, keep, a.shape)
    if spec.act != "selu":
        return jnp.where(mask, a / keep, 0.0)
    # Klambauer et al. 2017: drop to SELU's floor, then map affinely back to mean 0, variance 1.
    gain = 1 / math.sqrt(keep + SELU_FLOOR**2 * keep * (1 - keep))
    return gain * (jnp.where(mask, a, SELU_FLOOR) - SELU_FLOOR * (1 - keep))
