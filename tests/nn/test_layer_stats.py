"""The LAYER figures are their definitions, computed apart from training in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
import subjects
from oracle import assert_agree

from dnncli.nn import layer_stats
from dnncli.nn.network import Layer, Observation, Trace
from dnncli.records import LAYER_FIELDS
from dnncli.spec import NetworkSpec, catalog


@subjects.every_step
def test_every_figure_of_every_layer_is_the_oracles(act, kind, size):
    step = subjects.one_step(act, kind, size)
    updates = jax.tree.map(lambda g: -subjects.RATE * g, step.exact.gradients)
    figures = oracle.figures(step.spec, step.before.network.parameters, step.exact, updates)
    assert set(figures) == set(LAYER_FIELDS) == set(layer_stats.LayerStats._fields)
    # A mean near 0 is as exact as the numbers it is of.
    means = np.array(figures.pop("activation_mean"))
    error = abs(step.stats.activation_mean - means)
    assert (error <= 1e-5 * np.hypot(means, figures["activation_std"])).all(), error
    for name, layers in figures.items():
        assert_agree(list(getattr(step.stats, name)), layers, what=name)


@subjects.every_step
def test_units_are_active_where_phi_has_a_slope_for_some_example(act, kind, size):
    step = subjects.one_step(act, kind, size)
    for row, slopes in zip(step.log.active, step.exact.slopes, strict=False):
        units = slopes.shape[1]
        assert row[:units][(abs(slopes) > 1e-6).any(axis=0)].all()
        assert not row[:units][(slopes == 0).all(axis=0)].any()
        assert not row[units:].any()


def test_the_subjects_have_dead_and_saturated_units_to_find():
    relu, tanh = subjects.one_step("relu", "plain", 33), subjects.one_step("tanh", "plain", 1025)
    assert not relu.log.active[0, 0]
    assert relu.log.active[0, 1:6].all()
    assert 0.14 <= tanh.stats.saturated_fraction[0] < 0.5


measure = jax.jit(layer_stats.measure, static_argnums=0)


def observation(z, delta=None, alpha=None):
    """One hidden layer with these pre-activations and an output layer of ones."""
    z = jnp.asarray(z, jnp.float32)
    units = z.shape[1]
    layers = (
        Layer(jnp.ones((2, units)), jnp.zeros(units)),
        Layer(jnp.ones((units, 1)), jnp.zeros(1)),
    )
    trace = Trace((z, jnp.ones((len(z), 1))), (z, jnp.ones((len(z), 1))), (None, None))
    delta = jnp.ones_like(z) if delta is None else jnp.asarray(delta, jnp.float32)
    deltas = (delta, jnp.ones((len(z), 1)))
    return Observation(layers, trace, deltas, layers, layers, ())


def spec(act, units, **options):
    return NetworkSpec(hidden=(units,), act=act, **options)


@pytest.mark.parametrize("act", list(catalog.ACTIVATIONS))
def test_a_unit_is_saturated_below_a_hundredth_of_the_steepest_slope(act):
    step = subjects.one_step(act, *next(rest for name, *rest in subjects.STEPS if name == act))
    z = np.linspace(-12, 12, step.seen.trace.preactivations[0].size).reshape(-1, 6)
    hidden = jnp.asarray(z, jnp.float32)
    trace = step.seen.trace._replace(
        preactivations=(hidden, hidden, step.seen.trace.preactivations[2])
    )
    with jax.disable_jit():
        stats, _ = layer_stats.measure(step.spec, step.seen._replace(trace=trace))
    slopes = oracle.ACTIVATIONS[act][1](z, step.spec.alpha)
    expected = (abs(slopes) < 0.01 * oracle.steepest(step.spec)).mean()
    assert float(stats.saturated_fraction[0]) == pytest.approx(expected, abs=1.5 / z.size)
    assert stats.saturated_fraction[2] == 0  # the output is linear


def test_the_steepest_slope_follows_alpha():
    z = np.full((10, 1), 1.0)  # slope 1, a five-hundredth of the slope of the other side
    stats, _ = measure(spec("leaky-relu", 1, alpha=500.0), observation(z))
    assert stats.saturated_fraction[0] == 1


def test_a_dead_unit_is_one_without_slope_on_every_example():
    z = [[-1.0, -1.0, 2.0], [-2.0, 3.0, 2.0]]
    _, active = measure(spec("relu", 3), observation(z))
    assert active.tolist() == [[False, True, True]]


@pytest.mark.parametrize("scale", [1e-30, 1e-10, 1e10])
def test_vanishing_and_exploding_deltas_are_measured_not_lost(scale):
    delta = np.random.default_rng(0).standard_normal((33, 4)) * scale
    stats, _ = measure(spec("relu", 4), observation(np.ones((33, 4)), delta))
    # Deltas come as of the mean loss; the figure is of one example's loss.
    assert float(stats.delta_rms[0]) == pytest.approx(33 * np.sqrt((delta**2).mean()), rel=1e-5)


@pytest.mark.parametrize("mean", [0.0, 1.0, 1000.0])
def test_the_spread_of_activations_does_not_cancel_against_their_mean(mean):
    a = np.random.default_rng(0).standard_normal((257, 5)).astype(np.float32) + np.float32(mean)
    stats, _ = measure(spec("relu", 5), observation(a))
    assert float(stats.activation_mean[0]) == pytest.approx(a.astype(np.float64).mean(), rel=1e-6)
    assert float(stats.activation_std[0]) == pytest.approx(a.astype(np.float64).std(), rel=1e-5)


def stats_of(steps, layers):
    values = np.random.default_rng(0).random((len(LAYER_FIELDS), steps, layers), dtype=np.float32)
    return layer_stats.LayerStats(*values)


def test_records_are_means_over_the_measured_steps_with_their_ranges():
    subject = NetworkSpec(hidden=(4, 3))
    stats = stats_of(6, 3)
    active = np.array([[1, 0, 1, 1], [0, 0, 1, 0]], bool)
    clipped = np.array([[1, 0, 0], [1, 1, 0]], bool)
    records = layer_stats.records(subject, stats, active, clipped)
    assert [record.layer for record in records] == ["hidden1", "hidden2", "output"]
    assert [record.dead_fraction for record in records] == pytest.approx([1 / 4, 2 / 3, 0])
    assert [record.clipped_fraction for record in records] == [1, 0.5, 0]
    for index, record in enumerate(records):
        for name in LAYER_FIELDS:
            column = getattr(stats, name)[:, index].astype(np.float64)
            assert getattr(record, name) == pytest.approx(column.mean(), rel=1e-12)
            assert record.ranges[name] == (column.min(), column.max())


def test_a_replayed_step_tells_what_of_which_layer_broke_first(quick_compilation):
    step = subjects.one_step("elu", "bn", 33)
    measured = jax.jit(layer_stats.measure_step, static_argnums=0)
    step_statistics, active = measured(step.spec, step.seen)
    assert all(
        np.asarray(part).all()
        for part in (step_statistics.activations, step_statistics.gradients, step_statistics.state)
    )
    np.testing.assert_array_equal(active, layer_stats.measure(step.spec, step.seen)[1])
    trace, deltas = step.seen.trace, step.seen.deltas
    activations = (
        trace.activations[0],
        trace.activations[1].at[3, 2].set(np.inf),
        trace.activations[2],
    )
    updates = tuple(
        u._replace(kernel=u.kernel.at[0, 0].set(np.nan)) if i == 2 else u
        for i, u in enumerate(step.seen.updates)
    )
    broken = step.seen._replace(
        trace=trace._replace(activations=activations),
        deltas=(deltas[0].at[0, 0].set(np.nan), *deltas[1:]),
        updates=updates,
    )
    step_statistics, _ = measured(step.spec, broken)
    assert step_statistics.activations.tolist() == [True, False, True]
    assert step_statistics.gradients.tolist() == [False, True, True]
    assert step_statistics.state.tolist() == [True, True, False]
