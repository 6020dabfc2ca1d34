"""Causes before symptoms: each kind of fault on records made by hand, and why it is that fault."""

import math
from dataclasses import replace

import pytest
from problems import layers

from dnncli.diagnosis import chain
from dnncli.diagnosis.case import frequency_loss, learned
from dnncli.records import Finding
from dnncli.records.diagnosis import (
    ClassStatistics,
    DataStatistics,
    MovingAverages,
    Reference,
    SharedRows,
    Sharpness,
    SplitOutcome,
)
from dnncli.spec import catalog
from tests.diagnosis.runs import (
    CLASSES,
    DATA,
    GUESSING,
    INPUTS,
    TRAINED,
    case,
    epoch,
    falling,
    followed,
    outcome,
)

NOTHING = outcome(GUESSING, GUESSING)
# The second of two classes is rare and never answered, though more likely where it is right.
RARE_CLASSES = ClassStatistics(("no", "yes"), (1700, 300), (170, 30), (170, 30))
NEVER = SplitOutcome(0.38, ((340, 0), (60, 0)), above_frequencies=4.0)
RARE = outcome(NEVER, NEVER, Reference(400, 338, 330))


def first(subject):
    """The first finding; its rule is one of the catalog's and its remedy makes a run."""
    found = chain.findings(subject)
    if not found:
        return Finding("healthy", None, "", "")
    for finding in (*found, *found[0].symptoms):
        assert finding.rule in catalog.RULES
        assert finding.evidence
        assert finding.advice
        for change in (finding.remedy, *finding.alternatives):
            if change is not None:
                followed(subject.run, change.changes)
    return found[0]


def test_shared_rows_are_told_of_a_run_that_learned_and_stand_under_what_is_wrong():
    data = replace(DATA, shared=SharedRows(0.0, 0.3, 0.0))
    found = first(case(data=data))
    assert found.rule == "shared-rows"
    assert "30% of the test rows" in found.evidence
    crossed = replace(data, inputs=replace(INPUTS, second_moment=1e8))
    other = first(case(data=crossed, outcome=NOTHING))
    assert other.rule == "inputs"
    assert "shared-rows" in [symptom.rule for symptom in other.symptoms]


def test_a_run_that_learned_well_has_no_findings():
    assert chain.findings(case()) == ()


class TestLearned:
    def test_it_is_held_against_the_largest_class_and_simple_models(self):
        told = learned(outcome(), CLASSES)
        assert told.verdict == "learned"
        assert (told.accuracy, told.train_accuracy, told.majority) == (0.95, 0.98, 0.5)
        assert told.linear == pytest.approx(370 / 400)

    def test_guessing_on_both_is_nothing(self):
        assert learned(NOTHING, CLASSES).verdict == "nothing"

    def test_training_that_fits_without_held_out_is_memorised(self):
        nobody = Reference(400, 200, 200)
        assert learned(outcome(GUESSING, reference=nobody), CLASSES).verdict == "memorised"

    def test_better_than_guessing_and_far_below_a_linear_model_is_weakly(self):
        weak = SplitOutcome(0.5, ((130, 70), (70, 130)))
        assert learned(outcome(weak), CLASSES).verdict == "weakly"

    def test_a_loss_worse_than_that_of_the_frequencies_shows_it_where_accuracy_cannot(self):
        nobody = Reference(100, 50, 50)
        for loss, verdict in ((0.66, "unknown"), (0.72, "nothing")):
            guess = SplitOutcome(loss, ((27, 23), (23, 27)))
            assert learned(outcome(guess, GUESSING, nobody), CLASSES).verdict == verdict

    def test_a_handful_of_examples_shows_nothing_either_way(self):
        few = SplitOutcome(0.6, ((3, 2), (2, 3)))
        counts = ClassStatistics(("a", "b"), (500, 500), (3, 2), (2, 3))
        assert learned(outcome(few, reference=Reference(10, 6, 6)), counts).verdict == "unknown"

    def test_probabilities_show_what_answers_do_not(self):
        assert learned(RARE, RARE_CLASSES).verdict == "learned"
        assert learned(RARE, RARE_CLASSES).by_loss
        frequencies = -(0.85 * math.log(0.85) + 0.15 * math.log(0.15))
        assert learned(RARE, RARE_CLASSES).frequency_loss == pytest.approx(frequencies)
        chance = replace(RARE, held_out=replace(NEVER, above_frequencies=2.0))
        assert learned(chance, RARE_CLASSES).verdict == "memorised"
        nothing = replace(chance, train=replace(NEVER, above_frequencies=2.0))
        assert learned(nothing, RARE_CLASSES).verdict == "nothing"

    def test_answers_that_show_it_need_no_probabilities(self):
        surely = replace(outcome().held_out, above_frequencies=9.0)
        assert not learned(outcome(surely), CLASSES).by_loss

    def test_what_probabilities_show_is_little_where_simple_models_answers_show_more(self):
        better = replace(RARE, reference=Reference(400, 370, 300))
        assert learned(better, RARE_CLASSES).verdict == "weakly"


