"""Verdicts: every rule at both sides of its threshold, its cause, and advice that theory bears out."""

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import layer, layers

from dnncli import theory
from dnncli.diagnosis.context import NetworkContext, delta_ratio
from dnncli.diagnosis.first_step import attribute_divergence
from dnncli.diagnosis.verdict import diagnose
from dnncli.records import Finding
from dnncli.spec import NetworkSpec, catalog

FEATURES, CLASSES, WIDTH = 64, 10, 100
DEEPEST = math.exp(
    -4.3
)  # delta^2 falls by 1/e a depth scale, and 8.6 of them are the deepest that trains
RULES = {"vanishing", "exploding", "saturated", "dead", "stalled", "diverged", "unpredicted"}


def context(act="relu", init="auto", hidden=5, moment=1.0, **options):
    sizes = hidden if isinstance(hidden, tuple) else (WIDTH,) * hidden
    return NetworkContext(
        NetworkSpec(hidden=sizes, act=act, init=init, **options), FEATURES, CLASSES, moment
    )


def flow(ratio, hidden=5):
    """Deltas that change by the same factor a layer, to this ratio of the first to the last."""
    return [0.1 * ratio ** ((hidden - 1 - i) / max(1, hidden - 1)) for i in range(hidden)]


def rules(health):
    return [finding.rule for finding in health.findings]


def only(health):
    (finding,) = health.findings
    assert health.verdict == finding.rule
    return finding


def test_ordinary_figures_are_healthy():
    health = diagnose(context(), layers())
    assert health.verdict == "healthy"
    assert not health.findings


@pytest.mark.parametrize("act", list(catalog.ACTIVATIONS))
def test_a_network_that_is_as_theory_predicts_it_is_healthy_with_the_activations_own_initialiser(
    act,
):
    subject = context(act, hidden=2)
    predicted = subject.predict().layers
    names = ("delta_rms", "activation_mean", "activation_std", "saturated_fraction")
    columns = {name: [getattr(entry, name) for entry in predicted[:-1]] for name in names}
    figures = layers(2, **columns)
    assert diagnose(subject, figures, figures).verdict == "healthy"


class TestAttributeDivergence:
    CRASH = Finding("diverged", "output", "loss not finite at epoch 1, step 1", "lower --lr")

    def test_a_crash_is_put_down_to_gradients_that_exploded_before_any_update(self):
        told = attribute_divergence(context(init="normal"), self.CRASH, layers(delta_rms=flow(1e8)))
        assert (told.rule, told.layer) == ("diverged", "output")
        grows = "δ grows 1.0e+08 times from hidden5 to hidden1"
        assert told.evidence == f"{self.CRASH.evidence}; before any update {grows}"
        assert told.advice.startswith("--init critical")

    def test_a_crash_from_level_gradients_stays_the_step_s(self):
        assert attribute_divergence(context(), self.CRASH, layers()) == self.CRASH


