"""Update rules are Optax's own; clipping, penalties, decay and max-norm are their formulas."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from dnncli.nn import optimizers
from dnncli.nn.network import Layer
from dnncli.spec import UpdateSpec, catalog

RATE = 0.05


def layers(seed, scale=1.0):
    """Two layers' worth of random parameters or gradients; the second has batch norm."""
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return jnp.asarray(rng.standard_normal(shape) * scale, jnp.float32)

    return (
        Layer(draw(5, 4), bias=draw(4), slope=draw(4)),
        Layer(draw(4, 3), scale=draw(3), offset=draw(3)),
    )


def is_kernel(tree):
    return jax.tree.map(lambda leaf: leaf.ndim == 2, tree)


def ours(rate=RATE, **options):
    """Our rule as a complete Optax optimizer: the direction times minus the learning rate."""
    return optax.chain(optimizers.build(UpdateSpec(**options)), optax.scale(-rate))


def trajectory(optimizer, steps=20, scale=1.0):
    """Parameters after each step on a fixed sequence of gradients."""
    parameters = layers(0)
    state = optimizer.init(parameters)
    path = []
    for step in range(steps):
        with jax.numpy_dtype_promotion("standard"):  # Optax's Adam needs it
            updates, state = optimizer.update(layers(100 + step, scale), state, parameters)
        parameters = optax.apply_updates(parameters, updates)
        path.append(parameters)
    return path


def assert_same_path(one, other, rtol=2e-6):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=2e-6)


OPTAX = {
    "sgd": ({}, optax.sgd(RATE)),
    "momentum": ({"momentum": 0.8}, optax.sgd(RATE, momentum=0.8)),
    "nesterov": ({"momentum": 0.7}, optax.sgd(RATE, momentum=0.7, nesterov=True)),
    "adagrad": ({}, optax.adagrad(RATE, initial_accumulator_value=0.0, eps=1e-7)),
    "rmsprop": ({"momentum": 0.6}, optax.rmsprop(RATE, decay=0.9, eps=1e-8, momentum=0.6)),
    "adam": ({}, optax.adam(RATE)),
    "adamw": ({"weight_decay": 0.03}, optax.adamw(RATE, weight_decay=0.03, mask=is_kernel)),
    "nadam": ({}, optax.nadam(RATE)),
    "lamb": ({"weight_decay": 0.02}, optax.lamb(RATE, weight_decay=0.02, mask=is_kernel)),
    "lion": ({}, optax.lion(RATE, weight_decay=0.0)),
}


def test_every_optimizer_has_its_reference_here():
    assert set(OPTAX) == set(catalog.OPTIMIZERS)


@pytest.mark.parametrize("name", catalog.OPTIMIZERS)
def test_twenty_steps_are_those_of_the_public_optimizer(name):
    options, reference = OPTAX[name]
    assert_same_path(trajectory(ours(optimizer=name, **options)), trajectory(reference))


def test_rmsprop_without_momentum_is_optaxs():
    assert_same_path(
        trajectory(ours(optimizer="rmsprop")), trajectory(optax.rmsprop(RATE, decay=0.9))
    )


@pytest.mark.parametrize("name", ["momentum", "nesterov", "adam", "rmsprop"])
def test_without_decay_the_catalogs_defaults_are_optaxs_usual_ones(name):
    reference = {
        "momentum": optax.sgd(RATE, momentum=0.9),
        "nesterov": optax.sgd(RATE, momentum=0.9, nesterov=True),
        "adam": optax.adam(RATE, b1=0.9, b2=0.999, eps=1e-8),
        "rmsprop": optax.rmsprop(RATE, decay=0.9, eps=1e-8),
    }[name]
    assert_same_path(trajectory(ours(optimizer=name)), trajectory(reference))


def test_momentum_is_polyaks_formula():
    path, velocity, parameters = (
        trajectory(ours(optimizer="momentum", momentum=0.5), 5),
        0.0,
        layers(0)[0].kernel,
    )
    for step, after in enumerate(path):
        velocity = 0.5 * velocity + layers(100 + step)[0].kernel
        parameters = parameters - RATE * velocity
        np.testing.assert_allclose(after[0].kernel, parameters, rtol=1e-5, atol=1e-6)


