"""Two checkpoints, and what it means that one is the same, unchanged, or refused."""

import os

import numpy as np
import pytest

from dnncli.errors import CheckpointError
from dnncli.storage import checkpoint
from dnncli.storage.checkpoint import Checkpoint

KERNEL = np.arange(6, dtype=np.float32).reshape(2, 3)
FILE = os.fsdecode(b"caf\xe9 \\\xff \xc3\xbc")  # a name that is no UTF-8
OLD = Checkpoint({"hidden1.kernel": KERNEL, "step": np.int32([7])}, {"epoch": 1, "data": FILE})
NEW = Checkpoint({"hidden1.kernel": KERNEL + 1, "best": np.array(True)}, {"epoch": 2})


def bits(tensors):
    return {
        name: (tensor.dtype, tensor.shape, tensor.tobytes()) for name, tensor in tensors.items()
    }


def same(a, b):
    return bits(a.tensors) == bits(b.tensors) and a.metadata == b.metadata


def refused(reason, function, *arguments):
    """Whether the function fails with one line that gives the reason."""
    with pytest.raises(CheckpointError, match=reason) as caught:
        function(*arguments)
    return str(caught.value).isprintable()


def unchanged(path):
    """Whether the old checkpoint is there, and nothing beside it."""
    return os.listdir(path.parent) == [path.name] and same(checkpoint.read(path), OLD)