class TestVanishing:
    def test_it_is_when_delta_falls_below_what_the_deepest_trainable_network_has_left(self):
        assert rules(diagnose(context(), layers(delta_rms=flow(DEEPEST * 0.999)))) == ["vanishing"]
        assert rules(diagnose(context(), layers(delta_rms=flow(DEEPEST * 1.001)))) == []

    @pytest.mark.parametrize("init", ["normal", "he", "critical"])
    def test_it_is_read_off_the_figures_whatever_the_initialiser(self, init):
        assert only(diagnose(context(init=init), layers(delta_rms=flow(1e-6)))).rule == "vanishing"

    def test_it_is_found_in_a_batch_norm_network_too(self):
        assert only(diagnose(context(bn=True), layers(delta_rms=flow(1e-6)))).rule == "vanishing"

    def test_it_names_the_first_layer_and_the_number(self):
        finding = only(diagnose(context(), layers(delta_rms=flow(3.2e-7))))
        assert finding.layer == "hidden1"
        assert "3.2e-07 of hidden5's" in finding.evidence

    @pytest.mark.parametrize(("ratio", "hidden"), [(1e-3, 5), (1e-12, 20), (1e-2, 2)])
    def test_it_holds_depth_against_the_depth_scale(self, ratio, hidden):
        finding = only(
            diagnose(context(hidden=hidden), layers(hidden, delta_rms=flow(ratio, hidden)))
        )
        found = re.search(
            r"depth scale (\S+): trains to a depth of (\S+) to (\S+), not (\d+)", finding.evidence
        )
        scale, low, high, depth = map(float, found.groups())
        expected = (hidden - 1) / -math.log(ratio**2)  # delta^2 falls by 1/e each
        assert scale == pytest.approx(expected, rel=0.05)
        assert (low, high) == pytest.approx((4.6 * expected, 8.6 * expected), rel=0.06)
        assert depth == hidden

    @pytest.mark.parametrize("last", [0.1, 0.0, math.nan])
    def test_a_delta_that_float32_has_lost_is_vanishing(self, last):
        deltas = [0.0, 0.0, 0.0, 0.0, last]
        if math.isnan(last):  # then something overflowed, and that comes first
            assert only(diagnose(context(), layers(delta_rms=deltas))).rule == "exploding"
        else:
            finding = only(diagnose(context(), layers(delta_rms=deltas)))
            assert (finding.rule, finding.layer) == ("vanishing", "hidden1")
            assert "no δ is left of it in float32" in finding.evidence

    def test_one_hidden_layer_cannot_vanish_unless_nothing_is_left(self):
        assert not diagnose(context(hidden=1), layers(1, delta_rms=1e-20)).findings
        assert only(diagnose(context(hidden=1), layers(1, delta_rms=0.0))).rule == "vanishing"


class TestTheCauseOfVanishing:
    def cause(self, act, **columns):
        finding = diagnose(
            context(act, "xavier"), layers(delta_rms=flow(1e-6), **columns)
        ).findings[0]
        assert finding.rule == "vanishing"
        return finding.evidence.split("; cause: ")[1]

    def test_it_is_saturation_where_more_than_half_of_a_bounded_layer_is_flat(self):
        flat = [0.1, 0.51, 0.2, 0.1, 0.1]
        assert (
            self.cause("sigmoid", saturated_fraction=flat) == "saturation, 51% of hidden2 is flat"
        )
        flat[1] = 0.49
        assert not self.cause("sigmoid", saturated_fraction=flat).startswith("saturation")

    def test_it_is_never_saturation_where_the_activation_is_not_bounded(self):
        assert not self.cause("relu", saturated_fraction=0.9).startswith("saturation")

    def test_it_is_small_activations_where_their_spread_falls_below_a_hundredth(self):
        spreads = [1.0, 0.5, 0.1, 0.05, 0.0099]
        assert self.cause("tanh", activation_std=spreads).startswith(
            "small activations, their spread falls from 1.0e+00 to 9.9e-03"
        )
        spreads[-1] = 0.0101
        assert self.cause("tanh", activation_std=spreads).startswith("small slopes")

    def test_otherwise_it_is_small_slopes_and_weights(self):
        assert self.cause("sigmoid").startswith("small slopes and weights")


