"""A run: one record an epoch, measured as the oracle measures, the best epoch kept, resumed to the bit."""

import re
from dataclasses import replace

import jax
import numpy as np
import oracle
import pytest
from oracle import assert_agree
from problems import dataset, spec

from dnncli.diagnosis.verdict import diagnose
from dnncli.nn import network
from dnncli.nn.network import Moments
from dnncli.records import LAYER_FIELDS
from dnncli.storage import checkpoint
from dnncli.training import checkpointing, compilation_cache, engine, run
from dnncli.training import plan as plans
from dnncli.training.program import Block, Program
from dnncli.training.step import step as take_step

pytestmark = pytest.mark.usefixtures("quick_compilation")

DATA = dataset(train=70, validation=20)
NOISY = {"bn": True, "bn_output": True, "dropout": 0.3}
SATURATING = {"act": "tanh", "lr": 0.3, "epochs": 6}
HARD = {
    "act": "tanh",
    "lr": 0.1,
    "epochs": 6,
}  # adam: learns for three epochs, then loses on new examples


@pytest.fixture(autouse=True, scope="module")
def compiled_once():
    """Tests that train the same network compile it once."""
    compilation_cache.enable()


def train(run_spec, data=DATA, stop_on=()):
    """The run before its first epoch, and all its progress."""
    start = run.start(run_spec, data)
    return start, list(run.run(start, data, stop_on))


def same(one, other):
    """Whether two trees are equal to the bit."""
    leaves = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    alike = jax.tree.structure(one) == jax.tree.structure(other)
    return alike and all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in leaves)


def untimed(history):
    return [replace(record, seconds=None) for record in history]


class TestProgress:
    def test_a_run_starts_from_its_untrained_network(self):
        start = run.start(spec(act="relu", init="he", seed=3), DATA)
        untrained = network.init(start.spec.network, DATA.features, DATA.classes, 3)
        assert same(start.network, untrained)
        assert same(start.state.network, untrained)
        assert (start.history.epoch, start.history.best_epoch, int(start.state.step)) == (0, 0, 0)
        assert start.history.epochs == start.history.initial == start.steps == ()

    def test_every_epoch_yields_its_record_and_the_run_after_it(self):
        _, told = train(spec(**HARD))
        assert [progress.record.epoch for progress in told] == [1, 2, 3, 4, 5, 6]
        for done, progress in enumerate(told, 1):
            assert progress.snapshot.history.epochs == tuple(each.record for each in told[:done])
            assert int(progress.snapshot.state.step) == done * 5  # 70 examples in batches of 16
            assert progress.record.seconds > 0
            assert [layer.layer for layer in progress.record.layers] == [
                "hidden1",
                "hidden2",
                "output",
            ]
        assert [progress.stopped for progress in told] == [None] * 5 + ["epochs"]
        assert all(progress.cause is None for progress in told)

    def test_only_the_epochs_that_are_asked_for_are_trained(self):
        epochs = run.run(run.start(spec(epochs=1000), DATA), DATA)
        assert [next(epochs).record.epoch for _ in range(2)] == [1, 2]
        epochs.close()

    def test_a_run_that_has_done_all_its_epochs_yields_nothing(self):
        _, told = train(spec(epochs=1))
        assert not list(run.run(told[-1].snapshot, DATA))

    def test_the_same_run_twice_is_the_same_to_the_bit_and_another_seed_is_not(self):
        ends = [train(spec(seed=seed, **NOISY))[1][-1].snapshot for seed in (4, 4, 5)]
        assert same(ends[0].state, ends[1].state)
        assert untimed(ends[0].history.epochs) == untimed(ends[1].history.epochs)
        assert not same(ends[0].state, ends[2].state)


def oracle_epoch(run_spec, parameters, statistics, epoch):
    """An epoch of plain SGD in float64: losses, figures and slopes of each step, and the state after it."""
    net, rate, momentum = run_spec.network, run_spec.schedule.lr, run_spec.network.bn_momentum
    order = plans.shuffle(run_spec.seed, epoch, len(DATA.train))
    losses, figures, slopes = [], [], []
    for rows in np.split(order, range(16, len(order), 16)):
        seen = oracle.run(net, parameters, DATA.train.x[rows], DATA.train.y[rows])
        updates = jax.tree.map(lambda g: -rate * g, seen.gradients)
        figures.append(oracle.figures(net, parameters, seen, updates))
        slopes.append(seen.slopes)
        losses += [seen.loss] * len(rows)
        parameters = jax.tree.map(np.add, oracle.exact(parameters), updates)
        statistics = tuple(
            old
            and Moments(*(momentum * o + (1 - momentum) * n for o, n in zip(old, new, strict=True)))
            for old, new in zip(oracle.exact(statistics), seen.statistics, strict=True)
        )
    return losses, figures, slopes, parameters, statistics


