"""The forward pass, its initial parameters and its dropout."""

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
import subjects
from oracle import assert_agree

from dnncli.nn import dropout, network, optimizers
from dnncli.nn.network import Layer, Moments, TrainState
from dnncli.spec import NetworkSpec, UpdateSpec, catalog

KEY = jax.random.key(5)
every_kind = pytest.mark.parametrize("kind", list(subjects.KINDS))


def parts(spec, seed=0):
    """Parameters and statistics with nothing at its default."""
    shapes = network.shapes(spec, subjects.FEATURES, subjects.CLASSES)
    return jax.tree.map(jnp.asarray, oracle.random_network(shapes, seed))


@pytest.mark.parametrize("act", ["relu", "prelu", "tanh"])
@every_kind
def test_stored_statistics_normalise_as_in_the_oracle(act, kind):
    spec = subjects.network_spec(act, kind)
    parameters, statistics = parts(spec)
    x, y = oracle.examples(17)
    logits, trace = network.apply(spec, parameters, jnp.asarray(x), statistics=statistics)
    exact = oracle.run(spec, parameters, x, y, statistics)
    assert_agree(logits, exact.preactivations[-1])
    assert_agree(trace.activations, exact.activations)
    assert_agree(trace.statistics, statistics, tolerance=0)


@every_kind
def test_the_oracles_gradients_are_finite_differences_of_its_loss(kind):
    spec = subjects.network_spec("prelu", kind)
    parameters, (x, y) = oracle.exact(parts(spec)[0]), oracle.examples(9)
    leaves, structure = jax.tree.flatten(parameters)
    gradients = jax.tree.leaves(oracle.run(spec, parameters, x, y).gradients)
    for place, leaf in enumerate(leaves):
        for index in np.ndindex(leaf.shape):
            losses = []
            for h in (1e-6, -1e-6):
                moved = [part.copy() for part in leaves]
                moved[place][index] += h
                losses.append(oracle.run(spec, jax.tree.unflatten(structure, moved), x, y).loss)
            assert gradients[place][index] == pytest.approx(
                (losses[0] - losses[1]) / 2e-6, rel=1e-6, abs=1e-8
            )


@every_kind
def test_the_oracles_deltas_add_up_to_the_gradients_of_what_shifts_all_examples(kind):
    spec = subjects.network_spec("elu", kind)
    exact = oracle.run(spec, parts(spec)[0], *oracle.examples(9))
    for delta, gradient in zip(exact.deltas, exact.gradients, strict=True):
        shift = gradient.bias if gradient.offset is None else gradient.offset
        np.testing.assert_allclose(delta.sum(axis=0), shift, rtol=1e-12, atol=1e-15)


def test_batch_moments_do_not_cancel_where_the_mean_is_large():
    z = np.random.default_rng(0).standard_normal((257, 4), dtype=np.float32) + 1000
    moments = network.batch_moments(jnp.asarray(z))
    wide = z.astype(np.float64)
    np.testing.assert_allclose(moments.mean, wide.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(moments.variance, wide.var(axis=0), rtol=1e-5)


def test_batch_norm_gives_each_unit_mean_0_and_variance_1_before_gain_and_shift():
    spec = NetworkSpec(hidden=(6,), bn=True)
    (layer, *_), _ = network.init(spec, 5, 3, seed=0)
    z, _ = network.preactivate(jax.tree.map(jnp.asarray, layer), subjects.block(1025).x * 3, None)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(z.var(axis=0), 1, atol=2e-3)  # epsilon takes a thousandth


def test_zero_taps_change_nothing():
    spec = subjects.network_spec("elu", "bn")
    parameters, _ = parts(spec)
    x = subjects.block(9).x
    taps = tuple(jnp.zeros((9, 6)) for _ in range(3))
    plain, tapped = (network.apply(spec, parameters, x, taps=t)[0] for t in (None, taps))
    np.testing.assert_array_equal(plain, tapped)


@pytest.mark.parametrize("act", ["prelu", "elu"])
@every_kind
def test_a_new_network_has_the_initialisers_kernels_and_neutral_everything_else(act, kind):
    spec = subjects.network_spec(act, kind, hidden=(7, 6), init="orthogonal")
    parameters, statistics = network.init(spec, 5, 3, seed=1)
    assert [layer.kernel.shape for layer in parameters] == [(5, 7), (7, 6), (6, 3)]
    for layer, moments, normalised in zip(parameters, statistics, spec.normalised(), strict=True):
        gram = (
            layer.kernel.T @ layer.kernel if layer.kernel.shape[0] > layer.kernel.shape[1] else None
        )
        assert gram is None or np.allclose(gram, np.eye(len(gram)), atol=1e-6)
        assert (
            (layer.bias is None) == normalised == (layer.scale is not None) == (moments is not None)
        )
        assert layer.bias is None or not layer.bias.any()
        assert layer.scale is None or ((layer.scale == 1).all() and not layer.offset.any())
        assert moments is None or (not moments.mean.any() and (moments.variance == 1).all())
    slopes = [layer.slope for layer in parameters]
    assert slopes[-1] is None
    assert all((slope == 0.25).all() if act == "prelu" else slope is None for slope in slopes[:-1])
    assert all(leaf.dtype == np.float32 for leaf in jax.tree.leaves((parameters, statistics)))


@every_kind
def test_shapes_are_those_of_a_new_network(kind):
    spec = subjects.network_spec("prelu", kind)
    shapes, made = network.shapes(spec, 5, 3), network.init(spec, 5, 3, seed=0)
    assert jax.tree.structure(shapes) == jax.tree.structure(made)
    for shape, leaf in zip(jax.tree.leaves(shapes), jax.tree.leaves(made), strict=True):
        assert (shape.shape, shape.dtype) == (leaf.shape, leaf.dtype)


def test_each_layer_has_its_own_stream_that_depends_on_the_seed_alone():
    one, _ = network.init(NetworkSpec(hidden=(8, 8, 8)), 8, 8, seed=0)
    other, _ = network.init(NetworkSpec(hidden=(8, 8, 8, 5)), 8, 8, seed=0)
    another, _ = network.init(NetworkSpec(hidden=(8, 8, 8)), 8, 8, seed=1)
    for index in range(3):
        assert (one[index].kernel == other[index].kernel).all()
        assert (one[index].kernel != another[index].kernel).any()
        assert (one[index].kernel != one[index + 1].kernel).any()


def test_parameters_are_counted_with_biases_gains_and_slopes():
    count = {
        (act, kind): network.count(
            network.init(subjects.network_spec(act, kind, hidden=(7, 6)), 5, 3, seed=0)[0]
        )
        for act in ("elu", "prelu")
        for kind in subjects.KINDS
    }
    kernels = 5 * 7 + 7 * 6 + 6 * 3
    assert count["elu", "plain"] == kernels + 7 + 6 + 3
    assert count["elu", "bn"] == kernels + 2 * (7 + 6) + 3
    assert count["prelu", "bn everywhere"] == kernels + 2 * (7 + 6 + 3) + 7 + 6


def dropped(act, rate, a, key=KEY):
    spec = NetworkSpec(act=act, dropout=rate)
    return np.asarray(dropout.dropped(spec, jnp.asarray(a, jnp.float32), key), np.float64)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    after = dropped("elu", rate, np.full((500, 400), 2.0))
    assert (after == 0).mean() == pytest.approx(
        rate, abs=5 * np.sqrt(rate * (1 - rate) / after.size)
    )
    assert after[after != 0] == pytest.approx(2 / (1 - rate))
    assert after.mean() == pytest.approx(2, rel=0.02)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3])
