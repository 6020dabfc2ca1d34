"""Damage to one part of a checkpoint leaves the others usable, and their proof whole."""

import hashlib
import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from stored import refused, same

from dnncli.errors import CheckpointError
from dnncli.storage import checkpoint
from dnncli.storage.checkpoint import Checkpoint

TENSORS = {
    "hidden1.kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "optimizer/step": np.int32([7]),
    "optimizer/0/mu": np.full((2, 3), 5, np.float32),
    "scaling/scale": np.ones(2, np.float32),
}
RUN = Checkpoint(TENSORS, {"epoch": 1}, {"history": [{"loss": 0.5}], "flight": []})
NETWORK = {"hidden1.kernel", "scaling/scale"}


@pytest.fixture
def path(tmp_path):
    checkpoint.write(tmp_path / "net.ckpt", RUN)
    return tmp_path / "net.ckpt"


def place(path, name):
    """Where a tensor's bytes begin in the file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    return 8 + length + header[name]["data_offsets"][0]


def damage(path, name):
    data = bytearray(path.read_bytes())
    data[place(path, name)] ^= 1
    path.write_bytes(data)


def test_records_come_back_apart_from_the_rest(path):
    back = checkpoint.read(path)
    assert same(back, RUN)
    assert (back.records, back.lost) == (RUN.records, ())
    assert json.loads(safetensors.numpy.load_file(path)["records/json"].tobytes()) == RUN.records


@pytest.mark.parametrize(
    ("name", "part"), [("optimizer/0/mu", "optimizer"), ("records/json", "records")]
)
def test_a_damaged_part_is_left_out_and_named(path, name, part):
    damage(path, name)
    assert refused("--salvage$|with --salvage", checkpoint.read, path)
    back = checkpoint.read(path, salvage=True)
    assert back.lost == (part,)
    assert back.metadata == RUN.metadata
    assert {each for each in TENSORS if not each.startswith(part)} == set(back.tensors)
    assert (back.tensors["hidden1.kernel"] == TENSORS["hidden1.kernel"]).all()
    assert bool(back.records) == (part != "records")


@pytest.mark.parametrize("name", sorted(NETWORK))
def test_a_network_that_is_damaged_itself_is_never_salvaged(path, name):
    damage(path, name)
    with pytest.raises(CheckpointError) as plain:
        checkpoint.read(path)
    assert "--salvage" not in str(plain.value)
    assert refused("do not match their SHA-256", lambda: checkpoint.read(path, salvage=True))


def test_every_flipped_bit_leaves_the_right_network_or_none(path):
    data = path.read_bytes()
    salvaged = 0
    with open(path, "r+b", buffering=0) as file:
        for spot in range(len(data)):
            os.pwrite(file.fileno(), bytes([data[spot] ^ 1 << spot % 8]), spot)
            try:
                back = checkpoint.read(path, salvage=True)
                kept = {name: back.tensors[name].tobytes() for name in NETWORK}
                assert kept == {name: TENSORS[name].tobytes() for name in NETWORK}
                assert back.metadata == RUN.metadata
                salvaged += bool(back.lost)
            except CheckpointError:
                pass
            os.pwrite(file.fileno(), data[spot : spot + 1], spot)
    lost = [name for name in TENSORS if name not in NETWORK]
    assert salvaged >= sum(TENSORS[name].nbytes for name in lost)


def test_a_file_that_was_cut_or_grew_behind_its_network_is_salvaged(path):
    data = path.read_bytes()
    whole = {name: place(path, name) + TENSORS[name].nbytes for name in NETWORK}
    end = max(whole.values())
    for length in range(len(data) - 40, len(data)):
        path.write_bytes(data[:length])
        if length >= end:
            assert checkpoint.read(path, salvage=True).lost
        else:
            assert refused("is damaged", lambda: checkpoint.read(path, salvage=True))
    path.write_bytes(data + b"more")
    assert same(checkpoint.read(path, salvage=True), RUN)


def test_a_file_of_the_first_format_is_read_and_proven_by_its_one_digest(tmp_path):
    def canonical(value):
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    record = {"epoch": 1, "history": [], "format": 1}
    digest = hashlib.sha256(canonical(record).encode())
    for name, tensor in sorted(TENSORS.items()):
        code = {"float32": "F32", "int32": "I32"}[tensor.dtype.name]
        digest.update(f"\n{canonical([name, code, tensor.shape])}\n".encode() + tensor.tobytes())
    text = canonical({**record, "sha256": digest.hexdigest()})
    path = tmp_path / "old.ckpt"
    safetensors.numpy.save_file(TENSORS, path, {"dnncli": text})
    assert same(checkpoint.read(path), Checkpoint(TENSORS, {"epoch": 1, "history": []}))
    damage(path, "optimizer/step")
    assert refused("do not match their SHA-256.$", checkpoint.read, path)
    assert refused("do not match", lambda: checkpoint.read(path, salvage=True))


def test_the_checkpoints_before_the_newest_are_kept_in_their_order(path):
    for epoch in (2, 3, 4):
        checkpoint.keep(path, 2)
        checkpoint.write(path, Checkpoint(TENSORS, {"epoch": epoch}))
    kept = [path, *checkpoint.earlier(path, 2)]
    assert [each.name for each in kept] == ["net.ckpt", "net.1.ckpt", "net.2.ckpt"]
    assert [checkpoint.read(each).metadata["epoch"] for each in kept] == [4, 3, 2]
    assert sorted(os.listdir(path.parent)) == sorted(each.name for each in kept)


def test_a_damaged_checkpoint_does_not_take_the_last_good_ones_place(path):
    checkpoint.keep(path, 1)
    good = Path(f"{path.parent}/net.1.ckpt").read_bytes()
    damage(path, "optimizer/step")
    checkpoint.keep(path, 1)
    assert Path(f"{path.parent}/net.1.ckpt").read_bytes() == good
