"""Wrong labels and a column that is the label, on records made by hand."""

from dataclasses import replace

import pytest
from problems import layers

from dnncli.diagnosis import label_noise
from dnncli.diagnosis.case import Case
from dnncli.diagnosis.context import NetworkContext
from dnncli.records import EpochRecord
from dnncli.records.diagnosis import (
    ClassStatistics,
    CrossFit,
    DataStatistics,
    InputStatistics,
    Outcome,
    RunEvidence,
    SplitOutcome,
)
from dnncli.spec import from_options

INPUTS = InputStatistics(6, 1.0, 0.0, 6, 0.1, "x1", 0.2, "x1", 0.0)
# Of 100 examples whose class is clearest 25 have another label, a third of them the runner-up.
NOISY = CrossFit(500, 0.7, 0.6, 100, 25, 8)


def outcome(right, wrong, classes):
    """So many right and wrong answers, all of class 0."""
    row = (right, wrong, *(0,) * (classes - 2))
    return SplitOutcome(0.5, (row, *((0,) * classes,) * (classes - 1)))


def case(models=NOISY, classes=4, held_out=(140, 60), best=0.7, giveaways=(), **options):
    """A run on 500 training, 100 validation and 100 test examples of even classes."""
    even = (100 // classes,) * classes
    names = tuple(f"c{label}" for label in range(classes))
    counts = ClassStatistics(names, (500 // classes,) * classes, even, even)
    data = DataStatistics(INPUTS, counts, models, giveaways)
    run = from_options({"hidden": (8, 8), **options})
    known = Outcome(outcome(400, 100, classes), outcome(*held_out, classes))
    epoch = EpochRecord(1, 0.5, 0.5, best, 1e-3, 0.0, None, layers(2))
    evidence = RunEvidence((epoch,), "epochs", 1, 8, data, known)
    context = NetworkContext(run.network, 6, classes, 1.0, run)
    return Case(context, run, layers(2), layers(2), None, evidence)


def fitting(**options):
    """The same run with all training examples right."""
    plain = case(**options)
    known = replace(plain.evidence.outcome, train=outcome(500, 0, 4))
    return replace(plain, evidence=replace(plain.evidence, outcome=known))


class TestNoisy:
    def test_wrong_labels_among_the_clearest_examples_are_named_with_their_share(self):
        (found,) = label_noise.noisy(case())
        assert found.rule == "labels"
        assert "25 of the 100 examples" in found.evidence
        assert "about 25% of all labels are wrong" in found.evidence
        assert found.remedy is None

    def test_a_few_wrong_ones_are_what_overlap_explains(self):
        # P(11 or more of 100 | 0.05) = 0.011 is above 1 %, P(12 or more) = 0.004 below it.
        assert not list(label_noise.noisy(case(replace(NOISY, surest_wrong=11, surest_second=4))))
        assert list(label_noise.noisy(case(replace(NOISY, surest_wrong=12, surest_second=4))))

    def test_classes_that_overlap_pair_by_pair_are_not_noise(self):
        # Of 25 errors 8 are the runner-up by chance; 20 are not (as for neighbouring grades).
        assert not list(label_noise.noisy(case(replace(NOISY, surest_second=20))))

    def test_with_two_classes_being_sure_does_not_help(self):
        # 25 % of the surest and 30 % of all are wrong; of overlapping classes a third of all are.
        models = replace(NOISY, surest_second=25)
        assert list(label_noise.noisy(case(models, classes=2)))
        overlapping = replace(models, surest_wrong=12, surest_second=12)
        assert not list(label_noise.noisy(case(overlapping, classes=2)))

    def test_models_that_know_nothing_say_nothing(self):
        chance = replace(NOISY, linear=0.25, kinked=0.24)
        assert not list(label_noise.noisy(case(chance)))

    def test_a_network_that_knows_better_shows_that_the_errors_are_the_models_own(self):
        assert not list(label_noise.noisy(case(held_out=(190, 10))))

    def test_without_models_there_is_no_finding(self):
        assert not list(label_noise.noisy(case(models=None)))


# Models get 95 % of 500 unseen training rows; of 100 test rows half are right, of validation all.
MODELS = replace(NOISY, linear=0.95)
TOLD = {"models": MODELS, "held_out": (150, 50), "best": 1.0, "giveaways": ("code",)}


class TestGivenAway:
    def test_a_column_that_tells_nothing_in_the_test_rows_is_dropped(self):
        (found,) = label_noise.given_away(fitting(**TOLD))
        assert found.rule == "inputs"
        assert "95% of unseen training rows, and 50% of the test rows" in found.evidence
        assert found.remedy.changes == {"drop": "code"}

    def test_columns_that_are_left_out_already_stay_so(self):
        (found,) = label_noise.given_away(fitting(drop="id", **TOLD))
        assert found.remedy.changes == {"drop": "id,code"}

    @pytest.mark.parametrize(
        "differs",
        [
            {"giveaways": ()},
            {"models": None},
            {"held_out": (190, 10)},
            {"models": replace(MODELS, linear=0.55)},
        ],
    )
    def test_it_needs_such_a_column_and_test_rows_that_are_clearly_worse(self, differs):
        assert not list(label_noise.given_away(fitting(**TOLD | differs)))

    def test_a_network_that_does_not_fit_its_own_examples_is_another_matter(self):
        assert not list(label_noise.given_away(case(**TOLD)))


class TestFitsWorse:
    def test_training_examples_known_worse_than_simple_models_know_unseen_ones_impair(self):
        # 400 of 500 training examples are right, where models get 0.9 of 500 unseen ones.
        assert case(replace(NOISY, linear=0.9)).fits_worse
        assert case(replace(NOISY, linear=0.9)).impaired

    def test_within_five_points_or_chance_they_do_not(self):
        assert not case(replace(NOISY, linear=0.84)).fits_worse
        assert not case(replace(NOISY, linear=0.9, examples=20)).fits_worse
        assert not case(models=None).fits_worse