class TestData:
    def inputs(self, **changes):
        return DataStatistics(replace(INPUTS, **changes), CLASSES)

    def test_constant_features_are_named_whatever_was_learned(self):
        found = first(case(data=self.inputs(varying=0)))
        assert (found.rule, found.remedy) == ("inputs", None)

    @pytest.mark.parametrize(
        "changes",
        [
            {"second_moment": 1e8},
            {"second_moment": 1e-8},
            {"second_moment": 101.0, "mean_square": 100.0},
            {"second_moment": 400.0},
        ],
    )
    def test_scale_and_offset_are_the_first_cause_where_little_was_learned(self, changes):
        subject = case({"scale": "none"}, outcome=NOTHING, data=self.inputs(**changes))
        found = first(subject)
        assert found.rule == "inputs"
        assert found.remedy.changes == {"scale": "standard"}
        assert "not-learning" in [symptom.rule for symptom in found.symptoms]

    def test_inputs_that_did_no_harm_are_not_accused(self):
        assert chain.findings(case(data=self.inputs(second_moment=1e4))) == ()

    def test_a_row_number_is_named(self):
        only = self.inputs(varying=1, increasing=("x0",))
        found = first(
            case(data=only, outcome=outcome(GUESSING, GUESSING, Reference(400, 200, 200)))
        )
        assert (found.rule, found.layer, found.remedy) == ("inputs", "x0", None)

    def test_labels_that_nothing_tells_have_no_remedy(self):
        nobody = Reference(400, 200, 205)
        found = first(case(outcome=outcome(GUESSING, reference=nobody)))
        assert (found.rule, found.remedy) == ("labels", None)

    def test_two_names_of_one_class_are_named(self):
        names = ("a", "b", "c")
        counts = ClassStatistics(names, (300,) * 3, (50,) * 3, (50,) * 3)
        same = SplitOutcome(0.5, ((95, 2, 3), (3, 50, 47), (4, 48, 48)))
        subject = case(data=DataStatistics(INPUTS, counts), outcome=outcome(same, same, None))
        found = first(subject)
        assert found.rule == "labels"
        assert "b and c" in found.evidence

    def test_a_rare_class_that_is_never_found(self):
        counts = ClassStatistics(("no", "yes"), (1980, 20), (198, 2), (198, 2))
        never = SplitOutcome(0.06, ((396, 0), (4, 0)))
        subject = case(data=DataStatistics(INPUTS, counts), outcome=outcome(never, never, None))
        found = first(subject)
        assert found.rule == "imbalance"
        assert "yes has 20 of 2000" in found.evidence

    def test_a_rare_class_that_is_known_and_never_answered_is_imbalance_alone(self):
        data = DataStatistics(INPUTS, RARE_CLASSES)
        found = chain.findings(case(data=data, outcome=RARE))
        assert [one.rule for one in found] == ["imbalance"]
        assert found[0].symptoms == ()

    def test_classes_that_are_alike_frequent_and_hard_to_tell_are_no_fault(self):
        hard = SplitOutcome(0.66, ((120, 80), (112, 88)), above_frequencies=4.0)
        assert chain.findings(case(outcome=outcome(hard, hard, Reference(400, 205, 210)))) == ()

    @pytest.mark.parametrize(("found", "rule"), [(150, "imbalance"), (192, "healthy")])
    def test_a_rare_class_that_is_found_less_often_than_the_others(self, found, rule):
        counts = ClassStatistics(("no", "yes"), (960, 40), (100, 100), (100, 100))
        less = SplitOutcome(0.3, ((196, 4), (200 - found, found)))
        subject = case(data=DataStatistics(INPUTS, counts), outcome=outcome(less, TRAINED, None))
        assert first(subject).rule == rule

    def test_classes_that_are_rare_in_training_alone_do_not_make_losses_too_high(self):
        counts = ClassStatistics(("no", "yes"), (960, 40), (100, 100), (100, 100))
        fair = SplitOutcome(0.3, ((196, 4), (8, 192)))
        subject = case({}, data=DataStatistics(INPUTS, counts), outcome=outcome(fair, TRAINED))
        assert subject.blind_loss < 0.3
        told = frequency_loss(counts.train, fair)
        assert told == pytest.approx(-(math.log(0.96) + math.log(0.04)) / 2)
        assert not subject.impaired

    def test_too_few_rows_to_say_anything(self):
        counts = ClassStatistics(("a", "b"), (6, 6), (3, 2), (2, 2))
        few = SplitOutcome(0.6, ((3, 2), (2, 2)))
        fit = SplitOutcome(0.1, ((6, 0), (0, 6)))
        subject = case(data=DataStatistics(INPUTS, counts), outcome=outcome(few, fit, None))
        assert first(subject).rule == "few-examples"


