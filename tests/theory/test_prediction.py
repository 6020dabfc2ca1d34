"""A prediction names every layer, holds beyond float64, and says what it does not know."""

import math
import time

import numpy as np
import oracle
import pytest

from dnncli import theory
from dnncli.errors import SpecError
from dnncli.spec import NetworkSpec, catalog


def predict(
    act="relu",
    init="he-normal",
    *,
    depth=20,
    width=100,
    features=64,
    classes=10,
    moment=1.0,
    **options,
):
    spec = NetworkSpec(hidden=(width,) * depth, act=act, init=init, **options)
    return theory.predict(spec, features, classes, moment)


def test_it_has_one_entry_a_layer_named_as_the_network_names_them():
    prediction = predict(depth=3)
    assert [layer.layer for layer in prediction.layers] == [
        "hidden1",
        "hidden2",
        "hidden3",
        "output",
    ]
    assert prediction.layers[-1].chi is None
    assert prediction.reason is None


def test_a_deep_networks_ratio_is_the_fixed_points_factor_to_its_depth():
    prediction = predict("sigmoid", "lecun-normal", depth=60)
    factor = theory.fixed_point("sigmoid", None, 1.0).chi
    tail = prediction.layers[20].log10_delta_rms - prediction.layers[50].log10_delta_rms
    assert tail == pytest.approx(30 * math.log10(factor) / 2, rel=1e-9)
    assert prediction.delta_ratio == pytest.approx(
        prediction.layers[0].delta_rms / prediction.layers[-2].delta_rms, rel=1e-9
    )


def test_widths_enter_the_ratio_and_not_chi():
    spec = NetworkSpec(hidden=(400, 100), act="relu", init="he-normal")
    prediction = theory.predict(spec, 64, 10, 1.0)
    assert prediction.chi == pytest.approx(1)
    assert prediction.delta_ratio == pytest.approx(math.sqrt(100 / 400))


@pytest.mark.parametrize("act", list(catalog.ACTIVATIONS))
def test_the_first_layers_figures_are_those_of_sampled_units(act):
    alpha = catalog.ACTIVATIONS[act].alpha
    layer = predict(act, "lecun-normal", moment=4.0).layers[0]
    assert layer.q == pytest.approx(4)
    z = 2 * np.random.default_rng(8).standard_normal(400_000)
    value, derivative = oracle.ACTIVATIONS[act]
    a = value(z, alpha)
    slope = derivative(z, alpha)
    assert layer.activation_mean == pytest.approx(a.mean(), abs=0.015)
    assert layer.activation_std == pytest.approx(a.std(), rel=0.01)
    if not catalog.ACTIVATIONS[act].bounded:
        return
    assert layer.saturated_fraction == pytest.approx(
        np.mean(np.abs(slope) < 0.01 * slope.max()), abs=0.003
    )


def test_the_chapters_naive_sigmoid_saturates_and_xaviers_vanishes():
    naive = predict("sigmoid", "normal")
    xavier = predict("sigmoid", "xavier-normal")
    assert naive.layers[-2].saturated_fraction > 0.3
    assert xavier.layers[-2].saturated_fraction < 1e-6
    assert xavier.delta_ratio == pytest.approx(1.1e-12, rel=0.1)
    assert xavier.trainable_depth == pytest.approx((1.6, 3.0), abs=0.1)


def test_critical_initialisation_is_predicted_to_keep_deltas_level():
    prediction = predict("sigmoid", "critical")
    assert prediction.delta_ratio == pytest.approx(1, rel=1e-10)
    assert prediction.depth_scale == math.inf
    assert predict("sigmoid", "critical-orthogonal").delta_ratio == pytest.approx(1, rel=1e-10)


def test_critical_initialisation_that_does_not_exist_is_an_error_of_the_spec():
    with pytest.raises(SpecError, match="softplus"):
        predict("softplus", "critical")


@pytest.mark.parametrize(
    ("act", "init", "log10"),
    [("sigmoid", "xavier-normal", -626.4), ("relu", "normal", 848.6), ("relu", "he-normal", 0.0)],
)
def test_at_depth_1000_logarithms_hold_where_float64_does_not(act, init, log10):
    prediction = predict(act, init, depth=1000)
    assert prediction.log10_delta_ratio == pytest.approx(log10, abs=0.1)
    assert prediction.delta_ratio == {-626.4: 0.0, 848.6: math.inf}.get(log10, pytest.approx(1))
    assert all(math.isfinite(layer.log10_q) for layer in prediction.layers)
    assert all(math.isfinite(layer.log10_delta_rms) for layer in prediction.layers)


