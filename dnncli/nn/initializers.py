"""Weight initialisers: kernels (fan-in, fan-out) from a NumPy generator.

NumPy rather than `jax.random`: eager JAX calls compile one small program for each shape, 1.7 s for
20 layers, and the stream of a Philox generator is the same on every device. The variances are those
of `jax.nn.initializers` (Glorot & Bengio 2010, He et al. 2015, LeCun et al. 1998, Saxe et al.
2014).
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float32, Float64

Kernel = Float32[np.ndarray, "fan_in fan_out"]
Initializer = Callable[[np.random.Generator, int, int], Kernel]

# Standard deviation of N(0, 1) cut off at +-2, by which draws are divided to have variance 1.
TRUNCATED_STD = 0.87962566103423978


def generator(*key: int) -> np.random.Generator:
    """A random stream of its own for each key; the same key gives the same numbers everywhere."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


def truncated_normal(
    rng: np.random.Generator, fan_in: int, fan_out: int
) -> Float64[np.ndarray, "fan_in fan_out"]:
    """Normal draws within two standard deviations, scaled to variance 1."""
    draws = rng.standard_normal((fan_in, fan_out))
    while (outside := np.abs(draws) > 2).any():
        draws[outside] = rng.standard_normal(np.count_nonzero(outside))
    return draws / TRUNCATED_STD


def normal(rng: np.random.Generator, fan_in: int, fan_out: int) -> Kernel:
    """N(0, 1), whatever the layer's size."""
    return rng.standard_normal((fan_in, fan_out)).astype(np.float32)


def uniform(rng: np.random.Generator, fan_in: int, fan_out: int) -> Kernel:
    """U(-1/sqrt(n_in), 1/sqrt(n_in)), Glorot & Bengio's "standard"."""
    limit = 1 / math.sqrt(fan_in)
    return rng.uniform(-limit, limit, (fan_in, fan_out)).astype(np.float32)


def _mean_fan(fan_in: int, fan_out: int) -> float:
    return (fan_in + fan_out) / 2


def _fan_in(fan_in: int, fan_out: int) -> float:
    return fan_in


Fan = Callable[[int, int], float]


def scaled_normal(
    rng: np.random.Generator, fan_in: int, fan_out: int, *, scale: float, fan: Fan
) -> Kernel:
    """Truncated normal draws of variance scale / fan."""
    std = math.sqrt(scale / fan(fan_in, fan_out))
    return (truncated_normal(rng, fan_in, fan_out) * std).astype(np.float32)


def scaled_uniform(
    rng: np.random.Generator, fan_in: int, fan_out: int, *, scale: float, fan: Fan
) -> Kernel:
    """Uniform draws of variance scale / fan."""
    limit = math.sqrt(3 * scale / fan(fan_in, fan_out))
    return rng.uniform(-limit, limit, (fan_in, fan_out)).astype(np.float32)


def orthogonal(rng: np.random.Generator, fan_in: int, fan_out: int) -> Kernel:
    """A random matrix with orthonormal columns, or rows where there are fewer of them."""
    draws = rng.standard_normal((max(fan_in, fan_out), min(fan_in, fan_out)))
    q, r = np.linalg.qr(draws)
    # The signs make the distribution uniform over orthogonal matrices (Haar).
    q *= np.sign(np.diag(r))
    kernel = q if fan_in >= fan_out else q.T
    return np.ascontiguousarray(kernel, dtype=np.float32)


def critical(
    rng: np.random.Generator, fan_in: int, fan_out: int, *, weight_variance: float
) -> Kernel:
    """Truncated normal draws of variance weight_variance / fan_in (see `theory.critical`)."""
    return scaled_normal(rng, fan_in, fan_out, scale=weight_variance, fan=_fan_in)


def critical_orthogonal(
    rng: np.random.Generator, fan_in: int, fan_out: int, *, weight_variance: float
) -> Kernel:
    """An orthogonal matrix whose entries have variance weight_variance / fan_in."""
    gain = math.sqrt(weight_variance * max(fan_in, fan_out) / fan_in)
    return orthogonal(rng, fan_in, fan_out) * np.float32(gain)


CRITICAL: dict[str, Callable[..., Kernel]] = {
    "critical": critical,
    "critical-orthogonal": critical_orthogonal,
}
INITIALIZERS: dict[str, Initializer] = {
    "normal": normal,
    "uniform": uniform,
    "xavier-normal": partial(scaled_normal, scale=1.0, fan=_mean_fan),
    "xavier-uniform": partial(scaled_uniform, scale=1.0, fan=_mean_fan),
    "he-normal": partial(scaled_normal, scale=2.0, fan=_fan_in),
    "he-uniform": partial(scaled_uniform, scale=2.0, fan=_fan_in),
    "lecun-normal": partial(scaled_normal, scale=1.0, fan=_fan_in),
    "lecun-uniform": partial(scaled_uniform, scale=1.0, fan=_fan_in),
    "orthogonal": orthogonal,
}