class TestConfiguration:
    def test_batch_norm_over_one_example(self):
        found = first(case({"bn": True, "batch_size": 1}, outcome=NOTHING))
        assert (found.rule, found.remedy.changes) == ("normalisation", {"batch_size": 32})

    def test_a_moving_average_that_remembers_its_start(self):
        found = first(case({"bn": True, "bn_momentum": 0.9999}))  # 180 steps leave 98 % of it
        assert found.rule == "normalisation"
        assert "98%" in found.evidence
        assert found.remedy.changes["bn_momentum"] ** 180 < 0.01
        assert first(case({"bn": True, "bn_momentum": 0.9})).rule == "healthy"

    @pytest.mark.parametrize(
        ("averages", "harm"),
        [
            (MovingAverages(1.4, 0.2, 9.0), True),
            (MovingAverages(0.21, 0.2, 9.0), False),  # certain, and next to nothing
            (MovingAverages(0.4, 0.2, 1.5), False),  # may be chance
            (MovingAverages(0.2, 1.4, -9.0), False),
        ],
    )
    def test_a_moving_average_that_does_no_harm_is_not_accused(self, averages, harm):
        found = first(case({"bn": True, "bn_momentum": 0.9999}, averages=averages))
        assert (found.rule == "normalisation") == harm
        if harm:
            assert "the held-out loss is 1.4, with an epoch's own moments 0.2" in found.evidence

    def test_a_penalty_that_pulls_harder_than_the_loss(self):
        # 2 l2 |W| = 2 * 1 * 5 against a gradient of 0.5: 20 times as hard, 10 / 10.5 of the step.
        initial = layers(2, penalty_share=[10 / 10.5, 0.2])
        found = first(case({"l2": 1.0}, falling(weight_norm=0.1), initial, outcome=NOTHING))
        assert found.rule == "over-regularised"
        assert "of hidden1's first step 95% came from --l2" in found.evidence
        assert found.remedy.changes["l2"] == pytest.approx(0.0005, rel=0.3)

    def test_a_penalty_is_not_accused_of_what_the_loss_does(self):
        initial = layers(2, penalty_share=[0.2, 0.005])
        found = first(case({"l2": 1.0}, outcome=NOTHING, initial=initial))
        assert found.rule != "over-regularised"

    def test_dropout_s_noise_is_the_one_that_was_measured(self):
        figures = tuple(replace(one, signal_to_noise=0.02) for one in layers(2))
        epochs = (replace(epoch(1), layers=figures),)
        found = first(case({"dropout": 0.95}, epochs, outcome=NOTHING))
        assert "scatter by 50.0 times their mean" in found.evidence

    def test_a_limit_below_the_first_columns(self):
        # Columns of 5/sqrt(20) = 1.12 and 5/sqrt(2) = 3.5, cut to 0.01.
        found = first(case({"max_norm": 0.01}, outcome=NOTHING))
        assert (found.rule, found.remedy.changes) == ("over-regularised", {"max_norm": 8.0})

    def test_dropout_that_leaves_more_noise_than_signal(self):
        found = first(case({"dropout": 0.95}, outcome=NOTHING))
        assert (found.rule, found.remedy.changes) == ("over-regularised", {"dropout": 0.2})
        assert "4.4 times" in found.evidence  # sqrt(0.95 / 0.05)

    def test_penalties_are_not_accused_where_training_fits(self):
        for options in ({"l2": 1.0}, {"dropout": 0.95}, {"max_norm": 0.01}):
            assert chain.findings(case(options)) == ()

    def test_a_bottleneck(self):
        found = first(case({"hidden": (20, 1)}, outcome=NOTHING))
        assert (found.rule, found.layer) == ("under-capacity", "hidden2")
        assert min(found.remedy.changes["hidden"]) >= 20

    def test_a_network_without_a_bend_where_neighbours_do_better(self):
        bent = outcome(GUESSING, GUESSING, Reference(400, 205, 390))
        found = first(case({"act": "identity"}, outcome=bent))
        assert (found.rule, found.remedy.changes["act"]) == ("under-capacity", "elu")

    def test_a_linear_network_whose_errors_follow_a_bend_is_named_though_it_does_as_simple_models(
        self,
    ):
        fit = SplitOutcome(0.5, ((150, 50), (60, 140)))
        half = outcome(fit, fit, Reference(400, 290, 280))
        found = first(case({"act": "identity"}, outcome=replace(half, bend=4.0)))
        assert (found.rule, found.remedy.changes["act"]) == ("under-capacity", "elu")
        assert chain.findings(case({"act": "identity"}, outcome=replace(half, bend=1.5))) == ()
        assert chain.findings(case({"act": "elu"}, outcome=half)) == ()

    def test_layers_too_narrow_for_their_number_die_by_chance(self):
        figures = layers(20, dead_fraction=[0.0] * 19 + [0.6])
        end = replace(epoch(1), layers=figures)
        subject = case({"hidden": (10,) * 20}, (end,), outcome=NOTHING)
        found = first(subject)
        assert (found.rule, found.layer) == ("under-capacity", "hidden20")
        assert found.remedy.changes["hidden"] == [80] * 20

    @pytest.mark.parametrize(("learned", "blamed"), [(NOTHING, True), (None, False)])
    def test_fewer_dead_units_are_blamed_where_the_network_learned_badly(self, learned, blamed):
        figures = layers(20, dead_fraction=[0.0] * 19 + [0.4])
        end = replace(epoch(1), layers=figures)
        known = {} if learned is None else {"outcome": learned}
        found = chain.findings(case({"hidden": (10,) * 20}, (end,), **known))
        assert ("under-capacity" in [one.rule for one in found]) == blamed


