"""The chain of deltas is what finite random networks do, layer by layer.

The simulation is float64 NumPy, standard normal inputs, ten seeds; one set of standard normal
weights serves all cases, scaled. In float32 the same holds for all of them at this width and depth:
the largest deltas, ReLU's under N(0, 1), are of 1e12 and the smallest, sigmoid's under LeCun, of
1e-7.
"""

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np
import oracle
import pytest

from dnncli import theory
from dnncli.spec import NetworkSpec, catalog
from dnncli.theory import propagation

FEATURES = 200
CLASSES = 10
BATCH = 16
ACTIVATIONS = ["sigmoid", "tanh", "relu", "leaky-relu", "elu", "selu", "swish", "gelu"]
INITS = ["normal", "xavier-normal", "he-normal", "lecun-normal"]


@lru_cache(maxsize=10)
def normals(seed, sizes, batch):
    rng = np.random.default_rng(seed)
    kernels = [rng.standard_normal(pair) for pair in pairwise(sizes)]
    biases = [rng.standard_normal(size) for size in sizes[1:]]
    x = rng.standard_normal((batch, sizes[0]))
    return kernels, biases, x, rng.integers(0, sizes[-1], batch)


@lru_cache(maxsize=10)
def orthonormals(seed, sizes, batch):
    return [orthonormal(kernel) for kernel in normals(seed, sizes, batch)[0]]


def orthonormal(kernel):
    """A random matrix with orthonormal columns, or rows where there are fewer."""
    tall = kernel if kernel.shape[0] >= kernel.shape[1] else kernel.T
    q, r = np.linalg.qr(tall)
    q *= np.sign(np.diag(r))
    return q if kernel.shape[0] >= kernel.shape[1] else q.T


@np.errstate(over="ignore")  # the oracle's e^-z is right to overflow to 1/inf
def simulate(spec, seed, features=FEATURES, classes=CLASSES, batch=BATCH):
    """delta_rms, and root mean square pre-activations, of every layer of one random network."""
    sizes = (features, *spec.hidden, classes)
    orthogonal = spec.init.endswith("orthogonal")
    kernels, biases, x, y = normals(seed, sizes, batch)
    if orthogonal:
        kernels = orthonormals(seed, sizes, batch)
    phi, slope = oracle.ACTIVATIONS[spec.act]
    mask_rng = np.random.default_rng(1000 + seed)
    keep = 1 - spec.dropout
    h = x
    layers = []
    variances = propagation.init_variances(spec, features, classes, 1.0)
    for kernel, bias, layer, normalised in zip(
        kernels, biases, variances, spec.normalised(), strict=True
    ):
        fan_in, units = kernel.shape
        size = max(fan_in, units) if orthogonal else 1
        scale = math.sqrt(layer.weight / fan_in * size)
        u = scale * (h @ kernel) + math.sqrt(layer.bias) * bias
        gain = scale
        if normalised:
            norm = 1 / np.sqrt(u.var(axis=0) + 1e-3)
            u = (u - u.mean(axis=0)) * norm
            gain = scale * norm
        mask = (mask_rng.random(u.shape) < keep) / keep if spec.dropout else 1.0
        layers.append((kernel, u, gain, mask))
        h = phi(u, spec.alpha) * mask
    e = np.exp(u - u.max(axis=1, keepdims=True))
    delta = e / e.sum(axis=1, keepdims=True) - np.eye(classes)[y]
    deltas = [delta]
    for (kernel, u, gain, _), normalised, (_, z, _, mask) in zip(
        layers[:0:-1], spec.normalised()[:0:-1], layers[-2::-1], strict=True
    ):
        if normalised:
            delta = delta - delta.mean(axis=0) - u * (delta * u).mean(axis=0)
        delta = (gain * delta) @ kernel.T * slope(z, spec.alpha) * mask
        deltas.append(delta)
    root = [math.sqrt(np.mean(d**2)) for d in reversed(deltas)]
    return np.array(root), np.array([math.sqrt(np.mean(u**2)) for _, u, _, _ in layers])


def measured(spec, seeds=10, **sizes):
    runs = [simulate(spec, seed, **sizes) for seed in range(seeds)]
    return np.mean([run[0] for run in runs], axis=0), np.mean([run[1] for run in runs], axis=0)


def predicted(spec, features=FEATURES, classes=CLASSES):
    layers = theory.predict(spec, features, classes, 1.0).layers
    return np.array([layer.delta_rms for layer in layers]), np.sqrt([layer.q for layer in layers])


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("act", ACTIVATIONS)
def test_500_wide_networks_10_deep_have_the_predicted_delta_within_10_percent_a_layer(act, init):
    spec = NetworkSpec(hidden=(500,) * 10, act=act, init=init)
    deltas, roots = measured(spec)
    expected, expected_roots = predicted(spec)
    steps = deltas[:-1] / deltas[1:] * expected[1:] / expected[:-1]
    np.testing.assert_allclose(steps, 1, atol=0.1)
    # Nor do the errors add up: the absolute prediction of every layer holds almost as well.
    np.testing.assert_allclose(deltas, expected, rtol=0.15)
    # Ten logits that nearly all examples share are too few to average.
    np.testing.assert_allclose(roots[:-1], expected_roots[:-1], rtol=0.15)


