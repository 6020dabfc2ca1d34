"""Figures of one pass, wherever they lie in float32's range and beyond, and the bound on delta."""

import math

import numpy as np
import oracle
import pytest
from oracle import assert_agree
from problems import CLASSES, FEATURES, split

from dnncli.experiments.vanishing import layer_figures
from dnncli.experiments.vanishing.stacked import Pass, Stack
from dnncli.nn import network
from dnncli.nn.network import Layer
from dnncli.spec import NetworkSpec
from dnncli.training.program import initial_network

BATCH, UNITS = 5, 4
SPEC = NetworkSpec(hidden=(UNITS, UNITS), act="relu")
PARAMETERS, _ = network.init(SPEC, FEATURES, CLASSES, 0)


def passed(scale=1.0, z=None, seed=0):
    """A pass of random numbers, gradients and deltas of this scale."""
    rng = np.random.default_rng(seed)

    def draw(*shape, by=1.0):
        return (rng.standard_normal(shape) * by).astype(np.float32)

    def layer(*shape):
        return Layer(draw(*shape, by=scale))

    stack = Stack(layer(FEATURES, UNITS), layer(1, UNITS, UNITS), layer(UNITS, CLASSES))
    z = (
        draw(2, BATCH, UNITS)
        if z is None
        else np.broadcast_to(np.asarray(z, np.float32), (2, BATCH, UNITS))
    )
    a, logits = np.maximum(z, 0), draw(BATCH, CLASSES)
    return Pass(
        z, a, logits, draw(2, BATCH, UNITS, by=scale), draw(BATCH, CLASSES, by=scale), stack
    )


def norm(x):
    return np.linalg.norm(np.asarray(x, np.float64).ravel())


@pytest.mark.parametrize("scale", [1e-38, 1e-30, 1.0, 1e30])
def test_they_are_their_definitions_however_small_or_large(scale):
    seen = passed(scale)
    found = layer_figures.layer_statistics(SPEC, PARAMETERS, seen)
    deltas = [*seen.deltas, seen.output_delta]
    kernels = [
        seen.gradients.first.kernel,
        seen.gradients.upper.kernel[0],
        seen.gradients.output.kernel,
    ]
    outputs = [*seen.a, seen.logits]
    assert_agree(found["delta_rms"], [norm(d) / math.sqrt(d.size) for d in deltas])
    assert_agree(found["gradient_norm"], [norm(k) for k in kernels])
    assert_agree(found["weight_norm"], [norm(p.kernel) for p in PARAMETERS])
    assert_agree(found["activation_mean"], [a.astype(np.float64).mean() for a in outputs])
    assert_agree(found["activation_std"], [a.astype(np.float64).std() for a in outputs])
    assert_agree(found["saturated_fraction"], [*((z <= 0).mean() for z in seen.z), 0])


def test_the_update_is_adams_first_step_at_its_default_rate():
    found = layer_figures.layer_statistics(SPEC, PARAMETERS, passed())
    sizes = [kernel.kernel.size for kernel in PARAMETERS]
    # Gradients far above epsilon: every weight moves by the rate.
    steps = [
        1e-3 * math.sqrt(size) / norm(layer.kernel)
        for size, layer in zip(sizes, PARAMETERS, strict=True)
    ]
    assert_agree(found["update_ratio"], steps, 1e-6)
    assert (
        layer_figures.layer_statistics(SPEC, PARAMETERS, passed(1e-20))["update_ratio"].max()
        < 1e-14
    )  # far below it


def test_a_unit_without_slope_on_every_example_is_dead():
    z = np.ones((BATCH, UNITS))
    z[:, 1] = -1
    z[:-1, 2] = -1
    found = layer_figures.layer_statistics(SPEC, PARAMETERS, passed(z=z))
    assert found["dead_fraction"].tolist() == [0.25, 0.25, 0]
    assert found["saturated_fraction"][0] == pytest.approx((BATCH + BATCH - 1) / (BATCH * UNITS))


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_left_float32_gives_inf_or_nan_and_no_warning(value):
    seen = passed()
    broken = seen._replace(a=np.full_like(seen.a, value), deltas=np.full_like(seen.deltas, value))
    found = layer_figures.layer_statistics(SPEC, PARAMETERS, broken)
    for name in ("activation_mean", "activation_std", "delta_rms"):
        assert not np.isfinite(found[name][:2]).any()
        assert np.isfinite(found[name][2])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0, 4.0], math.sqrt(12.5)),
        ([1e-300, 1e-300], 1e-300),
        ([1e300, 1e300], 1e300),
        ([5e-324, 0.0], 5e-324),
        ([0.0, 0.0], 0.0),
        ([1.0, math.inf], math.inf),
        ([1.0, math.nan], math.nan),
        ([math.inf, math.nan], math.nan),
    ],
)
def test_the_quadratic_mean_holds_in_all_of_float64(values, expected):
    assert layer_figures.quadratic_mean(values) == pytest.approx(
        expected, rel=1e-12, nan_ok=True, abs=0
    )


class TestTheBound:
    @pytest.mark.parametrize(
        "init", ["normal", "uniform", "xavier", "he", "orthogonal", "critical"]
    )
    @pytest.mark.parametrize("seed", range(3))
    def test_no_layers_delta_exceeds_it(self, init, seed):
        spec = NetworkSpec(hidden=(20, 7, 30, 12, 9), act="sigmoid", init=init)
        parameters, _ = initial_network(spec, FEATURES, CLASSES, seed, 1.0)
        data = split(50, seed=seed)
        seen = oracle.run(spec, parameters, data.x, data.y)
        deltas = [math.sqrt(np.mean((delta * 50) ** 2)) for delta in seen.deltas]
        limits = layer_figures.bound(spec, parameters, deltas[-1])
        assert len(limits) == 6
        assert limits[-1] == deltas[-1]
        assert all(delta <= limit * (1 + 1e-9) for delta, limit in zip(deltas, limits, strict=True))

    def test_of_orthogonal_weights_it_is_a_quarter_a_layer(self):
        spec = NetworkSpec(hidden=(8,) * 5, act="sigmoid", init="orthogonal")
        parameters, _ = network.init(spec, 8, 8, 0)
        expected = [0.25**k for k in (5, 4, 3, 2, 1, 0)]  # the chapter's 0.25^L
        assert layer_figures.bound(spec, parameters, 1.0) == pytest.approx(expected, rel=1e-6)

    def test_it_is_reached_where_every_slope_is_the_steepest(self):
        spec = NetworkSpec(hidden=(6, 6), act="sigmoid", init="orthogonal")
        parameters, _ = network.init(spec, 6, 6, 0)
        x, y = np.zeros((3, 6), np.float32), np.zeros(3, np.int32)
        # Centre every unit: the second layer's input is 1/2 everywhere.
        second = parameters[1]._replace(bias=-parameters[1].kernel.sum(axis=0) / 2)
        centred = (parameters[0], second, parameters[2])
        seen = oracle.run(spec, centred, x, y)
        deltas = [math.sqrt(np.mean((delta * 3) ** 2)) for delta in seen.deltas]
        assert deltas == pytest.approx(layer_figures.bound(spec, centred, deltas[-1]), rel=1e-6)