class TestExploding:
    def test_it_is_when_delta_grows_as_much_as_it_falls_when_it_vanishes(self):
        assert rules(diagnose(context(), layers(delta_rms=flow(1.001 / DEEPEST)))) == ["exploding"]
        assert rules(diagnose(context(), layers(delta_rms=flow(0.999 / DEEPEST)))) == []

    def test_it_names_the_layer_it_grows_to_and_the_number(self):
        finding = only(diagnose(context(init="normal"), layers(delta_rms=flow(4.2e9))))
        assert finding.layer == "hidden1"
        assert "grows 4.2e+09 times from hidden5 to hidden1" in finding.evidence

    @pytest.mark.parametrize("ratio", [1.211**19, 1e5, 1e30])
    def test_batch_norm_is_never_accused_from_the_delta_ratio_alone(self, ratio):
        health = diagnose(context(bn=True, hidden=20), layers(20, delta_rms=flow(ratio, 20)))
        assert health.verdict == "healthy"

    def test_a_step_larger_than_the_weights_is_exploding_in_any_network(self):
        for bn in (False, True):
            steps = [1e-3, 1e-3, 1.01, 1e-3, 1e-3]
            finding = only(diagnose(context(bn=bn), layers(update_ratio=steps)))
            assert (finding.rule, finding.layer) == ("exploding", "hidden3")
            assert "1.0e+00 times as large as its weights" in finding.evidence
            assert "--lr" in finding.advice
            steps[2] = 0.99
            assert not diagnose(context(bn=bn), layers(update_ratio=steps)).findings

    @pytest.mark.parametrize("figure", ["activation_mean", "activation_std"])
    @pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
    def test_activations_that_overflow_are_named_from_the_input_up(self, figure, value):
        column = [1.0, 1.0, value, value, value]
        finding = only(diagnose(context(init="normal"), layers(**{figure: column}, delta_rms=0.0)))
        assert (finding.rule, finding.layer) == ("exploding", "hidden3")
        assert finding.evidence == "its activations overflow float32"

    @pytest.mark.parametrize("figure", ["delta_rms", "gradient_norm"])
    def test_gradients_that_overflow_are_named_from_the_output_down(self, figure):
        column = [math.nan, math.inf, math.inf, 1.0, 1.0]
        finding = only(diagnose(context(init="normal"), layers(**{figure: column})))
        assert (finding.rule, finding.layer) == ("exploding", "hidden3")
        assert finding.evidence == "its gradients overflow float32"


class TestSaturated:
    @pytest.mark.parametrize("act", ["sigmoid", "tanh", "softsign"])
    @pytest.mark.parametrize("init", ["normal", "xavier", "critical"])
    def test_it_is_a_quarter_more_flat_units_than_the_critical_initialisation_has(self, act, init):
        subject = context(act, init, hidden=3)
        critical = theory.predict(
            NetworkSpec((WIDTH,) * 3, act, init="critical"), FEATURES, CLASSES, 1.0
        )
        usual = [entry.saturated_fraction for entry in critical.layers[:-1]]
        more = [usual[0], usual[1] + 0.26, usual[2]]
        finding = only(diagnose(subject, layers(3, saturated_fraction=more)))
        assert (finding.rule, finding.layer) == ("saturated", "hidden2")
        assert f"{more[1]:.0%}" in finding.evidence
        less = [usual[0], usual[1] + 0.24, usual[2]]
        assert not diagnose(subject, layers(3, saturated_fraction=less)).findings

    @pytest.mark.parametrize("act", [a.name for a in catalog.ACTIVATIONS.values() if not a.bounded])
    def test_only_bounded_activations_can_be(self, act):
        assert not diagnose(context(act), layers(saturated_fraction=0.9)).findings

    def test_the_deep_sigmoid_that_trains_is_not_accused_of_its_flat_upper_layers(self):
        subject = context("sigmoid", "critical", hidden=20)
        flat = [entry.saturated_fraction for entry in subject.predict().layers[:-1]]
        assert max(flat) > 0.35
        assert not diagnose(subject, layers(20, saturated_fraction=flat)).findings

    def test_it_advises_what_the_network_has_not(self):
        def advice(**options):
            return only(diagnose(context("tanh", **options), layers(saturated_fraction=0.9))).advice

        assert advice(init="normal") == "--init critical: predicted 0% flat there; or add --bn"
        assert "--init critical:" not in advice(init="critical")
        assert "add --bn" not in advice(bn=True)
        assert "--init critical --no-bn" in advice(bn=True)