class TestInitialisation:
    def test_gradients_that_vanished_before_the_first_update(self):
        options = {"act": "sigmoid", "hidden": (20,) * 12}
        figures = layers(12, delta_rms=[0.1 * 0.2 ** (11 - i) for i in range(12)])
        last = replace(epoch(1), layers=figures)
        found = first(case(options, (last,), figures, outcome=NOTHING))
        assert (found.rule, found.layer) == ("vanishing", "hidden1")
        assert found.remedy.changes["init"] == "critical"

    def test_a_first_step_that_healed_is_not_accused(self):
        figures = layers(2, delta_rms=[1e-9, 0.1])
        assert chain.findings(case(initial=figures)) == ()


class TestSteps:
    CRASH = Finding("diverged", "output", "loss not finite at epoch 1, step 3", "lower --lr")

    def test_a_crash_after_a_first_step_as_it_should_be_is_the_rate_s(self):
        subject = case({"lr": 0.5}, (), crash=self.CRASH, outcome=NOTHING)
        found = first(subject)
        assert (found.rule, found.remedy.changes) == ("unstable", {"lr": 0.001})
        assert "500 times smaller" in found.advice
        assert found.symptoms[0] == self.CRASH

    def test_a_loss_that_was_large_from_the_start_is_no_overshoot_of_weights_that_hardly_moved(
        self,
    ):
        for distance, rule in ((1e-6, "slow"), (0.8, "unstable")):
            figures = tuple(replace(one, update_ratio=1e-8, distance=distance) for one in layers(2))
            ends = tuple(replace(epoch(n, train_loss=3.0), layers=figures) for n in (1, 2))
            assert first(case({"lr": 1e-8}, ends, outcome=NOTHING)).rule == rule

    @pytest.mark.parametrize(("epochs", "share"), [(300, 1e-3), (60, 4 / 1080), (1, 1e-2)])
    def test_lion_s_rate_follows_from_the_weights_and_from_how_far_its_steps_can_go(
        self, epochs, share
    ):
        # Its first step of 0.1 was twice the weights: the rate for a share s of them is 0.1 s / 2.
        # An epoch has 18 steps; 60 epochs make a path of 4 times the weights with 4 / 1080.
        initial = layers(2, update_ratio=2.0)
        options = {"lr": 0.1, "optimizer": "lion", "epochs": epochs}
        subject = case(options, (), initial, crash=self.CRASH, outcome=NOTHING)
        assert first(subject).remedy.changes["lr"] == pytest.approx(0.05 * share, rel=0.3)

    def test_the_measured_limit_gives_the_rate_where_there_is_one(self):
        options = {"lr": 0.5, "optimizer": "sgd"}
        measured = Sharpness(20.0, False, 0.1)
        subject = case(options, (), crash=self.CRASH, outcome=NOTHING, sharpness=measured)
        assert first(subject).remedy.changes == {"lr": 0.05}

    def test_a_first_epoch_worse_than_knowing_nothing_is_the_rate_s(self):
        epochs = (epoch(1, train_loss=60.0, update_ratio=0.01), epoch(2, train_loss=0.7))
        found = first(case({"lr": 0.3}, epochs, outcome=NOTHING))
        assert found.rule == "unstable"
        assert "60, worse than knowing nothing" in found.evidence

    def test_a_first_epoch_whose_steps_reached_nothing_began_with_its_loss(self):
        """Of 20 steps of a thousandth, though hundreds of later ones replaced the weights."""
        moved = tuple(replace(one, distance=0.9) for one in layers(2, update_ratio=1e-3))
        later = tuple(replace(epoch(number), layers=moved) for number in (2, 3))
        epochs = (epoch(1, train_loss=60.0, update_ratio=1e-3), *later)
        found = first(case({"lr": 0.3}, epochs, outcome=NOTHING))
        assert found.rule == "not-learning"

    def test_an_untrained_network_s_loss_is_not_too_high_where_one_class_is_most(self):
        counts = ClassStatistics(("a", "b"), (980, 20), (98, 2), (98, 2))
        epochs = (epoch(1, train_loss=0.69), epoch(2, train_loss=0.2))
        data = DataStatistics(INPUTS, counts)
        found = first(case({"lr": 0.3}, epochs, data=data, outcome=NOTHING))
        assert found.rule != "unstable"

    def test_units_that_died_of_large_steps_are_the_rate_s(self):
        epochs = falling(dead_fraction=[0.0, 0.9])
        subject = case({"lr": 0.05}, epochs, layers(2, update_ratio=0.3))
        found = first(subject)
        assert found.rule == "unstable"
        assert [symptom.rule for symptom in found.symptoms] == ["dead"]

    def test_units_that_died_of_small_steps_are_dead(self):
        epochs = falling(dead_fraction=[0.0, 0.9])
        assert first(case({}, epochs)).rule == "dead"

    def test_large_steps_that_did_no_harm_are_not_accused(self):
        assert chain.findings(case(initial=layers(2, update_ratio=0.3))) == ()

    def test_units_that_large_steps_made_flat_are_the_rate_s(self):
        epochs = falling(saturated_fraction=[0.9, 0.5])
        for step, rule in ((0.3, "unstable"), (1e-3, "saturated")):
            subject = case({"act": "tanh"}, epochs, layers(2, update_ratio=step))
            assert first(subject).rule == rule

    def test_units_that_were_flat_before_any_update_are_not(self):
        flat = layers(2, update_ratio=0.3, saturated_fraction=[0.9, 0.5])
        subject = case({"act": "tanh"}, falling(saturated_fraction=[0.9, 0.5]), flat)
        assert first(subject).rule == "saturated"

    def slow(self, options, outcome=NOTHING, **figures):
        figures = {"update_ratio": 1e-6} | figures
        epochs = tuple(
            replace(epoch(i, 0.69, 0.69, **figures), layers=_moving(1e-6)) for i in (1, 2, 3)
        )
        return first(case(options, epochs, layers(2, update_ratio=1e-6), outcome=outcome))

    def test_weights_that_cannot_have_moved_are_the_rate_s(self):
        found = self.slow({"lr": 1e-7})
        assert (found.rule, found.remedy.changes) == ("slow", {"lr": 0.001})
        assert "60 steps" in found.evidence

    def test_or_clipping_s_where_every_step_was_clipped(self):
        found = self.slow({"clip_global_norm": 1e-6, "optimizer": "sgd"}, clipped=1.0)
        assert found.rule == "slow"
        assert "--clip-global-norm 1e-06" in found.evidence
        assert found.remedy.changes["clip_global_norm"] > 0.5  # sqrt(3) 0.5 is the gradient's norm

    def test_or_the_schedule_s_where_it_leaves_no_rate(self):
        options = {"schedule": "exponential", "decay_steps": 1}
        found = self.slow(options, rate=1e-12)
        assert (found.rule, found.remedy.changes["schedule"]) == ("slow", "constant")

    def test_a_spent_schedule_is_told_though_weights_moved_before(self):
        spent = {"schedule": "exponential", "decay_steps": 5, "optimizer": "sgd", "lr": 0.1}
        epochs = (epoch(1, rate=1e-2, update_ratio=1e-2), epoch(2, rate=1e-9, update_ratio=1e-9))
        found = first(case(spent, epochs, outcome=NOTHING))
        assert (found.rule, found.remedy.changes["schedule"]) == ("slow", "constant")

    def test_an_output_layer_that_moves_alone_is_slow(self):
        still = layers(2, update_ratio=1e-6)
        moving = (*still[:-1], replace(still[-1], update_ratio=1e-2))
        epochs = tuple(replace(epoch(i, 0.6, 0.6), layers=moving) for i in range(1, 31))
        assert first(case({"lr": 1e-6}, epochs, still, outcome=NOTHING)).rule == "slow"

    def test_plain_descent_is_given_a_larger_first_step_than_momentum(self):
        epochs = tuple(replace(epoch(i, 0.69, 0.69), layers=_moving(1e-6)) for i in (1, 2, 3))
        for optimizer, rate in (("sgd", 0.1), ("momentum", 0.01)):
            subject = case({"optimizer": optimizer, "lr": 1e-5}, epochs, _moving(1e-6))
            found = first(replace(subject, evidence=replace(subject.evidence, outcome=NOTHING)))
            assert found.remedy.changes == {"lr": rate}


