"""The doctor on small networks: the healthy are left alone, known faults are cured by trial."""

from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from problems import dataset, spec

from dnncli.data import Scaling, Split
from dnncli.data.dataset import SPLITS
from dnncli.experiments import train
from dnncli.experiments.doctor import run as doctor
from dnncli.experiments.doctor.reference import Reference, excerpt, reference
from dnncli.experiments.doctor.result import options_to_type, result
from dnncli.experiments.doctor.run import Examination, FittedOneBatch, Looked, Racing, Trained
from dnncli.experiments.halving import Halved
from dnncli.experiments.paired import SeedScore
from dnncli.records import Finding, Health, Remedy, TrainRecord
from dnncli.report import doctor as report
from dnncli.spec import from_options
from dnncli.training import compilation_cache

DATA = dataset(train=400, validation=150, test=200)
NETWORK = {"hidden": (24,), "batch_size": 16, "epochs": 8, "lr": 0.01}


@pytest.fixture(autouse=True, scope="module")
def compiled_once():
    compilation_cache.enable()


def examine(data=DATA, budget=600.0, **options):
    examination = Examination(spec(**NETWORK | options), data, budget, seeds=3)
    return list(examination.run()), result(examination)


def test_a_healthy_network_is_trained_and_left_alone():
    events, record = examine()
    assert (record.healthy, record.finished, record.chosen) == (True, True, None)
    assert (record.candidates, record.one_batch) == ((), None)
    assert {type(event).__name__ for event in events} == {"Looked", "Progress", "Trained"}
    assert record.health.verdict == "healthy"
    assert from_options(record.options) == spec(**NETWORK)


def test_a_whole_run_without_harm_refutes_what_was_feared_of_its_moving_averages():
    feared = Finding("normalisation", None, "a moving average that lags", "shorter")
    certain = Finding("labels", None, "two labels of one row", "others")
    examination = Examination(spec(**NETWORK), DATA, before=(feared, certain))
    assert examination.standing == (feared, certain)
    for verdict, cut, standing in (
        (Health("healthy"), False, (certain,)),
        (Health("healthy"), True, (feared, certain)),
        (Health("normalisation", (feared,)), False, (feared, certain)),
        (Health("inputs", (replace(certain, symptoms=(feared,)),)), False, (feared, certain)),
    ):
        examination.trained = Trained(mock.Mock(spec=TrainRecord, health=verdict), True, cut, 1.0)
        assert examination.standing == standing


def test_a_fault_of_the_steps_is_cured_by_trial():
    events, record = examine(l2=1.0)
    kinds = (Looked, Trained, FittedOneBatch, Racing)
    assert [type(event) for event in events if isinstance(event, kinds)] == list(kinds)
    assert sum(isinstance(event, Halved) for event in events) == 4
    assert not record.healthy
    assert record.finished
    assert record.one_batch.fits
    chosen = next(one for one in record.candidates if one.name == record.chosen)
    assert chosen.changes["l2"] < 0.01
    assert chosen.healthy
    assert chosen.gain.low > 0
    assert chosen.rung == chosen.rungs
    assert record.test_gain.low > 0
    cured, _ = examine_again(record)
    assert cured


def examine_again(record):
    """Whether the options that were prescribed are healthy."""
    examination = Examination(from_options(record.options), DATA, 600.0, seeds=3)
    events = list(examination.run())
    return result(examination).healthy, events


def shuffled(part):
    return Split(part.x, part.y[::-1].copy())


def test_labels_without_any_pattern_have_no_cure_and_that_is_said():
    noise = [
        Split(part.x, part.y[::-1].copy()) for part in (DATA.train, DATA.validation, DATA.test)
    ]
    train, validation, test = noise
    _, record = examine(replace(DATA, train=train, validation=validation, test=test))
    assert (record.healthy, record.chosen) == (False, None)
    assert "the data do not contain the answer" in record.conclusion


def test_an_interrupt_gives_what_is_known():
    examination = Examination(spec(**NETWORK | {"l2": 1.0}), DATA, 600.0, seeds=3)
    events = examination.run()
    assert "Nothing is known" in result(examination).conclusion
    for event in events:
        if isinstance(event, Trained):
            break
    events.close()
    record = result(examination)
    assert (record.finished, record.chosen, record.candidates) == (False, None, ())
    assert record.health.verdict
    assert "before any remedy was tried" in record.conclusion


def test_a_network_whose_training_had_no_time_to_end_is_not_called_healthy_for_sure():
    options = NETWORK | {"epochs": 5000, "patience": None}
    examination = Examination(spec(**options), DATA, 20.0, seeds=3)
    for event in examination.run():
        if isinstance(event, Trained):
            break
    assert examination.trained.cut
    record = result(examination)
    assert not record.finished
    assert "is healthy:" not in record.conclusion