class TestDead:
    def test_it_is_more_than_half_of_a_layers_units(self):
        finding = only(diagnose(context(), layers(dead_fraction=[0.0, 0.1, 0.51, 0.5, 0.0])))
        assert (finding.rule, finding.layer) == ("dead", "hidden3")
        assert finding.evidence.startswith("51% of its units")
        assert not diagnose(context(), layers(dead_fraction=0.5)).findings

    @pytest.mark.parametrize("act", list(catalog.ACTIVATIONS))
    def test_it_advises_another_activation_than_the_networks(self, act):
        finding = only(diagnose(context(act), layers(dead_fraction=0.9)))
        assert act not in re.split(r"[ ,]+", finding.advice)
        assert "elu" in finding.advice


class TestStalled:
    def test_it_is_a_step_lost_to_rounding_beside_others_that_are_not(self):
        steps = [1e-3, 0.99 * 2**-24, 1e-3, 1e-3, 1e-3]
        finding = only(diagnose(context(), layers(update_ratio=steps)))
        assert (finding.rule, finding.layer) == ("stalled", "hidden2")
        assert "5.9e-08 of its weights" in finding.evidence
        steps[1] = 1.01 * 2**-24
        assert not diagnose(context(), layers(update_ratio=steps)).findings

    @pytest.mark.parametrize("step", [0.0, 1e-30, 0.99 * 2**-24])
    def test_a_network_that_has_converged_is_not(self, step):
        figures = [replace(entry, update_ratio=step) for entry in layers()]
        assert diagnose(context(), figures).verdict == "healthy"

    def test_layers_that_were_frozen_on_purpose_are_not(self):
        figures = [
            replace(entry, frozen=i < 2, update_ratio=1e-3 * (i >= 2))
            for i, entry in enumerate(layers())
        ]
        assert diagnose(context(), figures).verdict == "healthy"


PREDICTED = r"(.*): predicted δ ratio (\S+)"
SICK = [
    ("sigmoid", "xavier", {}),
    ("sigmoid", "uniform", {}),
    ("tanh", "uniform", {}),
    ("relu", "lecun", {}),
    ("relu", "normal", {}),
    ("elu", "uniform", {}),
    ("selu", "normal", {}),
    ("swish", "xavier", {}),
    ("gelu", "normal", {}),
    ("mish", "uniform", {}),
    ("softplus", "normal", {}),
    ("softplus", "he", {}),
    ("relu", "he", {"bn": True}),
    ("relu", "normal", {"dropout": 0.3}),
    ("relu", "normal", {"hidden": (400, 200, 100, 40)}),
    ("relu", "normal", {"hidden": (2000, 200, 20)}),
]


