"""Resume: a run with stops gives the bytes of a run without, whatever stopped it."""

import contextlib
import importlib
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from shell import TINY, refused, run, start, write_tiny

from dnncli import data
from dnncli.experiments import train
from dnncli.spec import catalog
from dnncli.spec import run as spec
from dnncli.storage import checkpoint
from dnncli.training import checkpointing, compilation_cache
from dnncli.training import run as runs

ALL_ON = {"bn": True, "bn_output": True, "dropout": 0.3}


@pytest.fixture(autouse=True, scope="module")
def remembered_programs():
    """Each program is compiled once, as with the command."""
    compilation_cache.enable()


def described(optimizer, **options):
    sizes = {"data": "tiny.npz", "hidden": (5,), "batch_size": 16, "epochs": 4, "patience": None}
    return spec.from_options({**sizes, "optimizer": optimizer, **ALL_ON, **options})


def last(generator):
    *_, progress = generator
    return progress.snapshot


def through_a_file(snapshot, dataset):
    """The run as another process would take it up."""
    path = Path("part.ckpt")
    train.save(snapshot, path)
    stored = checkpointing.from_checkpoint(checkpoint.read(path), path)
    return train.resumed(stored, dataset, epochs=snapshot.spec.schedule.epochs)


def stored_bytes(snapshot, name):
    train.save(snapshot, Path(name))
    return Path(name).read_bytes()


@pytest.mark.parametrize("optimizer", catalog.OPTIMIZERS)
def test_straight_and_interrupted_runs_give_the_same_bytes(optimizer):
    run_spec = described(optimizer)
    dataset = data.load(run_spec.data)
    straight = last(runs.run(runs.start(run_spec, dataset), dataset))
    part = runs.start(run_spec, dataset)
    for stop in (1, 3):  # stopped in the middle of things, after epochs 1 and 3
        progress = next(p for p in runs.run(part, dataset) if p.record.epoch == stop)
        part = through_a_file(progress.snapshot, dataset)
    interrupted = last(runs.run(part, dataset))
    assert stored_bytes(straight, "a.ckpt") == stored_bytes(interrupted, "b.ckpt")


@pytest.mark.parametrize("schedule", ["constant", "exponential", "cosine", "one-cycle"])
def test_so_they_do_with_every_schedule(schedule):
    run_spec = described("momentum", schedule=schedule, clip_norm=None, clip_value=0.1)
    dataset = data.load(run_spec.data)
    straight = last(runs.run(runs.start(run_spec, dataset), dataset))
    half = next(runs.run(runs.start(run_spec, dataset), dataset)).snapshot
    interrupted = last(runs.run(through_a_file(half, dataset), dataset))
    assert stored_bytes(straight, "a.ckpt") == stored_bytes(interrupted, "b.ckpt")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A folder with the checkpoint of a run of two epochs, and that of a straight run of four."""
    place = tmp_path_factory.mktemp("stopped")
    write_tiny(place / "tiny.npz")
    with contextlib.chdir(place):
        assert run("train", *TINY, "--out", "half.ckpt", "-q").code == 0
        assert run("train", *TINY, "--epochs", "4", "--out", "straight.ckpt", "-q").code == 0
    return place


@pytest.fixture
def half(stopped, folder):
    """Both checkpoints in the working folder."""
    for name in ("half.ckpt", "straight.ckpt"):
        shutil.copy(stopped / name, folder / name)


def test_more_epochs_are_the_epochs_of_a_straight_run(half):
    result = run(
        "train", "--resume", "half.ckpt", "--epochs", "4", "--out", "b.ckpt", "--format", "json"
    )
    assert [epoch["epoch"] for epoch in result.json["epochs"]] == [1, 2, 3, 4]
    assert Path("b.ckpt").read_bytes() == Path("straight.ckpt").read_bytes()


def test_a_checkpoint_may_be_resumed_into_itself_when_overwriting_is_asked_for(half):
    options = ["--resume", "half.ckpt", "--epochs", "4", "--out", "half.ckpt", "-q"]
    assert "half.ckpt exists" in refused(2, "train", *options)
    assert run("train", *options, "--overwrite").code == 0
    assert Path("half.ckpt").read_bytes() == Path("straight.ckpt").read_bytes()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ("", 2, "it has done 2 epochs already; give --epochs a larger number"),
        ("--epochs 1", 2, "it has done 2 epochs already"),
        ("--epochs 4 --act relu", 2, "--act: a resumed run keeps its own"),
        ("--epochs 4 --lr 1", 2, "--lr: a resumed run keeps its own"),
        ("--epochs 4 --data digits", 2, "another fingerprint"),
        ("--epochs 4 --data none.npz", 1, "none.npz does not exist"),
    ],
)
def test_what_does_not_go_with_a_resumed_run_is_refused(half, options, code, message):
    assert message in refused(code, "train", "--resume", "half.ckpt", *options.split())


def test_options_that_say_what_the_run_has_are_taken(half):
    options = [*TINY, "--act", "elu", "--init", "auto", "--lr", "0.001", "--epochs", "3", "-q"]
    assert run("train", "--resume", "half.ckpt", *options).code == 0


def test_a_checkpoint_that_cannot_be_read_is_one_line_with_1():
    assert "none.ckpt cannot be read" in refused(1, "train", "--resume", "none.ckpt")


LONG = [*TINY, "--batch-size", "4", "--bn", "--dropout", "0.2", "--patience", "0"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_saves_a_checkpoint_that_goes_on_to_the_same_bytes(number, code):
    options = [*LONG, "--epochs", "100000", "--format", "jsonl", "--out", "part.ckpt"]
    with start("train", *options) as process:
        early = [process.stdout.readline() for _ in range(4)]  # the start and three epochs
        process.send_signal(number)
        process.send_signal(number)  # as `timeout` does, to the process and to its group
        began = time.monotonic()
        out, err = process.communicate(timeout=60)
        assert time.monotonic() - began < 20
    assert process.returncode == code
    assert err.decode() == "dnncli train: stopped; go on with: dnncli train --resume part.ckpt\n"
    stored = checkpointing.from_checkpoint(checkpoint.read(Path("part.ckpt")), "part.ckpt")
    lines = (b"".join(early) + out).decode().splitlines()
    assert f'"epoch": {stored.history.epoch}' in lines[-2]  # every epoch that counts was told of
    assert '"stopped": "signal"' in lines[-1]
    epochs = stored.history.epoch + 2
    assert (
        run("train", "--resume", "part.ckpt", "--epochs", epochs, "--out", "b.ckpt", "-q").code == 0
    )
    assert run("train", *LONG, "--epochs", epochs, "--out", "a.ckpt", "-q").code == 0
    assert Path("a.ckpt").read_bytes() == Path("b.ckpt").read_bytes()


def test_an_interrupt_that_a_callback_swallows_comes_again(monkeypatch):
    from dnncli.cli import signals

    monkeypatch.setattr(signals, "AGAIN", 0.05)

    def swallow_the_first():
        with contextlib.suppress(signals.Interrupted):
            signal.raise_signal(signal.SIGINT)
        time.sleep(5)

    with pytest.raises(signals.Interrupted), signals.interruptible():
        swallow_the_first()
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize("seconds", [0.0, 0.2, 0.5])
def test_a_signal_while_a_program_is_compiled_ends_as_any_other(seconds, tmp_path, monkeypatch):
    monkeypatch.setenv("DNNCLI_CACHE", str(tmp_path / "cold"))
    deep = [*TINY, "--hidden", ",".join("4" * 12), "--format", "jsonl", "--out", "deep.ckpt"]
    with start("train", *deep) as process:
        process.stdout.readline()  # what it is told before it compiles
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    told = "dnncli train: stopped; go on with: dnncli train --resume deep.ckpt\n"
    assert err.decode() in (told, "")  # nothing is told where nothing had begun


MODULE = """
import os, signal, time
os.kill(os.getpid(), signal.SIGINT)
end = time.monotonic() + 0.2
while time.monotonic() < end:
    pass