@pytest.mark.parametrize("init", ["critical", "critical-orthogonal"])
@pytest.mark.parametrize("act", [act for act in catalog.ACTIVATIONS if act != "softplus"])
def test_critical_networks_keep_their_deltas(act, init):
    spec = NetworkSpec(hidden=(200,) * 6, act=act, init=init)
    deltas, roots = measured(spec, seeds=8)
    expected, expected_roots = predicted(spec)
    np.testing.assert_allclose(expected[:-1], expected[0], rtol=1e-9)
    np.testing.assert_allclose(deltas, expected, rtol=0.15)
    np.testing.assert_allclose(roots[:-1], expected_roots[:-1], rtol=0.1)


@pytest.mark.parametrize("act", ["relu", "tanh", "gelu"])
def test_unequal_widths_and_dropout_enter_as_predicted(act):
    spec = NetworkSpec(hidden=(400, 100, 300, 150), act=act, init="xavier-normal", dropout=0.3)
    deltas, _ = measured(spec)
    np.testing.assert_allclose(deltas, predicted(spec)[0], rtol=0.12)


@pytest.mark.parametrize("init", ["orthogonal", "critical-orthogonal"])
def test_orthogonal_kernels_of_unequal_widths_enter_as_predicted(init):
    spec = NetworkSpec(hidden=(100, 300, 300, 150), act="elu", init=init)
    deltas, roots = measured(spec)
    expected, expected_roots = predicted(spec)
    np.testing.assert_allclose(deltas, expected, rtol=0.12)
    np.testing.assert_allclose(roots[:-1], expected_roots[:-1], rtol=0.1)


@pytest.mark.parametrize("classes", [2, 3, 100])
def test_the_number_of_classes_enters_as_predicted(classes):
    spec = NetworkSpec(hidden=(200, 200), act="tanh", init="lecun-normal")
    deltas, _ = measured(spec, features=100, classes=classes)
    np.testing.assert_allclose(deltas, predicted(spec, 100, classes)[0], rtol=0.1)


@pytest.mark.parametrize("bn_output", [False, True])
@pytest.mark.parametrize("act", list(catalog.ACTIVATIONS))
def test_batch_norm_multiplies_deltas_as_predicted_within_7_percent_a_layer(act, bn_output):
    spec = NetworkSpec(hidden=(200,) * 6, act=act, init="he-normal", bn=True, bn_output=bn_output)
    deltas, _ = measured(spec, seeds=4, batch=32)
    expected = predicted(spec)[0]
    steps = deltas[:-1] / deltas[1:] * expected[1:] / expected[:-1]
    np.testing.assert_allclose(steps, 1, atol=0.1)  # batches of 32: the limit is that of large ones
    assert abs(np.mean(steps[:-1]) - 1) < 0.07


def test_batch_norm_with_relu_has_the_published_factor():
    ratio = theory.predict(
        NetworkSpec(hidden=(100,) * 11, act="relu", bn=True), 64, 10, 1.0
    ).delta_ratio
    assert ratio == pytest.approx((math.pi / (math.pi - 1)) ** 5, rel=0.01)
    assert ratio ** (1 / 10) == pytest.approx(1.211, abs=1e-3)


@pytest.mark.parametrize("act", ["relu", "tanh", "sigmoid", "elu"])
@pytest.mark.parametrize("init", ["he-normal", "critical", "critical-orthogonal"])
def test_the_scatter_of_single_examples_is_the_predicted_one(act, init):
    """One example a network: the deviation of ln ratio, over 300 networks, within a quarter."""
    spec = NetworkSpec(hidden=(50,) * 8, act=act, init=init)
    variances = propagation.init_variances(spec, 50, CLASSES, 1.0)
    preactivations = propagation.forward(spec, variances, 1.0)
    spread = propagation.finite_width_variance(spec, variances, preactivations, 50)
    expected = math.sqrt(spread.total) / 2
    found = np.std([single(spec, variances, seed) for seed in range(300)])
    assert found == pytest.approx(expected, rel=0.25)


def single(spec, variances, seed):
    """Logarithm of one network's delta ratio for one example."""
    rng = np.random.default_rng(seed)
    phi, slope = oracle.ACTIVATIONS[spec.act]
    h = rng.standard_normal(50)
    kernels = []
    zs = []
    for layer in variances[:-1]:
        kernel = rng.standard_normal((50, 50))
        kernel = orthonormal(kernel) if spec.init.endswith("orthogonal") else kernel / math.sqrt(50)
        kernels.append(math.sqrt(layer.weight) * kernel)
        zs.append(h @ kernels[-1] + math.sqrt(layer.bias) * rng.standard_normal(50))
        h = phi(zs[-1], spec.alpha)
    delta = rng.standard_normal(50) * slope(zs[-1], spec.alpha)
    last = np.linalg.norm(delta)
    for kernel, z in zip(kernels[:0:-1], zs[-2::-1], strict=True):
        delta = delta @ kernel.T * slope(z, spec.alpha)
    return math.log(np.linalg.norm(delta) / last)