class TestAdvice:
    @pytest.mark.parametrize(("act", "init", "options"), SICK)
    @pytest.mark.parametrize("measured", [1e-9, 1e9])
    def test_it_is_a_flag_with_the_delta_ratio_that_theory_predicts_for_it(
        self, act, init, options, measured
    ):
        subject = context(act, init, **{"hidden": 8} | options)
        hidden = len(subject.network.hidden)
        health = diagnose(subject, layers(hidden, delta_rms=flow(measured, hidden)))
        if not health.findings:  # exploding, but with batch norm
            assert options.get("bn")
            assert measured > 1
            return
        flag, ratio = re.match(PREDICTED, health.findings[0].advice).groups()
        network = replace(subject.network, init="critical", bn=False, bn_momentum=None)
        if "--act elu" in flag:
            assert act == "softplus"
            network = replace(network, act="elu", alpha=None)
        assert ("--no-bn" in flag) == bool(options.get("bn"))
        predicted = theory.predict(network, FEATURES, CLASSES, 1.0).delta_ratio
        assert float(ratio) == pytest.approx(predicted, rel=0.05)
        widths = math.sqrt(network.hidden[-1] / network.hidden[0])  # what delta spreads over
        assert 1 / 3 < predicted / widths < 3
        assert f"instead of {measured:.1e}" in health.findings[0].advice

    @pytest.mark.parametrize("act", ["sigmoid", "relu", "elu", "swish", "softplus"])
    @pytest.mark.parametrize("init", list(catalog.INITIALIZERS))
    @pytest.mark.parametrize("bn", [False, True])
    def test_it_is_never_what_the_network_already_has(self, act, init, bn):
        if init.startswith("critical") and (bn or act == "softplus"):
            return
        subject = context(act, init, hidden=4, bn=bn)
        for measured in (1e-9, 1e9):
            for finding in diagnose(subject, layers(4, delta_rms=flow(measured, 4))).findings:
                said = finding.advice
                flags = set(re.findall(r"--[a-z-]+(?: [a-z]+)?", said.replace("--no-bn", "")))
                assert "--init critical" not in flags or init != "critical"
                assert "--bn" not in flags or not bn
                assert f"--act {act} " not in said + " "

    def test_a_network_that_began_level_is_told_what_else_it_may_be(self):
        finding = only(diagnose(context("relu", "he"), layers(delta_rms=flow(1e-9))))
        assert "lower --lr, or more units a layer, or fewer layers" in finding.advice

    @pytest.mark.parametrize("moment", [0.0, math.inf, math.nan])
    def test_inputs_from_which_nothing_follows_are_what_to_look_at(self, moment):
        finding = diagnose(
            context(init="normal", moment=moment), layers(delta_rms=flow(1e-9))
        ).findings[0]
        assert "look at the inputs" in finding.advice

    def test_an_overflow_of_a_level_network_is_the_inputs_or_the_rates_doing(self):
        overflow = layers(activation_std=math.inf)
        assert "look at the inputs" in only(diagnose(context("relu", "he"), overflow)).advice
        assert "--init critical" in only(diagnose(context("relu", "normal"), overflow)).advice


class TestUnpredicted:
    def initial(self, subject, factor):
        ratio = subject.predict().delta_ratio * factor
        return layers(delta_rms=flow(ratio, len(subject.network.hidden)), saturated_fraction=0.0)

    @pytest.mark.parametrize(
        ("act", "init"), [("relu", "he"), ("tanh", "xavier"), ("swish", "lecun")]
    )
    def test_it_is_a_first_step_beyond_three_times_the_band(self, act, init):
        subject = context(act, init)
        prediction = subject.predict()
        low, high = (end / prediction.delta_ratio for end in prediction.band)
        for factor, expected in (
            (low / 3.01, ["unpredicted"]),
            (low / 2.99, []),
            (1.0, []),
            (high * 2.99, []),
            (high * 3.01, ["unpredicted"]),
        ):
            health = diagnose(subject, layers(), self.initial(subject, factor))
            assert rules(health) == expected
            assert health.verdict == "healthy"  # the network may do well all the same

    def test_it_tells_both_numbers(self):
        subject = context("relu", "he")
        (finding,) = diagnose(subject, layers(), self.initial(subject, 1e-3)).findings
        assert "δ ratio 1.0e-03 at the first step, where theory has 1.0e+00" in finding.evidence
        assert "look at the inputs" in finding.advice

    def test_it_comes_after_what_is_wrong_with_the_network(self):
        subject = context("relu", "he")
        health = diagnose(subject, layers(dead_fraction=0.9), self.initial(subject, 1e-3))
        assert rules(health) == ["dead", "unpredicted"]
        assert health.verdict == "dead"

    @pytest.mark.parametrize("moment", [0.0, math.inf, math.nan])
    def test_inputs_without_a_mean_square_are(self, moment):
        subject = context("relu", "he", moment=moment)
        (finding,) = diagnose(subject, layers(), layers()).findings
        assert finding.rule == "unpredicted"
        assert "the inputs' mean square is" in finding.evidence

    @pytest.mark.parametrize(
        "subject",
        [context("relu", "he", bn=True), context("relu", "normal", hidden=200)],
        ids=["batch norm", "float32 ends"],
    )
    def test_where_theory_has_reservations_nothing_is(self, subject):
        hidden = len(subject.network.hidden)
        health = diagnose(subject, layers(hidden), layers(hidden, delta_rms=flow(1e-9, hidden)))
        assert rules(health) == []

    def test_nothing_is_said_of_a_run_whose_first_step_is_not_known(self):
        assert rules(diagnose(context(), layers(), ())) == []