def test_adams_first_step_is_one_learning_rate_in_the_gradients_direction():
    first = trajectory(ours(optimizer="adam"), 1)[0]
    moved = jax.tree.map(lambda after, before: after - before, first, layers(0))
    expected = jax.tree.map(lambda g: -RATE * jnp.sign(g), layers(100))
    assert_same_path(moved, expected, rtol=1e-4)


@pytest.mark.parametrize("name", catalog.OPTIMIZERS)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_the_initial_state_is_the_rules_own_bit_for_bit(name, decay):
    rule = optimizers.build(UpdateSpec(optimizer=name, weight_decay=decay))
    expected, actual = rule.init(layers(0)), optimizers.initial_state(rule, layers(0))
    assert jax.tree.structure(expected) == jax.tree.structure(actual)
    for a, b in zip(jax.tree.leaves(expected), jax.tree.leaves(actual), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("sgd", 0),
        ("momentum", 1),
        ("adagrad", 1),
        ("rmsprop", 1),
        ("adam", 2),
        ("lamb", 2),
        ("lion", 1),
    ],
)
def test_slots_are_the_states_trees_shaped_as_the_parameters(name, count):
    rule = optimizers.build(UpdateSpec(optimizer=name, weight_decay=0.1))
    slots = optimizers.slots(rule.init(layers(0)), layers(0))
    assert len(slots) == count
    assert all(jax.tree.structure(slot) == jax.tree.structure(layers(0)) for slot in slots)


# LAMB's decay is part of the step whose length it sets; its trajectory above has some.
@pytest.mark.parametrize("name", [name for name in catalog.OPTIMIZERS if name != "lamb"])
def test_decoupled_decay_shrinks_kernels_alone_by_rate_times_decay(name):
    plain = trajectory(ours(optimizer=name, weight_decay=0.0), 1)[0]
    decayed = trajectory(ours(optimizer=name, weight_decay=0.2), 1)[0]
    for before, after, start in zip(plain, decayed, layers(0), strict=True):
        np.testing.assert_allclose(
            before.kernel - after.kernel, RATE * 0.2 * start.kernel, atol=1e-6
        )
        for name in ("bias", "scale", "offset", "slope"):
            np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


class Tree(NamedTuple):
    """A loss and its gradient over `layers`."""

    parameters: tuple
    target: tuple

    def loss(self, parameters, l1, l2):
        misfit = sum(
            ((p - t) ** 2).sum()
            for p, t in zip(jax.tree.leaves(parameters), jax.tree.leaves(self.target), strict=True)
        )
        kernels = [np.asarray(layer.kernel, np.float64) for layer in parameters]
        return (
            misfit
            + l1 * sum(abs(k).sum() for k in kernels)
            + l2 * sum((k**2).sum() for k in kernels)
        )


@pytest.mark.parametrize(("l1", "l2"), [(0.3, 0.0), (0.0, 0.2), (0.3, 0.2)])
def test_penalties_add_the_gradient_of_the_penalised_loss(l1, l2):
    tree = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), Tree(layers(0), layers(1)))
    gradient = jax.tree.map(lambda p, t: jnp.asarray(2 * (p - t), jnp.float32), *tree)
    penalised = optimizers.penalise(UpdateSpec(l1=l1, l2=l2), gradient, layers(0))
    leaves, structure = jax.tree.flatten(tree.parameters)
    for place, leaf in enumerate(leaves):
        for index in np.ndindex(leaf.shape):
            losses = []
            for step in (1e-6, -1e-6):
                moved = [part.copy() for part in leaves]
                moved[place][index] += step
                losses.append(tree.loss(jax.tree.unflatten(structure, moved), l1, l2))
            slope = (losses[0] - losses[1]) / 2e-6
            assert jax.tree.leaves(penalised)[place][index] == pytest.approx(
                slope, rel=1e-4, abs=1e-5
            )


def test_no_penalty_leaves_the_gradients_alone():
    gradients = layers(0)
    assert optimizers.penalise(UpdateSpec(), gradients, layers(1)) is gradients


def flat(layer):
    return np.concatenate([np.asarray(leaf, np.float64).ravel() for leaf in jax.tree.leaves(layer)])


def clip(gradients, **options):
    """Clipped gradients as one float64 vector a layer, and for which layers it engaged."""
    clipped, engaged = optimizers.clip(UpdateSpec(**options), gradients)
    return [flat(layer) for layer in clipped], engaged.tolist()


