"""Several seeds in one program: each is the run that `training` makes of it alone."""

from dataclasses import replace
from functools import cache

import jax
import numpy as np
import problems
import pytest

from dnncli.spec.comparison import seeded
from dnncli.training import plan as plans
from dnncli.training import run as training
from dnncli.training import seeds
from dnncli.training.program import Block
from dnncli.training.snapshot import summary

SEEDS = 3
PLAIN = {"act": "elu", "optimizer": "momentum"}


def blocks(dataset):
    return [
        Block(*jax.device_put((split.x, split.y))) for split in (dataset.train, dataset.validation)
    ]


@cache
def compiled(act, **options):
    """The program for every seed, rate and length of such a run."""
    return seeds.compile_epoch(problems.spec(act=act, **options), SEEDS, problems.dataset())


def together(spec, options, start=None):
    """Every batch of a run, the start first."""
    dataset = problems.dataset()
    start = start or seeds.start(spec, SEEDS, dataset)
    return [start, *seeds.run(start, *blocks(dataset), compiled(**options))]


def alone(spec, dataset):
    """The last snapshot of a run by itself."""
    snapshot = training.start(spec, dataset)
    for progress in training.run(snapshot, dataset):
        snapshot = progress.snapshot
    return snapshot


def same(a, b):
    """Whether two trees hold the same bytes."""
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(np.array_equal(x, y) and x.dtype == y.dtype for x, y in pairs)


@pytest.mark.parametrize(
    "options", [{}, {"init": "critical", "act": "tanh"}, {"bn": True, "act": "prelu"}]
)
def test_a_seed_starts_as_its_own_run_does_to_the_bit(options):
    spec, dataset = problems.spec(seed=4, **options), problems.dataset()
    batch = seeds.start(spec, SEEDS, dataset)
    for k in range(SEEDS):
        own = training.start(replace(spec, seed=4 + k), dataset)
        assert same(seeds.seed_slice(k, batch.states.state), own.state)


def test_a_seed_has_the_shuffles_and_the_key_of_its_own_run():
    spec = problems.spec(seed=4)
    runs = seeded(spec, SEEDS)
    for epoch in range(2):
        plan = seeds.plan(runs, epoch, 40)
        for k, run in enumerate(runs):
            assert same(seeds.seed_slice(k, plan), plans.epoch_plan(run, epoch, 40))
    assert seeds.keys(runs).tolist() == [[0, 4], [0, 5], [0, 6]]


@pytest.mark.parametrize(
    "options",
    [
        PLAIN,
        {"act": "prelu", "bn": True, "bn_output": True, "dropout": 0.2, "optimizer": "momentum"},
    ],
    ids=["elu", "prelu with batch norm and dropout"],
)
def test_a_seed_trains_as_its_own_run_does(options):
    spec, dataset = problems.spec(seed=1, lr=0.05, **options), problems.dataset()
    batch = together(spec, options)[-1]
    ends = seeds.snapshots(batch, summary(dataset))
    for k, end in enumerate(ends):
        own = alone(replace(spec, seed=1 + k), dataset)
        assert end.spec == own.spec
        assert end.history.best_epoch == own.history.best_epoch
        for mine, its in zip(end.history.epochs, own.history.epochs, strict=True):
            assert mine.train_loss == pytest.approx(its.train_loss, rel=1e-4)
            assert mine.val_loss == pytest.approx(its.val_loss, rel=1e-4)
            assert mine.val_accuracy == its.val_accuracy
            for one, other in zip(mine.layers, its.layers, strict=True):
                assert one.delta_rms == pytest.approx(other.delta_rms, rel=1e-3)
                assert one.dead_fraction == other.dead_fraction
        for mine, its in zip(
            jax.tree.leaves(end.network.parameters),
            jax.tree.leaves(own.network.parameters),
            strict=True,
        ):
            np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-5)
        assert end.history.initial[0].delta_rms == pytest.approx(
            own.history.initial[0].delta_rms, rel=1e-4
        )


def test_each_seed_stops_in_its_own_time_and_then_stands_still():
    batches = together(problems.spec(epochs=40, patience=2, lr=0.1, **PLAIN), PLAIN)
    last = batches[-1]
    lengths = [run.epoch for run in last.runs]
    assert len(set(lengths)) > 1
    assert len(batches) - 1 == max(lengths)
    for k, run in enumerate(last.runs):
        assert run.stopped == "patience"
        assert run.epoch - run.best_epoch == 2
        then = batches[lengths[k]]
        assert run == then.runs[k]
        assert same(seeds.seed_slice(k, last.states), seeds.seed_slice(k, then.states))
        best = seeds.seed_slice(k, batches[run.best_epoch].states.state)
        assert same(seeds.seed_slice(k, last.states).best, best.network)


def test_a_seed_that_diverges_keeps_its_last_finite_state_and_the_others_go_on():
    spec = problems.spec(lr=0.05, **PLAIN)
    start = seeds.start(spec, SEEDS, problems.dataset())
    network = start.states.state.network
    first, *upper = network.parameters
    kernel = np.array(first.kernel)
    kernel[1] = 1e38  # overflows in its first step
    broken = network._replace(parameters=(first._replace(kernel=kernel), *upper))
    state = start.states.state._replace(network=broken)
    batches = together(spec, PLAIN, replace(start, states=start.states._replace(state=state)))
    last = batches[-1]
    assert [run.stopped for run in last.runs] == ["epochs", "diverged", "epochs"]
    assert [run.epoch for run in last.runs] == [3, 0, 3]
    assert same(seeds.seed_slice(1, last.states.state), seeds.seed_slice(1, state))
    whole = together(spec, PLAIN)[-1]
    for k in (0, 2):
        assert same(seeds.seed_slice(k, last.states), seeds.seed_slice(k, whole.states))


def test_initialisers_and_rates_share_a_program():
    programs = {
        seeds.program(problems.spec(act="elu", init=init, lr=lr, seed=seed), 40)
        for init, lr, seed in (("he", 0.1, 0), ("xavier", 0.2, 1), ("critical", 0.3, 2))
    }
    assert len(programs) == 1