@pytest.mark.parametrize(
    "options",
    [{}, {"act": "relu", "bn": True, "bn_output": True, "bn_momentum": 0.7}],
    ids=["plain", "batch norm"],
)
def test_records_and_states_are_those_of_a_float64_run(options):
    run_spec = spec(optimizer="sgd", lr=0.1, epochs=2, **options)
    start, told = train(run_spec)
    parameters, statistics = start.network.parameters, start.network.statistics
    for epoch, progress in enumerate(told):
        losses, figures, slopes, parameters, statistics = oracle_epoch(
            run_spec, parameters, statistics, epoch
        )
        record = progress.record
        assert record.train_loss == pytest.approx(np.mean(losses), rel=1e-5)
        held_out = oracle.run(
            run_spec.network, parameters, DATA.validation.x, DATA.validation.y, statistics
        )
        assert record.val_loss == pytest.approx(held_out.loss, rel=1e-5)
        assert record.val_accuracy == pytest.approx(held_out.accuracy, abs=1e-6)
        for index, layer in enumerate(record.layers):
            for name in LAYER_FIELDS:
                values = [step[name][index] for step in figures]
                what = f"{layer.layer}.{name} of epoch {record.epoch}"
                assert_agree(getattr(layer, name), np.mean(values), 2e-5, what)
                assert_agree(layer.ranges[name], (min(values), max(values)), 2e-5, what)
            alive = np.any([(abs(step[index]) > 1e-10).any(axis=0) for step in slopes], axis=0)
            assert layer.dead_fraction == pytest.approx(1 - alive.mean())
        if epoch == 0:
            for index, layer in enumerate(progress.snapshot.history.initial):
                for name in LAYER_FIELDS:
                    assert_agree(
                        getattr(layer, name), figures[0][name][index], 2e-5, f"first step's {name}"
                    )
        state = progress.snapshot.state
        assert_agree(state.network.parameters, parameters, what="parameters")
        assert_agree(state.network.statistics, statistics, what="statistics")


class TestTheBestEpoch:
    @pytest.mark.parametrize("monitor", ["val-loss", "val-accuracy"])
    def test_its_parameters_are_what_is_kept(self, monitor):
        start, told = train(spec(monitor=monitor, **HARD))
        figures = [
            -each.record.val_loss if monitor == "val-loss" else each.record.val_accuracy
            for each in told
        ]
        for done, progress in enumerate(told, 1):
            best = int(np.argmax(figures[:done]))
            snapshot, then = progress.snapshot, told[best].snapshot.state
            assert snapshot.history.best_epoch == best + 1
            assert same(snapshot.network, then.network)
        seen = oracle.run(
            start.spec.network,
            snapshot.network.parameters,
            *map(np.asarray, vars(DATA.validation).values()),
        )
        assert seen.loss == pytest.approx(told[best].record.val_loss, rel=1e-5)

    def test_its_batch_norm_statistics_are_kept_with_them(self):
        _, told = train(spec(lr=0.3, epochs=6, **NOISY))
        end = told[-1].snapshot
        assert 0 < end.history.best_epoch < 6, "the problem is no test"
        then = told[end.history.best_epoch - 1].snapshot.state
        assert same(end.network.statistics, then.network.statistics)
        assert not same(end.network.statistics, end.state.network.statistics)

    def test_a_run_goes_on_for_its_patience_and_no_longer(self):
        _, free = train(spec(**HARD))
        best = free[-1].snapshot.history.best_epoch
        _, told = train(spec(patience=2, **HARD))
        assert [progress.stopped for progress in told] == [None] * (best + 1) + ["patience"]
        assert told[-1].snapshot.history.best_epoch == best
        assert untimed(told[-1].snapshot.history.epochs) == untimed(
            free[best + 1].snapshot.history.epochs
        )

    def test_what_improves_by_less_than_min_delta_does_not_count(self):
        _, told = train(spec(patience=2, min_delta=100.0, **HARD))
        assert [progress.record.epoch for progress in told] == [1, 2, 3]
        assert (told[-1].stopped, told[-1].snapshot.history.best_epoch) == ("patience", 1)


RESUMED = {
    "adam, dropout, batch norm": NOISY,
    "lamb, learned slopes": {"optimizer": "lamb", "act": "prelu", "bn": True, "warmup": 1.5},
}


