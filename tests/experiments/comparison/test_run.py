"""A comparison from end to end on small networks: events, results, files, and what must come out."""

import json
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import problems
import pytest

from dnncli.errors import CheckpointError, SpecError
from dnncli.experiments import compilation_pool, statistics
from dnncli.experiments.comparison import run as comparison
from dnncli.experiments.comparison import speed, state
from dnncli.experiments.comparison.run import Finished, Tick, Timed
from dnncli.experiments.tune import state as tune_state
from dnncli.records import Seconds
from dnncli.spec.comparison import ComparisonSpec
from dnncli.storage import checkpoint
from dnncli.storage.checkpoint import Checkpoint
from dnncli.training import checkpointing, placement
from dnncli.training import run as runs
from dnncli.training import seeds as lockstep
from dnncli.training.snapshot import summary

OPTIONS = {
    "hidden": (7, 5),
    "batch_size": 16,
    "epochs": 3,
    "patience": None,
    "optimizer": "momentum",
}
GRID = ComparisonSpec(("swish", "silu", "relu"), options=OPTIONS)


@pytest.fixture(scope="module")
def dataset():
    return problems.dataset(test=90)


@pytest.fixture(scope="module")
def events(dataset):
    return list(comparison.run(GRID, dataset))


def trials(events):
    return [event.trial for event in events if isinstance(event, Finished)]


def result(events, dataset, grid=GRID):
    speeds = {
        name: speed for e in events if isinstance(e, Timed) for name, speed in e.speeds.items()
    }
    theory, seconds = comparison.predictions(grid, dataset), Seconds(1.0, 0.5, 0.5)
    return comparison.result(grid, dataset, trials(events), theory, speeds, seconds=seconds)


def test_events_are_every_epoch_then_the_combination_and_at_the_end_the_speeds(events):
    kinds = [type(event) for event in events]
    assert kinds == [Tick, Tick, Tick, Finished] * 3 + [Timed]
    assert [trial.name for trial in trials(events)] == ["swish", "silu", "relu"]
    assert [e.epoch for e in events if isinstance(e, Tick)] == [1, 2, 3] * 3


def test_two_names_for_the_same_function_come_out_with_difference_0(events, dataset):
    grid = replace(GRID, baseline="swish")
    row = next(row for row in result(events, dataset, grid).rows if row.name == "silu")
    versus = row.versus_baseline
    assert (versus.difference, versus.low, versus.high, versus.p) == (0.0, 0.0, 0.0, 1.0)
    swish, silu, _ = (trial.runs for trial in trials(events))
    assert swish == silu


def test_a_seeds_scores_are_those_of_its_own_run(events, dataset):
    spec = GRID.combinations()[0].runs[0]
    for run in trials(events)[0].runs[:2]:
        snapshot = runs.start(replace(spec, seed=run.seed), dataset)
        for progress in runs.run(snapshot, dataset):
            snapshot = progress.snapshot
        assert run.test_accuracy == pytest.approx(runs.test_score(snapshot, dataset).accuracy)
        assert run.val_losses == pytest.approx(
            [epoch.val_loss for epoch in snapshot.history.epochs], rel=1e-4
        )
        assert run.best_epoch == snapshot.history.best_epoch


def test_a_row_holds_all_that_the_issue_names(events, dataset):
    record = result(events, dataset)
    assert record.test == "scipy.stats.ttest_rel"
    assert record.baseline in ("swish", "silu", "relu")
    for row in record.rows:
        assert (row.seeds, row.diverged, row.lr) == (5, 0, 0.01)
        for estimate in (row.test_accuracy, row.val_accuracy, row.train_accuracy, row.best_epoch):
            assert estimate.low <= estimate.mean <= estimate.high
            assert len(estimate.values) == 5
        assert row.seconds_per_epoch > 0
        assert row.inference_examples_per_second > 0
        assert row.delta_ratio.initial > 0
        assert row.delta_ratio.band[0] < row.delta_ratio.predicted < row.delta_ratio.band[1]
        assert 0 <= row.dead_fraction <= 1
        assert (row.versus_baseline is None) == (row.name == record.baseline)


def test_what_is_done_is_not_trained_again(events, dataset):
    done = trials(events)
    assert [row.name for row, _ in comparison.remaining(GRID, done[:1])] == ["silu", "relu"]
    again = list(comparison.run(GRID, dataset, done))
    assert [type(event) for event in again] == [Timed]
    assert set(again[0].speeds) == {"swish", "silu", "relu"}


