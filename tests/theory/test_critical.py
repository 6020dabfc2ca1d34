"""Critical initialisation makes chi 1 at every layer's own q, holds q, or says that it cannot."""

import math
from itertools import pairwise

import pytest

from dnncli import theory
from dnncli.errors import SpecError
from dnncli.spec import NetworkSpec, catalog
from dnncli.theory.fixed_points import layer_map

SOLVABLE = [act for act in catalog.ACTIVATIONS if act != "softplus"]
every_solvable = pytest.mark.parametrize("act", SOLVABLE)


def solve(act, *, depth=30, moment=1.0, **options):
    return theory.critical(NetworkSpec(hidden=(100,) * depth, act=act, **options), moment)


@every_solvable
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("moment", [1e-3, 1.0, 900.0])
def test_every_layer_has_chi_1_and_the_q_it_is_said_to_have(act, dropout, moment):
    layers = solve(act, dropout=dropout, moment=moment).layers
    assert layers[0].q == pytest.approx(layers[0].weight_variance * moment, rel=1e-12)
    alpha = catalog.ACTIVATIONS[act].alpha
    for below, above in pairwise(layers):
        step = layer_map(
            act, alpha, 1 - dropout, above.weight_variance, above.bias_variance, math.log(below.q)
        )
        assert step.log_chi == pytest.approx(0, abs=1e-12)
        assert math.exp(step.log_q) == pytest.approx(above.q, rel=1e-9)


@every_solvable
def test_the_variance_it_ends_at_is_a_stable_fixed_point(act):
    """The last hidden layer's variances keep it; it is half stable where nothing better exists."""
    last = solve(act, depth=60).layers[-2]
    alpha = catalog.ACTIVATIONS[act].alpha
    options = (last.weight_variance, last.bias_variance)

    def after(q):
        return math.exp(layer_map(act, alpha, 1.0, *options, math.log(q)).log_q)

    assert after(last.q) == pytest.approx(last.q, rel=1e-6)
    assert abs(after(1.01 * last.q) - last.q) <= 0.01 * last.q * (1 + 1e-3)
    assert abs(after(0.99 * last.q) - last.q) <= 0.01 * last.q * (1 + 1e-3)


@pytest.mark.parametrize("moment", [0.1, 1.0, 50.0])
def test_for_relu_it_is_he_whatever_the_data(moment):
    layers = solve("relu", moment=moment).layers
    assert [layer.weight_variance for layer in layers] == pytest.approx([2] * 31)
    assert {layer.bias_variance for layer in layers} == {0.0}


def test_for_leaky_relu_it_is_he_with_the_slope_and_for_identity_lecun():
    assert solve("leaky-relu", alpha=0.2).layers[3].weight_variance == pytest.approx(2 / 1.04)
    assert solve("identity").layers[3].weight_variance == pytest.approx(1)


def test_dropout_multiplies_the_weights_variance_by_the_share_kept():
    kept = solve("tanh", dropout=0.2).layers
    all_kept = solve("tanh").layers
    assert kept[5].weight_variance == pytest.approx(0.8 * all_kept[5].weight_variance)
    assert kept[5].bias_variance == pytest.approx(all_kept[5].bias_variance)
    assert kept[0].weight_variance == all_kept[0].weight_variance  # inputs are not dropped


def test_sigmoid_rises_without_biases_to_its_fixed_point_near_102():
    layers = solve("sigmoid", depth=40).layers
    qs = [layer.q for layer in layers]
    assert qs == sorted(qs)
    assert layers[-1].weight_variance == pytest.approx(103.01, abs=0.01)
    assert layers[-1].q == pytest.approx(45.624, abs=1e-3)
    assert {layer.bias_variance for layer in layers} == {0.0}


@pytest.mark.parametrize(
    ("act", "weight", "bias"),  # Roberts, Yaida & Hanin 2022, section 5.3
    [("swish", 1.98800468, 0.55514317), ("gelu", 1.98305826, 0.17292239)],
)
def test_swish_and_gelu_have_the_published_half_stable_point(act, weight, bias):
    layer = solve(act).layers[10]
    assert layer.weight_variance == pytest.approx(weight, abs=1e-7)
    assert layer.bias_variance == pytest.approx(bias, abs=1e-6)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_softplus_has_none_and_the_refusal_says_what_to_do(dropout):
    with pytest.raises(
        SpecError, match=r"--init critical: softplus has no critical point.*--act"
    ) as error:
        solve("softplus", dropout=dropout)
    assert "\n" not in str(error.value)


def test_batch_norm_undoes_it_and_is_refused():
    with pytest.raises(SpecError, match="--bn"):
        solve("relu", bn=True)


@pytest.mark.parametrize("moment", [0.0, math.inf, math.nan])
def test_inputs_that_are_all_zero_or_not_finite_are_refused(moment):
    with pytest.raises(SpecError, match="mean square"):
        solve("tanh", moment=moment)


@pytest.mark.parametrize(
    ("act", "alpha"),
    [
        ("elu", 1e-2),
        ("elu", 10.0),
        ("elu", 1e5),
        ("celu", 1e-3),
        ("celu", 1e4),
        ("leaky-relu", -1.0),
    ],
)
def test_unusual_alphas_are_solved_too(act, alpha):
    layers = solve(act, alpha=alpha).layers
    assert all(0 < layer.weight_variance < 3 and 0 <= layer.bias_variance < 1 for layer in layers)


def test_one_hidden_layer_is_enough():
    assert [layer.layer for layer in solve("tanh", depth=1).layers] == ["hidden1", "output"]


def test_the_description_is_one_line_with_the_values_chosen():
    assert solve("elu").description == (
        "critical for elu: σ_w² = 1.313, σ_b² = 0.00401, q = 0.25 (first layer σ_w² = 0.25)"
    )
    assert "σ_w² = 17.85 → 103, σ_b² = 0, q = 0.25 → 45.62" in solve("sigmoid").description
