"""A snapshot one epoch on: the network of the best epoch is the one that is kept."""

from dataclasses import replace

import numpy as np
import problems

from dnncli.training import snapshot as snapshots

DATA = problems.dataset()


def with_best(history, best):
    return replace(history, best_epoch=best)


def test_the_network_of_an_epoch_is_kept_where_it_is_the_best():
    run = problems.snapshot(problems.spec())
    history = with_best(run.history, 3)
    after = run.after(run.state, history)
    assert after.network is run.state.network
    assert (after.history, after.state) == (history, run.state)


def test_the_network_of_a_worse_epoch_is_not_kept():
    run = problems.snapshot(problems.spec())
    after = run.after(run.state, with_best(run.history, 2))
    assert after.network is run.network
    assert after.state is run.state


def test_a_summary_holds_what_a_network_must_know_of_its_data():
    kept = snapshots.summary(DATA)
    assert kept.record == DATA.record()
    assert kept.class_names == DATA.class_names
    assert kept.scaling is DATA.scaling


def test_kernels_are_the_best_epochs_by_the_names_of_their_layers():
    run = problems.snapshot(problems.spec())
    kernels = snapshots.kernels(run)
    assert list(kernels) == ["hidden1", "hidden2", "output"]
    for layer, kernel in zip(run.network.parameters, kernels.values(), strict=True):
        np.testing.assert_array_equal(kernel, layer.kernel)
