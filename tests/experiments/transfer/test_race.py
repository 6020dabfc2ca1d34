"""What --keep auto chooses: by validation alone, over all epochs, and scratch where it is better."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from problems import dataset, record, spec

from dnncli.experiments.halving import RUNGS
from dnncli.experiments.paired import SeedScore
from dnncli.experiments.transfer import budget, layers, race, task
from dnncli.experiments.transfer.race import Heat, Race
from dnncli.experiments.transfer.result import result
from dnncli.experiments.transfer.run import begin
from dnncli.experiments.transfer.run import run as transfer_runs
from dnncli.experiments.transfer.trial import Programs, ReuseTrial, compiling
from dnncli.nn.network import Network
from dnncli.spec.transfer import TransferSpec
from dnncli.training import compilation_cache, placement, run
from dnncli.training.history import RunHistory

DATA = dataset(train=200, validation=60, test=25, classes=3)
FEW = replace(dataset(train=24, validation=60, test=25, classes=3), class_names=("x", "y", "z"))
QUICK = {"epochs": 4, "seed": 5}


@pytest.fixture(autouse=True, scope="module")
def compiled_once():
    compilation_cache.enable()


@pytest.fixture(scope="module")
def parent():
    compilation_cache.enable()
    own = spec(hidden=(9, 8), act="elu", lr=0.02, epochs=15)
    *_, last = run.run(run.start(own, DATA), DATA)
    return last.snapshot


def prepared(parent, data=FEW, options=QUICK, **asked):
    wanted = TransferSpec(**{"keep": "auto", "seeds": 2, "options": options} | asked)
    return task.prepare(wanted, parent, layers.parent_record("p", "ab" * 32, parent), data)


def raced(of):
    contest = Race(of)
    list(contest.run())
    return contest


def ruined(parent):
    """The parent with a first layer that passes nothing on."""
    first, *others = parent.network.parameters
    empty = first._replace(kernel=np.zeros(first.kernel.shape, np.float32))
    network = Network((empty, *others), parent.network.statistics)
    return replace(parent, network=network)


class TestTrials:
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("keep 2", {}),
            ("keep 2, frozen", {}),
            ("keep 2, frozen until epoch 2", {}),
            ("keep 2, lr-decay 0.3", {}),
            ("keep 2, frozen", {"dropout": 0.2}),  # frozen layers are in the program then
        ],
    )
    def test_a_trial_is_what_the_transfers_own_runs_make_of_the_layout(self, parent, name, options):
        """Paired runs of several seeds in one program, phase by phase: one by one in `train`."""
        of = prepared(parent, options=QUICK | options)
        choices = {choice.name: choice for choice in of.reusing}
        layout = choices[name].layout
        blocks = (placement.block(FEW.train), placement.block(FEW.validation))
        trial = ReuseTrial(tuple(begin(of, layout, seed) for seed in (7, 8)), blocks, cache=True)
        with compiling() as programs:
            assert list(trial.advance(4, programs)) == [1, 2, 3, 4]
        for seed, own in zip((7, 8), trial.runs, strict=True):
            *_, last = run.run(begin(of, layout, seed), FEW)
            expected = [epoch.val_loss for epoch in last.snapshot.history.epochs]
            found = [epoch.val_loss for epoch in own.epochs]
            assert found == pytest.approx(expected, rel=1e-4)
            assert own.best_epoch == last.snapshot.history.best_epoch

    def test_scratch_trials_begin_as_training_does(self, parent):
        of = prepared(parent)
        own = begin(of, of.from_scratch[0].layout, 7)
        trained = run.start(replace(of.from_scratch[0].layout.run, seed=7), FEW)
        assert own.origin is None
        kernels = zip(own.network.parameters, trained.network.parameters, strict=True)
        assert all((a.kernel == b.kernel).all() for a, b in kernels)


class TestChoice:
    def test_layers_that_know_the_task_are_reused(self, parent):
        contest = raced(prepared(parent))
        assert contest.outcome.helps
        assert contest.outcome.gain.low > 0
        assert contest.settled().layout.reuses
        assert contest.outcome.chosen == contest.outcome.reused
        assert "Reuse: keep" in contest.outcome.conclusion

    def test_layers_that_pass_nothing_on_are_not(self, parent):
        contest = raced(prepared(ruined(parent), freeze="all", options={"epochs": 12}))
        assert not contest.outcome.helps
        assert contest.outcome.gain.mean < 0
        assert contest.outcome.conclusion.startswith("Reuse does not help here. With keep")
        settled = contest.settled()
        assert (settled.layout.kept, settled.layout.frozen) == ((), ())
        assert {run.kind for run in settled.runs} == {task.TRANSFER}

    def test_the_test_rows_take_no_part(self, parent):
        unreadable = replace(FEW.test, x=np.full_like(FEW.test.x, np.nan))
        hidden = replace(FEW, test=unreadable)
        contests = [raced(prepared(parent, data)) for data in (FEW, hidden)]
        assert contests[0].outcome == contests[1].outcome

    def test_seeds_of_the_race_are_none_of_those_that_are_reported(self, parent):
        of = prepared(parent)
        assert not {one.seed for one in of.runs} & set(Race(of).seeds)

    def test_every_finalist_of_either_kind_has_had_all_its_epochs(self, parent):
        outcome = raced(prepared(parent)).outcome
        by_name = {one.name: one for one in outcome.candidates}
        for name in (outcome.reused, outcome.scratch):
            assert (by_name[name].rung, by_name[name].epochs) == (len(RUNGS), 4)

    def test_the_result_has_the_race_and_the_best_of_scratch_as_its_baseline(self, parent):
        settled = raced(prepared(parent, options={"epochs": 2})).settled()
        found = result(settled, {one.run: one.progress for one in transfer_runs(settled)})
        best = {choice.name: choice for choice in settled.from_scratch}[found.race.scratch]
        assert found.baseline.hidden == best.layout.run.network.hidden
        assert found.baseline.lr == best.layout.run.schedule.lr
        assert found.config["keep"] == "auto"
        assert found.kept == settled.layout.kept


def made_up(of, choices, scores):
    """A heat whose first candidates have had all their epochs, with these accuracies by seed."""
    pairs = list(zip(choices, scores, strict=False))
    return Heat(
        {choice.name: choice for choice, _ in pairs},
        {choice.name: trial(of, choice, accuracies) for choice, accuracies in pairs},
        Programs(ThreadPoolExecutor(1)),
        {choice.name: len(RUNGS) for choice, _ in pairs},
    )


def trial(of, choice, accuracies):
    """A trial whose seeds have these accuracies in every epoch."""
    begun = [begin(of, choice.layout, seed) for seed in range(len(accuracies))]
    ended = [
        replace(start, history=flat_history(choice.layout.run, accuracy))
        for start, accuracy in zip(begun, accuracies, strict=True)
    ]
    block = placement.block(FEW.train)
    return ReuseTrial(tuple(ended), (block, block), cache=True)


def flat_history(run_spec, accuracy):
    epochs = range(1, run_spec.schedule.epochs + 1)
    records = [replace(record(epoch), val_accuracy=accuracy, val_loss=1.0) for epoch in epochs]
    return RunHistory(run_spec, tuple(records))


class TestMadeUpScores:
    """No network is trained: only what is made of the scores is looked at."""

    def decided(self, parent, reused, scratch):
        of = prepared(parent)
        contest = Race(of)
        ours = made_up(of, of.reusing, reused)
        contest._decide(ours, made_up(of, of.from_scratch, scratch))
        return contest

    def test_where_scratch_is_best_it_is_kept_and_the_loss_is_told(self, parent):
        contest = self.decided(
            parent, [[0.70, 0.71, 0.69, 0.70, 0.70]], [[0.75, 0.77, 0.74, 0.76, 0.73]]
        )
        outcome = contest.outcome
        assert (outcome.helps, outcome.chosen) == (False, "from scratch")
        assert outcome.gain.mean == pytest.approx(-0.05)
        assert outcome.gain.high < 0
        assert "does not help" in outcome.conclusion
        assert "-5.00 points" in outcome.conclusion
        assert contest.settled().layout.run.network.hidden == (9, 8)

    def test_the_best_of_scratch_counts_and_not_the_first(self, parent):
        contest = self.decided(parent, [[0.8] * 5], [[0.7] * 5, [0.9] * 5])
        assert not contest.outcome.helps
        assert contest.settled().layout == contest.task.from_scratch[1].layout

    def test_a_gain_within_chance_is_told_as_that(self, parent):
        contest = self.decided(
            parent, [[0.70, 0.90, 0.71, 0.80, 0.75]], [[0.75, 0.70, 0.79, 0.70, 0.80]]
        )
        assert contest.outcome.helps
        assert contest.outcome.gain.low < 0 < contest.outcome.gain.mean
        assert "may be chance" in contest.outcome.conclusion

    def test_of_the_same_accuracy_the_smaller_loss_counts(self):
        ours = [SeedScore(0.9, 0.3)] * 3
        assert race.better(ours, [SeedScore(0.9, 0.4)] * 3)
        assert not race.better(ours, [SeedScore(0.9, 0.2)] * 3)

    def test_a_run_that_diverged_is_the_worst(self):
        lost = [SeedScore(0.9, 0.3), SeedScore(0.0, float("inf"))]
        assert not race.better(lost, [SeedScore(0.5, 1.0)] * 2)


class TestWhatIsTried:
    def test_depths_are_the_probes_all_and_half_each_frozen_and_not(self, parent):
        names = [choice.name for choice in prepared(parent).reusing]
        assert {"keep 2", "keep 2, frozen", "keep 1", "keep 1, frozen"} <= set(names)
        assert len(names) == len(set(names))

    def test_every_architecture_is_tried_from_scratch(self, parent):
        of = prepared(parent)
        sizes = {choice.layout.run.network.hidden for choice in of.reusing}
        assert sizes == {choice.layout.run.network.hidden for choice in of.from_scratch}
        assert all(not choice.layout.reuses for choice in of.from_scratch)

    def test_what_was_given_is_not_varied(self, parent):
        of = prepared(parent, freeze="1", lr_decay=0.5, options={"epochs": 4, "lr": 0.01})
        every = (*of.reusing, *of.from_scratch)
        assert {choice.layout.run.schedule.lr for choice in every} == {0.01}
        assert {choice.layout.frozen for choice in of.reusing} == {("hidden1",)}
        assert {choice.layout.run.freezing.lr_decay for choice in of.reusing} == {0.5}
        assert {choice.layout.run.freezing.lr_decay for choice in of.from_scratch} == {1.0}

    def test_options_that_need_all_layers_leave_that_depth_alone(self, parent):
        same = replace(FEW, class_names=DATA.class_names)
        of = prepared(parent, same, head="keep")
        assert {choice.keep for choice in of.reusing} == {2}

    def test_added_layers_stand_on_every_depth(self, parent):
        of = prepared(parent, add=(4,))
        assert {choice.layout.run.network.hidden[-1] for choice in of.reusing} == {4}


class TestBudget:
    def test_few_examples_are_trained_on_for_steps(self):
        own = spec(batch_size=16, epochs=5, patience=2)
        needed = budget.in_steps(own, {}, 40)  # 3 steps an epoch
        assert needed == {"epochs": 100, "patience": 20}
        assert 3 * needed["epochs"] >= budget.FEWEST_STEPS

    def test_enough_epochs_and_given_ones_stay(self):
        assert budget.in_steps(spec(epochs=500), {}, 40) == {}
        assert budget.in_steps(spec(epochs=5), {"epochs": 5}, 40) == {}

    def test_too_few_steps_are_told_with_the_epochs_that_would_do(self):
        assert budget.short_of_steps(spec(epochs=500), 40) is None
        told = budget.short_of_steps(spec(epochs=5), 40)
        assert "5 epochs of 40 examples are 15 steps" in told
        assert "--epochs 100 makes 300 steps" in told

    def test_auto_counts_in_steps_unless_epochs_are_given(self, parent):
        free = prepared(parent, options={})
        assert free.layout.run.schedule.epochs == 150  # 2 steps an epoch
        assert prepared(parent).layout.run.schedule.epochs == 4

    def test_a_number_of_layers_keeps_the_parents_epochs(self, parent):
        assert prepared(parent, keep="2", options={}).layout.run.schedule.epochs == 15
