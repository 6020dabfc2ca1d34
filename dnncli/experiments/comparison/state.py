"""A comparison's folder: every run's checkpoint by name, and the state from which it goes on."""

import json
from pathlib import Path
from typing import Any

from dnncli.errors import CheckpointError, SpecError
from dnncli.storage import checkpoint
from dnncli.storage.checkpoint import Checkpoint

STATE = (
    "comparison.state"  # a checkpoint without tensors: written whole or not at all, and verified
)
KEY = "comparison"


def create(folder: Path, overwrite: bool) -> None:
    """Make the folder, or take one that holds no comparison yet.

    Raises SpecError for a comparison that would be overwritten, CheckpointError for what the system refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"--out {folder}: cannot be made: {error.strerror}.") from None
    if (folder / STATE).exists() and not overwrite:
        raise SpecError(
            f"--out {folder} holds a comparison: go on with --resume {folder}, or --overwrite it."
        )


def save(folder: Path, state: dict[str, Any]) -> None:
    """Write the state. Its numbers may be NaN or infinite, hence the JSON of Python's own inside."""
    checkpoint.write(folder / STATE, Checkpoint({}, {KEY: json.dumps(state)}))


def load(folder: Path) -> dict[str, Any]:
    """The state as it was saved. Raises CheckpointError where there is none, or a damaged one."""
    if not (folder / STATE).is_file():
        raise CheckpointError(
            f"--resume {folder}: there is no {STATE} in it, so no comparison to go on with."
        )
    try:
        state = json.loads(checkpoint.read(folder / STATE).metadata[KEY])
    except (KeyError, TypeError, ValueError):
        raise CheckpointError(f"{folder / STATE} is damaged or no comparison's state.") from None
    return dict(state)


def name(act: str, init: str, lr: float, seed: int) -> str:
    """The file of one run: relu-he-lr0.001-seed3.ckpt."""
    return f"{act.replace(':', '')}-{init}-lr{lr:g}-seed{seed}.ckpt"