def test_a_crash_is_the_verdict_whatever_the_figures_say():
    crash = Finding(
        "diverged", "hidden2", "activations not finite at epoch 3, step 7", "lower --lr"
    )
    figures = layers(delta_rms=math.nan, activation_std=math.inf)
    assert diagnose(context(), figures, (), crash).findings == (crash,)
    assert diagnose(context(), figures, (), crash).verdict == "diverged"


def test_several_findings_come_worst_first():
    figures = layers(
        delta_rms=flow(1e-9), saturated_fraction=0.9, dead_fraction=0.9, update_ratio=1e-9
    )
    health = diagnose(context("sigmoid", "normal"), figures)
    assert rules(health) == ["vanishing", "saturated", "dead", "stalled"]
    assert health.verdict == "vanishing"


@pytest.mark.parametrize(
    ("first", "last", "ratio"), [(2.0, 4.0, 0.5), (1.0, 0.0, math.inf), (0.0, 2.0, 0.0)]
)
def test_the_delta_ratio_is_the_first_hidden_layers_over_the_last(first, last, ratio):
    assert delta_ratio(layers(3, delta_rms=[first, 7.0, last])) == ratio
    assert math.isnan(delta_ratio(layers(3, delta_rms=[0.0, 7.0, 0.0])))
    assert delta_ratio(layers(1, delta_rms=3.0)) == 1


WILD = st.one_of(
    st.floats(width=32),
    st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 1e-45, 3e38, 5e-324, 1.7e308]),
    st.floats(1e-3, 1e3),
)
FIGURES = [
    "activation_mean",
    "activation_std",
    "delta_rms",
    "gradient_norm",
    "update_ratio",
    "saturated_fraction",
    "dead_fraction",
    "weight_norm",
]
NETWORKS = st.fixed_dictionaries(
    {
        "act": st.sampled_from([*catalog.ACTIVATIONS]),
        "init": st.sampled_from([*catalog.INITIALIZERS]),
        "hidden": st.lists(st.integers(1, 500), min_size=1, max_size=4).map(tuple),
        "moment": st.sampled_from([1.0, 1e-12, 1e12, 0.0, math.inf, math.nan]),
        "bn": st.booleans(),
    }
)
TABLES = st.lists(
    st.lists(WILD, min_size=5, max_size=5), min_size=len(FIGURES), max_size=len(FIGURES)
)


@settings(deadline=None, max_examples=80)
@given(NETWORKS, TABLES, st.booleans())
def test_whatever_the_figures_there_is_a_sound_verdict(network, table, first_step):
    subject, columns = context(**network), dict(zip(FIGURES, table, strict=True))
    names = subject.network.layers()
    figures = [
        layer(name, **{key: column[i] for key, column in columns.items()})
        for i, name in enumerate(names)
    ]
    health = diagnose(subject, figures, figures if first_step else ())
    found = [rule for rule in rules(health) if rule != "unpredicted"]
    assert health.verdict == (found[0] if found else "healthy")
    assert set(found) <= RULES
    for finding in health.findings:
        assert finding.layer in names
        assert all(
            text and len(text.splitlines()) == 1 for text in (finding.evidence, finding.advice)
        )
    if not all(math.isfinite(getattr(entry, name)) for entry in figures for name in FIGURES[:4]):
        assert found == ["exploding"]