def _moving(ratio):
    figures = layers(2, update_ratio=ratio)
    return tuple(replace(layer, update_ratio=ratio) for layer in figures)


class TestGeneralisation:
    def test_a_loss_that_still_falls_when_the_epochs_are_over(self):
        epochs = (epoch(1, 0.68, 0.68), epoch(2, 0.6, 0.6))
        subject = case({}, epochs, outcome=NOTHING, stopped="epochs", best_epoch=2)
        found = first(subject)
        assert (found.rule, found.remedy.changes) == ("unfinished", {"epochs": 40})

    def test_a_rise_without_room_is_finished(self):
        rising = [(1, 0.6), (2, 0.7), (3, 0.8), (4, 0.9), (5, 0.97)]
        epochs = tuple(epoch(i, 1 / i, 1 / i, accuracy=share) for i, share in rising)
        ended = {"stopped": "epochs", "best_epoch": 5}
        assert first(case({}, epochs, **ended)).rule == "unfinished"
        nearly = outcome(SplitOutcome(0.1, ((196, 4), (4, 196))))
        assert chain.findings(case({}, epochs, outcome=nearly, **ended)) == ()

    @pytest.mark.parametrize("power", [0.4, 0.6])
    @pytest.mark.parametrize("total", [1, 2, 8])
    def test_a_loss_that_falls_as_if_it_had_just_begun_to(self, total, power):
        """A power of the epoch: from a half on, twice the epochs take 29 % off the loss."""
        losses = [0.3 * t**-power for t in range(1, total + 1)]
        epochs = tuple(epoch(t, loss * 2**power, loss) for t, loss in enumerate(losses, 1))
        ended = {"stopped": "epochs", "best_epoch": total}
        nine_of_ten = SplitOutcome(0.3, ((180, 20), (20, 180)))
        found = chain.findings(case({}, epochs, outcome=outcome(nine_of_ten), **ended))
        assert [one.rule for one in found] == ["unfinished"] * (power > 0.5)
        nearly = outcome(SplitOutcome(0.1, ((196, 4), (4, 196))))
        assert chain.findings(case({}, epochs, outcome=nearly, **ended)) == ()

    def test_dropout_makes_a_single_epoch_s_training_loss_tell_nothing(self):
        once = (epoch(1, 1.0, 0.5),)
        nine_of_ten = outcome(SplitOutcome(0.3, ((180, 20), (20, 180))))
        ended = {"stopped": "epochs", "best_epoch": 1, "outcome": nine_of_ten}
        assert first(case({}, once, **ended)).rule == "unfinished"
        assert chain.findings(case({"dropout": 0.2}, once, **ended)) == ()

    def test_a_run_that_lost_patience_is_finished(self):
        subject = case({}, outcome=NOTHING, stopped="patience")
        assert "unfinished" not in [finding.rule for finding in chain.findings(subject)]

    def test_a_held_out_loss_that_rises_far_above_its_best(self):
        epochs = (epoch(1, 0.5, 0.4), epoch(2, 0.1, 0.8), epoch(3, 0.01, 1.5))
        found = first(case({"patience": None}, epochs, best_epoch=1, stopped="epochs"))
        assert found.rule == "overfitting"
        assert found.remedy.changes["patience"] == 10
        assert "0.4 in epoch 1 to 1.5 in epoch 3" in found.evidence

    def test_early_stopping_in_time_leaves_nothing_to_tell(self):
        epochs = (epoch(1, 0.5, 0.4), epoch(2, 0.1, 0.8), epoch(3, 0.01, 1.5))
        assert chain.findings(case({}, epochs, best_epoch=1)) == ()
        memorised = outcome(train=SplitOutcome(0.01, ((500, 0), (0, 500))))
        worse = replace(memorised, held_out=SplitOutcome(0.5, ((170, 30), (30, 170))))
        assert first(case({}, epochs, best_epoch=1, outcome=worse)).rule == "overfitting"

    def test_a_small_rise_is_what_early_stopping_always_sees(self):
        epochs = (epoch(1, 0.5, 0.1), epoch(2, 0.1, 0.12), epoch(3, 0.01, 0.19))
        assert chain.findings(case({}, epochs, best_epoch=1)) == ()

    def test_nothing_learned_for_no_known_cause(self):
        subject = case({}, (epoch(1, 0.69, 0.69), epoch(2, 0.69, 0.69)), outcome=NOTHING)
        found = first(subject)
        assert found.rule == "not-learning"
        assert "a simple model in 94%" in found.evidence


