"""A transfer: layers of the parent, paired runs from scratch, and what the result says of them."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from problems import dataset, spec

from dnncli.experiments import statistics
from dnncli.experiments.transfer import layers
from dnncli.experiments.transfer import run as transfer
from dnncli.experiments.transfer.result import result
from dnncli.experiments.transfer.task import BASELINE, TRANSFER, Run, Transfer
from dnncli.spec import transfer as transfer_spec
from dnncli.spec.transfer import TransferSpec
from dnncli.storage import checkpoint
from dnncli.training import checkpointing, compilation_cache, run

DATA = dataset(train=60, validation=20, test=25, classes=3)
OTHER = replace(
    dataset(train=40, validation=20, test=25, classes=3, seed=7), class_names=("x", "y", "z")
)
ASKED = {"keep": "2", "add": (4,), "freeze": "1", "seeds": 2, "options": {"epochs": 3, "seed": 5}}


@pytest.fixture(autouse=True, scope="module")
def compiled_once():
    compilation_cache.enable()


@pytest.fixture(scope="module")
def parent():
    compilation_cache.enable()
    *_, last = run.run(run.start(spec(hidden=(7, 6, 5), bn=True), DATA), DATA)
    return last.snapshot


def task(parent, data=OTHER, **asked):
    asked = TransferSpec(**ASKED | asked)
    same = data.class_names == parent.data.class_names
    layout = transfer_spec.layout(asked, parent.spec, parent.spec.data, same_classes=same)
    return Transfer(asked, layout, parent, layers.parent_record("p.ckpt", "ab" * 32, parent), data)


def finish(of):
    ends = {step.run: step.progress for step in transfer.run(of)}
    return ends, result(of, ends)


@pytest.fixture(scope="module")
def done(parent):
    of = task(parent)
    return of, *finish(of)


def bits(tree):
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(tree)]


def test_kept_layers_are_the_parents_and_the_rest_is_what_scratch_starts_with(parent):
    of = task(parent)
    start, scratch = (transfer.start(of, Run(kind, 5)) for kind in (TRANSFER, BASELINE))
    assert start.spec.network.hidden == scratch.spec.network.hidden == (7, 6, 4)
    for place in (0, 1):
        assert bits(start.network.parameters[place]) == bits(parent.network.parameters[place])
        assert bits(start.network.statistics[place]) == bits(parent.network.statistics[place])
        assert bits(start.network.parameters[place]) != bits(scratch.network.parameters[place])
    assert bits(start.network.parameters[2:]) == bits(scratch.network.parameters[2:])
    assert bits(start.network.statistics[2:]) == bits(scratch.network.statistics[2:])
    assert bits(start.state.network.parameters) == bits(start.network.parameters)
    assert not any(np.asarray(leaf).any() for leaf in jax.tree.leaves(start.state.optimizer))


def test_the_parents_best_epoch_is_what_is_kept(parent):
    last = parent.state.network._replace(parameters=None)
    worse = replace(parent, state=parent.state._replace(network=last))
    start = transfer.start(task(worse), Run(TRANSFER, 5))
    assert bits(start.network.parameters[0]) == bits(parent.network.parameters[0])


def test_layers_drawn_anew_are_those_of_scratch(parent):
    of = task(parent, reinit=("hidden1",), freeze="0")
    start, scratch = (transfer.start(of, Run(kind, 5)) for kind in (TRANSFER, BASELINE))
    assert bits(start.network.parameters[0]) == bits(scratch.network.parameters[0])
    assert bits(start.network.parameters[1]) == bits(parent.network.parameters[1])


def test_a_kept_output_layer_is_the_parents(parent):
    of = task(parent, DATA, keep="all", add=())
    assert bits(transfer.start(of, Run(TRANSFER, 5)).network.parameters) == bits(
        parent.network.parameters
    )


def test_runs_come_in_pairs_of_a_seed(done):
    of, ends, _ = done
    expected = (Run(TRANSFER, 5), Run(BASELINE, 5), Run(TRANSFER, 6), Run(BASELINE, 6))
    assert of.runs == tuple(ends) == expected


def test_the_baseline_is_what_train_makes_of_the_same_options(done):
    of, ends, record = done
    plain = replace(of.layout.run, freezing=type(of.layout.run.freezing)())
    *_, last = run.run(run.start(plain, OTHER), OTHER)
    assert bits(ends[Run(BASELINE, 5)].snapshot.state) == bits(last.snapshot.state)
    alone = run.test_score(last.snapshot, OTHER)
    assert record.baseline.test.loss == alone.loss
    assert record.baseline.test.accuracy == alone.accuracy
    assert record.baseline.test.metrics["accuracy"].value == pytest.approx(alone.accuracy)


def test_frozen_layers_are_the_parents_at_the_end(parent, done):
    end = done[1][Run(TRANSFER, 6)].snapshot
    assert bits(end.state.network.parameters[0]) == bits(parent.network.parameters[0])
    assert bits(end.state.network.statistics[0]) == bits(parent.network.statistics[0])
    assert bits(end.state.network.parameters[1]) != bits(parent.network.parameters[1])


def test_the_result_says_what_was_kept_frozen_and_trained(done):
    _, _, record = done
    assert (record.kept, record.frozen, record.reinitialised) == (
        ("hidden1", "hidden2"),
        ("hidden1",),
        (),
    )
    assert record.frozen_parameters == 6 * 7 + 2 * 7
    assert record.parameters == 6 * 7 + 2 * 7 + 7 * 6 + 2 * 6 + 6 * 4 + 2 * 4 + 4 * 3 + 3
    assert record.trained_parameters == record.parameters - record.frozen_parameters
    assert [epoch.epoch for epoch in record.epochs] == [1, 2, 3]
    assert [layer.frozen for layer in record.epochs[0].layers] == [True, False, False, False]
    assert (record.stopped, record.parent.sha256, record.config["freeze"]) == (
        "epochs",
        "ab" * 32,
        ["hidden1"],
    )
    assert record.config["keep"] == "2"


def test_summaries_are_of_the_curves(done):
    _, ends, record = done
    for kind, summaries in ((TRANSFER, record.seeds), (BASELINE, record.baseline.seeds)):
        for summary in summaries:
            curve = [
                epoch.val_accuracy
                for epoch in ends[Run(kind, summary.seed)].snapshot.history.epochs
            ]
            rival = [
                epoch.val_accuracy
                for epoch in ends[Run(BASELINE, summary.seed)].snapshot.history.epochs
            ]
            assert list(summary.val_accuracies) == curve
            assert (summary.first_accuracy, summary.best_accuracy) == (curve[0], max(curve))
            reached = [epoch for epoch, value in enumerate(curve, 1) if value >= max(rival)]
            assert summary.reached == (reached[0] if reached else None)


def test_the_difference_is_paired_by_seed(done):
    _, ends, record = done
    scores = {lane: run.test_score(end.snapshot, OTHER).accuracy for lane, end in ends.items()}
    pairs = [scores[Run(TRANSFER, s)] - scores[Run(BASELINE, s)] for s in (5, 6)]
    assert record.difference.pairs == 2
    assert record.difference.mean == pytest.approx(np.mean(pairs))
    low = statistics.interval(pairs).low
    assert record.difference.low == pytest.approx(low)


def test_one_seed_has_no_interval_and_no_baseline_no_difference(parent):
    of = task(parent, seeds=1)
    _, record = finish(of)
    assert (record.difference.low, record.difference.high, record.difference.p) == (
        None,
        None,
        None,
    )
    _, alone = finish(task(parent, seeds=1, baseline=False))
    assert (alone.baseline, alone.difference, alone.seeds[0].reached) == (None, None, None)
    assert alone.test == record.test


def test_a_stopped_transfer_tells_what_is_done(parent):
    of, ends = task(parent, seeds=1), {}
    for step in transfer.run(of):
        ends[step.run] = step.progress
        if step.run.kind == BASELINE:
            break
    record = result(of, ends, finished=False)
    assert (record.stopped, record.baseline, record.difference) == ("signal", None, None)
    assert record.test is not None
    first = {of.runs[0]: next(iter(transfer.run(of))).progress}
    assert result(of, first, finished=False).test is None


def test_nothing_follows_a_divergence_of_the_network_that_is_kept(parent):
    of = task(parent, seeds=2, options={"epochs": 3, "lr": 1e30})
    ends, record = finish(of)
    assert list(ends) == [Run(TRANSFER, 0)]
    assert (record.stopped, record.health.verdict) == ("diverged", "diverged")
    assert record.difference is None


def test_a_transferred_checkpoint_says_where_it_came_from_and_goes_on(done, tmp_path):
    _, ends, _ = done
    end, path = ends[Run(TRANSFER, 5)].snapshot, tmp_path / "child.ckpt"
    checkpoint.write(path, checkpointing.to_checkpoint(end))
    back = checkpointing.from_checkpoint(checkpoint.read(path), path)
    assert back.origin == end.origin
    assert (back.origin.kept, back.origin.frozen) == (("hidden1", "hidden2"), ("hidden1",))
    assert back.origin.parent.fingerprint == DATA.fingerprint
    more = replace(back.spec, schedule=replace(back.spec.schedule, epochs=5))
    longer = replace(back, history=replace(back.history, spec=more))
    *_, last = run.run(longer, OTHER)
    assert last.snapshot.history.epoch == 5
    assert bits(back.start) == bits(end.start)
    state = last.snapshot.state.network.parameters
    ways = [
        np.linalg.norm(layer.kernel - first) / np.linalg.norm(first)
        for layer, first in zip(state, end.start, strict=True)
    ]
    assert [one.distance for one in last.record.layers] == pytest.approx(ways, rel=1e-5)
    assert bits(last.snapshot.state.network.parameters[0]) == bits(end.network.parameters[0])
    assert last.record.layers[0].frozen


def test_a_second_transfer_knows_both_parents(done):
    _, ends, _ = done
    child = ends[Run(TRANSFER, 5)].snapshot
    again = transfer.start(task(child, DATA, keep="3", add=()), Run(TRANSFER, 5))
    assert bits(again.network.parameters[:3]) == bits(child.network.parameters[:3])
    assert again.origin.parent.origin == child.origin
    assert again.spec.freezing.freeze == ("hidden1",)
