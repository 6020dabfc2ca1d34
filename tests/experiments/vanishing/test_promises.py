"""What the demonstration promises is what its own table shows, also where a table contradicts it."""

import numpy as np
import pytest
from problems import dataset, layers

from dnncli.experiments.vanishing import run as vanishing
from dnncli.experiments.vanishing.conclusion import conclusion
from dnncli.experiments.vanishing.promises import growth_lines, promises, verdict
from dnncli.experiments.vanishing.run import VanishingSpec
from dnncli.records import CaseRecord, DepthRecord, Finding, Remedy, TrainingOutcome
from dnncli.spec import vanishing as cases
from dnncli.training import compilation_cache

DATA = dataset(train=64, validation=40, features=20, classes=4)


@pytest.fixture(autouse=True, scope="module")
def compiled_once():
    compilation_cache.enable()


def made_up(text, ratio=1.0, found="healthy", remedies=(), accuracy=None, depth=20, **columns):
    """A case's record with these figures; remedies: of its finding, in the first layer."""
    case = cases.parse(text)
    theory = ("predicted_delta_ratio", "predicted_log10_delta_ratio", "predicted_band")
    nothing = dict.fromkeys((*theory, "chi", "depth_scale", "trainable_depth", "note"))
    findings = ()
    if found not in ("healthy", "growing"):
        first, *others = [Remedy(one) for one in remedies] or [None]
        findings = (Finding(found, "hidden1", "e", "a", first, tuple(others)),)
    trained = None
    if accuracy is not None:
        trained = TrainingOutcome(20, accuracy, (accuracy,), delta_ratio=2.0, majority=0.1)
    return CaseRecord(
        case=case.label,
        **vars(case),
        depth=depth,
        layers=tuple(DepthRecord(**vars(layer)) for layer in layers(2, **columns)),
        delta_ratio=ratio,
        delta_ratio_values=(ratio,),
        **nothing,
        verdict=found,
        findings=findings,
        trained=trained,
    )


CRITICAL = {"init": "critical"}
ELU = {"act": "elu", "alpha": None, "init": "critical"}


def only(*told):
    (promise,) = promises(told)
    return promise


class TestFlow:
    def test_a_level_witness_is_quoted_with_its_figures(self):
        promise = only(
            made_up("sigmoid:xavier", 1e-12, "vanishing", [CRITICAL]),
            made_up("sigmoid:critical", 1.25),
        )
        assert promise.witness == "sigmoid:critical"
        assert "measured as sigmoid:critical: δ ratio 1.2 instead of 1.0e-12" in promise.advice

    @pytest.mark.parametrize("ratio", [1e-4, 300.0, 0.0, float("nan"), float("inf")])
    def test_a_witness_that_is_not_level_refutes_the_remedy(self, ratio):
        promise = only(
            made_up("sigmoid:xavier", 1e-12, "vanishing", [CRITICAL, ELU]),
            made_up("sigmoid:critical", ratio),
        )
        assert promise.refuted == ("sigmoid:critical",)
        assert promise.changes == ELU
        assert "--init critical:" not in promise.advice.replace("--act elu --init critical", "")

    def test_where_every_remedy_is_refuted_nothing_is_promised(self):
        promise = only(
            made_up("sigmoid:xavier", 1e-12, "vanishing", [CRITICAL]),
            made_up("sigmoid:critical", 1e-9),
        )
        assert promise.changes is None
        assert "sigmoid:critical is no better" in promise.advice

    def test_a_witness_of_another_depth_or_with_clipping_is_none(self):
        sick = made_up("sigmoid:xavier", 1e-12, "vanishing", [CRITICAL])
        for other in (made_up("sigmoid:critical", depth=5), made_up("sigmoid:critical+clip")):
            assert only(sick, other).witness is None

    def test_a_witness_that_trains_worse_refutes_a_level_gradient(self):
        promise = only(
            made_up("sigmoid:xavier", 1e-12, "vanishing", [CRITICAL], accuracy=0.5),
            made_up("sigmoid:critical", 1.0, accuracy=0.2),
        )
        assert promise.refuted == ("sigmoid:critical",)

    def test_accuracies_are_told_where_both_were_trained(self):
        promise = only(
            made_up("sigmoid:xavier", 1e-12, "vanishing", [CRITICAL], accuracy=0.1),
            made_up("sigmoid:critical", 1.0, accuracy=0.135),
        )
        assert promise.advice.endswith("accuracy 13.5% instead of 10.0%")