def test_it_names_the_layer_that_leaves_float32():
    assert (
        predict(init="normal", depth=200).float32
        == "hidden46: pre-activations of about 1e39 overflow float32"
    )
    assert predict().float32 is None


def test_very_deep_relu_networks_that_die_out_are_no_division_by_zero():
    prediction = predict(init="lecun-normal", depth=3000)
    assert prediction.layers[-1].q == 0
    assert prediction.log10_delta_ratio == pytest.approx(-2999 / 2 * math.log10(2), rel=1e-9)


def test_the_band_is_hanin_and_nicas_for_relu():
    """Variance 5 / n a layer of ln ratio^2, mean -v/2 for one example."""
    prediction = predict(depth=11, width=100)
    v = 10 * 5 / 100
    assert prediction.band[0] == pytest.approx(
        math.exp(-(v / 2 + 1.96 * math.sqrt(v)) / 2), rel=1e-6
    )
    assert prediction.band[1] == pytest.approx(math.exp(1.96 * math.sqrt(v) / 2), rel=1e-6)


@pytest.mark.parametrize("act", [act for act in catalog.ACTIVATIONS if act != "softplus"])
@pytest.mark.parametrize(
    "init", ["normal", "xavier-normal", "orthogonal", "critical", "critical-orthogonal"]
)
def test_the_band_holds_the_ratio_and_narrows_with_width(act, init):
    wide = predict(act, init, width=1000).log10_band
    narrow = predict(act, init, width=50).log10_band
    ratio = predict(act, init, width=1000).log10_delta_ratio
    assert wide[0] <= ratio <= wide[1]
    if init != "normal":  # of which the variance itself grows with width
        assert (
            wide[1] - wide[0] < narrow[1] - narrow[0] or act == "identity"
        )  # which keeps every delta


@pytest.mark.parametrize("act", ["gelu", "swish", "mish", "hard-swish"])
def test_it_warns_where_fluctuations_of_the_variance_grow(act):
    assert "unstable" in predict(act, "he-normal").note
    assert predict(act, "lecun-normal").note is None


def test_depth_1_has_a_ratio_of_1_and_width_1_a_wide_band():
    single = predict("tanh", depth=1)
    assert (single.delta_ratio, single.band) == (1, (1, 1))
    thin = predict("relu", depth=5, width=1, classes=2)
    assert thin.band[0] < 0.01
    assert thin.band[1] > 10


@pytest.mark.parametrize("moment", [0.0, math.nan, math.inf])
def test_inputs_without_variance_give_no_prediction_and_the_reason(moment):
    prediction = predict(moment=moment)
    assert (prediction.layers, prediction.delta_ratio, prediction.band) == ((), None, None)
    assert "mean square" in prediction.reason


def test_batch_norm_has_a_factor_for_every_activation_and_never_calls_a_depth_trainable_or_not():
    for act in catalog.ACTIVATIONS:
        prediction = predict(act, "he-normal", bn=True)
        assert prediction.chi >= 1 - 1e-6
        assert prediction.trainable_depth is None
        assert "batch norm" in prediction.note
    assert predict("identity", bn=True).delta_ratio == pytest.approx(1, abs=0.02)


def test_batch_norm_of_the_logits_alone_leaves_deltas_open_but_not_their_ratio():
    normed = predict("tanh", "xavier-normal", bn_output=True)
    plain = predict("tanh", "xavier-normal")
    assert normed.layers[0].delta_rms is None
    assert normed.layers[-1].delta_rms == pytest.approx(0.3154, abs=1e-4)
    assert normed.delta_ratio == plain.delta_ratio
    assert normed.chi == plain.chi


@pytest.mark.parametrize("classes", [1, 2, 10_000])
def test_any_number_of_classes_will_do(classes):
    assert predict(classes=classes).delta_ratio == pytest.approx(1)


def test_it_is_a_matter_of_milliseconds():
    predict()
    start = time.process_time()
    for _ in range(5):
        predict("tanh", "xavier-normal")
    assert (time.process_time() - start) / 5 < 0.1