def test_a_comparison_goes_on_from_its_folder_and_ends_as_it_would_have(events, dataset, tmp_path):
    state.create(tmp_path / "new" / "folder", overwrite=False)
    folder = tmp_path / "new" / "folder"
    state.save(folder, GRID, dataset.fingerprint, trials(events)[:2])
    stored = state.load(folder)
    grid, done = stored.grid, stored.trials
    assert (grid.combinations(), stored.fingerprint, list(done)) == (
        GRID.combinations(),
        dataset.fingerprint,
        trials(events)[:2],
    )
    rest = list(comparison.run(grid, dataset, done))
    assert trials(rest)[0].runs == trials(events)[2].runs


def test_every_seeds_best_network_is_kept_by_name(events, dataset, tmp_path):
    finished = next(event for event in events if isinstance(event, Finished))
    comparison.save(finished, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"swish-he-normal-lr0.01-seed{k}.ckpt" for k in range(5)]
    path = tmp_path / names[3]
    stored = checkpointing.from_checkpoint(checkpoint.read(path), path)
    assert stored.spec.seed == 3
    pairs = zip(
        jax.tree.leaves(stored.network.parameters),
        jax.tree.leaves(finished.snapshots[3].network.parameters),
        strict=True,
    )
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_another_comparison_is_not_overwritten_unless_asked(dataset, tmp_path):
    state.create(tmp_path, overwrite=False)
    state.save(tmp_path, GRID, dataset.fingerprint, [])
    with pytest.raises(SpecError, match="holds a comparison: go on with --resume"):
        state.create(tmp_path, overwrite=False)
    state.create(tmp_path, overwrite=True)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot be made"):
        state.create(tmp_path / "file", overwrite=False)
    with pytest.raises(CheckpointError, match=r"there is no comparison\.state"):
        state.load(tmp_path)


def test_a_folder_that_cannot_be_looked_into_is_told(tmp_path, monkeypatch):
    def broken(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "exists", broken)
    for kept in (state, tune_state):
        with pytest.raises(CheckpointError, match=r"cannot be looked into: input/output error\.$"):
            kept.create(tmp_path, overwrite=False)


@pytest.mark.parametrize(
    "values", [{}, {"grid": {}, "fingerprint": "f", "trials": []}, {"grid": 3}]
)
def test_a_foreign_state_is_told(tmp_path, values):
    file = Checkpoint({}, {state.KEY: json.dumps(values)})
    checkpoint.write(tmp_path / state.STATE, file)
    with pytest.raises(CheckpointError, match=r"not a comparison's|damaged"):
        state.load(tmp_path)


def test_initialisers_rates_and_other_names_share_a_compilation(dataset):
    grid = ComparisonSpec(("swish", "silu"), ("he", "xavier"), (0.01, 0.1), options=OPTIONS)
    specs = [run for row in grid.combinations() for run in row.runs]
    compiled = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compilation_pool, "_compile", lambda run, *_: compiled.append(run))
        with compilation_pool.compiling(specs, 2, dataset) as pool:
            assert len(pool.pending) == 1
            for spec in specs:
                pool.pending[pool.program(spec)].result()
    assert compiled == specs[:1]


def test_timing_begins_with_another_program_each_round():
    a, b, c = (lockstep.program(problems.spec(act=act), 40) for act in ("relu", "elu", "tanh"))
    orders = [speed.rotated([a, b, c], turn) for turn in range(4)]
    assert orders == [[a, b, c], [b, c, a], [c, a, b], [a, b, c]]


def test_theory_that_has_no_solution_is_told_before_anything_trains():
    grid = ComparisonSpec(("relu",), ("he", "critical"), options=OPTIONS)
    with pytest.raises(SpecError, match="--init critical"):
        next(comparison.run(grid, problems.dataset(transform=np.zeros_like)))


REPETITIONS, EACH = 20, 10


def test_equal_activations_on_disjoint_seeds_are_seldom_called_different():
    """A null comparison of real networks, twenty times over: 400 seeds in one program."""
    dataset, spec = problems.dataset(test=300), GRID.combinations()[2].runs[0]
    seeds = 2 * REPETITIONS * EACH
    batch = lockstep.start(spec, seeds, dataset)
    compiled = lockstep.compile_epoch(spec, seeds, dataset)
    blocks = [placement.block(split) for split in (dataset.train, dataset.validation)]
    *_, last = lockstep.run(batch, *blocks, compiled)
    ends = lockstep.snapshots(last, summary(dataset))
    scores = [runs.test_score(end, dataset).accuracy for end in ends]
    groups = [scores[i : i + EACH] for i in range(0, seeds, EACH)]
    pairs = zip(groups[::2], groups[1::2], strict=True)
    significant = sum(statistics.paired(one, other).p < 0.05 for one, other in pairs)
    assert significant <= 3  # of 20 at 5 %: more have a chance of 1.6 %