whole = True
"""


def test_a_signal_waits_until_a_module_is_imported(tmp_path, monkeypatch):
    from dnncli.cli import signals

    (tmp_path / "interrupted_module.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(signals, "AGAIN", 0.05)

    def import_it():
        assert importlib.import_module("interrupted_module").whole
        time.sleep(5)

    with pytest.raises(signals.Interrupted), signals.interruptible():
        import_it()
    assert "interrupted_module" in sys.modules
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_interrupt_that_was_swallowed_before_anyone_listened_is_still_one():
    from dnncli.cli import signals

    def sleep():
        signal.setitimer(signal.ITIMER_REAL, 0.01)  # as the early handler leaves it
        time.sleep(5)

    with pytest.raises(signals.Interrupted) as caught, signals.interruptible():
        sleep()
    assert caught.value.number == signal.SIGINT
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_interrupt_before_the_first_epoch_leaves_a_checkpoint_to_begin_from(monkeypatch):
    from dnncli.cli import signals

    def interrupted(*_, **__):
        raise signals.Interrupted(signal.SIGINT)
        yield

    monkeypatch.setattr(runs, "events", interrupted)
    result = run("train", *TINY, "--out", "none.ckpt", "--format", "json")
    assert (result.code, result.json["stopped"], result.json["epochs"]) == (130, "signal", [])
    monkeypatch.undo()


def test_the_data_may_have_moved(half):
    Path("tiny.npz").rename("moved.npz")
    assert "tiny.npz does not exist" in refused(
        1, "train", "--resume", "half.ckpt", "--epochs", "3"
    )
    options = ["--resume", "half.ckpt", "--data", "moved.npz", "--epochs", "3", "-q"]
    assert run("train", *options).code == 0


def test_a_lost_reader_or_disk_in_the_middle_keeps_what_was_learned(monkeypatch):
    from dnncli.cli import terminal

    def full(self, line):
        if '"epoch": 2' in line:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(terminal.Screen, "write", full)
    with pytest.raises(OSError, match="No space"):
        run("train", *TINY, "--epochs", "5", "--out", "part.ckpt", "--format", "jsonl")
    assert checkpointing.from_checkpoint(checkpoint.read(Path("part.ckpt")), "").history.epoch == 2


def test_the_spec_of_a_resumed_run_differs_only_in_what_was_changed(half):
    stored = checkpointing.from_checkpoint(checkpoint.read(Path("half.ckpt")), "")
    dataset = data.load(stored.spec.data)
    more = train.resumed(stored, dataset, epochs=9, patience=2)
    schedule, stopping = stored.spec.schedule, stored.spec.stopping
    assert more.spec == replace(
        stored.spec, schedule=replace(schedule, epochs=9), stopping=replace(stopping, patience=2)
    )
