"""The network in float64 NumPy, forward and backward by hand, to check compiled code against.

Written from the papers' formulas and sharing only containers with the package. Parameters come in
as the package's `Layer` and `Moments`, with arrays of any float type.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.special import erf

from dnncli.nn.network import Layer, Moments, Network

EPSILON = 1e-3
SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def density(z):
    return np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def elu(z, alpha):
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def elu_slope(z, alpha):
    return np.where(z > 0, 1, alpha * np.exp(np.minimum(z, 0)))


def mish_slope(z):
    t = np.tanh(np.log1p(np.exp(z)))
    return t + z * (1 - t**2) * sigmoid(z)


# name → phi(z, alpha), phi'(z, alpha); at a kink, what automatic differentiation takes.
ACTIVATIONS: dict[str, tuple[Any, Any]] = {
    "identity": (lambda z, a: z, lambda z, a: np.ones_like(z)),
    "sigmoid": (lambda z, a: sigmoid(z), lambda z, a: sigmoid(z) * sigmoid(-z)),
    "tanh": (lambda z, a: np.tanh(z), lambda z, a: 1 / np.cosh(z) ** 2),
    "softsign": (lambda z, a: z / (1 + abs(z)), lambda z, a: 1 / (1 + abs(z)) ** 2),
    "softplus": (lambda z, a: np.log1p(np.exp(z)), lambda z, a: sigmoid(z)),
    "relu": (lambda z, a: np.maximum(z, 0), lambda z, a: 1.0 * (z > 0)),
    "leaky-relu": (lambda z, a: np.where(z > 0, z, a * z), lambda z, a: np.where(z > 0, 1, a)),
    "prelu": (lambda z, a: np.where(z > 0, z, a * z), lambda z, a: np.where(z > 0, 1, a)),
    "elu": (elu, elu_slope),
    "celu": (lambda z, a: a * elu(z / a, 1), lambda z, a: elu_slope(z / a, 1)),
    "selu": (
        lambda z, a: SELU_SCALE * elu(z, SELU_ALPHA),
        lambda z, a: SELU_SCALE * elu_slope(z, SELU_ALPHA),
    ),
    "gelu": (
        lambda z, a: z * (1 + erf(z / math.sqrt(2))) / 2,
        lambda z, a: (1 + erf(z / math.sqrt(2))) / 2 + z * density(z),
    ),
    "swish": (lambda z, a: z * sigmoid(z), lambda z, a: sigmoid(z) * (1 + z * sigmoid(-z))),
    "mish": (lambda z, a: z * np.tanh(np.log1p(np.exp(z))), lambda z, a: mish_slope(z)),
    "hard-swish": (
        lambda z, a: z * np.clip(z + 3, 0, 6) / 6,
        lambda z, a: np.where(abs(z) < 3, (2 * z + 3) / 6, 1.0 * (z >= 3)),
    ),
}


class Pass(NamedTuple):
    """All a training step computes before the optimizer; one entry a layer."""

    loss: float
    accuracy: float
    preactivations: list[np.ndarray]
    activations: list[np.ndarray]
    slopes: list[np.ndarray]  # phi' at the pre-activations
    statistics: tuple[Moments | None, ...]  # of the batch, or those given
    deltas: list[np.ndarray]  # of the mean loss
    gradients: tuple[Layer, ...]


def exact(tree):
    """The same tree in float64."""
    if isinstance(tree, tuple):
        parts = [exact(part) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    return None if tree is None else np.asarray(tree, np.float64)


def normalise(layer, z, moments):
    """Batch norm's input, standardised; and the moments used."""
    if moments is None:
        mean = z.mean(axis=0)
        moments = Moments(mean, ((z - mean) ** 2).mean(axis=0))
    return (z - moments.mean) / np.sqrt(moments.variance + EPSILON), moments


def run(spec, parameters, x, y, statistics=None) -> Pass:
    """Forward and backward; gradients are right where batch norm uses the batch's own moments."""
    parameters = exact(parameters)
    statistics = exact(statistics)
    x = np.asarray(x, np.float64)
    phi, slope = ACTIVATIONS[spec.act]
    inputs = []
    standardised = []
    zs = []
    activations = []
    slopes = []
    used = []
    for index, layer in enumerate(parameters):
        inputs.append(x)
        z = x @ layer.kernel
        if layer.scale is None:
            z = z + layer.bias
            unit = None
            moments = None
        else:
            known = statistics[index] if statistics else None
            unit, moments = normalise(layer, z, known)
            z = unit * layer.scale + layer.offset
        last = index == len(parameters) - 1
        alpha = spec.alpha if layer.slope is None else layer.slope
        x = z if last else phi(z, alpha)
        standardised.append(unit)
        zs.append(z)
        activations.append(x)
        derivative = np.ones_like(z) if last else slope(z, alpha)
        slopes.append(derivative)
        used.append(moments)
    exponentials = np.exp(x - x.max(axis=1, keepdims=True))
    chances = exponentials / exponentials.sum(axis=1, keepdims=True)
    truth = np.eye(x.shape[1])[y]
    losses = -np.log(chances[np.arange(len(y)), y])
    backward = (chances - truth) / len(y)  # dL/da of the layer at hand
    deltas = []
    gradients = []
    for index in reversed(range(len(parameters))):
        layer = parameters[index]
        delta = backward * slopes[index]
        deltas.insert(0, delta)
        parts = {}
        if layer.slope is not None:
            parts["slope"] = (backward * np.minimum(zs[index], 0)).sum(axis=0)
        if layer.scale is None:
            parts["bias"] = delta.sum(axis=0)
            inner = delta
        else:
            unit = standardised[index]
            parts["offset"] = delta.sum(axis=0)
            parts["scale"] = (delta * unit).sum(axis=0)
            d = delta * layer.scale
            deviation = np.sqrt(used[index].variance + EPSILON)
            inner = (d - d.mean(axis=0) - unit * (d * unit).mean(axis=0)) / deviation
        gradients.insert(0, Layer(inputs[index].T @ inner, **parts))
        backward = inner @ layer.kernel.T
    return Pass(
        losses.mean(),
        (x.argmax(axis=1) == y).mean(),
        zs,
        activations,
        slopes,
        tuple(used),
        deltas,
        tuple(gradients),
    )


