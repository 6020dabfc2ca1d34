"""A comparison's folder: every run's checkpoint by name, and the state from which it continues."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dnncli.errors import CheckpointError, SpecError
from dnncli.records import SeedRecord, TrialRecord
from dnncli.spec.comparison import ComparisonSpec
from dnncli.storage import checkpoint, files
from dnncli.storage.checkpoint import Checkpoint

# A checkpoint without tensors, so that it is written whole or not at all, and verified.
STATE = "comparison.state"
KEY = "comparison"


@dataclass(frozen=True)
class StoredComparison:
    """A comparison as its folder has it; fingerprint: of its data, trials: the finished ones."""

    grid: ComparisonSpec
    fingerprint: str
    trials: tuple[TrialRecord, ...]


def create(folder: Path, overwrite: bool) -> None:
    """Make the folder, or take an existing one without a comparison in it.

    Raises SpecError for a comparison that would be overwritten, CheckpointError where the folder
    cannot be made.
    """
    with files.reported(folder, "made", CheckpointError):
        folder.mkdir(parents=True, exist_ok=True)
    with files.reported(folder, "looked into", CheckpointError):
        taken = (folder / STATE).exists()
    if taken and not overwrite:
        raise SpecError(
            f"--out {folder} holds a comparison: go on with --resume {folder}, or --overwrite it.",
            option="--out",
        )


def save(
    folder: Path, grid: ComparisonSpec, fingerprint: str, trials: Sequence[TrialRecord]
) -> None:
    """Write the state from which `resume` continues."""
    state = {
        "grid": asdict(grid),
        "fingerprint": fingerprint,
        "trials": [asdict(trial) for trial in trials],
    }
    # Losses may be NaN or infinite, which only Python's own JSON inside the strict one can hold.
    checkpoint.write(folder / STATE, Checkpoint({}, {KEY: json.dumps(state)}))


def load(folder: Path) -> StoredComparison:
    """The comparison in a folder. Raises CheckpointError where there is none or it is damaged."""
    state = _read(folder)
    try:
        trials = tuple(_trial(values) for values in state["trials"])
        grid = ComparisonSpec(**_with_tuples(state["grid"]))
        return StoredComparison(grid, str(state["fingerprint"]), trials)
    except (KeyError, TypeError, ValueError, SpecError) as error:
        raise CheckpointError(
            f"--resume {folder}: its state is not a comparison's: {error}"
        ) from None


def resume(folder: Path, varied: Mapping[str, Any], options: Mapping[str, Any]) -> StoredComparison:
    """The comparison in a folder, to continue with; its data may have moved.

    varied: the comparison's own options that were given, options: those of its runs.
    Raises SpecError where they differ from those it was begun with, CheckpointError as `load`.
    """
    stored = load(folder)
    grid = stored.grid
    if "data" in options:
        grid = replace(grid, options={**grid.options, "data": options["data"]})
    asked = replace(grid, **varied, options={**grid.options, **options})
    if asked.config() != grid.config() or asked.combinations() != grid.combinations():
        raise SpecError(
            f"--resume {folder}: a resumed comparison keeps the options it was begun with.",
            option="--resume",
        )
    return replace(stored, grid=grid)


def _read(folder: Path) -> dict[str, Any]:
    """The values in the state file."""
    path = folder / STATE
    if not path.is_file():
        raise CheckpointError(
            f"--resume {folder}: there is no {STATE} in it, so no comparison to go on with."
        )
    try:
        return dict(json.loads(checkpoint.read(path).metadata[KEY]))
    except (KeyError, TypeError, ValueError):
        raise CheckpointError(f"{path} is damaged or no comparison's state.") from None


def _trial(values: Mapping[str, Any]) -> TrialRecord:
    runs = tuple(SeedRecord(**_with_tuples(run)) for run in values["runs"])
    return TrialRecord(**{**values, "runs": runs})


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with tuples again, of which JSON made lists."""
    return {name: _as_tuple(value) for name, value in values.items()}


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def checkpoint_name(act: str, init: str, lr: float, seed: int) -> str:
    """The file of one run: relu-he-lr0.001-seed3.ckpt."""
    return f"{act.replace(':', '')}-{init}-lr{lr:g}-seed{seed}.ckpt"
