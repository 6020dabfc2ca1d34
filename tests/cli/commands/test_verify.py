"""`train --verify` tells whether a checkpoint is what its options give; `--salvage` and `--keep`."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from shell import TINY, refused, run

from dnncli.storage import checkpoint


@pytest.fixture(scope="module")
def trained():
    """The bytes of a checkpoint, for all tests here."""
    return {}


@pytest.fixture
def net(folder, trained):
    if not trained:
        assert run("train", *TINY, "--bn", "--patience", "1", "--out", "net.ckpt", "-q").code == 0
        trained["net.ckpt"] = Path("net.ckpt").read_bytes()
    Path("net.ckpt").write_bytes(trained["net.ckpt"])
    return Path("net.ckpt")


def changed(net, change, **versions):
    """The checkpoint with other contents, consistent in itself."""
    stored = checkpoint.read(net)
    tensors = {name: change(name, tensor) for name, tensor in stored.tensors.items()}
    held = stored.metadata["versions"] | versions
    checkpoint.write(
        net, replace(stored, tensors=tensors, metadata=stored.metadata | {"versions": held})
    )


def test_a_run_that_its_options_give_again_is_verified_and_nothing_is_written(net, folder):
    before = sorted(path.name for path in folder.iterdir())
    result = run("train", "--verify", net, "--format", "json")
    assert result.code == 0, result.err
    found = result.json["verification"]
    assert (found["same"], found["epochs"], found["differing"]) == (True, 2, [])
    assert found["tensors"] == len(checkpoint.read(net).tensors)
    assert result.json["checkpoint"] is None
    assert sorted(path.name for path in folder.iterdir()) == before
    assert "2 epochs are the same, bit for bit" in run("train", "--verify", net).out


def test_what_differs_is_named_and_measured_and_so_are_versions(net):
    def change(name, tensor):
        if name != "hidden1.kernel":
            return tensor
        other = tensor.copy()
        other[0, 0] += np.float32(0.25)
        return other

    changed(net, change, jaxlib="0.0.1")
    result = run("train", "--verify", net, "--format", "json")
    assert result.code == 1
    (difference,) = result.json["verification"]["differing"]
    assert difference["name"] == "hidden1.kernel"
    assert difference["largest"] == pytest.approx(0.25, abs=1e-6)
    assert difference["share"] == pytest.approx(1 / 12)
    assert "net.ckpt is not what its options give here: 1 of" in result.err
    assert "jaxlib 0.0.1 then" in result.err


def test_a_resumed_run_says_what_is_not_as_it_was(net):
    changed(net, lambda _, tensor: tensor, jaxlib="0.0.1", threads="99")
    options = ["--patience", "0", "--epochs", "3", "--out", "b.ckpt"]
    told = run("train", "--resume", net, *options).err
    assert "not all is as it was, and bytes may differ: jaxlib 0.0.1 then" in told
    assert "threads 99 then" in told


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lr", "0.1"], "--lr: --verify trains with the stored options"),
        (["--out", "b.ckpt"], "--out: --verify"),
        (["--keep", "2"], "--keep: --verify"),
        (["--resume", "net.ckpt"], "--resume: --verify"),
        (["--data", "digits"], "another fingerprint"),
    ],
)
def test_verifying_takes_no_other_option_and_no_other_data(net, options, message):
    assert message in refused(2, "train", "--verify", net, *options)


def damage(path, name):
    data = bytearray(path.read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    data[8 + length + header[name]["data_offsets"][0]] ^= 1
    path.write_bytes(data)


def test_salvage_evaluates_and_predicts_with_a_network_whose_history_is_damaged(net):
    lines = (["eval", net, "--format", "csv"], ["predict", net, "tiny.npz"])
    right = [run(*line).out for line in lines]
    damage(net, "records/json")
    damage(net, "optimizer/step")
    for line, expected in zip(lines, right, strict=True):
        assert "eval and predict take it with --salvage" in refused(1, *line)
        result = run(*line, "--salvage")
        assert (result.code, result.out) == (0, expected)
        assert "has lost the optimizer's state, the history; its network is whole" in result.err
    assert run("eval", net, "--salvage", "--gradients", "--bn-stats", "all").code == 0


def test_keep_leaves_the_checkpoint_before_the_newest(net):
    before = net.read_bytes()
    options = [
        "--resume",
        net,
        "--patience",
        "0",
        "--epochs",
        "4",
        "--out",
        net,
        "--keep",
        "2",
        "-q",
    ]
    assert "net.ckpt exists" in refused(2, "train", *options)
    assert run("train", *options, "--overwrite").code == 0
    assert Path("net.1.ckpt").read_bytes() == before
    assert run("eval", "net.1.ckpt").code == run("eval", net).code == 0
    net.unlink()
    assert "net.1.ckpt exists" in refused(2, "train", *TINY, "--out", net, "--keep", "2")