def test_alpha_dropout_keeps_selus_mean_0_and_variance_1(rate):
    a = np.random.default_rng(0).standard_normal((1000, 400))
    after = dropped("selu", rate, a)
    assert after.mean() == pytest.approx(0, abs=0.01)
    assert after.var() == pytest.approx(1, abs=0.01)


def test_alpha_dropout_drops_to_selus_floor_not_to_zero():
    values, counts = np.unique(
        dropped("selu", 0.25, np.ones((400, 100))).round(5), return_counts=True
    )
    floor, keep = -1.0507009873554805 * 1.6732632423543772, 0.75
    gain = 1 / np.sqrt(keep + floor**2 * keep * (1 - keep))
    np.testing.assert_allclose(
        values, gain * (np.array([floor, 1]) - floor * (1 - keep)), atol=2e-5
    )
    assert counts[0] / counts.sum() == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("act", list(catalog.ACTIVATIONS))
def test_without_a_key_nothing_is_dropped(act):
    spec, plain = (subjects.network_spec(act, dropout=rate) for rate in (0.5, 0.0))
    parameters, _ = parts(spec)
    x = subjects.block(9).x
    np.testing.assert_array_equal(*(network.apply(s, parameters, x)[0] for s in (spec, plain)))


def test_layers_drop_independently_and_the_logits_are_whole():
    spec = NetworkSpec(hidden=(200, 200), act="identity", dropout=0.5)
    eye, zero = jnp.eye(200), jnp.zeros(200)
    parameters = (Layer(eye, zero), Layer(eye, zero), Layer(eye, zero))
    logits, trace = network.apply(spec, parameters, jnp.ones((100, 200)), dropout_key=KEY)
    first = np.asarray(trace.activations[1]) != 0  # layer 2 shows what layer 1 passed on
    assert first.mean() == pytest.approx(0.5, abs=0.02)
    assert (np.asarray(logits) != 0).mean() == pytest.approx(0.25, abs=0.02)
    np.testing.assert_array_equal(logits, trace.activations[2])


@pytest.fixture
def state():
    spec = subjects.network_spec("prelu", "bn everywhere")
    drawn = parts(spec)
    optimizer = optimizers.build(UpdateSpec(optimizer="adam")).init(drawn.parameters)
    return TrainState(drawn, optimizer, jnp.int32(0))


finite = jax.jit(network.finite)


def test_a_state_of_numbers_is_finite(state):
    assert finite(state).tolist() == [True, True, True]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("where", ["kernel", "offset", "mean", "variance", "mu", "nu"])
def test_the_layer_whose_parameters_statistics_or_optimizer_broke_is_named(
    state, where, layer, bad
):
    def spoil(leaf):
        return leaf.at[(0,) * leaf.ndim].set(bad)

    def spoiled(layers, name):
        part = layers[layer]
        part = part._replace(**{name: spoil(getattr(part, name))})
        return (*layers[:layer], part, *layers[layer + 1 :])

    if where in ("kernel", "offset"):
        parameters = spoiled(state.network.parameters, where)
        state = state._replace(network=state.network._replace(parameters=parameters))
    elif where in Moments._fields:
        statistics = spoiled(state.network.statistics, where)
        state = state._replace(network=state.network._replace(statistics=statistics))
    else:
        adam, *rest = state.optimizer
        adam = adam._replace(**{where: spoiled(getattr(adam, where), "kernel")})
        state = state._replace(optimizer=(adam, *rest))
    assert finite(state).tolist() == [index != layer for index in range(3)]