def averaged(spec, old, new) -> tuple[Moments | None, ...]:
    """Batch norm's moving averages after one more batch."""
    m = spec.bn_momentum

    def average(before, batch):
        return Moments(*(m * a + (1 - m) * b for a, b in zip(before, batch, strict=True)))

    return tuple(o and average(o, n) for o, n in zip(exact(old), new, strict=True))


def steepest(spec) -> float:
    """Max |phi'| by looking everywhere."""
    return abs(ACTIVATIONS[spec.act][1](np.linspace(-20, 20, 400_001), spec.alpha)).max()


def figures(spec, parameters, seen: Pass, updates) -> dict[str, list[float]]:
    """The LAYER figures of one step by their definitions, one entry a layer."""
    parameters = exact(parameters)
    updates = exact(updates)
    examples = len(seen.deltas[0])
    limit = 0.01 * steepest(spec)
    norm = np.linalg.norm
    return {
        "delta_rms": [np.sqrt(((d * examples) ** 2).mean()) for d in seen.deltas],
        "gradient_norm": [norm(g.kernel) for g in seen.gradients],
        "weight_norm": [norm(p.kernel) for p in parameters],
        "update_ratio": [
            norm(u.kernel) / norm(p.kernel) for u, p in zip(updates, parameters, strict=True)
        ],
        "activation_mean": [a.mean() for a in seen.activations],
        "activation_std": [a.std() for a in seen.activations],
        "saturated_fraction": [*((abs(s) < limit).mean() for s in seen.slopes[:-1]), 0.0],
        "penalty_share": [0.0] * len(parameters),
    }


def random_network(shapes: Network, seed=0, low=-7.0) -> Network:
    """Random float32 parameters and statistics of these shapes, with nothing at its default.

    The first unit of every hidden layer sits near z = `low`: dead or saturated where the activation
    is flat.
    """
    rng = np.random.default_rng(seed)

    def draw(name, shape):
        if name == "kernel":
            kernel = rng.standard_normal(shape) / math.sqrt(shape[0])
            return kernel * np.r_[0.2, np.ones(shape[1] - 1)]
        if name == "slope":
            return rng.uniform(0.05, 0.4, shape)
        if name in ("scale", "variance"):
            return rng.uniform(0.5, 1.5, shape)
        return rng.standard_normal(shape) / 2

    def fill(part):
        values = {
            name: draw(name, leaf.shape).astype(np.float32)
            for name, leaf in part._asdict().items()
            if leaf is not None
        }
        return part._replace(**values)

    layers = [fill(layer) for layer in shapes.parameters]
    for layer in layers[:-1]:
        if layer.scale is None:
            layer.bias[0] = low
        else:
            layer.offset[0] = low
            layer.scale[0] = 0.2
    statistics = [moments and fill(moments) for moments in shapes.statistics]
    return Network(tuple(layers), tuple(statistics))


def examples(count, features=5, classes=3, seed=1) -> tuple[np.ndarray, np.ndarray]:
    """Random float32 features and classes."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, features), dtype=np.float32)
    return x, rng.integers(0, classes, count).astype(np.int32)


NOTHING = 1e-12  # what is left in float64 of terms of order 1 that cancel


def distance(actual, exact) -> float:
    """Relative error in norm; absolute where the exact value is 0."""
    actual = np.asarray(actual, np.float64)
    exact = np.asarray(exact, np.float64)
    assert actual.shape == exact.shape
    error = np.linalg.norm(actual - exact)
    size = np.linalg.norm(exact)
    if size > NOTHING:
        error /= size
    return float(error)


def assert_agree(actual, exact, tolerance=1e-5, what="") -> None:
    """Every tensor of two trees within a relative error in norm."""
    if actual is None or exact is None:
        assert actual is exact, what
    elif isinstance(exact, tuple | list):
        assert len(actual) == len(exact), what
        names = getattr(exact, "_fields", range(len(exact)))
        for name, one, other in zip(names, actual, exact, strict=True):
            assert_agree(one, other, tolerance, f"{what}.{name}")
    else:
        error = distance(actual, exact)
        assert error <= tolerance, f"{what} is off by {error:.1e}"
