"""Who learns: cases trained for some epochs, each seed as `train` would."""

import pytest
from problems import dataset

from dnncli.experiments.vanishing import training
from dnncli.spec import NetworkSpec, RunSpec, ScheduleSpec, StoppingSpec, UpdateSpec, vanishing
from dnncli.training import compilation_cache
from dnncli.training import run as runs

DATA = dataset(train=70, validation=20)
HIDDEN = (7, 5)


@pytest.fixture(autouse=True, scope="module")
def compiled_once():
    """Tests that train the same network compile it once."""
    compilation_cache.enable()


def learn(text, data=DATA, epochs=4, seeds=2):
    case = vanishing.parse(text)
    spec = NetworkSpec(hidden=HIDDEN, act=case.act, init=case.init, bn=case.bn)
    return training.train(case, spec, data, epochs, seeds), spec


def test_accuracies_are_the_last_epochs_of_the_runs_that_train_makes():
    trained, spec = learn("elu:he")
    assert trained.epochs == 4
    expected = []
    for seed in range(2):
        run = RunSpec(
            network=spec,
            schedule=ScheduleSpec(epochs=4),
            stopping=StoppingSpec(patience=None),
            seed=seed,
        )
        *_, last = runs.run(runs.start(run, DATA), DATA)
        expected.append(last.record.val_accuracy)
    assert trained.val_accuracy_values == pytest.approx(expected)
    assert trained.val_accuracy == pytest.approx(sum(expected) / 2)


def test_clipping_is_by_global_norm(monkeypatch):
    seen = []
    original = training.seeds.compile_epoch

    def compile_epoch(spec, *arguments, **options):
        seen.append(spec.update)
        return original(spec, *arguments, **options)

    monkeypatch.setattr(training.seeds, "compile_epoch", compile_epoch)
    learn("elu:he+clip", epochs=1, seeds=1)
    assert seen == [UpdateSpec(clip_global_norm=1.0)]


def test_where_every_seed_diverges_there_is_no_mean():
    huge = dataset(train=70, validation=20, transform=lambda x: 1e9 * x)
    trained, _ = learn("elu:he", huge)
    assert trained.val_accuracy_values == (None, None)
    assert trained.val_accuracy is None