class TestEndedEarly:
    """A budget or a signal ended a run of 40 epochs that had learned nothing yet."""

    def rules(self, losses, stopped="signal", **figures):
        """Of a run with these held-out losses; the mean training loss of an epoch is larger."""
        told = [epoch(i, 1.5 * loss, loss, **figures) for i, loss in enumerate(losses, 1)]
        run = case({"epochs": 40}, tuple(told), outcome=NOTHING, stopped=stopped)
        return [finding.rule for finding in chain.findings(run)]

    def test_while_the_loss_falls_as_at_the_beginning_nothing_is_known(self):
        falling = [8.0 / number for number in range(1, 8)]
        assert self.rules(falling) == []
        assert self.rules(falling, update_ratio=0.2) == []
        assert self.rules(falling, "patience") == ["not-learning"]
        assert self.rules(falling, "patience", update_ratio=0.2) == ["unstable"]

    def test_nor_is_it_before_an_eighth_of_the_epochs(self):
        assert self.rules([0.7] * 4) == []
        assert self.rules([0.7] * 5) == ["not-learning"]
        assert self.rules([8.0] * 4, update_ratio=0.2) == ["unstable"]


class TestStalled:
    """A step of half of what float32 can add to a weight, beside the output's larger one."""

    def rules(self, rate, error):
        *_, output = layers(2)
        small = epoch(11, 0.01, 0.01, rate, update_ratio=2.0**-25)
        last = replace(small, layers=(*small.layers[:-1], replace(output, delta_rms=error)))
        first = (*layers(2)[:-1], replace(output, delta_rms=1e-2))
        run = case({"lr": 1e-3}, (*falling(), last), first)
        return [finding.rule for finding in chain.findings(run)]

    def test_it_is_a_step_that_neither_schedule_nor_error_made_small(self):
        assert self.rules(1e-3, 1e-2) == ["stalled"]

    @pytest.mark.parametrize(("rate", "error"), [(1e-6, 1e-2), (1e-3, 1e-5), (6e-4, 6e-3)])
    def test_at_the_end_of_training_steps_are_small(self, rate, error):
        assert self.rules(rate, error) == []
