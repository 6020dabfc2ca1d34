"""Files of torch.save, which hold Python's pickles: loading one can run any code."""

import json
import shlex
import zipfile
from pathlib import Path

from dnncli.errors import CheckpointError
from dnncli.storage import files

# How torch.save began a file before it wrote archives: a pickle of its magic number.
LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
PICKLE = "data.pkl"  # in its archives


def refuse(path: Path) -> None:
    """Raise CheckpointError, which says how to convert it, for a file of torch.save."""
    try:
        pickled = _is_pickled(path)
    except (OSError, ValueError, zipfile.BadZipFile):
        return  # whoever reads the file says what is wrong with it
    if pickled:
        # JSON's double quotes: the shell's are single ones.
        source = json.dumps(str(path))
        target = json.dumps(str(path.with_suffix(".safetensors")))
        code = (
            "import torch; from safetensors.torch import save_file;"
            f" save_file(torch.load({source}, weights_only=True), {target})"
        )
        raise CheckpointError(
            f"{files.shown(path)} was written by torch.save, and reading it may run code; where"
            f" PyTorch is, make a safetensors file of its state_dict: python -c {shlex.quote(code)}"
        )


def _is_pickled(path: Path) -> bool:
    """Whether torch.save wrote a file, by its first bytes or the names in its archive."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        if file.read(len(LEGACY)) == LEGACY:
            return True
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.rpartition("/")[2] == PICKLE for name in archive.namelist())