class TestSaturation:
    def test_the_largest_flat_share_is_told_beside_that_of_the_layer(self):
        promise = only(
            made_up("sigmoid:normal", 0.5, "saturated", [CRITICAL], saturated_fraction=0.38),
            made_up("sigmoid:critical", saturated_fraction=[0.0, 0.39]),
        )
        assert "0% flat there and at most 39% in any layer" in promise.advice

    def test_a_layer_that_is_as_flat_refutes_it(self):
        promise = only(
            made_up("sigmoid:normal", 0.5, "saturated", [CRITICAL], saturated_fraction=0.38),
            made_up("sigmoid:critical", saturated_fraction=[0.39, 0.1]),
        )
        assert promise.changes is None


class TestBatchNorm:
    def test_growth_is_named_and_not_called_exploding_before_training(self):
        case = made_up("relu:he+bn", 1.0e4, depth=50)
        assert verdict(case) == "growing"
        (line,) = growth_lines([case])
        assert "δ grow 10,000 times over 50 layers (1.21 a layer) before the first step" in line
        assert "--train" in line

    def test_what_it_does_to_training_is_what_was_measured(self):
        learned = made_up("relu:he+bn", 1.0e4, accuracy=0.93, depth=50)
        nothing = made_up("relu:he+bn", 1.0e4, accuracy=0.09, depth=50)
        assert (verdict(learned), verdict(nothing)) == ("healthy", "growing")
        lines = list(growth_lines([learned, nothing]))
        assert "after 20 epochs 2 times, and it trains all the same: accuracy 93.0%" in lines[0]
        assert "learned little: accuracy 9.0%, the largest class alone 10.0%" in lines[1]

    def test_without_batch_norm_or_growth_there_is_no_line(self):
        assert not list(growth_lines([made_up("relu:he", 1e3), made_up("elu:he+bn", 5.0)]))


class TestConclusion:
    def test_batch_norm_is_praised_only_where_its_case_is_level(self):
        sick = made_up("relu:normal", 1e16, "exploding")
        grown = made_up("relu:he+bn", 1e4, "growing")
        wild = made_up("relu:xavier+bn", 40.0)
        level = made_up("relu:lecun+bn", 4.0)
        assert conclusion([sick, grown, wild]).endswith("none of these cases keeps it level.")
        assert conclusion([sick, grown, level]).endswith(
            "; batch norm keeps it level: relu:lecun+bn."
        )

    def test_accuracies_stand_beside_who_is_level(self):
        sick = made_up("sigmoid:xavier", 1e-12, "vanishing", accuracy=0.1)
        told = conclusion([sick, made_up("sigmoid:critical", 1.0, accuracy=0.152)])
        assert told.endswith("keeps it level: sigmoid:critical (accuracy 15.2%).")

    def test_growth_alone_is_not_all_well(self):
        told = conclusion([made_up("relu:he+bn", 1e4, "growing")])
        assert (
            told
            == "relu:he+bn multiplies its gradient by 1e+04 through 20 layers before the first step."
        )


@pytest.mark.parametrize("depth", [3, 12, 40])
@pytest.mark.parametrize("act", ["sigmoid", "tanh", "relu"])
def test_every_promise_of_a_demonstration_agrees_with_its_record(act, depth):
    """Each witness is in the table, healthy, level, and as the advice quotes it."""
    wanted = f"{act}:normal,{act}:xavier,{act}:critical,{act}:he+bn,elu:critical"
    spec = VanishingSpec(cases.parse_all(wanted), (depth,), 60, 2)
    found = list(vanishing.run(spec, DATA))
    by_name = {case.case: case for case in found}
    for promise in promises(found):
        if promise.witness is None:
            continue
        witness = by_name[promise.witness]
        sick = by_name[promise.case]
        assert witness.verdict == "healthy"
        if promise.rule in ("vanishing", "exploding"):
            assert 0.1 < witness.delta_ratio < 10
            assert f"δ ratio {witness.delta_ratio:.2g} instead of" in promise.advice
        if promise.rule == "saturated":
            place = [layer.layer for layer in sick.layers].index(promise.layer)
            own = witness.layers[place].saturated_fraction
            most = max(layer.saturated_fraction for layer in witness.layers)
            assert own < sick.layers[place].saturated_fraction
            assert f"{own:.0%} flat there and at most {most:.0%}" in promise.advice
    for case in found:
        if case.short in conclusion(found).partition("keeps it level:")[2]:
            assert 0.1 < case.delta_ratio < 10


def test_the_ratio_after_training_is_that_of_the_trained_networks():
    spec = VanishingSpec(cases.parse_all("relu:he+bn"), (6,), 12, 2, train=1)
    (case,) = vanishing.run(spec, DATA)
    assert case.trained.delta_ratio > 0
    assert case.trained.delta_ratio != case.delta_ratio
    largest = np.bincount(DATA.train.y).argmax()
    assert case.trained.majority == pytest.approx((DATA.validation.y == largest).mean())
