"""A merged network puts out the mean of what its members put out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dnncli.nn import ensembles, network
from dnncli.nn.network import Moments
from dnncli.spec import NetworkSpec

FEATURES, OUTPUTS, MEMBERS = 4, 3, 3


def members(spec):
    """Networks whose every number is drawn, biases and batch norm's moments too."""
    drawn = []
    for seed in range(MEMBERS):
        rng = np.random.default_rng(seed)

        def noise(part, rng=rng):
            return None if part is None else rng.uniform(0.5, 2, part.shape).astype(np.float32)

        own = network.init(spec, FEATURES, OUTPUTS, seed)
        layers = [
            layer._replace(
                bias=noise(layer.bias),
                scale=noise(layer.scale),
                offset=noise(layer.offset),
                slope=noise(layer.slope),
            )
            for layer in own.parameters
        ]
        moments = [m and Moments(noise(m.mean), noise(m.variance)) for m in own.statistics]
        drawn.append(network.Network(tuple(layers), tuple(moments)))
    return drawn


@pytest.mark.parametrize(
    "options",
    [{"hidden": (5, 2)}, {"hidden": (5,), "act": "prelu"}, {"hidden": (3, 2), "bn": True}],
)
def test_its_outputs_are_the_mean_of_the_members(options):
    spec = NetworkSpec(**options)
    x = np.random.default_rng(9).standard_normal((7, FEATURES)).astype(np.float32)

    def outputs(one):
        one = jax.tree.map(jnp.asarray, one)
        found, _ = network.apply(spec, one.parameters, jnp.asarray(x), statistics=one.statistics)
        return np.asarray(found, np.float64)

    own = members(spec)
    expected = np.mean([outputs(one) for one in own], axis=0)
    merged = ensembles.merge(own)
    np.testing.assert_allclose(outputs(merged), expected, rtol=1e-5, atol=1e-6)
    shapes = network.shapes(NetworkSpec(**options, ensemble=MEMBERS), FEATURES, OUTPUTS)
    for layer, shape in zip(merged.parameters, shapes.parameters, strict=True):
        assert layer.kernel.shape == shape.kernel.shape


def test_one_network_is_itself():
    own = members(NetworkSpec(hidden=(2,)))[0]
    assert ensembles.merge([own]) is own
