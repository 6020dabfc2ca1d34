"""A file of torch.save is refused with what converts it; nothing else is taken for one."""

import ast
import shlex
import zipfile

import numpy as np
import pytest

from dnncli.errors import CheckpointError
from dnncli.experiments import models
from dnncli.storage import pickled


@pytest.fixture(params=["archive", "legacy"])
def saved(request, tmp_path):
    """What torch.save begins a file with, now and before 1.6, under a name that a shell minds."""
    path = tmp_path / "my model's.pt"
    if request.param == "legacy":
        path.write_bytes(pickled.LEGACY + b"\x80\x02M\xe9\x03.")
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model/data.pkl", b"\x80\x02}q\x00.")
            archive.writestr("model/version", b"3\n")
    return path


@pytest.mark.parametrize("act", [None, "relu"])
def test_the_line_that_converts_it_stands_in_the_message(saved, act):
    with pytest.raises(CheckpointError, match="reading it may run code") as error:
        models.load(saved, act, None)
    message = str(error.value)
    assert message.isprintable()
    *_, python, option, code = shlex.split(message.partition("state_dict: ")[2])
    assert (python, option) == ("python", "-c")
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)]
    paths = {str(saved), str(saved.with_suffix(".safetensors"))}
    assert {node.value for node in calls} == {True, *paths}


def test_other_files_are_left_to_their_readers(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.zeros(3))
    (tmp_path / "y.pt").write_bytes(b"\x80\x04 something else")
    for name in ("x.npz", "y.pt", "absent.pt", "."):
        pickled.refuse(tmp_path / name)
