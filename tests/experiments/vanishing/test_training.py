"""Who learns: cases trained for some epochs, each seed as `train` would."""

import numpy as np
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


def learn(text, data=DATA, epochs=4, seeds=2, watched=False):
    case = vanishing.parse(text)
    spec = NetworkSpec(hidden=HIDDEN, act=case.act, init=case.init, bn=case.bn)
    ended = training.trained(case, spec, data, epochs, seeds, watched=watched)
    return training.outcome(ended, data), spec


def test_accuracies_and_deltas_are_of_the_epochs_of_the_runs_that_train_makes():
    trained, spec = learn("elu:he", watched=True)
    assert trained.epochs == 4
    expected = []
    deltas = []
    for seed in range(2):
        run = RunSpec(
            network=spec,
            schedule=ScheduleSpec(epochs=4),
            stopping=StoppingSpec(patience=None),
            seed=seed,
        )
        epochs = [made.record for made in runs.run(runs.start(run, DATA), DATA)]
        expected.append(epochs[-1].val_accuracy)
        deltas.append([[layer.delta_rms for layer in epoch.layers] for epoch in epochs])
    assert trained.val_accuracy_values == pytest.approx(expected)
    assert trained.val_accuracy == pytest.approx(sum(expected) / 2)
    squares = np.mean(np.square(deltas), axis=0)
    np.testing.assert_allclose(trained.deltas, np.sqrt(squares), rtol=1e-4)
    assert np.shape(trained.deltas) == (4, 3)


def test_unwatched_layers_have_no_deltas_also_where_a_seed_diverged_at_once():
    assert learn("elu:he", epochs=1)[0].deltas == ()


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