@pytest.fixture
def uneven():
    """Gradients of norms about 5 and 0.05."""
    return (layers(0)[0], layers(1, 0.01)[1])


def test_without_clipping_gradients_pass_and_nothing_engages(uneven):
    clipped, engaged = clip(uneven)
    assert engaged == [False, False]
    for one, layer in zip(clipped, uneven, strict=True):
        np.testing.assert_array_equal(one, flat(layer))


@pytest.mark.parametrize(
    ("limit", "engages"), [(0.5, [True, False]), (1e-3, [True, True]), (100.0, [False, False])]
)
def test_clipping_by_value_bounds_every_entry(uneven, limit, engages):
    clipped, engaged = clip(uneven, clip_value=limit)
    assert engaged == engages
    for one, layer in zip(clipped, uneven, strict=True):
        np.testing.assert_allclose(one, np.clip(flat(layer), -limit, limit), rtol=1e-6)


@pytest.mark.parametrize(
    ("limit", "engages"), [(0.5, [True, False]), (1e-3, [True, True]), (100.0, [False, False])]
)
def test_clipping_by_norm_bounds_each_layer_and_keeps_directions(uneven, limit, engages):
    clipped, engaged = clip(uneven, clip_norm=limit)
    assert engaged == engages
    for one, layer in zip(clipped, uneven, strict=True):
        vector = flat(layer)
        np.testing.assert_allclose(one, vector * min(1, limit / np.linalg.norm(vector)), rtol=1e-5)


@pytest.mark.parametrize("limit", [0.5, 1e-3, 100.0])
def test_clipping_by_global_norm_bounds_the_whole_and_keeps_proportions(uneven, limit):
    clipped, engaged = clip(uneven, clip_global_norm=limit)
    size = np.linalg.norm(np.concatenate([flat(layer) for layer in uneven]))
    assert engaged == [size > limit] * 2
    for one, layer in zip(clipped, uneven, strict=True):
        np.testing.assert_allclose(one, flat(layer) * min(1, limit / size), rtol=1e-5)
    reference, _ = optax.clip_by_global_norm(limit).update(uneven, optax.EmptyState())
    for one, layer in zip(clipped, reference, strict=True):
        np.testing.assert_allclose(one, flat(layer), rtol=1e-5)


def test_the_three_clippings_follow_each_other_value_layer_whole(uneven):
    clipped, engaged = clip(uneven, clip_value=0.9, clip_norm=2.0, clip_global_norm=1.0)
    by_value = [np.clip(flat(layer), -0.9, 0.9) for layer in uneven]
    by_norm = [v * min(1, 2.0 / np.linalg.norm(v)) for v in by_value]
    factor = min(1, 1.0 / np.linalg.norm(np.concatenate(by_norm)))
    assert engaged == [True, True]
    for one, vector in zip(clipped, by_norm, strict=True):
        np.testing.assert_allclose(one, vector * factor, rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_clipping_by_norm_holds_where_squares_would_leave_float32(scale):
    gradients = layers(0, scale)
    clipped, engaged = clip(gradients, clip_norm=scale)
    assert engaged == [True, True]
    for one, layer in zip(clipped, gradients, strict=True):
        np.testing.assert_allclose(
            one, flat(layer) * scale / np.linalg.norm(flat(layer)), rtol=1e-5
        )


@pytest.mark.parametrize("limit", [0.1, 1.5, 100.0])
def test_max_norm_shrinks_only_the_units_whose_incoming_weights_are_too_long(limit):
    before = layers(0)
    after = optimizers.project(UpdateSpec(max_norm=limit), before)
    for old, new in zip(before, after, strict=True):
        kernel = np.asarray(old.kernel, np.float64)
        expected = kernel * np.minimum(1, limit / np.linalg.norm(kernel, axis=0))
        np.testing.assert_allclose(new.kernel, expected, rtol=1e-5)
        for name in ("bias", "scale", "offset", "slope"):
            np.testing.assert_array_equal(getattr(old, name), getattr(new, name))


def test_without_max_norm_nothing_changes():
    before = layers(0)
    assert optimizers.project(UpdateSpec(), before) is before


def test_kernels_are_the_only_matrices():
    assert optimizers.kernels(layers(0)) == is_kernel(layers(0))
    assert sum(jax.tree.leaves(optimizers.kernels(layers(0)))) == 2
