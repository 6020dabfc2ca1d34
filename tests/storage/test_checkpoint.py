"""A checkpoint comes back as it was written, or not at all and with one clear line."""

import json
import os
import struct
import tempfile
from pathlib import Path

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from stored import KERNEL, OLD, bits, refused, same

from dnncli.errors import CheckpointError
from dnncli.storage import checkpoint
from dnncli.storage.checkpoint import Checkpoint
from dnncli.storage.checkpoint_format import RESERVED


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.ckpt"


@pytest.fixture
def old(path):
    checkpoint.write(path, OLD)
    return path


LAYOUTS = {
    "C": np.array,
    "F": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
    "reversed": lambda a: a[..., ::-1].copy()[..., ::-1] if a.ndim else a,
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
}
DTYPES = st.sampled_from([np.float32, np.int32, np.int64, np.uint32, np.uint8, np.bool_])
ARRAYS = arrays.arrays(DTYPES, arrays.array_shapes(min_dims=0, min_side=0, max_side=4))
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
NAMES = st.text().filter(lambda name: name not in ("__metadata__", "records/json", *RESERVED))


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(NAMES, ARRAYS, max_size=4),
    st.dictionaries(NAMES, JSON, max_size=4),
    st.sampled_from(sorted(LAYOUTS)),
)
def test_what_is_written_comes_back_bit_for_bit_whatever_its_layout_in_memory(
    tensors, metadata, layout
):
    laid = {name: LAYOUTS[layout](array).reshape(array.shape) for name, array in tensors.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.ckpt")
        checkpoint.write(path, Checkpoint(laid, metadata))
        back = checkpoint.read(path)
        assert bits(safetensors.numpy.load_file(path)) == bits(tensors)
    assert same(back, Checkpoint(tensors, metadata))
    assert all(tensor.flags.writeable and tensor.dtype.isnative for tensor in back.tensors.values())


def test_equal_checkpoints_make_equal_files_whatever_the_order_of_their_keys(path):
    def written(order):
        tensors = {f"t{i}": np.full(3, i, np.float32) for i in order}
        checkpoint.write(path, Checkpoint(tensors, {f"k{i}": i for i in order}))
        return path.read_bytes()

    assert written(range(20)) == written(range(19, -1, -1))


def test_torch_reads_the_tensors(old):
    torch = pytest.importorskip("safetensors.torch", exc_type=ImportError)
    assert (torch.load_file(old)["hidden1.kernel"].numpy() == KERNEL).all()


def test_the_one_metadata_key_is_ours_and_other_tools_may_add_theirs(old):
    with safetensors.safe_open(old, framework="numpy") as file:
        metadata = file.metadata()
    assert list(metadata) == ["dnncli"]
    assert json.loads(metadata["dnncli"]).keys() == {*OLD.metadata, "format", "parts", "sha256"}
    safetensors.numpy.save_file(safetensors.numpy.load_file(old), old, {**metadata, "format": "pt"})
    assert same(checkpoint.read(old), OLD)


BUGS = [
    ({"a": t}, {}) for t in (np.zeros(2), np.zeros(2, np.float16), np.array(["x"]), np.array([{}]))
]
BUGS += [
    ({}, m) for m in ({"a": float("nan")}, {"a": np.float32(1)}, {"format": 3}, {"sha256": ""})
]


@pytest.mark.parametrize(("tensors", "metadata"), [*BUGS, ({"__metadata__": KERNEL}, {})])
def test_what_no_checkpoint_can_hold_is_a_bug_and_writes_nothing(path, tensors, metadata):
    with pytest.raises((TypeError, ValueError)):
        checkpoint.write(path, Checkpoint(tensors, metadata))
    assert not os.listdir(path.parent)


def test_every_flipped_bit_is_found_or_changes_nothing(old):
    data = old.read_bytes()
    payload = len(data) - KERNEL.nbytes - 4
    with open(old, "r+b", buffering=0) as file:
        for place, bit in ((p, b) for p in range(len(data)) for b in range(8)):
            os.pwrite(file.fileno(), bytes([data[place] ^ 1 << bit]), place)
            try:
                found = not same(checkpoint.read(old), OLD)
                assert not found
            except CheckpointError:
                found = True
            assert found or place < payload
            os.pwrite(file.fileno(), data[place : place + 1], place)


@pytest.mark.parametrize("change", [lambda a: a.reshape(3, 2), lambda a: a.view(np.int32)])
def test_the_same_bytes_under_another_shape_or_dtype_are_found(old, change):
    with safetensors.safe_open(old, framework="numpy") as file:
        metadata = file.metadata()
    tensors = {**OLD.tensors, "hidden1.kernel": np.ascontiguousarray(change(KERNEL))}
    safetensors.numpy.save_file(tensors, old, metadata)
    assert refused("do not match their SHA-256", checkpoint.read, old)


def test_every_other_length_is_refused(old):
    data = old.read_bytes()
    for length in (*range(len(data)), len(data) + 1, len(data) + 8):
        old.write_bytes((data + bytes(8))[:length])
        assert refused("net.ckpt is damaged: it is cut short", checkpoint.read, old)


def file_of(header, payload=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    if length is None:
        length = len(text)
    return struct.pack("<Q", length) + text + payload


def ours(record, payload=b"", **tensors):
    text = record if isinstance(record, str) else json.dumps(record)
    return file_of({"__metadata__": {"dnncli": text}, **tensors}, payload)


def holding(*tensors, size=4):
    """A file with these dtypes, shapes and offsets, and no right digest."""
    places = [
        dict(zip(("dtype", "shape", "data_offsets"), tensor, strict=False)) for tensor in tensors
    ]
    names = [f"\x1b[2J\n{i}" for i in range(len(tensors))]
    return ours(
        {"format": 1, "sha256": "0" * 64}, b"\2" * size, **dict(zip(names, places, strict=True))
    )


VAST = 2**62
DEEP = "[" * 100_000
ONE = ("F32", [1], [0, 4])
HOSTILE = {
    "is not a dnncli checkpoint .not a safetensors file": [
        b"\x89PNG\r\n\x1a\n" * 9,
        b"PK\x03\x04" + bytes(99),
    ],
    "it is cut short, or its header has no": [
        file_of({}, length=2**64 - 1),
        file_of({}, length=0),
        b"{" * 99,
    ],
    "is not a dnncli checkpoint .a safetensors file without the key `dnncli`": [
        *(safetensors.numpy.save({"a": KERNEL}, metadata) for metadata in (None, {"format": "pt"})),
        *(file_of({"__metadata__": metadata}) for metadata in ([], {"dnncli": {"format": 1}})),
    ],
    "its header is not a valid JSON": [
        file_of(b'{"a\xff": 1}'),
        file_of(b'{"a": 1, "a": 1}'),
        file_of(b"{1:"),
    ],
    "its metadata `dnncli` is not a valid JSON object": [
        *map(ours, ([], "{", DEEP, '{"a": ' + DEEP, '{"format": ' + "9" * 5000 + "}", "\ud800")),
    ],
    "it has no known format version": [ours({}), ours({"format": True}), ours({"format": 0})],
    "was made by a newer dnncli; upgrade": [
        ours({"format": 3}),
        ours({"format": 10**99, "sha256": 3}),
    ],
    "its contents do not match their SHA-256": [
        *(ours('{"format": 1, "a": ' + value + "}") for value in ("1", "1e999", "NaN")),
        *(ours({"format": 1, "sha256": digest}) for digest in ("", [], None, 1)),
        holding(ONE),
    ],
    "it is cut short, or its header does not fit": [
        *(holding(ONE, ONE), holding(ONE, size=5), holding(("F32", [1], [4, 8]), size=8)),
        *(
            holding(("F32", shape, [0, 4]))
            for shape in ([2], [VAST, VAST], [2**64], [-1, -1], [1.0], None)
        ),
        *(holding(("F32", shape, [0, 0]), size=0) for shape in ([0, VAST], [0] * 100)),
        *(holding(("X9", [1], [0, 4])), holding(("F32",)), holding()),
    ],
    "a checkpoint cannot hold": [
        holding(("F64", [1], [0, 8]), size=8),
        holding(("BOOL", [4], [0, 4])),
    ],
}


@pytest.mark.parametrize("reason", HOSTILE)
def test_a_hostile_file_is_refused_in_one_line_that_names_it(path, reason):
    for data in HOSTILE[reason]:
        path.write_bytes(data)
        assert refused(rf"net\.ckpt .*{reason}", checkpoint.read, path)
