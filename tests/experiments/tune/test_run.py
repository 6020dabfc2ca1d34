"""A search on a small network: what it says is true of plain runs, and its folder loses nothing."""

from dataclasses import replace

import numpy as np
import pytest
from problems import dataset, spec

pytest.importorskip("optuna")

from dnncli.errors import CheckpointError, SpecError
from dnncli.experiments import paired
from dnncli.experiments.tune import state
from dnncli.experiments.tune.result import result
from dnncli.experiments.tune.run import DEFAULTS, LAST, Ended, Search
from dnncli.spec.tuning import Range
from dnncli.training import compilation_cache, run

DATA = dataset(train=200, validation=150, test=60)
SPEC = spec(hidden=(12,), batch_size=16, epochs=8, lr=1e-4, patience=None)
SPACE = {"lr": Range(1e-4, 3e-2)}  # all rates share a program
SEEDS = 3


@pytest.fixture(scope="module")
def searched():
    """A search after its first round."""
    compilation_cache.enable()
    search = Search(SPEC, DATA, SPACE, 1e6, SEEDS)
    events = search.run()
    for event in events:
        if isinstance(event, Ended):
            break
    events.close()
    return search


def plain(changes, seed):
    """The run that `train` makes of a setting."""
    asked = replace(paired.changed(SPEC, changes), seed=SPEC.seed + seed)
    *_, last = run.run(run.start(asked, DATA), DATA)
    return last.snapshot


def test_scores_are_those_of_plain_runs_on_validation_and_on_test(searched):
    record = result(searched)
    assert record.chosen is not None  # the defaults are too slow to learn anything in 8 epochs
    best = searched.tried[record.chosen]
    ends = [plain(best.candidate.changes, seed) for seed in range(SEEDS)]
    own = [
        max(epoch.merit for epoch in end.history.epochs[: end.history.best_epoch]) for end in ends
    ]
    chosen = [end.history.epochs[end.history.best_epoch - 1].merit for end in ends]
    assert all(a >= b for a, b in zip(own, chosen, strict=True))
    assert [score.accuracy for score in best.scores] == pytest.approx(chosen, abs=1e-6)
    tests = [run.test_score(end, DATA).accuracy for end in ends]
    assert record.test_accuracies == pytest.approx(tests, abs=1e-6)
    defaults = [run.test_score(plain({}, seed), DATA).accuracy for seed in range(SEEDS)]
    assert record.default_test_accuracies == pytest.approx(defaults, abs=1e-6)
    assert record.test_gain.mean == pytest.approx(np.mean(tests) - np.mean(defaults))
    assert record.test.accuracy == pytest.approx(tests[0])
    untreated = np.mean([score.accuracy for score in searched.tried[DEFAULTS].scores])
    flattered = (np.mean(chosen) - np.mean(tests)) - (untreated - np.mean(defaults))
    assert record.optimism == pytest.approx(flattered, abs=1e-6)


def test_the_best_of_those_that_got_farthest_is_chosen_and_networks_of_others_are_dropped(searched):
    last = [tried for tried in searched.tried.values() if tried.rung == LAST]
    means = {tried.name: np.mean([score.accuracy for score in tried.scores]) for tried in last}
    assert means[searched.best] == max(means.values())
    assert set(searched.trials) == {DEFAULTS, searched.best}
    assert len(searched.tried) > 4
    record = result(searched)
    assert "--lr" in " ".join(record.command_line)
    assert record.tried[0].name == DEFAULTS
    assert record.tried[0].gain is None


def test_a_folder_keeps_what_was_tried_and_a_resumed_search_tries_nothing_twice(searched, tmp_path):
    state.save(tmp_path, searched, {"hidden": (12,)})
    stored = state.load(tmp_path)
    assert stored.given == {"hidden": (12,)}
    again = Search(SPEC, DATA, SPACE, 1e6, 2)
    state.restore(again, stored, "folder")
    assert again.tried == searched.tried
    assert (again.seeds, again.rounds) == (SEEDS, 1)
    events = again.run()
    names = next(events).names
    events.close()
    assert names[:2] == (DEFAULTS, searched.best)
    assert not set(names[2:]) & set(searched.tried)
    assert again.tried == searched.tried | {name: again.tried[name] for name in names[2:]}
    assert {again.tried[name].rung for name in names[2:]} == {0}
    other = replace(DATA, fingerprint="other")
    with pytest.raises(SpecError, match="another fingerprint"):
        state.restore(Search(SPEC, other, SPACE, 1.0, 2), stored, "folder")
    with pytest.raises(SpecError, match="holds a search: go on with --resume"):
        state.create(tmp_path, overwrite=False)
    (tmp_path / state.STATE).write_bytes(b"no")
    with pytest.raises(CheckpointError):
        state.load(tmp_path)


def test_without_time_it_says_so_and_nothing_is_chosen():
    search = Search(SPEC, DATA, SPACE, 0.0, SEEDS)
    assert "Nothing is known yet" in result(search).conclusion
    list(search.run())
    record = result(search)
    assert record.chosen is None
    assert record.test_gain is None
    assert not record.finished