@pytest.mark.parametrize("options", RESUMED.values(), ids=RESUMED)
def test_a_run_resumed_from_its_checkpoint_is_the_straight_one_to_the_bit(options, tmp_path):
    start, straight = train(spec(epochs=4, **options))
    halves = run.run(start, DATA)
    half = [next(halves) for _ in range(2)][-1].snapshot
    halves.close()
    path = tmp_path / "half.ckpt"
    checkpoint.write(path, checkpointing.to_checkpoint(half))
    *_, last = run.run(checkpointing.from_checkpoint(checkpoint.read(path), path), DATA)
    end = straight[-1].snapshot
    assert same(last.snapshot.state, end.state)
    assert same(
        last.snapshot.network,
        end.network,
    )
    assert last.snapshot.history.best_epoch == end.history.best_epoch
    assert untimed(last.snapshot.history.epochs) == untimed(end.history.epochs)
    assert last.snapshot.history.initial == end.history.initial


def steps_by_hand(start, epoch, count):
    """States and losses after each of an epoch's first steps, taken one by one."""
    run_spec, state = start.spec, start.state
    program = Program(run_spec.network, run_spec.update, 16, None)
    plan = plans.epoch_plan(run_spec, epoch, len(DATA.train))
    key = np.array([0, run_spec.seed], np.uint32)
    log = engine._empty_log(program, state, plan)
    step = jax.jit(take_step, static_argnums=0)
    for index in range(count):
        rows = plan.order[index * 16 : (index + 1) * 16]
        batch = Block(DATA.train.x[rows], DATA.train.y[rows])
        (state, log), _ = step(
            program, (state, log), batch, key, plan.learning_rates[index], np.int32(index)
        )
        yield state, float(log.losses[index])


def all_finite(tree):
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree))


class TestDivergence:
    def told(self, progress):
        """Epoch and step of the cause."""
        found = re.search(r"at epoch (\d+), step (\d+)", progress.cause.evidence)
        return int(found[1]), int(found[2])

    @pytest.mark.parametrize("optimizer", ["sgd", "adam"])
    def test_a_rate_of_a_million_ends_the_run_and_names_layer_epoch_and_step(self, optimizer):
        start, told = train(spec(optimizer=optimizer, lr=1e6))
        (progress,) = told
        assert progress.stopped == "diverged"
        assert progress.cause.rule == "diverged"
        assert progress.cause.layer in start.spec.network.layers()
        assert self.told(progress)[0] == 1
        assert "--lr" in progress.cause.advice
        assert progress.record.epoch == 1
        assert progress.snapshot.history.epoch == 0
        assert same(progress.snapshot.state, start.state)

    def test_the_step_named_is_the_first_that_is_not_finite(self):
        start, (progress,) = train(spec(optimizer="sgd", lr=1e6))
        epoch, step = self.told(progress)
        fine = [all_finite((state, loss)) for state, loss in steps_by_hand(start, 0, step)]
        assert fine == [True] * (step - 1) + [False]
        flight = progress.snapshot.steps
        assert [(each.epoch, each.step) for each in flight] == [(epoch, i + 1) for i in range(step)]
        assert not np.isfinite(flight[-1].loss)
        assert all(np.isfinite(each.loss) for each in flight[:-1])

    def test_a_loss_beyond_float32s_resolution_is_as_bad_and_the_largest_step_its_cause(self):
        start, (progress,) = train(spec(optimizer="adam", lr=1e6))
        _, step = self.told(progress)
        flight = progress.snapshot.steps
        assert "float32's resolution" in progress.cause.evidence
        assert flight[-1].loss >= 2**24 > max(each.loss for each in flight[:-1])
        sizes = {
            (each.step, layer.layer): layer.update_ratio for each in flight for layer in each.layers
        }
        assert max(sizes, key=sizes.get) == (step, progress.cause.layer)
        losses = [loss for _, loss in steps_by_hand(start, 0, len(flight))]
        assert [each.loss for each in flight] == pytest.approx(losses, rel=1e-4)

    @pytest.mark.parametrize("optimizer", ["sgd", "adam"])
    def test_the_epochs_before_it_are_kept(self, optimizer):
        _, told = train(spec(optimizer=optimizer, epochs=2))
        good = told[-1].snapshot
        wild = replace(good.spec, schedule=replace(good.spec.schedule, lr=1e6, epochs=9))
        (progress,) = run.run(replace(good, history=replace(good.history, spec=wild)), DATA)
        assert (progress.stopped, progress.record.epoch) == ("diverged", 3)
        assert self.told(progress)[0] == 3
        kept = progress.snapshot
        assert kept.history.epoch == 2
        assert kept.history.best_epoch == good.history.best_epoch
        assert kept.history.epochs == good.history.epochs
        assert same((kept.state, kept.network), (good.state, good.network))
        assert all_finite(kept.state)
        assert {each.epoch for each in kept.steps} == {3}

    def test_it_may_happen_in_the_last_batch_which_is_smaller(self):
        start = run.start(spec(optimizer="sgd", lr=0.1, epochs=1), DATA)
        order = plans.shuffle(0, 0, len(DATA.train))
        x = DATA.train.x.copy()
        x[order[-1]] = 3e38  # the 70th example is in the fifth batch, of 6
        data = replace(DATA, train=replace(DATA.train, x=x))
        (progress,) = run.run(start, data)
        assert self.told(progress) == (1, 5)
        assert progress.cause.layer == "hidden1"
        assert [each.step for each in progress.snapshot.steps] == [1, 2, 3, 4, 5]


