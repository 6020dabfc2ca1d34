"""Four simulated devices give what one gives, whatever divides and whatever does not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dnncli.errors import SpecError
from dnncli.training import devices, versions

TESTS = Path(__file__).parents[1]
# 21 validation examples and batches of 15 (the last of 10) do not divide by 4, nor do 3 seeds.
SCRIPT = """
import json, re, sys
import numpy as np
from problems import dataset, spec
from dnncli.data.features import Unscaled
from dnncli.data import Scaling
from dataclasses import replace
from dnncli.training import devices, placement, run, seeds
from dnncli.training.checkpointing import to_checkpoint

four = devices.choose("all")
data = dataset(train=70, validation=21)

def pixels(split):
    scaling = Scaling("standard", np.full(6, 128, np.float32), np.full(6, 50, np.float32))
    values = np.clip(split.x * 50 + 128, 0, 255).astype(np.uint8)
    return replace(split, x=Unscaled(values, scaling))

images = replace(data, train=pixels(data.train), validation=pixels(data.validation))
noisy = spec(batch_size=15, bn=True, bn_output=True, dropout=0.3, clip_global_norm=1.0, l2=1e-3)
wild = spec(optimizer="sgd", lr=1e30, batch_size=15, epochs=1)

def figures(record):
    layers = [[one.delta_rms, one.update_ratio, one.activation_std, one.dead_fraction]
              for one in record.layers]
    return {"losses": [record.train_loss, record.val_loss], "layers": layers,
            "right": [record.train_accuracy, record.val_accuracy]}

def trained(asked, given, shared):
    told = list(run.run(run.start(asked, given), given, devices=shared))
    last = told[-1]
    return {"epochs": [figures(one.record) for one in told], "stopped": last.stopped,
            "cause": last.cause and last.cause.evidence.partition(" at ")[2],
            "devices": to_checkpoint(last.snapshot).metadata["versions"].get("devices")}

def many(shared):
    start = seeds.start(noisy, 3, data)
    compiled = seeds.compile_epoch(noisy, 3, data, devices=shared)
    blocks = [placement.block(one, shared) for one in (data.train, data.validation)]
    *_, last = seeds.run(start, *blocks, compiled)
    within = re.findall(r" (all-reduce|all-to-all|reduce-scatter)\\(", compiled.as_text())
    losses = [[one.val_loss for one in history.epochs] for history in last.runs]
    return {"losses": losses, "collectives": within}

print(json.dumps([
    {"noisy": trained(noisy, images, shared), "wild": trained(wild, data, shared), "seeds": many(shared)}
    for shared in (None, four)
]))
"""


@pytest.fixture(scope="module")
def told(quick_compilation):
    """What a process with four devices trained on one of them and on all."""
    environment = os.environ | {"JAX_NUM_CPU_DEVICES": "4"}
    environment["PYTHONPATH"] = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        env=environment,
        timeout=500,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_losses_and_layers_are_those_of_one_device(told):
    one, four = (each["noisy"]["epochs"] for each in told)
    assert len(one) == len(four) == 3
    for alone, shared in zip(one, four, strict=True):
        np.testing.assert_allclose(shared["losses"], alone["losses"], atol=1e-5)
        np.testing.assert_allclose(shared["layers"], alone["layers"], rtol=1e-3, atol=1e-6)
        assert shared["right"] == pytest.approx(alone["right"])


def test_a_run_breaks_at_the_same_step_and_says_so(told):
    one, four = (each["wild"] for each in told)
    assert one["stopped"] == four["stopped"] == "diverged"
    assert one["cause"] == four["cause"]
    assert one["cause"]


def test_seeds_that_do_not_divide_train_as_on_one_device(told):
    one, four = (each["seeds"] for each in told)
    np.testing.assert_allclose(four["losses"], one["losses"], atol=1e-5)
    assert not four["collectives"], "seeds wait for each other"


def test_a_checkpoint_names_its_devices_where_there_were_several(told):
    assert [each["noisy"]["devices"] for each in told] == [None, "4"]
    stored = versions.versions(4)
    (changed,) = versions.differences(stored)
    assert (changed.name, changed.stored, changed.here) == ("devices", "4", "1")
    assert not versions.differences(stored, 4)
    assert not versions.differences(versions.versions())


def test_more_devices_than_there_are_is_an_error_that_says_how_many():
    with pytest.raises(SpecError, match=r"--devices 2: there is 1 device here \(cpu\)"):
        devices.choose(2)
    assert devices.choose(1) is devices.choose(None) is devices.choose("all") is None
