"""The replay: its steps are those of the epoch it replays, and it finds what broke first."""

import re

import numpy as np
import pytest
from problems import dataset, layers, spec

from dnncli.diagnosis.context import NetworkContext
from dnncli.nn.layer_stats import StepStatistics
from dnncli.records import LAYER_FIELDS, StepRecord
from dnncli.training import compilation_cache, phases, placement, replay, run

DATA = dataset(train=70, validation=20)
RUN = spec()
START = run.start(RUN, DATA)
BLOCKS = (placement.block(DATA.train), placement.block(DATA.validation))
PHASE = phases.begin(START, *BLOCKS, 0)
NAMES = ("hidden1", "hidden2", "output")


@pytest.fixture(autouse=True, scope="module")
def compiled_once():
    """Tests that train the same network compile it once."""
    compilation_cache.enable()


@pytest.fixture(scope="module")
def epochs():
    """Three epochs, each with the state before it, its record and its replay."""
    told, state = [], START.state
    for progress in run.run(START, DATA):
        told.append((progress.record, replay.replay(PHASE, state, progress.record.epoch - 1)))
        state = progress.snapshot.state
    return told


def test_every_step_of_the_epoch_is_there_the_smaller_last_one_too(epochs):
    for record, (seen, steps) in epochs:
        assert [(step.epoch, step.step) for step in steps] == [
            (record.epoch, i) for i in range(1, 6)
        ]
        assert all(part.shape == (5, 3) for part in (seen.activations, seen.gradients, seen.state))
        assert all(part.all() for part in (seen.activations, seen.gradients, seen.state))


def test_its_figures_are_those_the_epoch_itself_reported(epochs):
    for record, (_, steps) in epochs:
        sizes = [16, 16, 16, 16, 6]
        assert np.average([step.loss for step in steps], weights=sizes) == pytest.approx(
            record.train_loss
        )
        for index, layer in enumerate(record.layers):
            for name in LAYER_FIELDS:
                values = [getattr(step.layers[index], name) for step in steps]
                assert np.mean(values) == pytest.approx(getattr(layer, name), rel=1e-6), name
                assert (min(values), max(values)) == pytest.approx(layer.ranges[name], rel=1e-6), (
                    name
                )


def test_a_step_tells_nothing_that_only_an_epoch_can(epochs):
    _, (_, steps) = epochs[0]
    assert all(
        layer.dead_fraction == 0 and not layer.ranges for step in steps for layer in step.layers
    )


@pytest.fixture
def replayed(monkeypatch):
    """Crash and collapse of an epoch with these steps, of which some are broken."""

    def hand_in(steps, **broken):
        fine = {
            name: np.ones((len(steps), 3), bool) for name in ("activations", "gradients", "state")
        }
        for name, places in broken.items():
            for place in places:
                fine[name][place] = False
        seen = StepStatistics(None, **fine)
        monkeypatch.setattr(replay, "replay", lambda *arguments: (seen, tuple(steps)))

    return hand_in


def quiet(count, losses=None, **columns):
    """Steps of epoch 5 with healthy figures; a column has a number for each step."""
    rows = [{name: column[i] for name, column in columns.items()} for i in range(count)]
    losses = losses or [1.0] * count
    return [StepRecord(5, i + 1, losses[i], layers(2, **row)) for i, row in enumerate(rows)]


def crash():
    return replay.first_nonfinite_step(PHASE, START.state, 4)


@pytest.mark.parametrize(
    ("broken", "layer", "what"),
    [
        (
            {"activations": [(2, 1), (2, 2)], "gradients": [(2, 0)], "state": [(2, 0)]},
            "hidden2",
            "activations",
        ),
        (
            {"gradients": [(2, 0), (2, 1)], "state": [(2, 0), (2, 1), (2, 2)]},
            "hidden2",
            "gradients",
        ),
        ({"state": [(2, 0), (2, 1)]}, "hidden2", "parameters or optimizer state"),
        (
            {"activations": [(3, 0)], "state": [(2, 2), (3, 2)]},
            "output",
            "parameters or optimizer state",
        ),
    ],
    ids=[
        "activations from the input up",
        "gradients from the output down",
        "state",
        "the earlier step",
    ],
)
def test_the_first_layer_that_broke_in_the_first_step_that_broke_is_named(
    replayed, broken, layer, what
):
    replayed(quiet(5), **broken)
    finding, steps = crash()
    assert (finding.rule, finding.layer) == ("diverged", layer)
    assert finding.evidence == f"{what} not finite at epoch 5, step 3"
    assert [step.step for step in steps] == [1, 2, 3]


def test_a_loss_that_is_lost_is_put_down_to_the_largest_step_before_it(replayed):
    ratios = [[1e-3, 1e-3], [5.0, 700.0], [1e-3, 1e-3], [1e-3, 1e9]]
    replayed(quiet(4, losses=[1.0, 2.0, 3e7, 1.0], update_ratio=ratios))
    finding, steps = crash()
    assert (finding.rule, finding.layer) == ("diverged", "hidden2")
    assert re.match(
        r"a step 7.0e\+02 times as large as its weights at epoch 5, step 2 took", finding.evidence
    )
    assert finding.evidence.endswith("(3.0e+07)")
    assert [step.step for step in steps] == [1, 2, 3]


def test_a_loss_that_is_lost_from_the_first_step_on_is_no_steps_fault(replayed):
    replayed(quiet(3, losses=[1e17, 1e16, 1e15]))
    finding, steps = crash()
    assert (finding.layer, finding.evidence) == (
        "output",
        "the loss is 1.0e+17 at the first step of epoch 5",
    )
    assert [step.step for step in steps] == [1]


def test_the_last_thirty_two_steps_are_kept(replayed):
    replayed(quiet(100), activations=[(89, 0)])
    _, steps = crash()
    assert [step.step for step in steps] == list(range(59, 91))


CONTEXT = NetworkContext(RUN.network, 6, 3, 1.0)


def collapse(rule):
    return replay.first_step_meeting(PHASE, START.state, 4, CONTEXT, rule)


def test_a_collapse_ends_with_the_first_step_that_meets_the_rule(replayed):
    replayed(quiet(60, delta_rms=[[0.1, 0.1]] * 45 + [[1e-9, 0.1]] * 15))
    first, steps = collapse("vanishing")
    assert first == 46
    assert [step.step for step in steps] == list(range(15, 47))


def test_a_collapse_that_only_the_whole_epoch_shows_ends_with_its_last_step(replayed):
    replayed(quiet(7))
    first, steps = collapse("dead")
    assert first == 7
    assert [step.step for step in steps] == [1, 2, 3, 4, 5, 6, 7]