class TestStoppingOnAVerdict:
    def judged(self, run_spec, record):
        findings = diagnose(run.network_context(run_spec, DATA), record.layers).findings
        return {finding.rule: finding for finding in findings}

    def test_it_ends_at_the_first_epoch_that_earns_it(self):
        run_spec = spec(**SATURATING)
        _, free = train(run_spec)
        earned = [
            each.record.epoch for each in free if "saturated" in self.judged(run_spec, each.record)
        ]
        assert 1 < earned[0] < 6, "the problem is no test"
        _, told = train(run_spec, stop_on=("dead", "saturated"))
        assert [each.stopped for each in told] == [None] * (earned[0] - 1) + ["condition"]
        assert untimed(told[-1].snapshot.history.epochs) == untimed(
            free[earned[0] - 1].snapshot.history.epochs
        )

    def test_it_names_the_epoch_and_the_step_that_first_earned_it(self):
        run_spec = spec(**SATURATING)
        last = train(run_spec, stop_on=("saturated",))[1][-1]
        finding = self.judged(run_spec, last.record)["saturated"]
        flight = last.snapshot.steps
        epoch, step = flight[-1].epoch, flight[-1].step
        assert last.cause == replace(
            finding, evidence=f"{finding.evidence}, since epoch {epoch}, step {step}"
        )
        assert epoch == last.record.epoch
        assert [each.step for each in flight] == list(range(1, step + 1))
        met = ["saturated" in self.judged(run_spec, each) for each in flight]
        assert met == [False] * (step - 1) + [True]

    def test_other_verdicts_do_not_end_it(self):
        _, told = train(spec(**SATURATING), stop_on=("vanishing", "exploding", "dead"))
        assert told[-1].stopped == "epochs"
        assert all(each.cause is None for each in told)
        assert not told[-1].snapshot.steps

    def test_a_network_that_is_sick_from_the_start_ends_with_its_first_epoch(self):
        loud = dataset(train=70, validation=20, transform=lambda x: 100 * x)
        _, (progress,) = train(spec(**HARD), loud, stop_on=("saturated",))
        assert (progress.stopped, progress.cause.rule, progress.cause.layer) == (
            "condition",
            "saturated",
            "hidden1",
        )
        assert progress.cause.evidence.endswith("since epoch 1, step 1")
        assert len(progress.snapshot.steps) == 1


def test_with_weights_a_run_is_that_of_examples_given_several_times():
    """In one batch of all examples: one that counts 3 is three that count 1."""
    whole = dataset(train=24, validation=12)
    times = {name: 1 + np.arange(n) % 3 for name, n in (("train", 24), ("validation", 12))}

    def weighted(name):
        split = whole.split(name)
        return replace(split, weights=times[name].astype(np.float32))

    def repeated(name):
        split = whole.split(name)
        return split.take(np.repeat(np.arange(len(split)), times[name]))

    curves = []
    for change in (weighted, repeated):
        given = replace(whole, train=change("train"), validation=change("validation"))
        one = spec(batch_size=len(given.train), optimizer="sgd", lr=0.1)
        *_, last = run.run(run.start(one, given), given)
        epochs = last.snapshot.history.epochs
        curves.append([(epoch.train_loss, epoch.val_loss) for epoch in epochs])
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-5)
    *_, plain = run.run(run.start(spec(batch_size=24, optimizer="sgd", lr=0.1), whole), whole)
    assert abs(plain.record.train_loss - curves[0][-1][0]) > 1e-3, "the weights are no test"