def test_what_learns_in_the_race_for_which_its_training_had_no_time_is_healthy(monkeypatch):
    monkeypatch.setattr(doctor, "TRAINING_SHARE", 0.0)  # one epoch
    events, record = examine(lr=0.005, epochs=40, batch_size=100)
    (trained,) = (event for event in events if isinstance(event, Trained))
    assert (trained.healthy, trained.cut, len(trained.record.epochs)) == (False, True, 1)
    assert record.health.verdict == "healthy"  # nothing speaks against it so far
    told, *_ = report.trained(trained.record)
    assert str(told) == "its share of the budget allowed 1 of its 40 epochs:"
    as_it_is, *_ = record.candidates
    assert (as_it_is.healthy, as_it_is.epochs, record.healthy) == (True, 40, True)


def test_a_network_is_held_against_the_majority_and_a_linear_model():
    assert Reference(0.5, 0.9, 1000).beaten_by(0.92)
    assert Reference(0.5, 0.9, 1000).beaten_by(0.89)  # which may be chance
    assert not Reference(0.5, 0.9, 1000).beaten_by(0.85)
    assert not Reference(0.5, None, 100).beaten_by(0.55)
    assert Reference(0.5, None, 1000).beaten_by(0.55)
    assert not Reference(1.0, None, 10).beaten_by(1.0)
    found = reference(DATA)
    assert found.linear > 0.9  # a linear map decides the class
    assert found.majority < 0.6


def test_of_large_data_an_excerpt_is_examined(monkeypatch):
    from dnncli.experiments.doctor import reference as limits

    monkeypatch.setattr(limits, "MOST_EXAMPLES", 50)
    part = excerpt(DATA)
    assert (len(part.train), len(part.validation), len(part.test)) == (50, 150, 200)
    assert (part.train.x == excerpt(DATA).train.x).all()


def test_the_doctors_events_have_the_time_that_is_left():
    events, _ = examine()
    left = [event.seconds_left for event in events if isinstance(event, Looked | Trained)]
    assert doctor.BUDGET < left[1] <= left[0] <= 600


def hard_to_tell(rows, seed):
    """Two classes of 63 to 37 in one feature, so close that the rarer one is hardly ever answered."""
    rng = np.random.default_rng(seed)
    y = (rng.random(rows) < 0.37).astype(np.int32)
    x = rng.standard_normal((rows, 2)).astype(np.float32)
    x[:, 0] += 0.5 * y
    return Split(x, y)


def test_a_column_that_gives_the_class_away_is_left_out_without_a_race(monkeypatch):
    """Validation rows have the column too, so that nothing would be better there without it."""
    leak = Finding("inputs", None, "x1 gives it away", "drop it", Remedy({"drop": "x1"}))
    told = train.result

    def misled(*arguments, **named):
        return replace(told(*arguments, **named), health=Health("inputs", (leak,)))

    monkeypatch.setattr(train, "result", misled)
    events, record = examine()
    assert not any(isinstance(event, Racing) for event in events)
    assert record.options == {**examine_options(), "drop": "x1"}
    assert "--drop x1" in " ".join(record.command_line)
    assert "Train with --drop x1." in record.conclusion
    assert (record.healthy, record.finished, record.chosen) == (False, True, None)


def examine_options():
    """The options of the run that `examine` examines."""
    return options_to_type(spec(**NETWORK))


def test_it_agrees_with_train_on_a_network_whose_probabilities_alone_show_that_it_learned():
    parts = {name: hard_to_tell(1000, seed) for seed, name in enumerate(SPLITS)}
    nothing = Scaling("none", np.zeros(2, np.float32), np.ones(2, np.float32))
    data = replace(DATA, class_names=("a", "b"), scaling=nothing, **parts)
    examination = Examination(spec(**NETWORK | {"lr": 0.003}), data, 600.0, seeds=3)
    events = examination.run()
    for event in events:
        if isinstance(event, Trained):
            break
    events.close()
    learned = examination.trained.record.health.learned
    assert (learned.verdict, learned.by_loss) == ("learned", True)
    assert examination.trained.record.health.verdict == "healthy"
    assert examination.trained.healthy
    best = examination.trained.record.epochs[examination.trained.record.best_epoch - 1]
    assert not examination.reference.above_majority(best.merit)
    assert examination.has_learned(SeedScore(best.merit, best.val_loss))
    assert not examination.has_learned(SeedScore(best.merit, best.val_loss + 0.01))
